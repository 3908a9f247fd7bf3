"""Every kind of fault: what the caller gets, and whether the call had its effect."""

import json

import pytest

from plugins.amazon.simulator import ConnectionDropped
from tests.simulator.driver import CLIENT, NORTHWIND, ORDERS, XML, error
from tests.simulator.test_acknowledgement_feed import envelope, results, success
from tests.simulator.test_shipments import detail

pytestmark = pytest.mark.unit

SEARCH = {"lastUpdatedAfter": "2026-02-01T00:00:00Z"}
LONG_AGO = "2026-02-20T08:00:00.000Z"


def arm(amazon, operation: str, kind: str, **more) -> None:
    amazon.steer("POST", "faults", {"operation": operation, "kind": kind} | more)


def confirm(store, order: dict):
    body = {"marketplaceId": order["marketplaceId"], "packageDetail": detail(order)}
    return store.call("POST", f"/na/orders/v0/orders/{order['orderId']}/shipmentConfirmation", body)


def listed(answer) -> list[str]:
    return [order["orderId"] for order in answer.json()["orders"]]


@pytest.mark.parametrize(("kind", "status"), [("refuse", "UNSHIPPED"), ("apply_then_drop", "SHIPPED")])
def test_a_dropped_call_had_its_effect_or_not(amazon, store, kind, status):
    order = amazon.order()
    arm(amazon, "confirmShipment", kind)
    with pytest.raises(ConnectionDropped):
        confirm(store, order)
    assert amazon.steer("GET", f"orders/{order['orderId']}")["status"] == status
    assert confirm(store, order).status == 204


def test_a_confirmation_can_be_accepted_and_forgotten(amazon, store):
    order = amazon.order()
    arm(amazon, "confirmShipment", "forget")
    assert confirm(store, order).status == 204
    shown = amazon.steer("GET", f"orders/{order['orderId']}")
    assert (shown["status"], shown["packages"]) == ("UNSHIPPED", [])
    assert confirm(store, order).status == 204
    assert amazon.steer("GET", f"orders/{order['orderId']}")["status"] == "SHIPPED"
    with pytest.raises(AssertionError, match="confirmShipment"):
        arm(amazon, "getOrder", "forget")


def test_a_fault_can_last_for_a_time_instead(amazon, store):
    order = amazon.order()["orderId"]
    arm(amazon, "searchOrders", "omit", order_id=order, lasts_s=1800)
    assert [listed(store.search(**SEARCH)) for _ in range(3)] == [[], [], []]
    amazon.steer("POST", "clock", {"advance_s": 1800})
    assert amazon.steer("GET", "faults")["faults"] == []
    assert listed(store.search(**SEARCH)) == [order]


def test_old_orders_can_be_left_out(amazon, store):
    new, old = (amazon.order()["orderId"] for _ in range(2))
    amazon.steer("POST", f"orders/{old}", {"set": {"createdTime": LONG_AGO, "lastUpdatedTime": LONG_AGO}})
    arm(amazon, "searchOrders", "omit", older_than_s=7 * 86_400)
    assert listed(store.search(**SEARCH)) == [new]
    assert sorted(listed(store.search(**SEARCH))) == sorted([old, new])


def test_a_dropped_listing_gave_no_orders(amazon, store):
    amazon.order()
    arm(amazon, "searchOrders", "apply_then_drop")
    with pytest.raises(ConnectionDropped):
        store.search(**SEARCH)
    (call,) = amazon.steer("GET", "calls", operation="searchOrders")["calls"]
    assert (call["fault"], call["orders_given"], call["status"]) == ("apply_then_drop", [], None)


@pytest.mark.parametrize(
    ("kind", "more", "status"),
    [("429", {}, 429), ("400", {}, 400), ("5xx", {}, 503), ("5xx", {"status": 500}, 500), ("502", {}, 502)],
)
def test_a_refusing_fault_answers_in_amazons_shape_and_applies_nothing(amazon, store, kind, more, status):
    order = amazon.order()
    arm(amazon, "confirmShipment", kind, **more)
    answer = confirm(store, order)
    assert (answer.status, error(answer).keys()) == (status, {"code", "message", "details"})
    assert amazon.steer("GET", f"orders/{order['orderId']}")["status"] == "UNSHIPPED"


def test_html_200_and_truncate_are_no_json(amazon, store):
    amazon.order()
    for kind in ("html_200", "truncate"):
        arm(amazon, "searchOrders", kind)
        answer = store.search(**SEARCH)
        assert answer.status == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()
    calls = amazon.steer("GET", "calls", operation="searchOrders")["calls"]
    assert [call["orders_given"] for call in calls] == [[], []]


