"""Who gets in: tokens, regions, headers, addresses."""

import pytest

from plugins.amazon.simulator.operations import OPERATIONS, find_operation
from tests.simulator.driver import ALPEN, APPLICATION, NORTHWIND, ORDERS, SAKURA, error

pytestmark = pytest.mark.unit

PARTICIPATIONS = "/na/sellers/v1/marketplaceParticipations"
ACCOUNT = "/eu/sellers/v1/account"


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


# Of each operation, roles of which any one is enough.
_LISTINGS = ("Product Listing", "Inventory and Order Tracking")
_SHIPPING = ("Direct-to-Consumer Shipping", "Inventory and Order Tracking")
_ORDERS = (*_SHIPPING, "Product Listing", "Pricing", "Buyer Communication", "Tax Invoicing")
ITEM = f"/na/listings/2021-08-01/items/{NORTHWIND}/TENT-2P"
OPENED_BY = {
    ("GET", ORDERS): _ORDERS,
    ("GET", f"{ORDERS}/111-0000000-0000000"): _ORDERS,
    ("GET", "/na/orders/v0/orders"): _ORDERS,
    ("GET", "/na/orders/v0/orders/111-0000000-0000000"): _ORDERS,
    ("GET", "/na/orders/v0/orders/111-0000000-0000000/address"): _ORDERS,
    ("GET", "/na/orders/v0/orders/111-0000000-0000000/buyerInfo"): _ORDERS,
    ("GET", "/na/orders/v0/orders/111-0000000-0000000/orderItems"): _ORDERS,
    ("GET", "/na/orders/v0/orders/111-0000000-0000000/orderItems/buyerInfo"): _ORDERS,
    ("GET", "/na/orders/v0/orders/111-0000000-0000000/regulatedInfo"): _ORDERS,
    ("POST", "/na/orders/v0/orders/111-0000000-0000000/shipmentConfirmation"): _SHIPPING,
    ("POST", "/na/feeds/2021-06-30/documents"): (*_SHIPPING, "Product Listing"),
    ("GET", "/na/feeds/2021-06-30/documents/1"): (*_SHIPPING, "Product Listing"),
    ("POST", "/na/feeds/2021-06-30/feeds"): (*_SHIPPING, "Product Listing"),
    ("GET", "/na/feeds/2021-06-30/feeds"): (*_SHIPPING, "Product Listing"),
    ("GET", "/na/feeds/2021-06-30/feeds/1"): (*_SHIPPING, "Product Listing"),
    ("DELETE", "/na/feeds/2021-06-30/feeds/1"): (*_SHIPPING, "Product Listing"),
    ("GET", ITEM.rsplit("/", 1)[0]): _LISTINGS,
    ("GET", ITEM): _LISTINGS,
    ("PUT", ITEM): _LISTINGS,
    ("PATCH", ITEM): _LISTINGS,
    ("DELETE", ITEM): _LISTINGS,
    ("GET", PARTICIPATIONS): ("Selling Partner Insights", "Product Listing"),
    ("GET", ACCOUNT): ("Finance and Accounting", "Account Information Service Provider"),
    ("POST", "/na/tokens/2021-03-01/restrictedDataToken"): _ORDERS,
    ("GET", "/na/notifications/v1/subscriptions"): _ORDERS,
    ("GET", "/na/notifications/v1/subscriptions/ORDER_CHANGE"): _ORDERS,
    ("POST", "/na/notifications/v1/subscriptions/ORDER_CHANGE"): _ORDERS,
}


def test_the_table_of_roles_knows_every_operation_of_a_seller():
    found = {find_operation(method, path[3:])[0].name for method, path in OPENED_BY}
    assert found == {name for name, operation in OPERATIONS.items() if operation.scope is None}


@pytest.mark.parametrize(("method", "path"), OPENED_BY)
def test_an_operation_takes_one_of_its_roles(amazon, method, path):
    seller, wrong = ALPEN if path.startswith("/eu/") else NORTHWIND, ["Pricing"]
    if path == PARTICIPATIONS:
        wrong = ["Inventory and Order Tracking", "Direct-to-Consumer Shipping", "Pricing"]
    elif "Pricing" in OPENED_BY[method, path]:
        wrong = []
    amazon.steer("POST", "application", {"roles": sorted({*_ORDERS, *wrong, *OPENED_BY[method, path]})})
    store = amazon.connect(seller)
    amazon.steer("POST", "seller", {"seller": seller, "roles": wrong})
    refused = store.call(method, path, {} if method in ("POST", "PUT", "PATCH") else None)
    assert refused.status == 403
    assert refused.json() == {
        "errors": [{"code": "Unauthorized", "message": "Access to requested resource is denied.", "details": ""}]
    }
    assert "x-amzn-RateLimit-Limit" not in refused.headers
    for role in OPENED_BY[method, path]:
        amazon.steer("POST", "seller", {"seller": seller, "roles": [role]})
        assert store.call(method, path, {} if method in ("POST", "PUT", "PATCH") else None).status != 403


def test_the_account_is_told_in_europe_only(amazon):
    amazon.roles("Finance and Accounting", seller=ALPEN)
    account = amazon.connect(ALPEN).call("GET", ACCOUNT).json()["payload"]
    assert (account["sellingPlan"], len(account["marketplaceParticipationList"])) == ("PROFESSIONAL", 5)
    assert amazon.connect().call("GET", ACCOUNT.replace("/eu/", "/na/")).status == 403


