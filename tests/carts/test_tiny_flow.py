"""The second cart through the very same core: no regions, an API key, a real item list, synchronous writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from is2_tiny.shop import Shop, create_shop

from is2_core.accounts import users
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.admin import cart_setup
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.carts.live_call import CartRefused
from is2_core.cases.models import SupportCase
from is2_core.clock import WallClock
from is2_core.embedded_warehouse import packing, receiving
from is2_core.errors import BadInput, Conflict, FlowError
from is2_core.install import connect, settings, trip
from is2_core.inventory.push import push
from is2_core.items import custom_items, shipping_mappings
from is2_core.items.models import CartItem
from is2_core.items.states import SeenInCart
from is2_core.orders import actions
from is2_core.orders.states import AckState, ReceivedState
from is2_core.platform import Platform
from plugins.testkit import served
from tests.conftest import make_config
from tests.support.parcels import confirming
from tests.support.world import World


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def address(shop: Shop) -> Iterator[str]:
    with served(lambda _: create_shop(shop)) as running:
        yield running


class TinyWorld(World):
    """An account with the Tiny cart; real time, because the shop tells it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.clock = platform.clock  # type: ignore[assignment]
        self.account = users.create_account(platform, "Tiny Company")
        self.owner = users.create_user(
            platform, email="tina@example.com", name="Tina", password="A long pass phrase 4", account_id=self.account
        )
        cart_setup.save_cart_settings(platform, "tiny", "live", {})
        cart_setup.enable_cart(platform, "tiny")

    def install(self, **fields: str) -> trip.Step:
        store = connect.begin(
            self.platform, cart="tiny", region="", scope=account_scope(self.account), account_id=self.account
        )
        arguments = {
            "integration_id": store,
            "scope": account_scope(self.account),
            "user_id": self.owner,
            "browser": "b",
            "return_url": "http://127.0.0.1:5000/tiny/authorized",
        }
        asked = connect.step(self.platform, **arguments)
        assert isinstance(asked, trip.Ask)
        assert [field.key for field in asked.fields] == ["shop_url", "api_key"]
        return connect.step(self.platform, **arguments, params=fields)


@pytest.fixture
def tiny(database_url: str, carts: CartRegistry) -> Iterator[TinyWorld]:
    clock = WallClock()
    platform = build_platform(make_config(database_url), clock=clock, buckets=MemoryBuckets(clock), carts=carts)
    yield TinyWorld(platform)
    platform.db.dispose()


def test_a_tiny_order_is_placed_and_acknowledged_at_once(tiny: TinyWorld, shop: Shop, address: str) -> None:
    shop.add_item("APPLE", "An apple")
    shop.add_order("A-1", ("APPLE", 2))
    receiving.receive(tiny.platform, account_id=tiny.account, sku="APPLE", name="", quantity="5", user_id=None)
    step = tiny.install(shop_url=address, api_key=shop.key)
    assert isinstance(step, trip.Ready)
    store = step.integration_id
    shipping_mappings.add_shipping_mapping(
        tiny.platform, integration_id=store, scope=account_scope(tiny.account), method="FAST", service="OVERNIGHT"
    )
    shipping_mappings.add_shipping_mapping(
        tiny.platform, integration_id=store, scope=account_scope(tiny.account), method=" Standard ", service="GROUND"
    )
    form = settings.settings_form(tiny.platform, integration_id=store, scope=account_scope(tiny.account))
    values = {entry.field.key: entry.value for entry in form}
    assert "lead_days" not in values
    assert values["inventory_every"] == "3600"
    settings.finish_setup(tiny.platform, integration_id=store, scope=account_scope(tiny.account), values=values)
    tiny.settle()
    order = tiny.orders()["A-1"]
    assert (order.state, order.ack_state) == (ReceivedState.INJECTED, AckState.DONE)
    assert shop.orders["A-1"]["number"] == order.number
    assert tiny.warehouse_orders()[order.number].service == "GROUND"
    with tiny.platform.db.read() as session:
        chosen = {"shop_url": address, "inventory_every": "3600", "orders_every": "900", "unknown_skus": "hold"}
        assert session.get_one(Integration, store).settings == chosen


def test_the_item_list_is_read_and_what_left_the_cart_is_told(tiny: TinyWorld, shop: Shop, address: str) -> None:
    for sku in ("A", "B", "C"):
        shop.add_item(sku)
    step = tiny.install(shop_url=address, api_key=shop.key)
    assert isinstance(step, trip.Ready)
    where = {"integration_id": step.integration_id, "scope": account_scope(tiny.account)}
    assert custom_items.refresh_cart_items(tiny.platform, **where) == "3 items are in the cart's list."
    shop.items.pop()
    custom_items.refresh_cart_items(tiny.platform, **where)
    with tiny.platform.db.read() as session:
        seen = {row.sku: row.seen_in_cart for row in session.query(CartItem)}
    assert seen == {"A": SeenInCart.YES, "B": SeenInCart.YES, "C": SeenInCart.NO}


