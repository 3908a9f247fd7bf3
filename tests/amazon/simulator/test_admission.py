"""Who gets in: tokens, regions, headers, addresses."""

import pytest

from tests.amazon.simulator.driver import ALPEN, ORDERS, error

PARTICIPATIONS = "/na/sellers/v1/marketplaceParticipations"


def test_a_missing_a_made_up_and_a_stale_token_are_403_with_details(amazon, store):
    assert "missing" in error(amazon.send("GET", PARTICIPATIONS))["details"]
    made_up = amazon.send("GET", PARTICIPATIONS, headers={"x-amz-access-token": "Atza|x"})
    assert (made_up.status, "malformed" in error(made_up)["details"]) == (403, True)
    amazon.advance(3600)
    assert store.call("GET", PARTICIPATIONS).status == 200
    amazon.advance(1)
    stale = store.call("GET", PARTICIPATIONS)
    assert (stale.status, error(stale)["code"]) == (403, "Unauthorized")
    assert "expired" in error(stale)["details"]


def test_another_regions_address_is_403(amazon, store):
    for path in (PARTICIPATIONS.replace("/na/", "/eu/"), ORDERS.replace("/na/", "/fe/")):
        assert store.call("GET", path).status == 403
    assert amazon.connect(ALPEN).call("GET", PARTICIPATIONS.replace("/na/", "/eu/")).status == 200


@pytest.mark.parametrize(
    "path", ["/na/orders/v9/orders", "/na/", "/nowhere", "/na/sellers/v1/marketplaceParticipations/"]
)
def test_an_unknown_address_is_403_missing_authentication_token(store, path):
    answer = store.call("GET", path)
    assert (answer.status, error(answer)["code"]) == (403, "MissingAuthenticationToken")


def test_an_unknown_method_is_403_missing_authentication_token(store):
    assert error(store.call("DELETE", PARTICIPATIONS))["code"] == "MissingAuthenticationToken"


def test_participations_show_the_marketplaces_and_one_that_is_not_retail(store):
    listed = store.call("GET", PARTICIPATIONS).json()["payload"]
    countries = [entry["marketplace"]["countryCode"] for entry in listed]
    assert countries == ["US", "CA", "MX", "CA"]
    assert {entry["storeName"] for entry in listed} == {"Northwind Outdoor"}
    assert listed[-1]["marketplace"]["name"].startswith("SI ")


def test_a_user_agent_without_a_language_is_noted_and_one_too_long_refused(amazon, store):
    for agent, status in (("IS2/1.0", 200), ("x" * 501, 400)):
        answer = amazon.send("GET", PARTICIPATIONS, headers={"x-amz-access-token": store.token, "user-agent": agent})
        assert answer.status == status
    calls = amazon.steer("GET", "calls", operation="getMarketplaceParticipations")["calls"]
    assert [call["user_agent_names_language"] for call in calls] == [False, False]


def test_a_body_must_say_that_it_is_json(amazon, store):
    headers = {"x-amz-access-token": store.token, "content-type": "text/plain"}
    answer = amazon.send("POST", "/na/feeds/2021-06-30/documents", headers=headers, body=b"{}")
    assert answer.status == 415


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_must_be_a_json_object(amazon, store, body):
    headers = {"x-amz-access-token": store.token, "content-type": "application/json"}
    assert amazon.send("POST", "/na/feeds/2021-06-30/documents", headers=headers, body=body).status == 400


def test_a_restricted_token_opens_its_own_paths_only(amazon, store):
    order = amazon.order()["orderId"]
    path = f"/orders/2026-01-01/orders/{order}"
    answer = store.call(
        "POST", "/na/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": [{"method": "GET", "path": path}]}
    )
    assert answer.json()["expiresIn"] == 3600
    store.token = answer.json()["restrictedDataToken"]
    assert store.call("GET", f"/na{path}").status == 200
    assert store.call("GET", PARTICIPATIONS).status == 403


@pytest.mark.parametrize(
    "resource",
    [
        {"method": "GET"},
        {"method": "FETCH", "path": "/orders/v0/orders"},
        {"method": "GET", "path": "/orders/v0/orders?x=1"},
        {"method": "GET", "path": "/orders/v0/orders", "dataElements": "buyerInfo"},
        {"method": "GET", "path": "/orders/2026-01-01/orders", "dataElements": ["buyerInfo"]},
    ],
)
def test_a_restricted_token_needs_proper_resources(store, resource):
    answer = store.call("POST", "/na/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": [resource]})
    assert (answer.status, error(answer)["code"]) == (400, "InvalidRequest")
