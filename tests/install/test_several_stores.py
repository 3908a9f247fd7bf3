"""Several stores of one account: shared stock, nicknames, and the end and return of a store."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Credential, Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.errors import BadInput, Conflict
from is2_core.install import connect, disconnect, trip
from is2_core.install.trip import Ready
from is2_core.integrations import legacy_authorization
from is2_core.integrations.authorization_expiry import warning
from is2_core.integrations.expiry_warnings import expiry_warning
from is2_core.inventory import overview, shared_stock
from is2_core.orders.states import ReceivedState
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState
from tests.support.amazon import NORTHWIND
from tests.support.world import BROWSER, RETURN_URL, World

HARBOR = "A2SIMNA0000002"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` tells the main stories once more there."""
    return sqlite_url


def two_stores(world: World) -> tuple[int, int]:
    world.stock_up(("TENT-2P", "LAMP-USB"), 60)
    first, second = world.connect(), world.connect(seller=HARBOR)
    world.add_item(first, "TENT-2P")
    world.finish(first, nickname="US main")
    world.pass_time(minutes=5)
    return first, second


def shown(world: World, seller: str, sku: str) -> int | None:
    listings = world.amazon.get("listings", seller=seller)["listings"]
    return next(entry["quantity"] for entry in listings if entry["sku"] == sku)


def integration(world: World, store: int) -> Integration:
    with world.platform.db.read() as session:
        return session.get_one(Integration, store)


def reconnect(world: World, store: int, seller: str = NORTHWIND) -> Ready:
    away = connect.step(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        browser=BROWSER,
        return_url=RETURN_URL,
    )
    assert isinstance(away, trip.GoTo)
    params = world.consent(away.url, seller)
    back = connect.come_back(world.platform, cart="amazon", user_id=world.owner, browser=BROWSER, params=params)
    assert isinstance(back, Ready)
    return back


def test_stock_that_another_store_sells_waits_for_a_confirmation(world: World) -> None:
    first, second = two_stores(world)
    world.add_item(second, "TENT-2P")
    world.add_item(second, "LAMP-USB")
    world.finish(second, nickname="Harbor")
    world.pass_time(minutes=5)
    before = shown(world, HARBOR, "TENT-2P")
    assert before not in (60, 57)
    assert shown(world, HARBOR, "LAMP-USB") == 60
    (entry,) = shared_stock.shared_stock(world.platform, integration_id=second, scope=account_scope(world.account))
    assert (entry.warehouse_sku, entry.stores, entry.confirmed, entry.proposed) == ("TENT-2P", ("US main",), False, 3)
    with pytest.raises(BadInput):
        confirm(world, second, "-1")
    confirm(world, second, "3")
    world.settle_later(hours=12, minutes=10)
    world.pass_time(minutes=5)
    assert shown(world, HARBOR, "TENT-2P") == 57
    assert shown(world, NORTHWIND, "TENT-2P") == 57
    with world.platform.db.read() as session:
        case = session.scalars(sa.select(SupportCase).where(SupportCase.kind == CaseKind.SHARED_STOCK)).one()
    assert "Harbor now sends the stock of 1 SKUs that US main sells too: TENT-2P" in case.message
    view = overview.inventory_view(world.platform, integration_id=first, scope=account_scope(world.account))
    assert view.withheld == 0


def confirm(world: World, store: int, units: str) -> None:
    shared_stock.confirm_shared_stock(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        buffers={"TENT-2P": units},
    )


def test_a_store_that_sends_already_goes_on_when_another_begins_to_sell_the_same(world: World) -> None:
    first, second = two_stores(world)
    world.add_item(second, "TENT-2P")
    world.finish(second)
    view = overview.inventory_view(world.platform, integration_id=first, scope=account_scope(world.account))
    assert [row.withheld for row in view.rows] == [""]
    waits = overview.inventory_view(world.platform, integration_id=second, scope=account_scope(world.account))
    assert ["confirm the shared stock first" in row.withheld for row in waits.rows] == [True]


def test_scenario_F27_a_disconnected_store_stops_at_once_and_takes_everything_up_again(world: World) -> None:
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")
    (held,) = world.amazon.generate(missing_address=1)["missing_address"]
    (placed,) = world.amazon.generate(plain=1)["plain"]
    world.finish(store)
    world.pass_time(minutes=3)
    said = disconnect.disconnect(
        world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner
    )
    assert "1 orders that were not placed yet were dismissed" in said
    assert integration(world, store).state == IntegrationState.DISCONNECTED
    with world.platform.db.read() as session:
        assert session.get(Credential, store) is None
    states = {order_id: order.state for order_id, order in world.orders().items()}
    assert states == {held: ReceivedState.DISMISSED, placed: ReceivedState.INJECTED}
    calls = len(world.amazon.get("calls")["calls"])
    world.settle_later(hours=3)
    assert len(world.amazon.get("calls")["calls"]) == calls
    with pytest.raises(Conflict):
        disconnect.disconnect(
            world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner
        )
    assert reconnect(world, store) == Ready(store, False)
    world.settle()
    assert integration(world, store).state == IntegrationState.ACTIVE
    assert world.orders()[held].state == ReceivedState.HELD
    assert world.holds(held) == {"ADDRESS_MISSING"}
    assert len(world.warehouse_orders()) == 1