def test_delay_is_left_to_the_front(amazon, store):
    arm(amazon, "searchOrders", "delay", seconds=40)
    assert store.search(**SEARCH).delay_s == 40
    assert store.search(**SEARCH).delay_s == 0


def test_dup_page_gives_the_same_page_under_a_new_token(amazon, store):
    amazon.steer("POST", "orders/generate", {"seller": NORTHWIND, "mix": {"plain": 6}})
    arm(amazon, "searchOrders", "dup_page")
    first = store.search(**SEARCH, maxResultsPerPage="3")
    second = store.search(**SEARCH, maxResultsPerPage="3", paginationToken=first.json()["pagination"]["nextToken"])
    third = store.search(**SEARCH, maxResultsPerPage="3", paginationToken=second.json()["pagination"]["nextToken"])
    assert listed(first) == listed(second)
    assert first.json()["pagination"] != second.json()["pagination"]
    assert not set(listed(first)) & set(listed(third))


def test_omit_leaves_an_order_out_of_reply_and_log(amazon, store):
    orders = [amazon.order()["orderId"] for _ in range(3)]
    arm(amazon, "searchOrders", "omit", order_id=orders[1])
    assert orders[1] not in listed(store.search(**SEARCH))
    (call,) = amazon.steer("GET", "calls", operation="searchOrders")["calls"]
    assert set(call["orders_given"]) == {orders[0], orders[2]}
    assert orders[1] in listed(store.search(**SEARCH))


def test_reorder_turns_the_page_round(amazon, store):
    amazon.steer("POST", "orders/generate", {"seller": NORTHWIND, "mix": {"plain": 5}})
    straight = listed(store.search(**SEARCH))
    arm(amazon, "searchOrders", "reorder")
    assert listed(store.search(**SEARCH)) == straight[::-1]


def test_a_dataset_can_be_refused_alone(amazon, store):
    order = amazon.order()["orderId"]
    arm(amazon, "searchOrders", "400", dataset="FULFILLMENT", times=2)
    wanted = ["BUYER,FULFILLMENT", "BUYER,RECIPIENT", "FULFILLMENT", "FULFILLMENT"]
    answers = [store.search(**SEARCH, includedData=included) for included in wanted]
    assert [answer.status for answer in answers] == [400, 200, 400, 200]
    assert store.search(**SEARCH).status == 200
    assert error(answers[0])["code"] == "InvalidInput"
    assert listed(answers[1]) == [order]
    arm(amazon, "*", "400", dataset="FULFILLMENT")
    assert store.call("GET", f"{ORDERS}/{order}", includedData="FULFILLMENT").status == 400


def test_a_refusal_can_be_worded(amazon, store):
    order = amazon.order()
    arm(amazon, "confirmShipment", "400", message="errorMetric=InvalidPackageVersion")
    assert error(confirm(store, order))["message"] == "errorMetric=InvalidPackageVersion"


def test_stale_repeats_the_last_answer(amazon, store):
    order = amazon.order()["orderId"]

    def status() -> str:
        answer = store.call("GET", f"{ORDERS}/{order}", includedData="FULFILLMENT")
        return answer.json()["order"]["fulfillment"]["fulfillmentStatus"]

    assert status() == "UNSHIPPED"
    amazon.steer("POST", f"orders/{order}", {"cancel": True})
    arm(amazon, "getOrder", "stale")
    assert status() == "UNSHIPPED"
    assert status() == "CANCELLED"


def test_stale_repeats_an_answer_to_the_same_question_only(amazon, store):
    order = amazon.order()["orderId"]
    assert "fulfillment" not in store.call("GET", f"{ORDERS}/{order}").json()["order"]
    arm(amazon, "getOrder", "stale")
    assert "fulfillment" in store.call("GET", f"{ORDERS}/{order}", includedData="FULFILLMENT").json()["order"]


def test_times_and_skip_count_calls(amazon, store):
    arm(amazon, "searchOrders", "5xx", times=2, skip=1)
    assert [store.search(**SEARCH).status for _ in range(5)] == [200, 503, 503, 200, 200]
    assert amazon.steer("GET", "faults")["faults"] == []


