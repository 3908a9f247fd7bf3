"""POST_ORDER_FULFILLMENT_DATA: shipments in bulk; and the flat file, which only cancels."""

import pytest

from tests.simulator.driver import NORTHWIND, START
from tests.simulator.test_acknowledgement_feed import envelope, results
from tests.simulator.test_shipments import confirm, detail, read, three_tents

pytestmark = pytest.mark.unit

TYPE = "POST_ORDER_FULFILLMENT_DATA"
DATE = "<FulfillmentDate>2026-03-02T11:50:00Z</FulfillmentDate>"
DATA = (
    "<FulfillmentData><CarrierCode>UPS</CarrierCode><ShippingMethod>Ground</ShippingMethod>"
    "<ShipperTrackingNumber>1Z5</ShipperTrackingNumber></FulfillmentData>"
)


def shipment(who: str, number: int = 1, *, own: str = "", lines: str = "", date: str = DATE, data: str = DATA) -> str:
    body = f"{who}{own}{date}{data}{lines}"
    return f"<Message><MessageID>{number}</MessageID><OrderFulfillment>{body}</OrderFulfillment></Message>"


def by_id(order: dict) -> str:
    return f"<AmazonOrderID>{order['orderId']}</AmazonOrderID>"


def own(number: int) -> str:
    return f"<MerchantFulfillmentID>{number}</MerchantFulfillmentID>"


def line(code: str, quantity: int | None = None) -> str:
    count = "" if quantity is None else f"<Quantity>{quantity}</Quantity>"
    return f"<Item><AmazonOrderItemCode>{code}</AmazonOrderItemCode>{count}</Item>"


def run(store, *messages: str) -> list[tuple[int, str]]:
    return results(store.run(TYPE, envelope(*messages, kind="OrderFulfillment")))


def test_without_items_the_whole_order_is_shipped(amazon, store):
    order = amazon.order(branch="multi_line")
    assert run(store, shipment(by_id(order))) == []
    after = read(amazon, order)
    (package,) = after["packages"]
    assert (after["status"], package["packageReferenceId"]) == ("SHIPPED", "1")
    assert (package["carrier"], package["trackingNumber"], package["shippingService"]) == ("UPS", "1Z5", "Ground")
    assert package["shipTime"] == "2026-03-02T11:50:00.000Z"
    assert {item["orderItemId"]: item["quantity"] for item in package["packageItems"]} == {
        item["orderItemId"]: item["quantityOrdered"] for item in order["order"]["orderItems"]
    }
    (call,) = amazon.steer("GET", "calls", operation="feedProcessed")["calls"]
    assert call["packages"] == [f"{order['orderId']}/1"]


def test_parts_by_quantity_and_the_rest_without_one(amazon, store):
    order = three_tents(amazon)
    (item,) = order["order"]["orderItems"]
    assert run(store, shipment(by_id(order), lines=line(item["orderItemId"], 1))) == []
    assert read(amazon, order)["status"] == "PARTIALLY_SHIPPED"
    assert run(store, shipment(by_id(order), lines=line(item["orderItemId"]))) == []
    after = read(amazon, order)
    assert [package["packageItems"][0]["quantity"] for package in after["packages"]] == [1, 2]
    assert after["status"] == "SHIPPED"


def test_the_sellers_own_numbers_name_order_and_lines(amazon, store):
    order = amazon.order(branch="leading_zero")
    (item,) = order["order"]["orderItems"]
    booked = amazon.simulator.state.book.get(order["orderId"])
    amazon.simulator.state.book.acknowledge(booked, "IS2-5", {item["orderItemId"]: "L1"}, START)
    lines = "<Item><MerchantOrderItemID>L1</MerchantOrderItemID><Quantity>1</Quantity></Item>"
    assert run(store, shipment("<MerchantOrderID>IS2-5</MerchantOrderID>", lines=lines)) == []
    assert read(amazon, order)["packages"][0]["packageItems"] == [{"orderItemId": item["orderItemId"], "quantity": 1}]


