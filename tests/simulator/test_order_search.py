"""searchOrders and getOrder: parameters, windows, pages."""

from datetime import timedelta

import pytest

from plugins.amazon.simulator.clock import iso, parse_time
from plugins.amazon.simulator.messages import RepeatedParameter
from tests.simulator.driver import CLIENT, NORTHWIND, ORDERS, START, error

pytestmark = pytest.mark.unit

LONG_AGO = "2026-02-01T00:00:00Z"


def at(minutes: float) -> str:
    """The time so many minutes before now."""
    return iso(START - timedelta(minutes=minutes))


def ids(answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [order["orderId"] for order in answer.json()["orders"]]


def pages(store, **query: str) -> list[list[str]]:
    found, token = [], None
    while True:
        answer = store.search(**query, **({"paginationToken": token} if token else {}))
        found.append(ids(answer))
        token = answer.json().get("pagination", {}).get("nextToken")
        if token is None:
            return found


@pytest.fixture
def shop(amazon, store):
    amazon.steer("POST", "orders/generate", {"seller": NORTHWIND, "count": 300})
    return store


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"createdAfter": LONG_AGO, "lastUpdatedAfter": LONG_AGO},
        {"createdAfter": LONG_AGO, "lastUpdatedBefore": at(30)},
        {"lastUpdatedAfter": LONG_AGO, "createdBefore": at(30)},
        {"createdBefore": at(30)},
        {"createdAfter": at(30), "createdBefore": at(31)},
        {"createdAfter": LONG_AGO, "createdBefore": at(1.9)},
        {"createdAfter": "2026-02-01"},
        {"createdAfter": "2026-02-01T00:00:00"},
        {"createdAfter": "yesterday"},
        {"createdAfter": LONG_AGO, "maxResultsPerPage": "0"},
        {"createdAfter": LONG_AGO, "maxResultsPerPage": "101"},
        {"createdAfter": LONG_AGO, "maxResultsPerPage": "ten"},
        {"createdAfter": LONG_AGO, "includedData": "BUYER,ADDRESS"},
        {"createdAfter": LONG_AGO, "fulfillmentStatuses": "Unshipped"},
        {"createdAfter": LONG_AGO, "fulfilledBy": "MFN"},
        {"createdAfter": LONG_AGO, "marketplaceIds": "NOWHERE"},
        {"createdAfter": LONG_AGO, "paginationToken": "made-up"},
        {"createdAfter": LONG_AGO, "createdBefore": RepeatedParameter("2026-02-02T00:00:00Z,2026-02-03T00:00:00Z")},
    ],
)
def test_what_amazon_refuses_is_400_invalid_input(store, query):
    answer = store.search(**query)
    assert answer.status == 400
    assert error(answer)["code"] == "InvalidInput"


def test_a_parameter_amazon_does_not_know_is_passed_over_and_noted(amazon, store):
    order = amazon.order()["orderId"]
    assert ids(store.search(createdAfter=LONG_AGO, OrderStatuses="Shipped")) == [order]
    (noted,) = amazon.steer("GET", "violations")["violations"]
    assert (noted["noted"], noted["problems"]) == (True, ["query parameter OrderStatuses is unknown"])


def test_the_upper_bound_may_be_two_minutes_old_exactly(store):
    assert store.search(createdAfter=LONG_AGO, createdBefore=at(2)).status == 200


@pytest.mark.parametrize("family", ["created", "lastUpdated"])
def test_the_bound_that_was_used_is_told(store, family):
    explicit = store.search(**{f"{family}After": LONG_AGO, f"{family}Before": at(30)}).json()
    assert explicit[f"{family}Before"] == at(30)
    assert store.search(**{f"{family}After": LONG_AGO}).json()[f"{family}Before"] == at(2)


def test_both_ends_of_the_window_are_inclusive(amazon, store):
    moment = at(30)
    order = amazon.order(set={"createdTime": moment, "lastUpdatedTime": moment})["orderId"]
    for family in ("created", "lastUpdated"):
        assert ids(store.search(**{f"{family}After": moment, f"{family}Before": moment})) == [order]


def test_an_order_changed_in_the_last_two_minutes_is_not_listed_yet(amazon, store):
    order = amazon.order(request_cancel=True)["orderId"]
    assert ids(store.search(lastUpdatedAfter=at(60))) == []
    amazon.advance(120)
    assert ids(store.search(lastUpdatedAfter=at(60))) == [order]


def test_the_pages_together_hold_every_order_once_but_the_duplicates_twice(amazon, shop):
    found = pages(shop, lastUpdatedAfter=LONG_AGO)
    assert [len(page) for page in found[:3]] == [100, 100, 100]
    flat = [order for page in found for order in page]
    twice = {order for order in flat if flat.count(order) == 2}
    assert twice == {order["orderId"] for order in amazon.steer("GET", "orders", branch="duplicate")["orders"]}
    assert len(set(flat)) == 300
    assert not any(len(set(page)) < len(page) for page in found)


