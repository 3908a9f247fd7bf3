"""Token buckets and the headers that speak of them."""

import pytest

from plugins.amazon.simulator.operations import OPERATIONS
from tests.amazon.simulator.driver import FEEDS, NORTHWIND, ORDERS, XML, Driver, error

SEARCH = {"createdAfter": "2026-02-01T00:00:00Z"}


@pytest.fixture
def amazon() -> Driver:
    return Driver()


def admitted(store, tries: int) -> int:
    return sum(store.search(**SEARCH).status == 200 for _ in range(tries))


def test_the_bucket_holds_the_burst_and_refills_at_the_published_rate(amazon, store):
    assert admitted(store, 25) == 20
    amazon.advance(178)
    assert admitted(store, 1) == 0
    amazon.advance(1)
    assert admitted(store, 2) == 1


def test_a_bucket_never_holds_more_than_the_burst(amazon, store):
    assert admitted(store, 1) == 1
    amazon.advance(86400)
    store.renew()
    assert admitted(store, 25) == 20


def test_too_much_is_429_quota_exceeded_without_the_limit_header(store):
    admitted(store, 20)
    answer = store.search(**SEARCH)
    assert answer.status == 429
    assert error(answer)["code"] == "QuotaExceeded"
    assert "x-amzn-RateLimit-Limit" not in answer.headers
    assert answer.headers["x-amzn-RequestId"]


def test_success_400_and_404_carry_the_limit_403_does_not(amazon, store):
    assert store.search(**SEARCH).headers["x-amzn-RateLimit-Limit"] == "0.0056"
    assert store.search().headers["x-amzn-RateLimit-Limit"] == "0.0056"
    missing = store.call("GET", f"{ORDERS}/111-0000000-0000000")
    assert (missing.status, missing.headers["x-amzn-RateLimit-Limit"]) == (404, "0.5")
    store.token = "Atza|nonsense"
    assert "x-amzn-RateLimit-Limit" not in store.search(**SEARCH).headers


def test_buckets_are_per_operation_and_per_seller(amazon, store):
    admitted(store, 20)
    assert store.call("GET", f"{ORDERS}/111-0000000-0000000").status == 404
    assert admitted(amazon.connect("A2SIMNA0000002"), 1) == 1


def test_two_connections_of_one_seller_share_a_bucket(amazon, store):
    admitted(store, 20)
    assert admitted(amazon.connect(), 1) == 0


def test_listings_feeds_have_a_bucket_of_their_own(amazon, store):
    def create(feed_type: str) -> int:
        body = {"feedType": feed_type, "marketplaceIds": ["ATVPDKIKX0DER"], "inputFeedDocumentId": document}
        return store.call("POST", f"{FEEDS}/feeds", body).status

    document = store.call("POST", f"{FEEDS}/documents", {"contentType": XML}).json()["feedDocumentId"]
    assert [create("JSON_LISTINGS_FEED") for _ in range(6)] == [202] * 5 + [429]
    assert create("POST_ORDER_ACKNOWLEDGEMENT_DATA") == 202


def test_the_published_rates_of_the_orders_operations():
    rates = {name: (operation.rate, operation.burst) for name, operation in OPERATIONS.items()}
    assert rates["searchOrders"] == (0.0056, 20)
    assert rates["getOrder"] == (0.5, 30)
    assert rates["confirmShipment"] == (2, 10)
    assert rates["createFeed"] == (0.0083, 15)


def test_rates_can_be_set_and_limits_switched_off(amazon, store):
    amazon.steer("POST", "limits", {"rates": {"searchOrders": [1, 2]}})
    assert admitted(store, 4) == 2
    amazon.steer("POST", "limits", {"enforced": False})
    assert admitted(store, 30) == 30


def test_the_date_header_shows_the_simulators_clock(amazon, store):
    amazon.advance(3600)
    answer = store.call("GET", "/na/sellers/v1/marketplaceParticipations")
    assert answer.headers["Date"] == "Mon, 02 Mar 2026 13:00:00 GMT"


def test_an_armed_429_carries_no_limit_header_either(amazon, store):
    amazon.steer("POST", "faults", {"operation": "searchOrders", "kind": "429", "seller": NORTHWIND})
    answer = store.search(**SEARCH)
    assert (answer.status, "x-amzn-RateLimit-Limit" in answer.headers) == (429, False)
