"""The reads of Orders API v0, deprecated yet served."""

import pytest

from plugins.amazon.simulator.clock import iso
from tests.simulator.driver import NORTHWIND, START, error

pytestmark = pytest.mark.unit

V0 = "/na/orders/v0/orders"
PLACES = "ATVPDKIKX0DER,A2EUQ1WTGCTBG2,A1AM78C64UM0Y8,A2Q3Y263D00KWC"
SINCE = {"MarketplaceIds": PLACES, "CreatedAfter": "2026-02-01T00:00:00Z"}
BOTH = ("buyerInfo", "shippingAddress")


def listed(store, **query: str) -> dict:
    answer = store.call("GET", V0, **(query or SINCE))
    assert answer.status == 200, answer.body
    return answer.json()["payload"]


def read(store, order_id: str, rest: str = "") -> dict:
    answer = store.call("GET", f"{V0}/{order_id}{rest}")
    assert answer.status == 200, answer.body
    return answer.json()["payload"]


def test_an_order_in_the_words_of_version_0(amazon, store):
    known = amazon.order(branch="prime")
    order = known["order"]
    shown = read(store, known["orderId"])
    assert shown["AmazonOrderId"] == shown["SellerOrderId"] == known["orderId"]
    assert (shown["OrderStatus"], shown["FulfillmentChannel"]) == ("Unshipped", "MFN")
    assert (shown["ShipmentServiceLevelCategory"], shown["ShipServiceLevel"]) == ("NextDay", "Next D2D Dom")
    assert (shown["IsPrime"], shown["IsBusinessOrder"], shown["IsPremiumOrder"]) == (True, False, False)
    assert shown["PurchaseDate"] == order["createdTime"].replace(".000Z", "Z")
    assert shown["LatestShipDate"] == order["fulfillment"]["shipByWindow"]["latestDateTime"].replace(".000Z", "Z")
    assert shown["OrderTotal"] == {
        "CurrencyCode": order["proceeds"]["grandTotal"]["currencyCode"],
        "Amount": order["proceeds"]["grandTotal"]["amount"],
    }
    assert shown["NumberOfItemsUnshipped"] == sum(item["quantityOrdered"] for item in order["orderItems"])
    assert shown["MarketplaceId"] == known["marketplaceId"]


@pytest.mark.parametrize(
    ("branch", "field", "value"),
    [
        ("pending", "OrderStatus", "Pending"),
        ("cancelled", "OrderStatus", "Canceled"),
        ("partially_shipped", "OrderStatus", "PartiallyShipped"),
        ("amazon_fulfilled", "FulfillmentChannel", "AFN"),
        ("business", "IsBusinessOrder", True),
        ("premium", "IsPremiumOrder", True),
        ("replacement", "IsReplacementOrder", True),
    ],
)
def test_states_and_programs(amazon, store, branch, field, value):
    assert read(store, amazon.order(branch=branch)["orderId"])[field] == value


def test_a_replacement_names_the_order_it_replaces(amazon, store):
    known = amazon.order(branch="replacement")
    replaced = known["order"]["associatedOrders"][0]["orderId"]
    assert read(store, known["orderId"])["ReplacedOrderId"] == replaced


def test_the_sellers_number_is_shown_once_it_is_linked(amazon, store):
    known = amazon.order()
    order_id = known["orderId"]
    amazon.simulator.state.book.acknowledge(amazon.simulator.state.book.get(order_id), "IS2-9", {}, START)
    assert read(store, order_id)["SellerOrderId"] == "IS2-9"


def test_a_pending_order_shows_no_address_no_prices_and_no_gift(amazon, store):
    order_id = amazon.order(branch="gift", set={"fulfillment": {"fulfillmentStatus": "PENDING"}})["orderId"]
    elements = {"": BOTH, "/address": (), "/buyerInfo": (), "/orderItems": ("buyerInfo",), "/orderItems/buyerInfo": ()}
    plain, shown = store.token, {}
    for rest, wanted in elements.items():
        store.token = plain
        store.token = store.restricted(f"/orders/v0/orders/{order_id}{rest}", *wanted)
        shown[rest] = read(store, order_id, rest)
    assert not shown[""].keys() & {"ShippingAddress", "BuyerInfo", "OrderTotal"}
    assert shown["/address"] == shown["/buyerInfo"] == {"AmazonOrderId": order_id}
    assert all(not item.keys() & {"ItemPrice", "IsGift", "BuyerInfo"} for item in shown["/orderItems"]["OrderItems"])