def test_a_wrong_key_or_address_is_refused_with_a_sentence(tiny: TinyWorld, shop: Shop, address: str) -> None:
    with pytest.raises(CartRefused, match="does not accept this API key"):
        tiny.install(shop_url=address, api_key="wrong")
    with pytest.raises(BadInput) as caught:
        tiny.install(shop_url="not an address", api_key="k")
    assert caught.value.field == "shop_url"
    with pytest.raises(FlowError, match="did not answer"):
        tiny.install(shop_url="http://127.0.0.1:9", api_key="k")


def test_stock_and_tracking_go_to_a_cart_that_answers_at_once(tiny: TinyWorld, shop: Shop, address: str) -> None:
    shop.add_item("TENT-2P")
    shop.add_order("A-2", ("TENT-2P", 2))
    tiny.stock_up(units=20)
    step = tiny.install(shop_url=address, api_key=shop.key)
    assert isinstance(step, trip.Ready)
    where = {"integration_id": step.integration_id, "scope": account_scope(tiny.account)}
    shipping_mappings.add_shipping_mapping(tiny.platform, **where, method="STANDARD", service="GROUND")
    custom_items.refresh_cart_items(tiny.platform, **where)
    with tiny.platform.db.read() as session:
        (item,) = session.query(CartItem)
    custom_items.set_active(tiny.platform, item_id=item.id, scope=account_scope(tiny.account), active=True)
    form = settings.settings_form(tiny.platform, **where)
    settings.finish_setup(tiny.platform, **where, values={entry.field.key: entry.value for entry in form})
    tiny.settle()
    order = tiny.orders()["A-2"]
    warehouse_order = tiny.warehouse_orders()[order.number]
    confirming(
        packing.ship,
        tiny.platform,
        order_id=warehouse_order.id,
        carrier="UPS",
        service="Ground",
        tracking_number="1Z7",
        lines={line.sku: str(line.quantity) for line in warehouse_order.lines},
        user_id=None,
    )
    tiny.settle()
    assert tiny.orders()["A-2"].state == ReceivedState.COMPLETED
    assert "1Z7" in str(shop.orders["A-2"])
    assert shop.items[0]["stock"] == 18
    with pytest.raises(Conflict, match="next push is possible at"):
        push.push_now(tiny.platform, **where)
    assert tiny.quarantined() == []


@pytest.mark.parametrize("from_here", [0, 1])
def test_an_order_shipped_by_hand_in_a_shop_that_shows_no_packages(
    tiny: TinyWorld, shop: Shop, address: str, from_here: int
) -> None:
    shop.add_order("A-3", ("TENT-2P", 2))
    # The shop tells its time in whole seconds, so what happened this very moment would be listed a moment later.
    before = (datetime.fromisoformat(shop.orders["A-3"]["created"]) - timedelta(seconds=5)).isoformat()
    shop.orders["A-3"] |= {"created": before, "updated": before}
    tiny.stock_up(units=20)
    step = tiny.install(shop_url=address, api_key=shop.key)
    assert isinstance(step, trip.Ready)
    where = {"integration_id": step.integration_id, "scope": account_scope(tiny.account)}
    shipping_mappings.add_shipping_mapping(tiny.platform, **where, method="STANDARD", service="GROUND")
    form = settings.settings_form(tiny.platform, **where)
    settings.finish_setup(tiny.platform, **where, values={entry.field.key: entry.value for entry in form})
    tiny.settle()
    number = tiny.orders()["A-3"].number
    if from_here:
        parcel = {"carrier": "UPS", "service": "Ground", "tracking_number": "1Z999AA10000000113"}
        order_id = tiny.warehouse_orders()[number].id
        packing.ship(tiny.platform, order_id=order_id, user_id=None, lines={"TENT-2P": "1"}, **parcel)
        tiny.settle()
    shop.orders["A-3"]["state"] = "shipped"
    actions.check_now(tiny.platform, **where)
    tiny.settle()
    with tiny.platform.db.read() as session:
        cases = session.scalars(sa.select(SupportCase.kind)).all()
    state = tiny.warehouse_orders()[number].state
    if from_here:
        # Whether the shop means all of it by "shipped" is not known: a person decides.
        assert (cases, state) == (["SHIPPED_ELSEWHERE"], "IN_PROCESS")
    else:
        assert (cases, state) == ([], "CANCELLED")
        assert tiny.orders()["A-3"].state == ReceivedState.DISMISSED