def test_in_the_far_east_any_role_of_orders_tells_the_participations(amazon):
    store = amazon.connect(SAKURA)
    amazon.steer("POST", "seller", {"seller": SAKURA, "roles": ["Inventory and Order Tracking"]})
    assert store.call("GET", PARTICIPATIONS.replace("/na/", "/fe/")).status == 200
    amazon.steer("POST", "seller", {"seller": SAKURA, "roles": ["Brand Analytics"]})
    assert store.call("GET", PARTICIPATIONS.replace("/na/", "/fe/")).status == 403


def test_a_role_the_application_gains_takes_a_new_consent(amazon, store):
    roles = ["Direct-to-Consumer Shipping", "Inventory and Order Tracking"]
    amazon.roles("Product Listing")
    amazon.order()
    window = {"createdAfter": "2026-02-01T00:00:00Z", "includedData": "RECIPIENT"}

    def street() -> bool:
        (order,) = store.search(**window).json()["orders"]
        return "addressLine1" in order["recipient"]["deliveryAddress"]

    amazon.steer("POST", "application", {"roles": ["Product Listing", *roles]})
    store.renew()
    assert not street()
    amazon.steer("POST", "authorize", {"seller": NORTHWIND})
    assert street()
    amazon.steer("POST", "application", {"roles": ["Product Listing"]})
    assert not street()


def test_a_role_the_application_lacks_cannot_be_granted(amazon, store):
    amazon.steer("POST", "application", {"roles": ["Pricing"]})
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "roles": ["Direct-to-Consumer Shipping"]})
    assert store.search(createdAfter="2026-02-01T00:00:00Z").status == 403


@pytest.mark.parametrize(
    ("feed_type", "role"),
    [
        ("POST_ORDER_ACKNOWLEDGEMENT_DATA", "Product Listing"),
        ("POST_ORDER_FULFILLMENT_DATA", "Product Listing"),
        ("JSON_LISTINGS_FEED", "Direct-to-Consumer Shipping"),
    ],
)
def test_createfeed_asks_for_a_role_of_the_feeds_type(amazon, store, feed_type, role):
    document = store.upload(b"x")
    body = {"feedType": feed_type, "marketplaceIds": ["ATVPDKIKX0DER"], "inputFeedDocumentId": document}
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "roles": [role]})
    refused = store.call("POST", "/na/feeds/2021-06-30/feeds", body)
    assert (refused.status, error(refused)["details"]) == (403, "")
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "roles": ["Inventory and Order Tracking"]})
    assert store.call("POST", "/na/feeds/2021-06-30/feeds", body).status == 202


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
        {"method": "GET", "path": "/foo/bar"},
        {"method": "POST", "path": "/orders/v0/orders"},
        {"method": "GET", "path": "/orders/v0/orders"},
        {"method": "GET", "path": "/orders/v0/orders/{orderId}", "dataElements": []},
        {"method": "GET", "path": "/orders/v0/orders/{orderId}/orderItems"},
    ],
)
def test_a_restricted_token_needs_proper_resources(store, resource):
    answer = store.call("POST", "/na/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": [resource]})
    assert (answer.status, error(answer)["code"]) == (400, "InvalidRequest")


@pytest.mark.parametrize(("target", "status"), [(APPLICATION, 200), ("foo", 400), (5, 400)])
def test_a_restricted_token_is_delegated_to_a_registered_application_only(store, target, status):
    resource = {"method": "GET", "path": "/orders/v0/orders/{orderId}/address"}
    body = {"targetApplication": target, "restrictedResources": [resource]}
    assert store.call("POST", "/na/tokens/2021-03-01/restrictedDataToken", body).status == status


def test_a_restricted_token_may_stand_for_any_order(amazon, store):
    first, second = amazon.order()["orderId"], amazon.order()["orderId"]
    store.token = store.restricted("/orders/v0/orders/{orderId}/address")
    for order in (first, second):
        assert store.call("GET", f"/na/orders/v0/orders/{order}/address").status == 200
        assert store.call("GET", f"/na/orders/v0/orders/{order}").status == 403
        assert store.call("GET", f"/na/orders/v0/orders/{order}/orderItems").status == 403


def test_restricted_data_takes_the_restricted_role(amazon, store):
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "roles": ["Inventory and Order Tracking"]})
    for resource, text in (
        (
            {"path": "/orders/v0/orders", "dataElements": ["buyerInfo", "shippingAddress"]},
            "Application does not have access to one or more requested data elements: [buyerInfo, shippingAddress]",
        ),
        (
            {"path": "/orders/v0/orders/{orderId}/address"},
            "Application do not have access to some or all requested resource",
        ),
    ):
        body = {"restrictedResources": [{"method": "GET"} | resource]}
        answer = store.call("POST", "/na/tokens/2021-03-01/restrictedDataToken", body)
        assert (answer.status, error(answer)["code"], error(answer)["message"]) == (400, "InvalidInput", text)


def test_tax_data_takes_a_tax_role(amazon, store):
    resource = {"method": "GET", "path": "/orders/v0/orders", "dataElements": ["buyerTaxInformation"]}
    body = {"restrictedResources": [resource]}
    assert store.call("POST", "/na/tokens/2021-03-01/restrictedDataToken", body).status == 400
    amazon.roles("Tax Invoicing")
    assert store.call("POST", "/na/tokens/2021-03-01/restrictedDataToken", body).status == 200