def test_the_next_listing_shows_no_order_twice(amazon, shop):
    pages(shop, lastUpdatedAfter=LONG_AGO)
    amazon.advance(300)
    flat = [order for page in pages(shop, lastUpdatedAfter=LONG_AGO) for order in page]
    assert len(flat) == len(set(flat)) == 300


def test_a_token_may_be_used_again_and_gives_the_same_page(shop):
    token = shop.search(createdAfter=LONG_AGO, maxResultsPerPage="50").json()["pagination"]["nextToken"]
    first, second = (ids(shop.search(createdAfter=LONG_AGO, paginationToken=token)) for _ in range(2))
    assert first == second


def test_with_a_token_everything_but_page_size_and_datasets_must_be_repeated(shop):
    token = shop.search(createdAfter=LONG_AGO, fulfilledBy="MERCHANT").json()["pagination"]["nextToken"]
    for changed in (
        {"createdAfter": LONG_AGO},
        {"createdAfter": at(9999), "fulfilledBy": "MERCHANT"},
        {"createdAfter": LONG_AGO, "fulfilledBy": "MERCHANT", "fulfillmentStatuses": "UNSHIPPED"},
        {},
    ):
        assert shop.search(paginationToken=token, **changed).status == 400
    same = {"createdAfter": LONG_AGO, "fulfilledBy": "MERCHANT", "paginationToken": token}
    assert shop.search(**same, maxResultsPerPage="7", includedData="BUYER").status == 200


def test_a_token_lives_24_hours(amazon, shop):
    token = shop.search(createdAfter=LONG_AGO).json()["pagination"]["nextToken"]
    amazon.advance(86400)
    shop.renew()
    assert shop.search(createdAfter=LONG_AGO, paginationToken=token).status == 200
    amazon.advance(1)
    assert shop.search(createdAfter=LONG_AGO, paginationToken=token).status == 400


def test_a_token_belongs_to_its_seller(amazon, shop):
    token = shop.search(createdAfter=LONG_AGO).json()["pagination"]["nextToken"]
    other = amazon.connect("A2SIMNA0000002")
    assert other.search(createdAfter=LONG_AGO, paginationToken=token).status == 400


def test_the_filters_filter(amazon, shop):
    known = amazon.steer("GET", "orders")["orders"]
    ready = [o for o in known if o["fulfilledBy"] == "MERCHANT" and o["status"] in ("UNSHIPPED", "PARTIALLY_SHIPPED")]
    query = {"fulfillmentStatuses": "UNSHIPPED,PARTIALLY_SHIPPED", "fulfilledBy": "MERCHANT"}
    listed = {order for page in pages(shop, createdAfter=LONG_AGO, **query) for order in page}
    assert listed == {order["orderId"] for order in ready}
    canadian = {order for page in pages(shop, createdAfter=LONG_AGO, marketplaceIds="A2EUQ1WTGCTBG2") for order in page}
    assert canadian == {order["orderId"] for order in known if order["marketplaceId"] == "A2EUQ1WTGCTBG2"}


@pytest.mark.parametrize(
    ("seller", "path", "listed"), [(NORTHWIND, "/na", [False, False]), ("A2SIMFE0000001", "/fe", [True, True])]
)
def test_listings_go_back_two_years_but_in_japan_australia_and_singapore(amazon, seller, path, listed):
    created = amazon.order(seller)["createdTime"]
    store = amazon.connect(seller)

    def found() -> list[bool]:
        new = store.call("GET", f"{path}/orders/2026-01-01/orders", createdAfter=created).json()["orders"]
        places = ",".join(amazon.simulator.state.sellers[seller].marketplaces)
        old = store.call("GET", f"{path}/orders/v0/orders", CreatedAfter=created, MarketplaceIds=places).json()
        return [bool(new), bool(old["payload"]["Orders"])]

    amazon.advance((parse_time(created) - START).total_seconds() + 730 * 86400)
    # Set anew, the secret has no age.
    amazon.steer("POST", "application", {"secrets": [CLIENT["client_secret"]]})
    # A consent lapses after a year; this one is given anew.
    store = amazon.connect(seller)
    assert found() == [True, True]
    amazon.advance(1)
    assert found() == listed


def test_get_order_knows_only_the_sellers_own(amazon, store):
    mine, theirs = amazon.order()["orderId"], amazon.order("A2SIMNA0000002")["orderId"]
    assert store.call("GET", f"{ORDERS}/{mine}").json()["order"]["orderId"] == mine
    for unknown in (theirs, "111-0000000-0000000"):
        assert store.call("GET", f"{ORDERS}/{unknown}").status == 404
    assert store.call("GET", f"{ORDERS}/42").status == 400


def test_the_call_log_tells_which_orders_were_given(amazon, shop):
    offered = {order for page in pages(shop, lastUpdatedAfter=LONG_AGO) for order in page}
    calls = amazon.steer("GET", "calls", operation="searchOrders")["calls"]
    assert {order for call in calls for order in call["orders_given"]} == offered
    assert all(call["status"] == 200 and call["seller"] == NORTHWIND for call in calls)
