"""Token buckets and the headers that speak of them."""

import json

import pytest

from plugins.amazon.simulator.access.buckets import Buckets
from plugins.amazon.simulator.clock import Clock
from plugins.amazon.simulator.operations import OPERATIONS, ROTATION_SCOPE
from tests.simulator.driver import FEEDS, NORTHWIND, ORDERS, START, XML, Driver, error

pytestmark = pytest.mark.unit

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
    # Beside the operation's own bucket, not within: it is still full, and the refused call cost it nothing either.
    assert [create("POST_ORDER_ACKNOWLEDGEMENT_DATA") for _ in range(16)] == [202] * 15 + [429]
    amazon.advance(60)
    assert create("JSON_LISTINGS_FEED") == 202


def test_a_body_that_names_no_feed_type_counts_against_createfeed(amazon, store):
    body = {"feedType": "NO_SUCH_FEED", "marketplaceIds": ["ATVPDKIKX0DER"], "inputFeedDocumentId": "1"}
    assert {store.call("POST", f"{FEEDS}/feeds", body).status for _ in range(15)} == {400}
    assert store.call("POST", f"{FEEDS}/feeds", body).status == 429


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


def set_rates(amazon, rates: dict) -> dict:
    return amazon.steer("POST", "seller", {"seller": NORTHWIND, "rates": rates})["rates"]


def test_a_sellers_own_figures_hold_for_it_alone_and_show_in_the_header(amazon, store):
    assert set_rates(amazon, {"searchOrders": {"rate": 0.02, "burst": 40}}) == {
        "searchOrders": {"rate": 0.02, "burst": 40}
    }
    assert store.search(**SEARCH).headers["x-amzn-RateLimit-Limit"] == "0.02"
    assert store.search().headers["x-amzn-RateLimit-Limit"] == "0.02"
    assert admitted(store, 45) == 38
    assert "x-amzn-RateLimit-Limit" not in store.search(**SEARCH).headers
    other = amazon.connect("A2SIMNA0000002")
    assert other.search(**SEARCH).headers["x-amzn-RateLimit-Limit"] == "0.0056"
    assert admitted(other, 25) == 19
    amazon.advance(50)
    assert admitted(store, 2) == 1


def test_a_seller_may_fall_below_the_published_figures_and_come_back(amazon, store):
    set_rates(amazon, {"searchOrders": {"rate": 0.001, "burst": 2}})
    assert admitted(store, 5) == 2
    assert set_rates(amazon, {"searchOrders": None}) == {}
    assert store.search().status == 429
    amazon.advance(179)
    assert store.search(**SEARCH).headers["x-amzn-RateLimit-Limit"] == "0.0056"


@pytest.mark.parametrize(
    "rates", [{"nothing": {"rate": 1, "burst": 1}}, {"getOrder": {"rate": 0, "burst": 1}}, {"getOrder": {"rate": 1}}]
)
def test_figures_that_cannot_be_are_refused(amazon, rates):
    body = json.dumps({"seller": NORTHWIND, "rates": rates}).encode()
    assert amazon.send("POST", "/_sim/seller", body=body).status == 400


US = {"marketplaceIds": "ATVPDKIKX0DER"}


def item(store):
    return store.call("GET", f"/na/listings/2021-08-01/items/{store.seller}/TENT-2P", **US)


def put(store):
    body = {"productType": "PRODUCT", "attributes": {}}
    return store.call("PUT", f"/na/listings/2021-08-01/items/{store.seller}/TENT-2P", body, **US)


def test_all_sellers_of_an_application_share_a_ceiling_for_listings(amazon, store):
    amazon.steer("POST", "limits", {"ceilings": {"getListingsItem": [1, 8]}})
    other = amazon.connect("A2SIMNA0000002")
    assert [item(store).status for _ in range(5)] == [200] * 5
    assert [item(other).status for _ in range(5)] == [200] * 3 + [429] * 2
    refused = item(other)
    assert error(refused)["code"] == "QuotaExceeded"
    assert "x-amzn-RateLimit-Limit" not in refused.headers
    amazon.advance(1)
    granted = item(other)
    assert (granted.status, granted.headers["x-amzn-RateLimit-Limit"]) == (200, "5")


def test_what_a_ceiling_refuses_costs_the_seller_nothing():
    clock = Clock(lambda: START)
    buckets = Buckets(clock, {"x": (0.001, 5)}, {"x": (1, 3)})
    assert [buckets.take("A", "app", "x") for _ in range(6)] == [None] * 3 + ["application"] * 3
    clock.advance(10)
    assert [buckets.take("A", "app", "x") for _ in range(3)] == [None, None, "seller"]
    assert buckets.take("B", "app", "x") is None
    assert buckets.take("B", "app", "x") == "application"


def test_a_put_says_that_the_ceiling_was_met(amazon, store):
    amazon.steer("POST", "limits", {"ceilings": {"putListingsItem": [1, 1]}})
    assert put(store).status == 200
    refused = put(store)
    assert (refused.status, error(refused)["code"]) == (429, "QuotaExceeded")
    assert error(refused)["message"].endswith("greater than what is allowed for the application.")


def test_previews_have_a_bucket_and_a_ceiling_of_their_own(amazon, store):
    def preview(mode: dict) -> int:
        body = {"productType": "PRODUCT", "patches": [{"op": "delete", "path": "/attributes/brand"}]}
        path = f"/na/listings/2021-08-01/items/{NORTHWIND}/TENT-2P"
        return store.call("PATCH", path, body, **US, **mode).status

    amazon.steer("POST", "limits", {"ceilings": {"patchListingsItem/VALIDATION_PREVIEW": [1, 2]}})
    assert [preview({"mode": "VALIDATION_PREVIEW"}) for _ in range(3)] == [200, 200, 429]
    assert preview({}) == 200


def test_the_published_ceilings_of_the_listings_operations(amazon):
    ceilings = amazon.steer("POST", "limits", {})["ceilings"]
    assert {name: figures[0] for name, figures in ceilings.items()} == {
        "getListingsItem": 100,
        "putListingsItem": 100,
        "patchListingsItem": 500,
        "deleteListingsItem": 100,
        "searchListingsItems": 100,
        "patchListingsItem/VALIDATION_PREVIEW": 20,
    }


def test_grantless_operations_have_buckets_per_application(amazon):
    def rotate() -> int:
        headers = {"x-amz-access-token": amazon.grantless(ROTATION_SCOPE)}
        return amazon.send("POST", "/na/applications/2023-11-30/clientSecret", headers=headers).status

    assert [rotate(), rotate()] == [204, 429]
    amazon.advance(60)
    assert rotate() == 204
