"""`/_sim/`: the driver's own addresses."""

import json

import pytest

from tests.simulator.driver import EVERYTHING, NORTHWIND, ORDERS, PANEL, REMOTE, Driver, Store

pytestmark = pytest.mark.unit


def refused(amazon, path: str, body) -> str:
    answer = amazon.send("POST", f"/_sim/{path}", body=json.dumps(body).encode())
    assert answer.status == 400, answer.body
    return answer.json()["error"]


def test_the_clock_moves_forward_only(amazon):
    assert amazon.steer("POST", "clock", {"advance_s": 90})["now"] == "2026-03-02T12:01:30.000Z"
    assert amazon.steer("GET", "clock") == {"now": "2026-03-02T12:01:30.000Z", "offset_s": 90}
    assert "forward" in refused(amazon, "clock", {"advance_s": -1})


@pytest.mark.parametrize("seconds", [-1, "60", None, True, 1e12, 1e300])
def test_a_time_the_clock_cannot_reach_is_refused_and_leaves_it_as_it_was(amazon, seconds):
    assert refused(amazon, "clock", {"advance_s": seconds})
    for not_json in (b'{"advance_s": NaN}', b'{"advance_s": Infinity}', b'{"advance_s": 1e999}'):
        assert amazon.send("POST", "/_sim/clock", body=not_json).status == 400
    assert amazon.steer("GET", "clock") == {"now": "2026-03-02T12:00:00.000Z", "offset_s": 0}
    amazon.steer("POST", "clock", {"advance_s": 6900 * 365 * 86400})
    amazon.steer("POST", "reset")
    assert amazon.connect().search(createdAfter="2026-02-01T00:00:00Z").status == 200


@pytest.mark.parametrize("enforced", [True, False])
def test_reset_brings_the_limits_of_the_start_back(enforced):
    amazon = Driver(rate_limits=enforced)
    for other in (not enforced, enforced, not enforced):
        amazon.steer("POST", "limits", {"enforced": other, "rates": {"searchOrders": [1, 2]}, "package_edits": 3})
    amazon.steer("POST", "reset")
    limits = amazon.steer("POST", "limits", {})
    assert (limits["enforced"], limits["rates"]["searchOrders"]) == (enforced, [0.0056, 20])


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


def seen(amazon, store: Store) -> list:
    """Everything that steering and a seller's listing show of the world."""
    found = store.search(createdAfter="2026-02-01T00:00:00Z", includedData=EVERYTHING)
    assert found.status == 200, found.body
    shown = [amazon.steer("GET", path) for path in ("orders", "sellers", "application", "listings", "faults")]
    return [found.json(), *shown, amazon.steer("POST", "limits", {})]


NOTHING_CHANGES = [
    ("seller", {"roles": 5}, "roles"),
    ("seller", {"roles": ["Direct to Consumer"]}, "Direct-to-Consumer Shipping"),
    ("seller", {"marketplaces": ["XX"]}, "ATVPDKIKX0DER"),
    ("seller", {"marketplaces": []}, "one at least"),
    ("seller", {"remote_fulfillment": "yes"}, "true or false"),
    ("seller", {"default_lead_days": -1}, "whole number"),
    ("seller", {"older_token": True, "halo": 1}, "halo"),
    ("seller", {"rates": {"getOrder": {"rate": 1, "burst": 1}, "fly": {"rate": 1, "burst": 1}}}, "getOrder"),
    ("seller", {"revoke": True, "rates": {"getOrder": {"rate": 0, "burst": 1}}}, "above 0"),
    ("application", {"roles": 5}, "roles"),
    ("application", {"roles": ["Everything"]}, "Pricing"),
    ("application", {"name": "x", "draft": 1}, "draft"),
    ("application", {"secrets": []}, "one at least"),
    ("application", {"name": "x", "rotate_secret": "s", "old_valid_s": 1e300}, "old_valid_s"),
    ("application", {"name": "x", "rotate_secret": "is2-demo-client-secret-0123456789"}, "new secret"),
    ("feeds", {"delay_s": -1}, "delay_s"),
    ("feeds", {"delay_s": 1e300}, "delay_s"),
    ("feeds", {}, "delay_s"),
    ("limits", {"enforced": "no"}, "true or false"),
    ("limits", {"rates": {"getOrder": [1, 2]}, "ceilings": {"fly": [1, 2]}}, "getOrder"),
    ("limits", {"rates": {"getOrder": [1]}}, "burst"),
    ("limits", {"package_edits": 1.5}, "whole number"),
    ("faults", {"operation": "getOrdr", "kind": "5xx"}, "getOrder"),
    ("faults", {"operation": ["getOrder"], "kind": "5xx"}, "getOrder"),
    ("faults", {"kind": "5xx"}, "getOrder"),
    ("faults", {"operation": "getOrder", "kind": "5xx", "halo": 1}, "seconds"),
    ("faults", {"operation": "getOrder", "kind": "delay", "seconds": "x"}, "seconds"),
    ("faults", {"operation": "getOrder", "kind": "delay", "seconds": -1}, "seconds"),
    ("faults", {"operation": "getOrder", "kind": "5xx", "times": "2"}, "times"),
    ("faults", {"operation": "getOrder", "kind": "5xx", "seller": "nobody"}, NORTHWIND),
    ("faults", {"operation": "getOrder", "kind": "400", "dataset": "EVERYTHING"}, "FULFILLMENT"),
    ("listings", [{"sku": "NEW"}, {"sku": "NEWER", "title": 5}], "title"),
    ("listings", [{"sku": "NEW", "quantity": -1}], "quantity"),
    ("listings", [{"sku": "NEW", "channels": {"MOON": 1}}], "DEFAULT"),
    ("listings", [{"sku": "NEW", "marketplaces": ["XX"]}], "ATVPDKIKX0DER"),
    ("orders/generate", {"count": 10**8}, "count"),
    ("orders/generate", {"mix": {"plain": "x"}}, "mix.plain"),
    ("orders/generate", {"mix": 5}, "mix"),
]