def test_the_same_fulfillment_id_edits_the_package(amazon, store):
    order = amazon.order(branch="leading_zero")
    run(store, shipment(by_id(order), own=own(7)))
    (item,) = order["order"]["orderItems"]
    corrected = DATA.replace("1Z5", "1Z6")
    again = shipment(by_id(order), own=own(7), data=corrected, lines=line(item["orderItemId"], item["quantityOrdered"]))
    assert run(store, again) == []
    (package,) = read(amazon, order)["packages"]
    assert (package["packageReferenceId"], package["trackingNumber"]) == ("7", "1Z6")


def test_a_package_of_the_call_and_one_of_the_feed_do_not_clash(amazon, store):
    order = three_tents(amazon)
    confirm(store, order, detail(order, "1", 1))
    (item,) = order["order"]["orderItems"]
    assert run(store, shipment(by_id(order), lines=line(item["orderItemId"], 2))) == []
    assert [package["packageReferenceId"] for package in read(amazon, order)["packages"]] == ["1", "2"]


def test_a_carrier_name_may_stand_alone_or_beside_its_code(amazon, store):
    for data in (
        "<FulfillmentData><CarrierName>Riverboat</CarrierName></FulfillmentData>",
        "<FulfillmentData><CarrierCode>Other</CarrierCode><CarrierName>Riverboat</CarrierName></FulfillmentData>",
    ):
        order = amazon.order()
        assert run(store, shipment(by_id(order), data=data)) == []
        (package,) = read(amazon, order)["packages"]
        assert (package["carrier"], "trackingNumber" in package) == ("Riverboat", False)


def test_a_carrier_code_is_one_of_amazons_and_other_has_a_name(amazon, store):
    order = amazon.order()
    messages = [
        shipment(by_id(order), number, data=f"<FulfillmentData>{carrier}</FulfillmentData>")
        for number, carrier in enumerate(
            (
                "<CarrierCode>ups</CarrierCode>",
                "<CarrierCode>Riverboat</CarrierCode><CarrierName>Riverboat</CarrierName>",
                "<CarrierCode>Other</CarrierCode>",
            ),
            1,
        )
    ]
    assert run(store, *messages) == [(1, "Error"), (2, "Error"), (3, "Error")]
    assert read(amazon, order)["packages"] == []


def test_a_message_id_is_used_once(amazon, store):
    first, second = amazon.order(), amazon.order()
    assert run(store, shipment(by_id(first)), shipment(by_id(second))) == [(1, "Error")]
    assert [read(amazon, order)["status"] for order in (first, second)] == ["SHIPPED", "UNSHIPPED"]


def test_each_message_has_its_own_result(amazon, store):
    good, theirs, pending = amazon.order(), amazon.order("A2SIMNA0000002"), amazon.order(branch="pending")
    late, shipped, part = amazon.order(), amazon.order(), amazon.order(branch="leading_zero")
    confirm(store, shipped, detail(shipped))
    (item,) = part["order"]["orderItems"]
    unknown = "<AmazonOrderID>111-0000000-0000000</AmazonOrderID>"
    messages = [
        shipment(by_id(good), 1),
        shipment(by_id(theirs), 2),
        shipment(unknown, 3),
        shipment(by_id(pending), 4),
        shipment(by_id(late), 5, date="<FulfillmentDate>2026-03-03T00:00:00Z</FulfillmentDate>"),
        shipment(by_id(late), 6, date="<FulfillmentDate>2026-03-02T11:50:00</FulfillmentDate>"),
        shipment(by_id(shipped), 7),
        shipment(by_id(part), 8, lines=line(item["orderItemId"], item["quantityOrdered"] + 1)),
        shipment(by_id(part), 9, lines=line("123")),
    ]
    assert run(store, *messages) == [(number, "Error") for number in range(2, 10)]
    assert [read(amazon, order)["status"] for order in (good, late, part)] == ["SHIPPED", "UNSHIPPED", "UNSHIPPED"]


