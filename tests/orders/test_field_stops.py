"""Field case D4: orders that are set aside, refused or not wanted any more end by what a person decides."""

from __future__ import annotations

import pytest

from is2_core.cases.models import SupportCase
from is2_core.orders import actions
from is2_core.orders.states import ReceivedState
from tests.support.browser import Browser
from tests.support.buyers import why
from tests.support.merchant import Merchant
from tests.support.world import World

# No parcel could hold so many: the order cannot be read.
UNREADABLE = 10**9


@pytest.fixture
def merchant(world: World) -> Merchant:
    return Merchant(world)


def request_cancellation(merchant: Merchant, order_id: str) -> None:
    """Let the buyer ask to cancel, and let a listing tell."""
    (item,) = merchant.world.amazon.order(order_id)["order"]["orderItems"]
    item["cancellation"] = {"cancellationRequest": {"requester": "BUYER", "cancelReason": "Ordered twice"}}
    merchant.world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [item]}})
    merchant.listing()


def mend(merchant: Merchant, order_id: str) -> None:
    """Have the order ask for one unit, without a listing that tells."""
    (item,) = merchant.world.amazon.order(order_id)["order"]["orderItems"]
    item["quantityOrdered"] = item["fulfillment"]["quantityUnfulfilled"] = 1
    merchant.world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [item]}})


def buttons(browser: Browser) -> set[str]:
    return {" ".join(tag.get_text(" ").split()) for tag in browser.page.soup.find_all("button")}


def test_field_D4_an_order_that_cannot_be_read_is_read_again_and_ships(merchant: Merchant) -> None:
    order_id = merchant.sell(units=UNREADABLE)
    assert merchant.received(order_id).state == ReceivedState.QUARANTINED
    assert merchant.cases() == ["UNREADABLE"]
    page = merchant.page(order_id)
    assert "Support has been told." in page.text
    assert "Ask the warehouse to stop it" not in buttons(merchant.browser)
    mend(merchant, order_id)
    merchant.press("Read it again")
    assert merchant.received(order_id).state == ReceivedState.INJECTED
    assert merchant.cases() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D4_an_order_that_cannot_be_read_ends_where_a_person_wants_it(merchant: Merchant) -> None:
    order_id = merchant.sell(units=UNREADABLE)
    merchant.page(order_id)
    page = merchant.press("Do not ship")
    order = merchant.received(order_id)
    assert (order.state, why(order)) == (ReceivedState.DISMISSED, "It is not to ship, as a person decided.")
    assert "by Alice" in page.text
    mend(merchant, order_id)
    merchant.listing()
    assert merchant.received(order_id).state == ReceivedState.DISMISSED
    assert merchant.world.warehouse_orders() == {}
    assert merchant.cases() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D4_support_is_told_once_of_the_same_orders(merchant: Merchant) -> None:
    merchant.sell(units=UNREADABLE)
    with merchant.world.platform.db.write() as session:
        for case in session.query(SupportCase).all():
            case.closed_at = merchant.world.clock.now()
    merchant.listing()
    assert merchant.cases() == []
    merchant.sell(units=UNREADABLE)
    assert merchant.cases() == ["UNREADABLE"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D4_a_buyer_who_cancels_before_placing(merchant: Merchant) -> None:
    orders = [merchant.book(fulfillment={"fulfillmentServiceLevel": "NEXT_DAY"}) for _ in range(3)]
    merchant.listing()
    for order_id in orders:
        request_cancellation(merchant, order_id)
    merchant.world.map_methods(merchant.store, "NEXT_DAY")
    ended, shipped, withdrawn = orders
    page = merchant.page(ended)
    assert "The buyer has asked to cancel this order. Reason given: Ordered twice." in page.text
    assert {"Do not ship", "Read it again", "Ship it anyway"} <= buttons(merchant.browser)
    merchant.press("Do not ship")
    merchant.page(shipped)
    merchant.press("Ship it anyway")
    (item,) = merchant.world.amazon.order(withdrawn)["order"]["orderItems"]
    del item["cancellation"]
    merchant.world.amazon.post(f"orders/{withdrawn}", {"set": {"orderItems": [item]}})
    merchant.page(withdrawn)
    merchant.press("Read it again")
    states = [merchant.received(order_id).state for order_id in orders]
    assert states == [ReceivedState.DISMISSED, ReceivedState.INJECTED, ReceivedState.INJECTED]


def test_field_D4_a_buyer_who_cancels_after_placing(merchant: Merchant) -> None:
    order_id = merchant.sell()
    request_cancellation(merchant, order_id)
    assert merchant.cases() == ["CANCELLATION_REQUESTED"]
    page = merchant.page(order_id)
    assert "The buyer asks to cancel this order, and the warehouse has it." in page.text
    assert {"Do not ship", "Ship it anyway"}.isdisjoint(buttons(merchant.browser))
    merchant.press("Ask the warehouse to stop it")
    page = merchant.page(order_id)
    order = merchant.received(order_id)
    assert order.state == ReceivedState.DISMISSED
    assert why(order) == "Not to be shipped, as a person decided after it was placed; the warehouse stopped it."
    assert {row.state for row in merchant.world.warehouse_orders().values()} == {"CANCELLED"}
    assert "A person has asked to have the warehouse stop it. by Alice" in page.text
    assert "Ask the warehouse to stop it" not in buttons(merchant.browser)
    assert merchant.cases() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D4_what_the_warehouse_has_shipped_is_not_stopped_and_a_case_says_so(merchant: Merchant) -> None:
    order_id = merchant.sell()
    merchant.page(order_id)
    merchant.ship(order_id)
    merchant.press("Ask the warehouse to stop it")
    merchant.listing()
    assert "TOO_LATE" in merchant.cases()
    assert "Not to be shipped, as a person decided, but too late." in merchant.page(order_id).text
    assert merchant.received(order_id).state == ReceivedState.COMPLETED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_field_D4_nobody_else_decides(merchant: Merchant) -> None:
    order_id = merchant.sell(units=UNREADABLE)
    path = f"/received-orders/{merchant.received(order_id).id}"
    for action in ("do-not-ship", "ask-again", "stop"):
        assert merchant.visitor().client.post(f"{path}/{action}").status_code in (302, 303, 400, 403)
        assert merchant.received(order_id).state == ReceivedState.QUARANTINED
    page = merchant.browser.post(f"{path}/stop")
    assert (page.status, "nothing of it left to stop" in page.text) == (409, True)
    page = merchant.browser.post(f"{path}/ask-again")
    assert (page.status, "has not refused" in page.text) == (409, True)
    assert actions.may_be_stopped(merchant.received(order_id)) is False