def test_without_a_restricted_token_personal_fields_are_absent_and_nothing_is_an_error(amazon, store):
    known = amazon.order(branch="gift")
    order_id, address = known["orderId"], known["order"]["recipient"]["deliveryAddress"]
    shown = read(store, order_id)
    assert shown["ShippingAddress"] == {
        "City": address["city"],
        "StateOrRegion": address["stateOrRegion"],
        "CountryCode": address["countryCode"],
    }
    assert "BuyerInfo" not in shown
    assert read(store, order_id, "/buyerInfo") == {"AmazonOrderId": order_id}
    assert read(store, order_id, "/address")["ShippingAddress"] == shown["ShippingAddress"]
    (first, *_) = read(store, order_id, "/orderItems")["OrderItems"]
    assert (first["IsGift"], first["BuyerInfo"]) == ("true", {"GiftWrapLevel": "PREMIUM"})
    assert b"Sim" not in store.call("GET", V0, **SINCE).body.replace(b"SimNA", b"")


def test_with_a_restricted_token_personal_fields_come(amazon, store):
    known = amazon.order(branch="gift")
    order_id, order, plain = known["orderId"], known["order"], store.token
    store.token = store.restricted("/orders/v0/orders", *BOTH)
    (listed_one,) = listed(store)["Orders"]
    store.token = plain
    store.token = store.restricted("/orders/v0/orders/{orderId}", *BOTH)
    shown = read(store, order_id)
    assert listed_one == shown
    assert shown["BuyerInfo"] == {
        "BuyerEmail": order["buyer"]["buyerEmail"],
        "BuyerName": order["buyer"]["buyerName"],
    }
    assert shown["ShippingAddress"]["Name"] == order["recipient"]["deliveryAddress"]["name"]
    assert shown["ShippingAddress"]["Phone"] == order["recipient"]["deliveryAddress"]["phone"]
    store.token = plain
    store.token = store.restricted(f"/orders/v0/orders/{order_id}/orderItems", "buyerInfo")
    assert "Simgift" in read(store, order_id, "/orderItems")["OrderItems"][0]["BuyerInfo"]["GiftMessageText"]
    store.token = plain
    store.token = store.restricted(f"/orders/v0/orders/{order_id}/orderItems/buyerInfo")
    assert "Simgift" in read(store, order_id, "/orderItems/buyerInfo")["OrderItems"][0]["GiftMessageText"]


def test_a_token_for_one_element_opens_that_element_only(amazon, store):
    order_id = amazon.order()["orderId"]
    store.token = store.restricted("/orders/v0/orders/{orderId}", "shippingAddress")
    shown = read(store, order_id)
    assert "Name" in shown["ShippingAddress"]
    assert "BuyerInfo" not in shown


def test_a_role_lost_later_hides_what_the_token_would_open(amazon, store):
    order_id = amazon.order()["orderId"]
    store.token = store.restricted("/orders/v0/orders/{orderId}", *BOTH)
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "roles": ["Inventory and Order Tracking"]})
    shown = read(store, order_id)
    assert "Name" not in shown["ShippingAddress"]
    assert "BuyerInfo" not in shown


def test_brazilian_addresses_have_their_parts(amazon, store):
    known = amazon.order(branch="brazil")
    store.token = store.restricted("/orders/v0/orders/{orderId}/address")
    shown = read(store, known["orderId"], "/address")["ShippingAddress"]
    extended = known["order"]["recipient"]["deliveryAddress"]["extendedFields"]
    assert shown["ExtendedFields"] == {
        "StreetName": extended["streetName"],
        "StreetNumber": extended["streetNumber"],
        "Complement": extended["complement"],
        "Neighborhood": extended["neighborhood"],
    }
    assert shown["CountryCode"] == "BR"


