"""The part of an order a reply shows: datasets, roles, states."""

import pytest

from tests.simulator.driver import EVERYTHING, NORTHWIND, ORDERS

pytestmark = pytest.mark.unit

ALWAYS = {
    "orderId",
    "orderAliases",
    "createdTime",
    "lastUpdatedTime",
    "programs",
    "associatedOrders",
    "salesChannel",
    "orderItems",
}


def shown(store, order_id: str, included: str | None = EVERYTHING) -> dict:
    answer = store.call("GET", f"{ORDERS}/{order_id}", **({"includedData": included} if included else {}))
    assert answer.status == 200, answer.body
    return answer.json()["order"]


def test_without_datasets_only_the_core_is_shown(amazon, store):
    order = shown(store, amazon.order()["orderId"], None)
    assert order.keys() == ALWAYS
    assert order["orderItems"][0].keys() == {"orderItemId", "quantityOrdered", "product"}


@pytest.mark.parametrize(
    ("dataset", "of_order", "of_item"),
    [
        ("BUYER", {"buyer"}, set()),
        ("RECIPIENT", {"recipient"}, set()),
        ("PROCEEDS", {"proceeds"}, {"proceeds"}),
        ("FULFILLMENT", {"fulfillment"}, {"fulfillment"}),
        ("PACKAGES", {"packages"}, set()),
        ("CANCELLATION", set(), {"cancellation"}),
    ],
)
def test_each_dataset_brings_its_own_fields_only(amazon, store, dataset, of_order, of_item):
    order_id = amazon.order(branch="partially_shipped", request_cancel=True)["orderId"]
    order = shown(store, order_id, dataset)
    assert order.keys() == ALWAYS | of_order
    assert order["orderItems"][0].keys() == {"orderItemId", "quantityOrdered", "product"} | of_item


def test_a_pending_order_shows_no_buyer_no_address_and_no_prices(amazon, store):
    order = shown(store, amazon.order(branch="pending")["orderId"])
    assert not order.keys() & {"buyer", "recipient", "proceeds"}
    assert order["fulfillment"]["fulfillmentStatus"] == "PENDING"
    assert all("price" not in item["product"] and "proceeds" not in item for item in order["orderItems"])


def test_once_payable_the_same_order_shows_everything(amazon, store):
    order_id = amazon.order(branch="pending", make_payable=True)["orderId"]
    order = shown(store, order_id)
    assert order["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert {"buyer", "recipient", "proceeds"} <= order.keys()


def test_without_the_restricted_role_personal_fields_are_missing_silently(amazon, store):
    order_id = amazon.order(branch="gift")["orderId"]
    assert "Simgift" in str(shown(store, order_id))
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "roles": ["Inventory and Order Tracking"]})
    order = shown(store, order_id)
    for trace in ("Simbuyer", "simbuyer-", "Simstreet", "555-01", "Simgift"):
        assert trace not in str(order)
    assert order["recipient"]["deliveryAddress"].keys() <= {"city", "stateOrRegion", "countryCode", "addressType"}
    assert order["orderItems"][0]["fulfillment"]["packing"]["giftOption"] == {"giftWrapLevel": "PREMIUM"}


def test_the_buyers_e_mail_is_for_merchant_fulfilled_orders_only(amazon, store):
    assert "buyerEmail" in shown(store, amazon.order()["orderId"])["buyer"]
    assert shown(store, amazon.order(branch="amazon_fulfilled")["orderId"])["buyer"].keys() == {"buyerName"}


def test_a_tax_role_shows_names_and_no_more_in_both_versions(amazon, store):
    order_id = amazon.order(branch="gift")["orderId"]
    amazon.roles("Tax Invoicing")
    order = shown(store, order_id)
    assert order["buyer"].keys() == {"buyerName"}
    address = order["recipient"]["deliveryAddress"]
    assert address.keys() <= {"name", "city", "stateOrRegion", "countryCode", "addressType"}
    name = address["name"]
    store.token = store.restricted("/orders/v0/orders/{orderId}", "buyerInfo", "shippingAddress")
    older = store.call("GET", f"/na/orders/v0/orders/{order_id}").json()["payload"]
    assert older["BuyerInfo"].keys() == {"BuyerName"}
    assert (older["ShippingAddress"].keys(), older["ShippingAddress"]["Name"]) == (
        {"Name", "City", "StateOrRegion", "CountryCode"},
        name,
    )
    store.renew()
    store.token = store.restricted("/orders/v0/orders/{orderId}/orderItems", "buyerInfo")
    (item,) = store.call("GET", f"/na/orders/v0/orders/{order_id}/orderItems").json()["payload"]["OrderItems"]
    assert item["BuyerInfo"].keys() == {"GiftWrapLevel"}


def test_without_any_role_the_reads_are_403(amazon, store):
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "roles": []})
    answer = store.search(createdAfter="2026-02-01T00:00:00Z")
    assert answer.status == 403
    assert answer.json()["errors"] == [
        {"code": "Unauthorized", "message": "Access to requested resource is denied.", "details": ""}
    ]


def test_the_phone_is_hidden_on_amazons_own_and_on_delivered_orders(amazon, store):
    def address(order_id: str) -> dict:
        return shown(store, order_id)["recipient"]["deliveryAddress"]

    assert "phone" not in address(amazon.order(branch="amazon_fulfilled")["orderId"])
    shipped = amazon.order(set={"fulfillment": {"fulfillmentStatus": "SHIPPED"}})["orderId"]
    assert "phone" in address(shipped)
    amazon.advance(30 * 86400)
    store.renew()
    assert "phone" not in address(shipped)
    assert address(shipped)["name"].endswith("Simbuyer")
