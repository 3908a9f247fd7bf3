"""A cart that lacks a hook: what its pages claim is true all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType

import pytest
from is2_tiny import plugin
from is2_tiny.shop import Shop, create_shop

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import WallClock
from is2_core.embedded_warehouse import packing
from is2_core.errors import Conflict
from is2_core.install import settings, trip
from is2_core.inventory.push import push
from is2_core.items import shipping_mappings
from is2_core.orders.states import ReceivedState
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule
from plugins import interface
from plugins.testkit import served
from tests.carts.test_tiny_flow import TinyWorld
from tests.conftest import make_config
from tests.support.browser import Browser
from tests.support.panel import app_over
from tests.support.parcels import ups_number

HOOKS = tuple(name for name in dir(plugin) if hasattr(interface, name) and hasattr(getattr(plugin, name), "is2_impl"))
NEEDED = ("cart_manifest", "install", "fetch_orders")
CARD, STOCK, ITEMS = "/integrations", "/integrations/{store}/stock", "/items?integration_id={store}"
SETTINGS, ORDERS, ORDER, WAREHOUSE = (
    "/integrations/{store}/settings",
    "/received-orders",
    "/received-orders/{order}",
    "/warehouse/orders/{placed}",
)
# By hook: what its absence is said to be, and what must not be claimed, page by page. None: nothing may be claimed.
CLAIMS: dict[str, list[tuple[str, str, str]]] = {
    "post_tracking": [
        (CARD, "Tiny Shop takes no tracking", ""),
        (ORDER, "The cart takes no tracking", "the cart has the tracking"),
        (WAREHOUSE, "The cart takes no tracking", "The cart has it"),
    ],
    "acknowledge_orders": [
        (ORDERS, "Tiny Shop takes none", "Acknowledged"),
        (ORDER, "Tiny Shop takes none", "Acknowledged"),
        (ORDER, "Tiny Shop takes none", "Not needed"),
    ],
    "push_inventory": [
        (CARD, "Tiny Shop takes no stock", ""),
        (STOCK, "Tiny Shop takes no stock", "Choose how often"),
        (STOCK, "Could be sold now", "Push now"),
        (SETTINGS, "Scheduling: check for new orders", "send available inventory"),
        (ITEMS, "Tiny Shop takes no stock", "is sent to the cart"),
    ],
    "read_inventory": [(STOCK, "Push now", "Compare with the cart now")],
    "refresh_cart_items": [(ITEMS, "", "Refresh Cart Items")],
    "fetch_order": [(ORDER, "", "Fetch this order again")],
    "check_connection": [(CARD, "Check now", "Test connection")],
    "shipping_mapping_ui": [(ORDER, "Acknowledged", "")],
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


class Lacking:
    """A store of a Tiny cart without one hook, with an order that was shipped."""

    def __init__(self, database_url: str, hook: str, shop: Shop, address: str) -> None:
        carts = CartRegistry()
        fewer = ModuleType("tiny")
        vars(fewer).update({name: getattr(plugin, name) for name in HOOKS if name != hook})
        carts.add("tiny", lambda: fewer)
        assert carts.broken == []
        clock = WallClock()
        self.platform = build_platform(
            make_config(database_url), clock=clock, buckets=MemoryBuckets(clock), carts=carts
        )
        self.world = world = TinyWorld(self.platform)
        shop.add_item("TENT-2P")
        shop.add_order("A-1", ("TENT-2P", 2))
        world.stock_up(["TENT-2P"])
        step = world.install(shop_url=address, api_key=shop.key)
        assert isinstance(step, trip.Ready)
        self.store = step.integration_id
        where = {"integration_id": self.store, "scope": account_scope(world.account)}
        shipping_mappings.add_shipping_mapping(self.platform, **where, method="standard", service="GROUND")
        world.add_item(self.store, "TENT-2P")
        form = settings.settings_form(self.platform, **where)
        settings.finish_setup(self.platform, **where, values={entry.field.key: entry.value for entry in form})
        world.settle()
        self.number = world.orders()["A-1"].number
        self.placed = world.warehouse_orders()[self.number].id
        packing.ship(
            self.platform,
            order_id=self.placed,
            carrier="UPS",
            service="Ground",
            tracking_number=ups_number(1),
            lines={"TENT-2P": "2"},
            user_id=None,
        )
        world.settle()

    def address(self, page: str) -> str:
        return page.format(store=self.store, order=self.world.orders()["A-1"].id, placed=self.placed)

    def told(self) -> list[str]:
        return [text for order_id in self.world.orders() for text in self.world.timeline(order_id)]


@pytest.fixture
def lacking(database_url: str, request: pytest.FixtureRequest) -> Iterator[Lacking]:
    shop = Shop()
    with served(lambda _: create_shop(shop)) as address:
        lacking = Lacking(database_url, request.param, shop, address)
        yield lacking
        lacking.platform.db.dispose()


def test_every_optional_hook_of_the_tiny_cart_is_looked_at() -> None:
    assert set(HOOKS) == {*CLAIMS, *NEEDED}


@pytest.mark.parametrize("lacking", ["post_tracking"], indirect=True)
def test_field_B7_an_order_of_a_cart_without_tracking_is_completed_and_says_why(lacking: Lacking) -> None:
    assert lacking.world.orders()["A-1"].state == ReceivedState.COMPLETED
    assert "Everything is shipped. The cart takes no tracking, so it was not told." in lacking.told()


@pytest.mark.parametrize("lacking", ["push_inventory"], indirect=True)
def test_field_B7_stock_of_a_cart_that_takes_none_is_refused_with_that(lacking: Lacking) -> None:
    with pytest.raises(Conflict, match="Tiny Shop takes no stock"):
        push.push_now(lacking.platform, integration_id=lacking.store, scope=account_scope(lacking.world.account))


@pytest.mark.parametrize("lacking", ["push_inventory"], indirect=True)
def test_a_cart_that_takes_no_stock_is_not_asked_whether_it_may_be_shared(lacking: Lacking) -> None:
    now = lacking.platform.clock.now()
    with lacking.platform.db.write() as session:
        # As of an earlier release of the cart, which took stock.
        session.add(
            Schedule(
                integration_id=lacking.store,
                kind=TaskKind.INVENTORY_PUSH,
                every_s=43200,
                next_at=now + timedelta(hours=1),
            )
        )
        pier = Integration(account_id=lacking.world.account, cart="tiny", wms_target="embedded")
        pier.state, pier.created_at = IntegrationState.ACTIVE, now
        session.add(pier)
        session.flush()
        pier_id = pier.id
    lacking.world.add_item(pier_id, "TENT-2P")
    browser = Browser(app_over(lacking.platform, lacking.platform.clock))
    browser.sign_in("tina@example.com", "A long pass phrase 4")
    assert "sold by other stores of yours" not in browser.get(lacking.address(STOCK)).text


@pytest.mark.parametrize(("lacking", "hook"), [(hook, hook) for hook in CLAIMS], indirect=["lacking"])
def test_pages_claim_what_is_true_of_a_cart_without(lacking: Lacking, hook: str) -> None:
    browser = Browser(app_over(lacking.platform, lacking.platform.clock))
    browser.sign_in("tina@example.com", "A long pass phrase 4")
    for page, said, never in CLAIMS[hook]:
        shown = browser.get(lacking.address(page))
        assert shown.status == 200, page
        assert said in shown.text, page
        assert not never or never not in shown.text, page
