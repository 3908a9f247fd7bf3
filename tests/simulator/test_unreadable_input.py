"""Input no client means to send: it is refused or reported in Amazon's words, and the next call finds all as before."""

import json
import logging

import pytest

from tests.simulator.driver import FEEDS, JSON, NORTHWIND, ORDERS, XML, Driver, Store, error
from tests.simulator.test_acknowledgement_feed import envelope, success
from tests.simulator.test_fulfillment_feed import by_id, line as shipped_line, shipment
from tests.simulator.test_listings import US, availability, feed, line
from tests.simulator.test_shipments import detail

pytestmark = pytest.mark.unit

ACKNOWLEDGEMENT, FULFILLMENT, LISTINGS = (
    "POST_ORDER_ACKNOWLEDGEMENT_DATA",
    "POST_ORDER_FULFILLMENT_DATA",
    "JSON_LISTINGS_FEED",
)
BEFORE_TIME, AFTER_TIME = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"
MANY, DEEP = "9" * 5000, b"[" * 200_000
ITEMS = f"/na/listings/2021-08-01/items/{NORTHWIND}"
V0 = "/na/orders/v0/orders"
PLACE = {"marketplaceIds": US}


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.models), False], ids=["models", "no models"])
def amazon(request) -> Driver:
    return Driver(models=request.getfixturevalue("models") if request.param else None, rate_limits=False)


def listings_issue(store: Store, content: bytes) -> dict:
    report = json.loads(store.run(LISTINGS, content, JSON))
    assert report["summary"]["messagesAccepted"] == 0
    return report["issues"][0]


def test_a_listings_feed_that_cannot_be_read_is_reported_and_holds_nobody_up(store):
    tent = line("TENT-2P", availability(1, 1))
    half = feed(line("\ud800", availability(1, 1)))
    too_deep = feed(tent | {"attributes": json.loads("[" * 80 + "]" * 80)})
    for content in (half, DEEP, too_deep, feed(tent).replace(b'"quantity": 1', b'"quantity": 1e999')):
        assert listings_issue(store, content)["code"] == "4002001"
    assert listings_issue(store, feed(tent | {"operationType": ["PATCH"]}))["attributeName"] == "operationType"
    assert json.loads(store.run(LISTINGS, feed(tent), JSON))["issues"] == []


@pytest.mark.parametrize(("number", "code"), [(MANY, b"5002"), ("0", b"5002"), ("1" * 20, None), ("1" * 21, b"5002")])
def test_a_number_of_an_xml_feed_has_20_digits_at_most(amazon, store, number, code):
    order = amazon.order()
    wanted = success(order["orderId"], "IS2-1").replace("<MessageID>1<", f"<MessageID>{number}<")
    report = store.run(ACKNOWLEDGEMENT, envelope(wanted))
    assert (code or b"<MessagesSuccessful>1<") in report


def test_a_shipment_of_no_possible_quantity_or_time_is_reported(amazon, store):
    order = amazon.order()
    too_many = shipped_line(order["order"]["orderItems"][0]["orderItemId"], "9" * 5000)
    late = f"<FulfillmentDate>{AFTER_TIME}</FulfillmentDate>"
    for parts, found in (({"lines": too_many}, b"<ResultMessageCode>5002<"), ({"date": late}, b"ShipDate is invalid")):
        assert found in store.run(FULFILLMENT, envelope(shipment(by_id(order), **parts), kind="OrderFulfillment"))
    assert amazon.steer("GET", f"orders/{order['orderId']}")["packages"] == []


def test_a_processor_that_fails_ends_its_feed_fatal_and_no_other(amazon, store, caplog):
    def fail(feed, content):
        raise ZeroDivisionError("unforeseen")

    amazon.simulator.state.feeds._processors[FULFILLMENT] = fail
    order = amazon.order()["orderId"]
    bad, good = store.submit(FULFILLMENT, b"<x/>"), store.submit(ACKNOWLEDGEMENT, envelope(success(order, "IS2-1")))
    amazon.advance(60)
    assert [store.feed(each)["processingStatus"] for each in (bad, good)] == ["FATAL", "DONE"]
    assert "resultFeedDocumentId" not in store.feed(bad)
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert bad in record.getMessage()
    assert record.exc_info[0] is ZeroDivisionError


def test_whatever_fails_is_answered_logged_and_can_be_reset(amazon, store, caplog, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr(amazon.simulator.state.feeds, "advance", fail)
    answers = [store.search(createdAfter="2026-02-01T00:00:00Z"), amazon.send("GET", "/_sim/clock")]
    monkeypatch.undo()
    monkeypatch.setattr(amazon.simulator.state.orders_v0, "answer", fail)
    answers.append(store.call("GET", f"{V0}/111-0000000-0000000"))
    for answer in answers:
        assert (answer.status, error(answer)["code"]) == (500, "InternalFailure")
        assert answer.headers["x-amzn-RequestId"]
    assert [call["status"] for call in amazon.steer("GET", "calls", operation="getOrderV0")["calls"]] == [500]
    logged = [each.exc_info[0] for each in caplog.records if each.levelno >= logging.ERROR]
    assert logged == [ZeroDivisionError] * 3
    monkeypatch.setattr(amazon.simulator.state.feeds, "advance", fail)
    assert amazon.steer("POST", "reset") == {"ok": True}
    assert amazon.steer("GET", "orders")["orders"] == []


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (ORDERS, {"createdAfter": BEFORE_TIME}),
        (ORDERS, {"createdAfter": AFTER_TIME}),
        (ORDERS, {"createdAfter": "2026-02-01T00:00:00Z", "maxResultsPerPage": MANY}),
        (ORDERS, {"createdAfter": "2026-02-01T00:00:00Z", "maxResultsPerPage": "²"}),
        (V0, {"MarketplaceIds": US, "CreatedAfter": BEFORE_TIME}),
        (V0, {"MarketplaceIds": US, "CreatedAfter": "2026-02-01T00:00:00Z", "MaxResultsPerPage": MANY}),
        (f"{FEEDS}/feeds", {"feedTypes": ACKNOWLEDGEMENT, "createdSince": BEFORE_TIME}),
        (f"{FEEDS}/feeds", {"feedTypes": ACKNOWLEDGEMENT, "pageSize": "²"}),
        (f"{FEEDS}/feeds", {"feedTypes": ACKNOWLEDGEMENT, "pageSize": MANY}),
        (ITEMS, PLACE | {"pageToken": "²"}),
        (ITEMS, PLACE | {"pageToken": MANY}),
        (ITEMS, PLACE | {"pageSize": "²"}),
    ],
)
def test_a_time_or_number_outside_all_bounds_is_a_bad_parameter(store, path, query):
    store.submit(ACKNOWLEDGEMENT, b"<x/>")
    answer = store.call("GET", path, **query)
    assert (answer.status, error(answer)["code"]) == (400, "BAD_REQUEST" if path == ITEMS else "InvalidInput")


