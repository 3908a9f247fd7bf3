"""searchListingsItems: order, filters and pages (listingsItems_2021-08-01.json)."""

import pytest

from tests.simulator.driver import NORTHWIND, Driver, Store, error
from tests.simulator.test_listings import ITEMS, US

pytestmark = pytest.mark.unit

ASKED = {"marketplaceIds": US, "pageSize": "20"}


@pytest.fixture(scope="module")
def shelf() -> Store:
    """A seller of three SKUs, made in the order C, A, B; A was changed last and B is sold out."""
    amazon = Driver(rate_limits=False)
    state = amazon.simulator.state
    for listing in state.listings.of(NORTHWIND):
        state.listings.delete(listing, list(listing.marketplaces))
    store = amazon.connect()
    for sku, quantity in (("C", 1), ("A", 2), ("B", 0)):
        amazon.steer("POST", "listings", {"seller": NORTHWIND, "sku": sku, "quantity": quantity})
        amazon.advance(600)
    body = {
        "productType": "PRODUCT",
        "patches": [{"op": "replace", "path": "/attributes/brand", "value": [{"value": "Sim"}]}],
    }
    assert store.call("PATCH", f"{ITEMS}/A", body, marketplaceIds=US).json()["status"] == "ACCEPTED"
    store.renew()
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "A B C"),
        ({"sortOrder": "ASC"}, "C B A"),
        ({"sortBy": "sku"}, "C B A"),
        ({"sortBy": "sku", "sortOrder": "ASC"}, "A B C"),
        ({"sortBy": "createdDate"}, "B A C"),
        ({"createdAfter": "2026-03-02T12:10:00Z"}, "A B"),
        ({"createdBefore": "2026-03-02T12:10:00Z"}, "A C"),
        ({"lastUpdatedAfter": "2026-03-02T12:20:01Z"}, "A"),
        ({"lastUpdatedBefore": "2026-03-02T12:20:00Z"}, "B C"),
        ({"withStatus": "BUYABLE"}, "A C"),
        ({"withStatus": "BUYABLE,DISCOVERABLE"}, "A B C"),
        ({"withoutStatus": "BUYABLE"}, "B"),
        ({"withIssueSeverity": "ERROR"}, ""),
        ({"identifiers": "B,A,NOPE", "identifiersType": "SKU"}, "A B"),
        ({"variationParentSku": "A"}, ""),
        ({"packageHierarchySku": "A"}, ""),
    ],
)
def test_what_is_found_and_in_what_order(shelf, query, found):
    answer = shelf.call("GET", ITEMS, **(ASKED | query)).json()
    assert " ".join(item["sku"] for item in answer["items"]) == found
    assert answer["numberOfResults"] == len(found.split())


def test_an_asin_is_an_identifier_too(shelf):
    asin = shelf.call("GET", f"{ITEMS}/B", marketplaceIds=US).json()["summaries"][0]["asin"]
    answer = shelf.call("GET", ITEMS, **ASKED, identifiers=asin, identifiersType="ASIN").json()
    assert [item["sku"] for item in answer["items"]] == ["B"]


@pytest.mark.parametrize(
    "query",
    [
        {"identifiers": "A"},
        {"identifiersType": "SKU"},
        {"identifiers": "A", "identifiersType": "SKU", "variationParentSku": "B"},
        {"identifiers": "A", "identifiersType": "SKU", "packageHierarchySku": "B"},
        {"variationParentSku": "A", "packageHierarchySku": "B"},
        {"identifiers": ",".join(str(number) for number in range(21)), "identifiersType": "SKU"},
        {"sortBy": "asin"},
        {"sortOrder": "UP"},
        {"createdAfter": "yesterday"},
        {"withStatus": "SOLD_OUT"},
        {"withIssueSeverity": "INFO"},
    ],
)
def test_parameters_that_do_not_go_together_are_refused(shelf, query):
    answer = shelf.call("GET", ITEMS, **(ASKED | query))
    assert (answer.status, error(answer)["code"]) == (400, "BAD_REQUEST")


def test_a_thousand_results_can_be_paged_through_and_no_more(amazon, store):
    many = [{"seller": NORTHWIND, "sku": f"S{number:04d}"} for number in range(1005)]
    amazon.steer("POST", "listings", many)
    near = store.call("GET", ITEMS, **ASKED, pageToken="980", sortBy="sku", sortOrder="ASC").json()
    assert near["numberOfResults"] > 1000
    assert (len(near["items"]), "pagination" in near) == (20, False)
    assert store.call("GET", ITEMS, **ASKED, pageToken="1000").json()["items"] == []