def test_a_value_that_cannot_be_is_refused_with_what_can_and_nothing_has_changed(amazon, store):
    amazon.order()
    before = seen(amazon, store)
    for path, body, told in NOTHING_CHANGES:
        owned = {"seller": NORTHWIND} if path in ("seller", "orders/generate") else {}
        wanted = [each | {"seller": NORTHWIND} for each in body] if isinstance(body, list) else owned | body
        assert told in refused(amazon, path, wanted), (path, body)
    assert seen(amazon, store) == before


BREAKS_AN_ORDER = [
    ({"set": {"createdTime": None}}, "createdTime is missing"),
    ({"set": {"createdTime": "yesterday"}}, "createdTime must be a time"),
    ({"set": {"lastUpdatedTime": None}}, "lastUpdatedTime is missing"),
    ({"set": {"orderItems": None}}, "orderItems is missing"),
    ({"set": {"orderItems": [{}]}}, "orderItems[0].orderItemId is missing"),
    ({"set": {"fulfillment": {"fulfilledBy": "NOBODY"}}}, "MERCHANT or AMAZON"),
    ({"set": {"recipient": "Salem"}}, "recipient must be an object"),
    ({"set": {"programs": "PRIME"}}, "programs must be a list"),
    ({"set": {"proceeds": {"grandTotal": {"amount": 5}}}}, "amount must be a text"),
    ({"set": ["orderItems"]}, "set must be an object"),
    ({"cancel": {"by": "NOBODY"}}, "MERCHANT"),
    ({"cancel": {"reason": 5}}, "reason"),
    ({"make_payable": True, "request_cancel": 5}, "request_cancel"),
    ({"cancel": True, "explode": True}, "explode"),
]


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.models), False], ids=["models", "no models"])
def checked(request) -> Driver:
    return Driver(models=request.getfixturevalue("models") if request.param else None, rate_limits=False)


def test_a_change_that_would_break_an_order_is_refused_and_leaves_it_whole(checked):
    store, order = checked.connect(), checked.order()
    before = seen(checked, store)
    for change, told in BREAKS_AN_ORDER:
        assert told in refused(checked, f"orders/{order['orderId']}", change), change
    assert seen(checked, store) == before
    for path in ("", "/address", "/orderItems"):
        assert store.call("GET", f"/na/orders/v0/orders/{order['orderId']}{path}").status == 200


def test_of_posted_orders_all_are_taken_in_or_none(checked):
    store, order = checked.connect(), checked.order()["order"]
    before = seen(checked, store)
    good = order | {"orderId": "111-0000000-0000001"}
    brazil = good["salesChannel"] | {"marketplaceId": "A2Q3Y263D00KWC"}
    wrong = [
        good,
        good | {"orderId": "111-0000000-0000002", "orderItems": [{}]},
        good | {"orderId": "111-0000000-0000002", "createdTime": "0001-01-01T00:00:00+14:00"},
        good | {"orderId": "111-0000000-0000002", "seller": "nobody"},
        "order",
    ]
    for bad in wrong:
        assert refused(checked, "orders", [good | {"salesChannel": brazil}, bad])
    assert seen(checked, store) == before
    assert checked.steer("POST", "orders", [good, good | {"orderId": "111-0000000-0000002"}])["orders"]
    assert store.call("GET", f"{ORDERS}/111-0000000-0000002").status == 200


@pytest.mark.models
def test_what_breaks_the_model_alone_leaves_an_order_whole_and_nothing_tolerated(models):
    amazon = Driver(models=models, rate_limits=False)
    store, order = amazon.connect(), amazon.order()["orderId"]
    before = seen(amazon, store)
    for fields in ({"color": "red"}, {"fulfillment": {"fulfillmentStatus": "BRAND_NEW", "color": "red"}}):
        assert "color is unknown" in refused(amazon, f"orders/{order}", {"set": fields})
    assert seen(amazon, store) == before
    assert amazon.simulator.models.tolerated == set()
    amazon.order(set={"fulfillment": {"fulfillmentStatus": "BRAND_NEW"}})
    assert amazon.simulator.models.tolerated == {"BRAND_NEW"}
    amazon.steer("POST", "reset")
    assert amazon.simulator.models.tolerated == set()
    assert amazon.steer("GET", "violations") == {"violations": [], "checked": {}}