def test_the_first_years_of_the_calendar_can_be_asked_for_in_both_versions(store):
    year_one = "0001-01-01T00:00:00Z"
    assert store.search(createdAfter=year_one, createdBefore="0002-01-01T00:00:00Z").status == 200
    query = {"MarketplaceIds": US, "CreatedAfter": year_one, "CreatedBefore": "0002-01-01T00:00:00Z"}
    assert store.call("GET", V0, **query).json()["payload"]["CreatedBefore"] == "0002-01-01T00:00:00Z"


BODIES = {
    "createFeed": ("POST", f"{FEEDS}/feeds", {}, "InvalidInput"),
    "patchListingsItem": ("PATCH", f"{ITEMS}/TENT-2P", PLACE, "BAD_REQUEST"),
    "createRestrictedDataToken": ("POST", "/na/tokens/2021-03-01/restrictedDataToken", {}, "InvalidRequest"),
    "confirmShipment": ("POST", f"{V0}/111-0000000-0000000/shipmentConfirmation", {}, "InvalidInput"),
    "createSubscription": ("POST", "/na/notifications/v1/subscriptions/ORDER_CHANGE", {}, "InvalidInput"),
}


@pytest.mark.parametrize("operation", BODIES)
def test_a_body_that_cannot_be_read_is_refused_in_the_words_of_its_api(store, operation):
    method, path, query, code = BODIES[operation]
    headers = {"x-amz-access-token": store.token, "content-type": "application/json"}
    for body in (DEEP, b"[]", b'{"a": NaN}', b'{"a": "\\ud800"}', b"\xff"):
        answer = store.driver.send(method, path, headers=headers, body=body, **query)
        assert (answer.status, error(answer)["code"]) == (400, code), body[:20]


@pytest.mark.parametrize("operation", BODIES)
def test_a_body_that_is_not_declared_as_json_is_refused_as_the_model_lets_it(store, operation):
    method, path, query, code = BODIES[operation]
    expected = (400, code) if operation == "confirmShipment" else (415, "UnsupportedMediaType")
    for declared in ({}, {"content-type": "text/xml"}):
        headers = {"x-amz-access-token": store.token} | declared
        answer = store.driver.send(method, path, headers=headers, body=b"{}", **query)
        assert (answer.status, error(answer)["code"]) == expected


def test_a_wrong_parameter_has_the_code_of_its_api_with_and_without_the_models(store):
    answers = [
        store.call("GET", ITEMS, marketplaceIds=US, pageSize="99"),
        store.call("GET", f"{ITEMS}/TENT-2P"),
        store.call("POST", "/na/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": []}),
        store.search(createdAfter="yesterday"),
    ]
    codes = ["BAD_REQUEST", "BAD_REQUEST", "InvalidRequest", "InvalidInput"]
    assert [(answer.status, error(answer)["code"]) for answer in answers] == [(400, code) for code in codes]


def test_a_list_in_place_of_a_word_is_refused(store):
    resource = {"method": "GET", "path": "/orders/v0/orders", "dataElements": [["x"]]}
    token = store.call("POST", "/na/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": [resource]})
    body = {"feedType": ["x"], "marketplaceIds": [US], "inputFeedDocumentId": store.upload(b"<x/>", XML)}
    created = store.call("POST", f"{FEEDS}/feeds", body)
    assert [answer.status for answer in (token, created)] == [400, 400]


def test_a_shipping_time_outside_the_calendar_is_refused(amazon, store):
    order = amazon.order()
    for moment in (BEFORE_TIME, AFTER_TIME):
        body = {"marketplaceId": order["marketplaceId"], "packageDetail": detail(order, shipDate=moment)}
        answer = store.call("POST", f"{V0}/{order['orderId']}/shipmentConfirmation", body)
        assert (answer.status, error(answer)["code"]) == (400, "InvalidInput")


def test_a_name_that_is_no_text_is_refused_and_the_listing_can_still_be_read(amazon, store):
    for value in ([{"value": 5}], [{"language_tag": "en_US"}]):
        body = {
            "productType": "PRODUCT",
            "patches": [{"op": "replace", "path": "/attributes/item_name", "value": value}],
        }
        answer = store.call("PATCH", f"{ITEMS}/TENT-2P", body, **PLACE).json()
        assert (answer["status"], answer["issues"][0]["code"]) == ("INVALID", "90202")
    read = store.call("GET", f"{ITEMS}/TENT-2P", includedData="summaries,attributes", **PLACE)
    assert read.json()["summaries"][0]["itemName"] == "Simulated TENT-2P"