def test_delivery_preferences_are_restricted_data_of_the_address(amazon, store):
    order_id = amazon.order(branch="delivery_preference")["orderId"]
    assert "DeliveryPreferences" not in read(store, order_id, "/address")
    store.token = store.restricted("/orders/v0/orders/{orderId}/address")
    shown = read(store, order_id, "/address")
    assert shown["DeliveryPreferences"]["DropOffLocation"] == "RECEPTIONIST"
    assert shown["ShippingAddress"]["AddressType"] == "Commercial"


def test_a_line_in_the_words_of_version_0(amazon, store):
    known = amazon.order(branch="partially_shipped", request_cancel="changed my mind")
    (item,) = known["order"]["orderItems"]
    (line,) = read(store, known["orderId"], "/orderItems")["OrderItems"]
    assert (line["OrderItemId"], line["SellerSKU"], line["ASIN"]) == (
        item["orderItemId"],
        "TENT-2P",
        item["product"]["asin"],
    )
    assert (line["QuantityOrdered"], line["QuantityShipped"]) == (3, 1)
    assert line["ItemPrice"] == {"CurrencyCode": item["proceeds"]["proceedsTotal"]["currencyCode"], "Amount": "387.00"}
    assert (line["IsGift"], line["ConditionId"]) == ("false", "New")
    assert line["BuyerRequestedCancel"] == {
        "IsBuyerRequestedCancel": "true",
        "BuyerCancelReason": "changed my mind",
    }


@pytest.mark.parametrize(
    ("branch", "field", "value"),
    [
        ("serial", "SerialNumberRequired", True),
        ("transparency", "IsTransparency", True),
        ("constraints", "ShippingConstraints", {"SignatureConfirmation": "MANDATORY"}),
        ("plain", "BuyerRequestedCancel", {"IsBuyerRequestedCancel": "false"}),
    ],
)
def test_what_a_line_demands(amazon, store, branch, field, value):
    line = read(store, amazon.order(branch=branch)["orderId"], "/orderItems")["OrderItems"][0]
    if isinstance(value, dict):
        assert value.items() <= line[field].items()
    else:
        assert line[field] == value


def test_the_ioss_number_is_on_the_line(amazon, store):
    line = read(store, amazon.order(branch="ioss")["orderId"], "/orderItems")["OrderItems"][0]
    assert line["IossNumber"].startswith("IM")


def test_an_unknown_id_is_empty_its_parts_are_404_and_a_malformed_one_400(amazon, store):
    theirs = amazon.order("A2SIMNA0000002")["orderId"]
    for unknown in (theirs, "111-0000000-0000000"):
        assert store.call("GET", f"{V0}/{unknown}").json() == {"payload": {}}
        for rest in ("/orderItems", "/address", "/buyerInfo", "/orderItems/buyerInfo"):
            assert store.call("GET", f"{V0}/{unknown}{rest}").status == 404
    assert store.call("GET", f"{V0}/TEST").status == 400


def test_the_list_over_its_pages(amazon, store):
    made = amazon.steer("POST", "orders/generate", {"seller": NORTHWIND, "count": 40})["branches"]
    found, query = [], SINCE | {"MaxResultsPerPage": "15"}
    while True:
        page = listed(store, **query)
        found += [order["AmazonOrderId"] for order in page["Orders"]]
        assert page["CreatedBefore"] == iso(START)[:14].replace("12:", "11:") + "58:00Z"
        if "NextToken" not in page:
            break
        assert {"+", "/", "="} <= set(page["NextToken"])
        query = {"MarketplaceIds": PLACES, "NextToken": page["NextToken"]}
    assert len(found) == 40
    assert sorted(found) == sorted(order_id for ids in made.values() for order_id in ids)