def test_installing_a_disconnected_store_anew_finds_it_again(world: World) -> None:
    """Under a second row of its own, orders placed before would be placed once more."""
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")
    world.amazon.generate(plain=2)
    world.finish(store)
    world.pass_time(minutes=3)
    disconnect.disconnect(world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner)
    setup = connect.begin(
        world.platform, cart="amazon", region="na", scope=account_scope(world.account), account_id=world.account
    )
    assert setup != store
    assert reconnect(world, setup) == Ready(store, False)
    world.settle_later(hours=25)
    assert len(world.warehouse_orders()) == 2
    with world.platform.db.read() as session:
        assert session.get(Integration, setup) is None


def test_the_older_and_the_new_generation_cannot_both_inject_an_order(world: World) -> None:
    """The store carries an older authorization; its tasks under way and the new consent's meet at one row and one
    order number, whichever comes first."""
    world.amazon.post("seller", {"seller": NORTHWIND, "older_token": True})
    world.stock_up()
    store = world.connect()
    assert integration(world, store).legacy_authorization
    world.map_methods(store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")
    world.amazon.generate(plain=3)
    world.finish(store)
    second = connect.begin(
        world.platform, cart="amazon", region="na", scope=account_scope(world.account), account_id=world.account
    )
    with pytest.raises(Conflict, match="connected to your account already"):
        reconnect(world, second)
    world.settle()
    with world.platform.db.write() as session:
        session.execute(sa.update(Task).where(Task.kind == "orders.place").values(state=TaskState.READY))
    assert reconnect(world, store) == Ready(store, False)
    world.settle_later(hours=2)
    assert len(world.orders()) == len(world.warehouse_orders()) == 3


def test_the_notice_about_an_older_authorization_lasts_until_further_notice(world: World) -> None:
    world.amazon.post("seller", {"seller": NORTHWIND, "older_token": True})
    store = world.connect()
    assert legacy_authorization.legacy_notice(world.platform, integration(world, store)) == ""
    legacy_authorization.set_migration(world.platform, cart="amazon", running=True)
    during = legacy_authorization.legacy_notice(world.platform, integration(world, store))
    assert "ignored" in during
    assert "until further notice" in during
    with pytest.raises(Conflict, match="still needed"):
        legacy_authorization.hide_legacy_notice(
            world.platform, integration_id=store, scope=account_scope(world.account)
        )
    legacy_authorization.set_migration(world.platform, cart="amazon", running=False)
    assert "may" in legacy_authorization.legacy_notice(world.platform, integration(world, store))
    legacy_authorization.hide_legacy_notice(world.platform, integration_id=store, scope=account_scope(world.account))
    assert legacy_authorization.legacy_notice(world.platform, integration(world, store)) == ""
    other = world.connect(seller=HARBOR)
    legacy_authorization.set_migration(world.platform, cart="amazon", running=True)
    assert legacy_authorization.legacy_notice(world.platform, integration(world, other)) == ""


@pytest.mark.parametrize(
    ("days", "level"), [(31, None), (30, "30"), (8, "30"), (7, "7"), (2, "7"), (1, "1"), (0, "over"), (-3, "over")]
)
def test_a_renewal_is_warned_of_at_30_7_and_1_days(world: World, days: int, level: str | None) -> None:
    now = world.clock.now()
    found = warning("Amazon", now + timedelta(days=days), now)
    assert (found.level if found else None) == level
    if found:
        assert "ignored" not in found.message


def test_a_reconnect_renews_the_authorization(world: World) -> None:
    store = world.connect()
    world.finish(store)
    assert expiry_warning(world.platform, store) is None
    world.clock.advance(timedelta(days=359))
    found = expiry_warning(world.platform, store)
    assert found is not None
    assert (found.level, found.days_left) == ("7", 6)
    assert "Do not ignore this" in found.message
    # Set anew, the application's secret has no age: after 180 days it would be refused.
    world.amazon.post("application", {"secrets": ["is2-demo-client-secret-0123456789"]})
    reconnect(world, store)
    assert expiry_warning(world.platform, store) is None
