"""`/_sim/`: the driver's own addresses."""

import json

import pytest

from tests.amazon.simulator.driver import NORTHWIND, PANEL, REMOTE


def refused(amazon, path: str, body) -> str:
    answer = amazon.send("POST", f"/_sim/{path}", body=json.dumps(body).encode())
    assert answer.status == 400, answer.body
    return answer.json()["error"]


def test_the_clock_moves_forward_only(amazon):
    assert amazon.steer("POST", "clock", {"advance_s": 90})["now"] == "2026-03-02T12:01:30.000Z"
    assert amazon.steer("GET", "clock") == {"now": "2026-03-02T12:01:30.000Z", "offset_s": 90}
    assert "forward" in refused(amazon, "clock", {"advance_s": -1})


def test_reset_forgets_orders_grants_calls_and_faults_but_not_the_clock(amazon, store):
    amazon.order()
    amazon.steer("POST", "faults", {"operation": "*", "kind": "5xx"})
    amazon.steer("POST", "clock", {"advance_s": 90})
    amazon.steer("POST", "reset")
    assert amazon.steer("GET", "orders")["orders"] == []
    assert amazon.steer("GET", "calls")["calls"] == []
    assert amazon.steer("GET", "faults")["faults"] == []
    assert amazon.steer("GET", "clock")["offset_s"] == 90
    assert store.call("GET", "/na/sellers/v1/marketplaceParticipations").status == 403


def test_posted_orders_belong_to_the_named_seller_or_to_one_of_the_marketplaces_region(amazon):
    order = amazon.order()["order"]
    posted = [
        order | {"orderId": "111-0000000-0000001", "seller": "A2SIMNA0000002"},
        order
        | {
            "orderId": "111-0000000-0000002",
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": "A1VC38T7YXB528"},
        },
    ]
    assert amazon.steer("POST", "orders", posted)["orders"] == [
        {"orderId": "111-0000000-0000001", "region": "na", "seller": "A2SIMNA0000002"},
        {"orderId": "111-0000000-0000002", "region": "fe", "seller": "A2SIMFE0000001"},
    ]


def test_orders_that_cannot_be_are_refused_with_a_sentence(amazon):
    order = amazon.order()["order"]
    assert "exists already" in refused(amazon, "orders", [order])
    assert "3-7-7" in refused(amazon, "orders", [order | {"orderId": "1"}])
    assert "no seller" in refused(amazon, "orders", [order | {"seller": "nobody"}])
    assert "list of orders" in refused(amazon, "orders", {"order": order})
    assert refused(amazon, "orders", {"model_file": "/no/such/file"})
    assert "nobody" in refused(amazon, "orders/generate", {"seller": "nobody"})
    assert "explode" in refused(amazon, f"orders/{order['orderId']}", {"explode": True})


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"cancel": True}, "CANCELLED"),
        ({"cancel": {"by": "AMAZON", "reason": "FRAUD"}}, "CANCELLED"),
        ({"request_cancel": "changed my mind"}, "UNSHIPPED"),
        ({"set": {"recipient": {"deliveryAddress": {"city": "Salem", "addressLine2": None}}}}, "UNSHIPPED"),
    ],
)
def test_every_change_raises_the_time_of_the_last_update(amazon, change, status):
    before = amazon.order()
    amazon.advance(60)
    after = amazon.steer("POST", f"orders/{before['orderId']}", change)
    assert (after["status"], after["lastUpdatedTime"]) == (status, "2026-03-02T12:01:00.000Z")
    assert after["createdTime"] == before["createdTime"]


def test_set_merges_objects_and_null_removes(amazon):
    order = amazon.order(set={"recipient": {"deliveryAddress": {"city": "Salem", "phone": None}}})
    address = order["order"]["recipient"]["deliveryAddress"]
    assert address["city"] == "Salem"
    assert "phone" not in address
    assert address["name"].endswith("Simbuyer")


def test_an_unknown_order_or_address_is_404_with_a_sentence(amazon):
    for path in ("orders/111-0000000-0000000", "nowhere"):
        answer = amazon.send("GET", f"/_sim/{path}")
        assert (answer.status, bool(answer.json()["error"])) == (404, True)


def test_calls_can_be_filtered_by_operation_seller_number_and_time(amazon, store):
    store.search(createdAfter="2026-02-01T00:00:00Z")
    amazon.steer("POST", "clock", {"advance_s": 60})
    store.call("GET", "/na/sellers/v1/marketplaceParticipations")
    calls = amazon.steer("GET", "calls")["calls"]
    assert [call["operation"] for call in calls] == ["token", "searchOrders", "getMarketplaceParticipations"]
    assert amazon.steer("GET", "calls", since="2")["calls"] == calls[2:]
    assert amazon.steer("GET", "calls", since="2026-03-02T12:00:30Z")["calls"] == calls[2:]
    assert amazon.steer("GET", "calls", seller=NORTHWIND, operation="searchOrders")["calls"] == calls[1:2]


def test_enrolling_in_remote_fulfillment_shows_on_the_seller(amazon):
    answer = amazon.steer("POST", "seller", {"seller": NORTHWIND, "remote_fulfillment": True})
    assert answer["remote_fulfillment"] is True
    enrolled = {one["seller"] for one in amazon.steer("GET", "sellers")["sellers"] if one["remote_fulfillment"]}
    assert enrolled == {NORTHWIND, REMOTE}
    assert "halo" in refused(amazon, "seller", {"seller": NORTHWIND, "halo": 1})


def test_access_tokens_can_be_made_stale(amazon, store):
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "expire_access_tokens": True})
    assert store.call("GET", "/na/sellers/v1/marketplaceParticipations").status == 403
    store.renew()
    assert store.call("GET", "/na/sellers/v1/marketplaceParticipations").status == 200


def test_the_application_can_be_changed(amazon):
    answer = amazon.steer("POST", "application", {"redirect_uris": [PANEL], "login_uri": "http://x/", "draft": True})
    assert (answer["redirect_uris"], answer["login_uri"], answer["draft"]) == ([PANEL], "http://x/", True)
    assert "colour" in refused(amazon, "application", {"colour": "red"})


def test_the_delay_of_feeds_can_be_set(amazon, store):
    amazon.steer("POST", "feeds", {"delay_s": 5})
    feed_id = store.submit("POST_ORDER_ACKNOWLEDGEMENT_DATA", b"<x/>")
    amazon.advance(5)
    assert store.feed(feed_id)["processingStatus"] == "DONE"
    assert [feed["feedId"] for feed in amazon.steer("GET", "feeds")["feeds"]] == [feed_id]


def test_the_front_page_says_that_it_is_a_simulation(amazon):
    page = amazon.send("GET", "/").body.decode()
    assert "This is a simulation" in page
    assert "Northwind Outdoor" in page
