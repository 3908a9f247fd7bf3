"""POST_ORDER_ACKNOWLEDGEMENT_DATA: what is read, what is refused, what it does."""

import pytest
from defusedxml.ElementTree import fromstring

from tests.simulator.driver import NORTHWIND, ORDERS

pytestmark = pytest.mark.unit

TYPE = "POST_ORDER_ACKNOWLEDGEMENT_DATA"


def envelope(*messages: str, seller: str = NORTHWIND, kind: str = "OrderAcknowledgement") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">'
        f"<Header><DocumentVersion>1.01</DocumentVersion><MerchantIdentifier>{seller}</MerchantIdentifier></Header>"
        f"<MessageType>{kind}</MessageType>{''.join(messages)}</AmazonEnvelope>"
    ).encode()


def message(body: str, number: int = 1) -> str:
    return f"<Message><MessageID>{number}</MessageID><OrderAcknowledgement>{body}</OrderAcknowledgement></Message>"


def success(order: str, own: str | None = None, number: int = 1, items: str = "") -> str:
    merchant = f"<MerchantOrderID>{own}</MerchantOrderID>" if own else ""
    return message(f"<AmazonOrderID>{order}</AmazonOrderID>{merchant}<StatusCode>Success</StatusCode>{items}", number)


def results(report: bytes) -> list[tuple[int, str]]:
    """(MessageID, ResultCode) of each line, after a check of the summary's sums."""
    root = fromstring(report).find("Message/ProcessingReport")
    lines = [(int(line.findtext("MessageID")), line.findtext("ResultCode")) for line in root.findall("Result")]
    counts = {child.tag: int(child.text) for child in root.find("ProcessingSummary")}
    failed = {number for number, level in lines if level == "Error" and number}
    assert counts["MessagesSuccessful"] == counts["MessagesProcessed"] - len(failed)
    return lines


def test_success_links_our_number_and_the_buyer_sees_processing(amazon, store):
    order = amazon.order()
    item = order["order"]["orderItems"][0]["orderItemId"]
    assert (order["buyer_view"], order["merchantOrderId"]) == ("Ordered", None)
    line = (
        f"<Item><AmazonOrderItemCode>{item}</AmazonOrderItemCode><MerchantOrderItemID>L1</MerchantOrderItemID></Item>"
    )
    assert results(store.run(TYPE, envelope(success(order["orderId"], "IS2-7", items=line)))) == []
    after = amazon.steer("GET", f"orders/{order['orderId']}")
    assert (after["buyer_view"], after["merchantOrderId"], after["status"]) == ("Processing", "IS2-7", "UNSHIPPED")
    assert after["merchantItemIds"] == {item: "L1"}
    shown = store.call("GET", f"{ORDERS}/{order['orderId']}").json()["order"]
    assert shown["orderAliases"] == [{"aliasId": "IS2-7", "aliasType": "SELLER_ORDER_ID"}]
    assert shown["lastUpdatedTime"] > order["lastUpdatedTime"]


def test_field_H7_a_report_names_its_merchant(amazon, store):
    for feed in (envelope(success(amazon.order()["orderId"], "IS2-7")), b"no feed at all"):
        header = fromstring(store.run(TYPE, feed)).find("Header")
        assert [child.tag for child in header] == ["DocumentVersion", "MerchantIdentifier"]
        assert header.findtext("MerchantIdentifier") == store.seller


def test_field_H7_order_item_ids_have_14_or_15_digits(amazon, store):
    amazon.steer("POST", "orders/generate", {"seller": store.seller, "count": 40})
    orders = [amazon.steer("GET", f"orders/{row['orderId']}") for row in amazon.steer("GET", "orders")["orders"]]
    ids = [item["orderItemId"] for order in orders for item in order["order"]["orderItems"]]
    assert {len(id) for id in ids} == {14, 15} and len(set(ids)) == len(ids)
    assert all(id.isdecimal() for id in ids)


def test_nothing_happens_before_the_feed_is_processed(amazon, store):
    order = amazon.order()["orderId"]
    store.submit(TYPE, envelope(success(order, "IS2-7")))
    amazon.advance(59)
    assert amazon.steer("GET", f"orders/{order}")["buyer_view"] == "Ordered"
    amazon.advance(1)
    assert amazon.steer("GET", f"orders/{order}")["buyer_view"] == "Processing"


def test_each_message_has_its_own_result(amazon, store):
    good, theirs = amazon.order()["orderId"], amazon.order("A2SIMNA0000002")["orderId"]
    fba, pending = amazon.order(branch="amazon_fulfilled")["orderId"], amazon.order(branch="pending")["orderId"]
    gone = amazon.order(cancel=True)["orderId"]
    orders = [good, theirs, fba, pending, gone, "111-0000000-0000000"]
    feed = envelope(*(success(order, f"IS2-{number}", number) for number, order in enumerate(orders, 1)))
    assert results(store.run(TYPE, feed)) == [(number, "Error") for number in range(2, 7)]
    assert amazon.steer("GET", f"orders/{good}")["merchantOrderId"] == "IS2-1"
    processed = amazon.steer("GET", "calls", operation="feedProcessed")["calls"]
    assert [call["orders_acknowledged"] for call in processed] == [[good]]