def test_a_token_that_lost_its_plus_signs_is_refused(amazon, store):
    amazon.steer("POST", "orders/generate", {"seller": NORTHWIND, "mix": {"plain": 2}})
    token = listed(store, **SINCE, MaxResultsPerPage="1")["NextToken"]
    broken = store.call("GET", V0, MarketplaceIds=PLACES, NextToken=token.replace("+", " "))
    assert (broken.status, error(broken)["code"]) == (400, "InvalidInput")
    amazon.advance(3500)
    assert len(listed(store, MarketplaceIds=PLACES, NextToken=token)["Orders"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"CreatedAfter": "2026-02-01T00:00:00Z"},
        {"MarketplaceIds": PLACES},
        SINCE | {"LastUpdatedAfter": "2026-02-01T00:00:00Z"},
        SINCE | {"LastUpdatedBefore": "2026-03-01T00:00:00Z"},
        SINCE | {"CreatedBefore": "2026-03-02T11:59:00Z"},
        SINCE | {"CreatedBefore": "2026-01-01T00:00:00Z"},
        {"MarketplaceIds": PLACES, "CreatedAfter": "2026-02-01T00:00:00"},
        SINCE | {"OrderStatuses": "UNSHIPPED"},
        SINCE | {"OrderStatuses": "Cancelled"},
        SINCE | {"FulfillmentChannels": "MERCHANT"},
        SINCE | {"MaxResultsPerPage": "101"},
        SINCE | {"AmazonOrderIds": ",".join(["111-0000000-0000000"] * 51)},
        {"MarketplaceIds": PLACES, "NextToken": "made-up"},
        SINCE | {"MarketplaceIds": "FOO"},
        SINCE | {"EasyShipShipmentStatuses": "junk"},
        SINCE | {"ElectronicInvoiceStatuses": "junk"},
        SINCE | {"SellerOrderId": "1", "OrderStatuses": "Unshipped"},
        SINCE | {"SellerOrderId": "1", "FulfillmentChannels": "MFN"},
        {"MarketplaceIds": PLACES, "LastUpdatedAfter": "2026-02-01T00:00:00Z", "SellerOrderId": "1"},
    ],
)
def test_what_the_list_refuses(store, query):
    answer = store.call("GET", V0, **query)
    assert (answer.status, error(answer)["code"]) == (400, "InvalidInput")


def test_the_lists_filters(amazon, store):
    made = amazon.steer(
        "POST",
        "orders/generate",
        {"seller": NORTHWIND, "mix": {"plain": 3, "pending": 2, "cancelled": 1, "amazon_fulfilled": 2, "prime": 1}},
    )["branches"]

    def ids(**query: str) -> list[str]:
        return sorted(order["AmazonOrderId"] for order in listed(store, **SINCE, **query)["Orders"])

    assert ids(OrderStatuses="Pending,Canceled") == sorted(made["pending"] + made["cancelled"])
    assert ids(FulfillmentChannels="AFN") == sorted(made["amazon_fulfilled"])
    assert ids(AmazonOrderIds=",".join(made["plain"][:2])) == sorted(made["plain"][:2])
    assert ids(SellerOrderId=made["prime"][0]) == made["prime"]
    assert ids(PaymentMethods="COD") == ids(EasyShipShipmentStatuses="PickedUp") == []
    assert ids(IsISPU="true") == []
    assert len(ids(IsISPU="false")) == 9
    buyer = amazon.steer("GET", f"orders/{made['prime'][0]}")["order"]["buyer"]["buyerEmail"]
    assert ids(BuyerEmail=buyer) == made["prime"]
    assert ids(LatestDeliveryDateBefore="2026-02-01T00:00:00Z") == []
    assert len(ids(EarliestDeliveryDateAfter="2026-02-01T00:00:00Z")) == 9


def test_the_call_log_tells_which_orders_were_given(amazon, store):
    order_id = amazon.order()["orderId"]
    listed(store)
    read(store, order_id)
    for operation in ("getOrders", "getOrderV0"):
        (call,) = amazon.steer("GET", "calls", operation=operation)["calls"]
        assert call["orders_given"] == [order_id]
