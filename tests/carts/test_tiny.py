"""The Tiny cart against its shop, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points

import pluggy
import pytest
import requests
from is2_tiny import plugin
from is2_tiny.shop import Shop, create_shop

from plugins import interface
from plugins.interface import (
    MERCHANT_CHANNEL,
    Acknowledgement,
    Applied,
    AskFields,
    AuthorizationLost,
    CartContext,
    Connected,
    FieldKind,
    InstallReply,
    InventoryQuantity,
    Order,
    OrderQuery,
    OrderState,
    Package,
    PackageLine,
    PlatformSettings,
    QueryBy,
    RateLimited,
    Rejected,
    Retry,
    SettingsError,
    ShownInventory,
    Store,
    Temporary,
)
from plugins.testkit import served
from tests.support.cart_http import CartHttp, FixedToken, cart_context


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def ctx(shop: Shop) -> Iterator[CartContext]:
    with served(lambda _: create_shop(shop)) as address, requests.Session() as session:
        store = Store(shop.id, "", settings={"shop_url": address + "/"})
        yield cart_context(CartHttp(session), store, PlatformSettings("live"), FixedToken(shop.key))


def everything(**changes: object) -> OrderQuery:
    now = datetime.now(UTC)
    query = OrderQuery(QueryBy.UPDATED, now - timedelta(hours=1), now + timedelta(minutes=1))
    return replace(query, **changes)


def test_it_is_found_by_its_entry_point_and_fits_the_contract() -> None:
    (found,) = entry_points(group=interface.ENTRY_POINTS, name="tiny")
    carts = pluggy.PluginManager(interface.PROJECT)
    carts.add_hookspecs(interface)
    carts.register(found.load())
    carts.check_pending()
    assert carts.hook.cart_manifest().name == "tiny"


def test_install_asks_for_the_address_and_the_key_and_checks_them(ctx: CartContext, shop: Shop) -> None:
    asked = plugin.install(ctx, None)
    assert isinstance(asked, AskFields)
    assert {field.key: field.kind for field in asked.fields} == {
        "shop_url": FieldKind.SHOP_URL,
        "api_key": FieldKind.SECRET,
    }
    address = ctx.store.settings["shop_url"]
    fresh = replace(ctx, store=Store(None, ""))

    connected = plugin.install(fresh, InstallReply({"shop_url": address, "api_key": shop.key}, ""))
    assert isinstance(connected, Connected)
    assert (connected.identity.remote_id, connected.identity.name) == ("shop-1", "Tiny Shop")
    assert connected.credentials["token"].value == shop.key

    with pytest.raises(SettingsError) as refused:
        plugin.install(fresh, InstallReply({"shop_url": address, "api_key": "wrong"}, ""))
    assert refused.value.code == "KEY_REFUSED"


def test_the_item_list_is_read_page_by_page(ctx: CartContext, shop: Shop) -> None:
    for sku in ("A", "B", "  C c"):
        shop.add_item(sku)
    first = plugin.refresh_cart_items(ctx, None)
    last = plugin.refresh_cart_items(ctx, first.next_page)
    assert [item.sku for item in first.items + last.items] == ["A", "B", "  C c"]
    assert last.next_page is None


def test_orders_are_read_page_by_page_with_their_details(ctx: CartContext, shop: Shop) -> None:
    for number in range(3):
        shop.add_order(f"o{number}", ("MUG", 2), ("000123", 1))
    first = plugin.fetch_orders(ctx, everything())
    last = plugin.fetch_orders(ctx, everything(page=first.next_page))
    assert [order.remote_id for order in first.orders + last.orders] == ["o0", "o1", "o2"]
    assert last.next_page is None
    order = first.orders[0]
    assert order.state is OrderState.READY
    assert [(line.sku, line.ordered, line.open) for line in order.lines] == [("MUG", 2, 2), ("000123", 1, 1)]
    assert order.recipient is not None
    assert order.recipient.city == "Springfield"
    assert first.server_time is not None


def test_the_listing_can_be_narrowed_to_states(ctx: CartContext, shop: Shop) -> None:
    shop.add_order("open", ("MUG", 1))
    shop.add_order("gone", ("MUG", 1), state="cancelled")
    page = plugin.fetch_orders(ctx, everything(states=(OrderState.CANCELLED,)))
    (order,) = page.orders
    assert (order.remote_id, order.lines[0].cancelled, order.lines[0].open) == ("gone", 1, 0)


def test_a_broken_order_is_a_reject_and_an_unknown_state_is_reported(ctx: CartContext, shop: Shop) -> None:
    shop.add_order("broken", ("MUG", -1))
    shop.add_order("odd", ("MUG", 1), state="dreaming")
    page = plugin.fetch_orders(ctx, everything())
    assert [(reject.remote_id, reject.code) for reject in page.rejects] == [("broken", "UNREADABLE")]
    (odd,) = page.orders
    assert odd.state is OrderState.UNKNOWN
    assert odd.unknown[0].value == "dreaming"


def test_one_order_is_read_by_its_id(ctx: CartContext, shop: Shop) -> None:
    shop.add_order("no 1", ("MUG", 1))
    found = plugin.fetch_order(ctx, "no 1")
    assert isinstance(found, Order)
    assert found.remote_id == "no 1"
    assert plugin.fetch_order(ctx, "no 2") is None


def test_each_acknowledgement_gets_its_own_result(ctx: CartContext, shop: Shop) -> None:
    shop.add_order("good", ("MUG", 1))
    shop.add_order("gone", ("MUG", 1), state="cancelled")
    wanted = [Acknowledgement(f"key-{name}", name, f"IS2-{name}", "", ()) for name in ("good", "gone", "unknown")]
    reply = plugin.acknowledge_orders(ctx, wanted)
    assert reply.pending == ()
    assert reply.results["key-good"] == Applied("receipt-good")
    assert reply.results["key-gone"] == Rejected("REFUSED", "The order is cancelled.")
    assert reply.results["key-unknown"] == Rejected("REFUSED", "There is no such order.")
    assert shop.orders["good"]["number"] == "IS2-good"


def test_a_pause_asked_for_during_acknowledgements_holds_back_that_one_only(ctx: CartContext, shop: Shop) -> None:
    shop.add_order("first", ("MUG", 1))
    shop.add_order("second", ("MUG", 1))
    shop.fail_with = [429]
    reply = plugin.acknowledge_orders(ctx, [Acknowledgement(name, name, name, "", ()) for name in ("first", "second")])
    assert isinstance(reply.results["first"], Retry)
    assert isinstance(reply.results["second"], Applied)


def test_stock_is_read_with_who_ships_it_and_set_by_the_shops_own_id(ctx: CartContext, shop: Shop) -> None:
    shop.add_item("MUG", stock=4)
    shop.add_item("TENT", stock=9, shipped_by="shop")
    shop.add_item("000123")
    assert plugin.read_inventory(ctx, ["000123", "TENT", "MUG", "mug"]) == [
        ShownInventory("MUG", {MERCHANT_CHANNEL: 4}, remote_id="item-1"),
        ShownInventory("TENT", {"shop": 9}, remote_id="item-2"),
        ShownInventory("000123", {MERCHANT_CHANNEL: 0}, remote_id="item-3"),
    ]
    levels = [InventoryQuantity("a", "000123", "item-3", 7), InventoryQuantity("b", "GONE", "item-9", 7)]
    assert plugin.push_inventory(ctx, levels).results == {
        "a": Applied("item-3"),
        "b": Rejected("REFUSED", "There is no such item."),
    }
    assert [item["stock"] for item in shop.items] == [4, 9, 7]


def package(order_id: str, reference: str, quantity: int, tracking_number: str = "1Z9") -> Package:
    line = PackageLine(f"{order_id}-1", quantity)
    key = f"{order_id}/{reference}"
    now = datetime.now(UTC)
    return Package(key, order_id, "", reference, None, "", "Hill & Dale", "", tracking_number, now, (line,))


def test_packages_are_posted_corrected_and_refused_one_by_one(ctx: CartContext, shop: Shop) -> None:
    order = shop.add_order("o1", ("MUG", 3))
    shop.add_order("gone", ("MUG", 1), state="cancelled")
    first, second = package("o1", "1", 1), package("o1", "2", 2)
    assert plugin.post_tracking(ctx, [first, package("gone", "1", 1)]).results == {
        "o1/1": Applied("package-o1-1"),
        "gone/1": Rejected("REFUSED", "The order is cancelled."),
    }
    assert order["state"] == "new"
    corrected = replace(first, tracking_number="1Z-NEW")
    too_many = replace(second, lines=(PackageLine("o1-1", 3),))
    assert isinstance(plugin.post_tracking(ctx, [too_many]).results["o1/2"], Rejected)
    assert set(plugin.post_tracking(ctx, [corrected, second]).results) == {"o1/1", "o1/2"}
    assert [each["tracking"] for each in order["packages"].values()] == ["1Z-NEW", "1Z9"]
    assert (order["state"], order["packages"]["1"]["carrier"]) == ("shipped", "Hill & Dale")


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthorizationLost), (429, RateLimited), (500, Temporary), (503, Temporary)]
)
def test_a_failed_call_says_what_happens_next(
    ctx: CartContext, shop: Shop, status: int, error: type[Exception]
) -> None:
    shop.fail_with = [status]
    with pytest.raises(error):
        plugin.fetch_orders(ctx, everything())


def test_it_knows_two_shipping_methods(ctx: CartContext) -> None:
    assert [method.code for method in plugin.shipping_mapping_ui(ctx).methods] == ["standard", "express"]