def test_the_same_acknowledgement_again_is_fine_another_number_is_warned_of(amazon, store):
    order = amazon.order()["orderId"]
    for own, expected in (("IS2-7", []), ("IS2-7", []), ("IS2-8", [(1, "Warning")])):
        assert results(store.run(TYPE, envelope(success(order, own)))) == expected
    assert amazon.steer("GET", f"orders/{order}")["merchantOrderId"] == "IS2-7"


def test_one_number_cannot_stand_for_two_orders(amazon, store):
    first, second = amazon.order()["orderId"], amazon.order()["orderId"]
    feed = envelope(success(first, "IS2-7"), success(second, "IS2-7", 2))
    assert results(store.run(TYPE, feed)) == [(2, "Error")]


def test_message_ids_must_differ(amazon, store):
    first, second = amazon.order()["orderId"], amazon.order()["orderId"]
    assert results(store.run(TYPE, envelope(success(first, "A"), success(second, "B")))) == [(1, "Error")]
    assert amazon.steer("GET", f"orders/{second}")["merchantOrderId"] is None


ORDER = "<AmazonOrderID>{order}</AmazonOrderID>"
OWN = "<MerchantOrderID>IS2-7</MerchantOrderID>"
STATUS = "<StatusCode>Success</StatusCode>"


@pytest.mark.parametrize(
    "body",
    [
        OWN + ORDER + STATUS,
        ORDER + STATUS + OWN,
        ORDER + OWN,
        ORDER + OWN + STATUS + STATUS,
        ORDER + OWN + "<StatusCode>Ok</StatusCode>",
        ORDER + f"<MerchantOrderID>{'x' * 65}</MerchantOrderID>" + STATUS,
        ORDER + OWN + STATUS + "<Comment>hello</Comment>",
        ORDER + OWN + STATUS + "<Item><MerchantOrderItemID>1</MerchantOrderItemID></Item>",
        "<AmazonOrderID/>" + OWN + STATUS,
    ],
)
def test_what_breaks_the_schema_fails_the_whole_file(amazon, store, body):
    order, other = amazon.order()["orderId"], amazon.order()["orderId"]
    feed = envelope(success(other, "IS2-1"), message(body.format(order=order), 2))
    assert results(store.run(TYPE, feed)) == [(0, "Error")]
    for untouched in (order, other):
        assert amazon.steer("GET", f"orders/{untouched}")["merchantOrderId"] is None


@pytest.mark.parametrize(
    "feed",
    [
        b"",
        b"AmazonOrderID\tMerchantOrderID",
        b"<OrderAcknowledgement/>",
        envelope(),
        envelope(success("111-0000000-0000000"), seller="A2SIMNA0000002"),
        envelope(success("111-0000000-0000000"), kind="OrderFulfillment"),
        b'<!DOCTYPE x [<!ENTITY e "boom">]>' + envelope(success("&e;")),
        envelope(success("111-0000000-0000000")).replace(b"UTF-8", b"no-such-code"),
    ],
)
def test_a_file_that_is_no_such_feed_is_reported_as_message_0(store, feed):
    assert results(store.run(TYPE, feed)) == [(0, "Error")]


def failure(order: str, item: str, reason: str) -> str:
    line = f"<Item><AmazonOrderItemCode>{item}</AmazonOrderItemCode><CancelReason>{reason}</CancelReason></Item>"
    return message(f"<AmazonOrderID>{order}</AmazonOrderID><StatusCode>Failure</StatusCode>{line}")


@pytest.mark.parametrize(("reason", "back_on_sale"), [("NoInventory", False), ("BuyerCanceled", True)])
def test_failure_cancels_the_whole_order_whatever_the_line(amazon, store, reason, back_on_sale):
    order = amazon.order(branch="multi_line")
    items = order["order"]["orderItems"]
    assert results(store.run(TYPE, envelope(failure(order["orderId"], items[0]["orderItemId"], reason)))) == []
    after = amazon.steer("GET", f"orders/{order['orderId']}")
    assert after["status"] == "CANCELLED"
    assert all(
        item["cancellation"]["cancellationExecution"] == {"cancelledBy": "MERCHANT", "cancelReason": reason}
        for item in after["order"]["orderItems"]
    )
    stock = {one["sku"]: one["quantity"] for one in amazon.steer("GET", "listings", seller=NORTHWIND)["listings"]}
    for item in items:
        assert stock[item["product"]["sellerSku"]] == (item["quantityOrdered"] if back_on_sale else 0)


def test_failure_after_a_shipment_refunds_the_buyer(amazon, store):
    order = amazon.order(branch="partially_shipped")
    item = order["order"]["orderItems"][0]["orderItemId"]
    store.run(TYPE, envelope(failure(order["orderId"], item, "NoInventory")))
    assert amazon.steer("GET", f"orders/{order['orderId']}")["buyer_view"] == "Refunded"


def test_a_cancel_reason_with_success_is_refused(amazon, store):
    order = amazon.order()
    item = order["order"]["orderItems"][0]["orderItemId"]
    feed = envelope(failure(order["orderId"], item, "NoInventory")).replace(b"Failure", b"Success")
    assert results(store.run(TYPE, feed)) == [(1, "Error")]
