"""Field cases D1 to D3: what a cart sends can be mapped, waived and matched exactly as it is."""

from __future__ import annotations

import pytest

from is2_core.accounts.scope import account_scope
from is2_core.items import item_table
from is2_core.items.models import CartItem
from is2_core.orders.importing.sent_skus import sent_skus
from is2_core.orders.states import ReceivedState
from tests.support.merchant import Merchant
from tests.support.world import World

ZERO_WIDTH, NO_BREAK = "\N{ZERO WIDTH SPACE}", "\N{NO-BREAK SPACE}"
# How a cart SKU stands in its shop, and how pages show it.
ODD_SKUS = {
    f"TENT{NO_BREAK}2P": "TENT[no-break space]2P",
    f"TENT{ZERO_WIDTH}-2P": "TENT[zero width space]-2P",
    " TENT-2P ": "[space]TENT-2P[space]",
    "TENT  2P": "TENT [space]2P",
    "TENT\t2P": "TENT[U+0009]2P",
    "TENT\n2P": "TENT[U+000A]2P",
    "T" * 120: "T" * 120,
}


@pytest.fixture
def merchant(world: World) -> Merchant:
    return Merchant(world)


def test_field_D1_no_method_given_is_mapped_like_any_other(merchant: Merchant) -> None:
    orders = [merchant.book(fulfillment={"fulfillmentServiceLevel": method}) for method in (None, "", "  ", NO_BREAK)]
    merchant.listing()
    for order_id in reversed(orders):
        assert "The cart shipping method (none) has no shipping mapping." in merchant.page(order_id).text
        page = merchant.follow("Add a shipping mapping")
        assert page.field("No method given: orders that come without one").has_attr("checked")
    page = merchant.press("Add Mapping", service="GROUND")
    assert "The shipping mapping for (no method given) was added." in page.messages
    assert {merchant.received(order_id).state for order_id in orders} == {ReceivedState.INJECTED}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D1_the_form_maps_no_method_and_asks_before_it_takes_silence_for_that(merchant: Merchant) -> None:
    order_id = merchant.sell(fulfillment={"fulfillmentServiceLevel": ""})
    page = merchant.browser.get(f"/integrations/{merchant.store}/shipping")
    assert "(no method given) 1 order" in page.text
    refused = merchant.browser.press("Add Mapping", method=" ", service="GROUND")
    assert (refused.status, merchant.received(order_id).state) == (400, ReceivedState.HELD)
    assert "tick that none is given" in refused.problem_at("Cart Shipping Method")
    merchant.press("Add Mapping", method="", no_method="yes", service="GROUND", hold="yes")
    page = merchant.page(order_id)
    assert "Orders with the shipping method (none) are held by its mapping." in page.text
    merchant.press("Release this order")
    assert merchant.received(order_id).state == ReceivedState.INJECTED
    merchant.browser.get(f"/integrations/{merchant.store}/shipping")
    assert "for (no method given)" in str(merchant.browser.page.soup)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D1_a_mapping_of_no_method_is_no_mapping_of_other_methods(merchant: Merchant) -> None:
    merchant.world.map_methods(merchant.store, "")
    order_id = merchant.sell(fulfillment={"fulfillmentServiceLevel": "SCHEDULED"})
    assert merchant.world.holds(order_id) == {"METHOD_UNMAPPED"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D2_a_new_shipping_speed_ships_once_a_person_has_mapped_it(merchant: Merchant) -> None:
    order_id = merchant.sell(fulfillment={"fulfillmentServiceLevel": "DRONE_WITHIN_THE_HOUR"})
    assert merchant.world.holds(order_id) == {"METHOD_UNMAPPED"}
    merchant.page(order_id)
    merchant.follow("Add a shipping mapping")
    merchant.press("Add Mapping", service="OVERNIGHT")
    assert merchant.received(order_id).state == ReceivedState.INJECTED


def test_field_D2_an_unknown_word_is_waived_by_a_person_who_has_looked(merchant: Merchant) -> None:
    order_id = merchant.sell(fulfillment={"fulfillmentStatus": "BEING_CONSIDERED"})
    assert merchant.world.holds(order_id) == {"UNKNOWN_VALUE"}
    page = merchant.page(order_id)
    assert "The cart says fulfillment status 'BEING_CONSIDERED', which this platform does not know." in page.text
    page = merchant.press("I have looked: ship it")
    assert "Approved by a person. by Alice" in page.text
    assert merchant.received(order_id).state == ReceivedState.INJECTED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D2_what_a_person_has_not_seen_is_not_waived(merchant: Merchant) -> None:
    order_id = merchant.sell(fulfillment={"fulfillmentStatus": "CONSIDERED", "fulfillmentServiceLevel": "SCHEDULED"})
    merchant.page(order_id)
    merchant.press("I have looked: ship it")
    assert merchant.world.holds(order_id) == {"METHOD_UNMAPPED"}
    merchant.world.amazon.post(f"orders/{order_id}", {"set": {"fulfillment": {"fulfillmentStatus": "RECONSIDERED"}}})
    merchant.listing()
    assert merchant.world.holds(order_id) == {"METHOD_UNMAPPED", "UNKNOWN_VALUE"}
    merchant.world.map_methods(merchant.store, "SCHEDULED")
    merchant.world.settle()
    assert merchant.received(order_id).state == ReceivedState.HELD


def test_field_D3_a_sku_is_taken_as_the_cart_sent_it(merchant: Merchant) -> None:
    orders = {merchant.book(sku=sku): sku for sku in ODD_SKUS}
    merchant.listing()
    for order_id, sku in orders.items():
        page = merchant.page(order_id)
        assert f"The SKU {ODD_SKUS[sku]} is neither a warehouse SKU nor mapped to one." in page.text
        page = merchant.follow("List and map this SKU")
        assert ODD_SKUS[sku] in page.text or page.field("Cart SKU")["value"] == sku
        page = merchant.browser.press("Add item", warehouse_sku="TENT-2P", quantity="1")
        assert f"The item {ODD_SKUS[sku]} was added." in page.messages
    merchant.world.settle()
    for order_id, sku in orders.items():
        (line,) = merchant.received(order_id).lines
        assert (merchant.received(order_id).state, line.sku) == (ReceivedState.INJECTED, sku)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D3_typing_rules_hold_for_what_is_typed(merchant: Merchant) -> None:
    merchant.sell(sku="TENT-2P")
    merchant.browser.get(f"/integrations/{merchant.store}/items")
    refused = merchant.browser.press("Add item", sku=f"TENT{NO_BREAK}2P")
    assert (refused.status, "printable" in refused.problem_at("Cart SKU")) == (400, True)
    # What another store was sent is no excuse either.
    refused = merchant.browser.press("Add item", as_sent="TENT%C2%A02P")
    assert refused.status == 400
    page = merchant.browser.press("Add item", sku="  TENT-4P  ")
    assert "The item TENT-4P was added." in page.messages


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D3_a_table_takes_what_the_cart_sent_as_well(merchant: Merchant) -> None:
    order_id = merchant.sell(sku=" TENT-2P ")
    table = b'cart_sku,title,active,warehouse_sku,quantity\r\n" TENT-2P ",,yes,TENT-2P,1\r\n'
    where = {"integration_id": merchant.store, "scope": account_scope(merchant.world.account)}
    platform = merchant.world.platform
    kept = item_table.preview(platform, **where, user_id=merchant.world.owner, content=table, sent=sent_skus)
    assert [row.sku for row in kept.rows] == [" TENT-2P "]
    merchant.browser.get(f"/item-tables/{kept.upload_id}")
    merchant.press("Apply")
    assert merchant.received(order_id).state == ReceivedState.INJECTED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D3_an_item_the_cart_named_keeps_its_sku_when_its_title_changes(merchant: Merchant) -> None:
    merchant.sell(sku=f"TENT{NO_BREAK}2P ")
    merchant.browser.get(f"/integrations/{merchant.store}/items?sku=TENT%C2%A02P%20")
    merchant.press("Add item", warehouse_sku="TENT-2P", quantity="1")
    with merchant.world.platform.db.read() as session:
        (item,) = session.query(CartItem).all()
    page = merchant.browser.get(f"/items/{item.id}")
    assert "TENT[no-break space]2P[space]" in page.text
    page = merchant.press("Save item", title="A tent")
    assert "The item was saved." in page.messages


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D3_a_method_is_taken_as_the_cart_sent_it(merchant: Merchant) -> None:
    methods = (f"Next{NO_BREAK}Day", f"{ZERO_WIDTH}Express", " By  Boat ", "m" * 300)
    orders = [merchant.book(fulfillment={"fulfillmentServiceLevel": method}) for method in methods]
    merchant.listing()
    for order_id in orders:
        merchant.page(order_id)
        merchant.follow("Add a shipping mapping")
        assert "was added" in merchant.browser.press("Add Mapping", service="GROUND").messages
    merchant.world.settle()
    assert {merchant.received(order_id).state for order_id in orders} == {ReceivedState.INJECTED}