@pytest.mark.parametrize(
    "feed",
    [
        b"no xml",
        envelope(shipment("<AmazonOrderID>1</AmazonOrderID>")),
        envelope(shipment("<AmazonOrderID>1</AmazonOrderID>", data=""), kind="OrderFulfillment"),
        envelope(shipment("<AmazonOrderID>1</AmazonOrderID>", date=""), kind="OrderFulfillment"),
        envelope(
            shipment("<AmazonOrderID>1</AmazonOrderID>", data="<FulfillmentData/>"),
            kind="OrderFulfillment",
        ),
        envelope(shipment(""), kind="OrderFulfillment"),
        envelope(
            shipment("<AmazonOrderID>1</AmazonOrderID>", lines=line("1", 0)),
            kind="OrderFulfillment",
        ),
        envelope(
            shipment("<AmazonOrderID>1</AmazonOrderID>", own="<MerchantFulfillmentID>P1</MerchantFulfillmentID>"),
            kind="OrderFulfillment",
        ),
    ],
)
def test_a_file_that_is_no_such_feed_is_reported_as_message_0(store, feed):
    assert results(store.run(TYPE, feed)) == [(0, "Error")]


FLAT = "POST_FLAT_FILE_ORDER_ACKNOWLEDGEMENT_DATA"
TSV = "text/tab-separated-values; charset=UTF-8"
HEADER = "order-id\tcancellation-reason-code"


def flat(store, *lines: str) -> str:
    return store.run(FLAT, "\n".join(lines).encode(), TSV).decode()


def test_the_flat_file_cancels_and_acknowledges_nothing(amazon, store):
    order, theirs = amazon.order(), amazon.order("A2SIMNA0000002")
    report = flat(store, HEADER, f"{order['orderId']}\tNoInventory", f"{theirs['orderId']}\tNoInventory")
    after = read(amazon, order)
    assert (after["status"], after["acknowledgedTime"]) == ("CANCELLED", None)
    assert read(amazon, theirs)["status"] == "UNSHIPPED"
    assert "Number of records processed\t\t2" in report
    assert "Number of records successful\t\t1" in report
    assert "3\t18028\tError" in report


@pytest.mark.parametrize(
    ("branch", "reason", "code"),
    [
        ("plain", "Banana", 18032),
        ("plain", "", 18032),
        ("amazon_fulfilled", "NoInventory", 18030),
        ("pending", "NoInventory", 18031),
    ],
)
def test_the_flat_file_refuses_what_cannot_be_cancelled(amazon, store, branch, reason, code):
    order = amazon.order(branch=branch)
    assert f"2\t{code}\tError" in flat(store, HEADER, f"{order['orderId']}\t{reason}")
    assert read(amazon, order)["status"] == order["status"]


def test_an_xml_document_under_the_flat_type_is_answered_in_text(amazon, store):
    order = amazon.order()
    feed = envelope(shipment(by_id(order)), kind="OrderFulfillment")
    report = store.run(FLAT, feed).decode()
    assert "\t90012\tError\t" in report
    assert "\t90061\tError\t" in report
    assert not report.startswith("<")
    assert read(amazon, order)["status"] == "UNSHIPPED"


def test_a_feed_that_ends_fatal_may_have_a_report_of_another_format(amazon, store):
    order = amazon.order()
    amazon.steer("POST", "faults", {"operation": "feedProcessed", "kind": "fatal_text_report", "seller": NORTHWIND})
    feed_id = store.submit(TYPE, envelope(shipment(by_id(order)), kind="OrderFulfillment"))
    amazon.advance(60)
    assert store.feed(feed_id)["processingStatus"] == "FATAL"
    assert b"\t90057\tFatal\t" in store.report(feed_id)
    assert read(amazon, order)["status"] == "UNSHIPPED"
