"""Orders from the store to the warehouse, and tracking back: rows S19 to S23."""

from __future__ import annotations

from datetime import datetime, timedelta

from is2_core.accounts.states import Role
from tests.e2e.journey import Journey
from tests.support.browser import Browser, Page
from tests.support.parcels import ups_number

METHODS = ("STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
SKUS = ("TENT-2P", "LAMP-USB", "STOVE-MINI", "000123", "Mug Blue 12oz")


def open_store(journey: Journey, **settings: str) -> int:
    """A store whose orders can all be shipped; orders of the last days are wanted too."""
    journey.world.stock_up(SKUS)
    days_ago = (journey.world.clock.now() - timedelta(days=5)).date().isoformat()
    store = journey.add_store(orders_from=days_ago, **settings)
    journey.map_methods(store, *METHODS)
    return store


def warehouse_page(journey: Journey, browser: Browser, order_id: str) -> Page:
    """The page of an order in the warehouse's own list, found by Amazon's id."""
    page = browser.get(f"/warehouse/orders?q={order_id}")
    found = page.soup.select_one("td a.number")
    assert found is not None, page.text
    return browser.get(str(found["href"]))


def test_S19_on_schedule_a_listing_of_all_orders_ready_to_be_shipped_is_requested(journey: Journey) -> None:
    """Without anybody's doing, each check asks Amazon for every order ready to ship, to the last page of the list."""
    made = journey.amazon.generate(plain=104)["plain"]
    open_store(journey)
    journey.wait()
    first = journey.listings()
    assert [call["status"] for call in first] == [200, 200]
    assert "paginationToken" in first[1]["query"]
    assert {order for call in first for order in call["orders_given"]} == set(made)
    assert "of 104 orders" in journey.merchant.get("/received-orders").text
    late = journey.sell("TENT-2P")
    journey.world.settle_later(minutes=20)
    assert "No order matches." in journey.merchant.get(f"/received-orders?q={late}").text
    journey.world.settle_later(minutes=5)
    assert journey.order_page(late).heading == f"Order {late}"
    routine = journey.listings()[2:]
    assert {call["time"] for call in routine} == {"2026-11-23T12:30:00.000Z"}
    assert late in {order for call in routine for order in call["orders_given"]}
    for call in routine:
        # Every state: what somebody ships by hand must not be shipped from here too.
        assert "fulfillmentStatuses" not in call["query"]
        assert call["query"]["fulfilledBy"] == "MERCHANT"


def test_S20_the_details_of_each_order_are_obtained(journey: Journey) -> None:
    """The listing brings lines, address and shipping method with it; an order that waited is read again, alone, before
    it is shipped."""
    store = open_store(journey)
    order_id, waits = journey.sell("TENT-2P", 3, "EXPEDITED"), journey.sell("MYSTERY")
    journey.wait()
    page = journey.order_page(order_id)
    there = journey.amazon.order(order_id)["order"]["recipient"]["deliveryAddress"]
    assert "TENT-2P Titanium spork 3 0 3" in page.text
    assert "Shipping method EXPEDITED" in page.text
    assert there["addressLine1"] in page.text
    assert journey.amazon.calls("getOrder") == []
    journey.wait(hours=1)
    order = journey.amazon.order(waits)["order"]
    moved = {"recipient": {"deliveryAddress": {"addressLine1": "77 New Street"}}}
    # Amazon may forget to raise the time of the last change, and then no listing has the order again.
    journey.amazon.post(f"orders/{waits}", {"set": {**moved, "lastUpdatedTime": order["lastUpdatedTime"]}})
    journey.wait(hours=2)
    assert "77 New Street" not in journey.order_page(waits).text
    journey.add_item(store, "MYSTERY", ("LAMP-USB", "1"))
    journey.wait()
    (call,) = journey.amazon.calls("getOrder")
    assert call["path"].endswith(f"/{waits}")
    assert "77 New Street" in warehouse_page(journey, journey.staff(Role.WAREHOUSE), waits).text


def test_S21_orders_are_injected_into_the_control_panel_for_processing(journey: Journey) -> None:
    """The warehouse finds the order among its own, with lines, service, deadline and recipient, and can work on it;
    Amazon learns its number there."""
    open_store(journey, nickname="Outdoor")
    order_id = journey.sell("LAMP-USB", 2)
    journey.wait()
    packer = journey.staff(Role.WAREHOUSE)
    page = warehouse_page(journey, packer, order_id)
    there = journey.amazon.order(order_id)
    assert page.heading == f"Warehouse order {there['merchantOrderId']}"
    assert "Northwind · Outdoor" in page.text
    assert "LAMP-USB LAMP-USB 2 0 2" in page.text
    for known in (
        there["order"]["buyer"]["buyerName"],
        there["order"]["recipient"]["deliveryAddress"]["city"],
        "Ground",
    ):
        assert known in page.text
    page = packer.press("Start packing")
    assert "State In Process" in page.text
    journey.wait()
    assert journey.order_page(order_id).link("Being packed")


def test_S22_only_an_order_that_is_ok_is_acknowledged(journey: Journey) -> None:
    """Amazon gets the acknowledgement, and the buyer sees "Processing", once the warehouse has accepted the order;
    what is held is not acknowledged before it was put right."""
    store = open_store(journey)
    made = journey.amazon.generate(plain=2, unmapped_sku=1, missing_address=1, cancellation_request=1, pending=1)
    journey.wait()
    assert journey.acknowledged() == set(made["plain"])
    seen = {branch: {journey.amazon.order(order)["buyer_view"] for order in orders} for branch, orders in made.items()}
    ordered = {"Ordered"}
    assert seen == {
        "plain": {"Processing"},
        "unmapped_sku": ordered,
        "missing_address": ordered,
        "cancellation_request": ordered,
        "pending": {"Pending"},
    }
    (unmapped,), (homeless,) = made["unmapped_sku"], made["missing_address"]
    page = journey.order_page(unmapped)
    assert "Acknowledgement Not yet" in page.text
    sku = journey.amazon.order(unmapped)["order"]["orderItems"][-1]["product"]["sellerSku"]
    journey.add_item(store, sku, ("TENT-2P", "1"))
    page = journey.order_page(homeless)
    journey.merchant.get(page.link("Correct the address"))
    journey.merchant.press(
        "Save address",
        name="Ann Example",
        line1="1 Main St",
        city="Reno",
        region="NV",
        postal_code="89501",
        country="US",
    )
    journey.wait()
    assert journey.acknowledged() == {*made["plain"], unmapped, homeless}
    assert {journey.amazon.order(order)["buyer_view"] for order in (unmapped, homeless)} == {"Processing"}
    assert "Acknowledgement Acknowledged" in journey.order_page(unmapped).text


def test_S23_tracking_is_posted_back_throughout_the_day(journey: Journey) -> None:
    """Whenever in the day a package is shipped, Amazon has its tracking within 15 minutes, and the store shows it."""
    store = open_store(journey)
    orders = [journey.sell(sku) for sku in ("TENT-2P", "LAMP-USB", "STOVE-MINI")]
    journey.wait()
    packer = journey.staff(Role.WAREHOUSE)
    for number, order_id in enumerate(orders):
        journey.wait(hours=4)
        warehouse_page(journey, packer, order_id)
        shipped = journey.world.clock.now()
        tracking = ups_number(number)
        page = packer.press("Ship package", carrier="UPS", tracking_number=tracking)
        assert f"Shipped under tracking number {tracking}." in page.messages
        assert journey.amazon.order(order_id)["packages"] == []
        journey.wait()
        (package,) = journey.amazon.order(order_id)["packages"]
        assert (package["carrier"], package["trackingNumber"]) == ("UPS", tracking)
        (call,) = [call for call in journey.amazon.calls("confirmShipment") if order_id in call["path"]]
        assert datetime.fromisoformat(call["time"]) - shipped < timedelta(minutes=15)
        assert journey.amazon.order(order_id)["buyer_view"] == "Shipped"
        page = journey.order_page(order_id)
        assert tracking in page.text
        assert "Completed" in page.text
    page = journey.merchant.get("/integrations")
    assert "Last tracking post Nov 24, 2026, 00:" in page.text
    assert page.link("Settings") == f"/integrations/{store}/settings"