def test_a_fault_can_be_for_one_seller_or_for_everything(amazon, store):
    other = amazon.connect("A2SIMNA0000002")
    arm(amazon, "*", "5xx", seller="A2SIMNA0000002", times=2)
    assert store.search(**SEARCH).status == 200
    assert other.search(**SEARCH).status == 503
    assert other.call("GET", "/na/sellers/v1/marketplaceParticipations").status == 503


def test_the_token_endpoint_and_the_documents_can_fail_too(amazon, store):
    arm(amazon, "token", "5xx")
    form = CLIENT | {"grant_type": "refresh_token", "refresh_token": store.refresh_token}
    assert [amazon.token_call(**form).status for _ in range(2)] == [503, 200]
    arm(amazon, "uploadDocument", "refuse")
    with pytest.raises(ConnectionDropped):
        store.upload(b"<x/>")


@pytest.mark.parametrize(
    ("kind", "status", "oauth", "s3"),
    [
        ("400", 400, "invalid_request", "InvalidRequest"),
        ("429", 429, "temporarily_unavailable", "SlowDown"),
        ("500", 500, "server_error", "InternalError"),
        ("5xx", 503, "temporarily_unavailable", "ServiceUnavailable"),
    ],
)
def test_outside_the_selling_partner_api_a_refusal_has_the_shape_of_its_service(
    amazon, store, *, kind, status, oauth, s3
):
    for operation in ("token", "uploadDocument", "consent"):
        arm(amazon, operation, kind)
    token = amazon.token_call(grant_type="refresh_token", refresh_token=store.refresh_token, **CLIENT)
    assert (token.status, token.json().keys()) == (status, {"error", "error_description"})
    assert (token.json()["error"], token.headers["Cache-Control"]) == (oauth, "no-store")
    url = store.call("POST", "/na/feeds/2021-06-30/documents", {"contentType": XML}).json()["url"]
    upload = amazon.send("PUT", url, headers={"Content-Type": XML}, body=b"<x/>")
    assert (upload.status, upload.headers["Content-Type"]) == (status, "application/xml")
    assert f"<Code>{s3}</Code>" in upload.body.decode()
    page = amazon.send("GET", "/sellercentral/us/apps/authorize/consent")
    assert (page.status, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")


def test_a_bad_parameter_out_of_the_blue_has_the_code_of_its_api(amazon, store):
    arm(amazon, "*", "400", times=2)
    listing = store.call("GET", f"/na/listings/2021-08-01/items/{NORTHWIND}", marketplaceIds="ATVPDKIKX0DER")
    assert [error(each)["code"] for each in (listing, store.search(**SEARCH))] == ["BAD_REQUEST", "InvalidInput"]


def run_feed(store, *orders: str) -> str:
    feed = envelope(*(success(order, f"IS2-{number}", number) for number, order in enumerate(orders, 1)))
    feed_id = store.submit("POST_ORDER_ACKNOWLEDGEMENT_DATA", feed)
    store.driver.advance(60)
    return feed_id


@pytest.mark.parametrize(("kind", "buyer_sees"), [("fatal", "Ordered"), ("apply_then_fatal", "Processing")])
def test_a_feed_can_end_fatal_with_or_without_its_effect(amazon, store, kind, buyer_sees):
    order = amazon.order()["orderId"]
    arm(amazon, "feedProcessed", kind)
    feed = store.feed(run_feed(store, order))
    assert (feed["processingStatus"], feed.get("resultFeedDocumentId")) == ("FATAL", None)
    assert amazon.steer("GET", f"orders/{order}")["buyer_view"] == buyer_sees


def test_one_line_of_a_feed_can_fail_once(amazon, store):
    orders = [amazon.order()["orderId"] for _ in range(3)]
    arm(amazon, "feedProcessed", "reject", order_id=orders[1])
    assert results(store.report(run_feed(store, *orders))) == [(2, "Error")]
    assert [amazon.steer("GET", f"orders/{one}")["buyer_view"] for one in orders] == [
        "Processing",
        "Ordered",
        "Processing",
    ]
    assert results(store.report(run_feed(store, *orders))) == []


def test_faults_that_cannot_be_are_refused_with_a_sentence(amazon):
    for wrong in (
        {"kind": "explode"},
        {"kind": "fatal"},
        {"kind": "5xx", "times": 0},
        {"kind": "5xx", "status": 404},
        {"kindness": "5xx"},
    ):
        answer = amazon.send("POST", "/_sim/faults", body=json.dumps({"operation": "*"} | wrong).encode())
        assert answer.status == 400
        assert answer.json()["error"]
