"""confirmShipment: packages, parts, edits, refusals in Amazon's words."""

import pytest

from tests.simulator.driver import ORDERS, error

pytestmark = pytest.mark.unit

US = "ATVPDKIKX0DER"


def detail(order: dict, reference="1", quantity: int | None = None, **changes) -> dict:
    lines = [
        {"orderItemId": item["orderItemId"], "quantity": quantity or item["quantityOrdered"]}
        for item in order["order"]["orderItems"]
    ]
    return {
        "packageReferenceId": reference,
        "carrierCode": "UPS",
        "trackingNumber": "1Z999",
        "shipDate": "2026-03-02T11:59:00Z",
        "orderItems": lines,
    } | changes


def confirm(store, order: dict, package: dict, place: str | None = None):
    body = {"marketplaceId": place or order["marketplaceId"], "packageDetail": package}
    return store.call("POST", f"/na/orders/v0/orders/{order['orderId']}/shipmentConfirmation", body)


def read(amazon, order: dict) -> dict:
    return amazon.steer("GET", f"orders/{order['orderId']}")


def three_tents(amazon) -> dict:
    order = amazon.order()
    (item,) = order["order"]["orderItems"][:1]
    return amazon.steer("POST", f"orders/{order['orderId']}", {"set": {"orderItems": [item | {"quantityOrdered": 3}]}})


def test_a_whole_shipment_is_204_and_shows_on_the_order(amazon, store):
    order = amazon.order()
    answer = confirm(store, order, detail(order))
    assert (answer.status, answer.body) == (204, b"")
    after = read(amazon, order)
    assert (after["status"], after["buyer_view"]) == ("SHIPPED", "Shipped")
    shown = store.call("GET", f"{ORDERS}/{order['orderId']}", includedData="PACKAGES,FULFILLMENT").json()["order"]
    assert shown["packages"][0]["trackingNumber"] == "1Z999"
    assert all(item["fulfillment"]["quantityUnfulfilled"] == 0 for item in shown["orderItems"])


def test_parts_add_up(amazon, store):
    order = three_tents(amazon)
    assert confirm(store, order, detail(order, "1", 1)).status == 204
    assert read(amazon, order)["status"] == "PARTIALLY_SHIPPED"
    assert confirm(store, order, detail(order, "2", 3)).status == 400
    assert confirm(store, order, detail(order, "2", 2)).status == 204
    assert read(amazon, order)["status"] == "SHIPPED"
    assert len(read(amazon, order)["packages"]) == 2


def test_the_same_reference_edits_the_package_even_after_the_last_one(amazon, store):
    order = amazon.order()
    confirm(store, order, detail(order))
    assert confirm(store, order, detail(order, trackingNumber="1Z-CORRECTED")).status == 204
    (package,) = read(amazon, order)["packages"]
    assert package["trackingNumber"] == "1Z-CORRECTED"


def test_a_package_that_was_steered_in_can_be_edited(amazon, store):
    order = three_tents(amazon)
    amazon.steer("POST", f"orders/{order['orderId']}", {"set": {"packages": [{"packageReferenceId": "7"}]}})
    assert confirm(store, order, detail(order, "7", 1)).status == 204
    (package,) = read(amazon, order)["packages"]
    assert (package["trackingNumber"], package["createdTime"]) == ("1Z999", "2026-03-02T12:00:00.000Z")


def test_a_new_reference_after_full_shipment_is_package_to_update_not_found(amazon, store):
    order = amazon.order()
    confirm(store, order, detail(order))
    answer = confirm(store, order, detail(order, "2"))
    assert answer.status == 400
    assert "PackageToUpdateNotFound" in error(answer)["message"]


@pytest.mark.parametrize("reference", [1, "0", "-1", "1.5", "P1", "", None])
def test_the_reference_must_be_a_string_with_a_positive_number(amazon, store, reference):
    order = amazon.order()
    answer = confirm(store, order, detail(order, reference))
    assert answer.status == 400
    assert error(answer)["message"] == "PackageReferenceId: is invalid, must be a positive numeric value."


@pytest.mark.parametrize(
    "changes",
    [
        {"carrierCode": ""},
        {"carrierCode": "Other"},
        {"carrierCode": "Other", "carrierName": " "},
        {"carrierCode": "Other", "carrierName": 5},
        {"carrierCode": "ups"},
        {"carrierCode": "FedEx Freight"},
        {"carrierCode": "Riverboat", "carrierName": "Riverboat"},
        {"trackingNumber": " "},
        {"shipDate": "02/21/2022"},
        {"shipDate": "2026-03-02T12:30:00Z"},
        {"shipDate": "2020-01-01T00:00:00Z"},
        {"orderItems": []},
        {"orderItems": {"orderItemId": "1", "quantity": 1}},
        {"orderItems": [{"orderItemId": "123", "quantity": 1}]},
    ],
)
def test_what_amazon_refuses_changes_nothing(amazon, store, changes):
    order = amazon.order()
    answer = confirm(store, order, detail(order, **changes))
    assert (answer.status, error(answer)["code"]) == (400, "InvalidInput")
    assert read(amazon, order)["packages"] == []


@pytest.mark.parametrize("code", ["UPS", "FedEx SmartPost", "Fedex Freight", "Post NL", "R+L", "4PX"])
def test_a_carrier_on_amazons_list_needs_no_name(amazon, store, code):
    order = amazon.order()
    assert confirm(store, order, detail(order, carrierCode=code)).status == 204
    assert read(amazon, order)["packages"][0]["carrier"] == code


@pytest.mark.parametrize("quantity", [0, -1, 1.0, "1", True])
def test_a_quantity_is_a_positive_whole_number(amazon, store, quantity):
    order = three_tents(amazon)
    package = detail(order)
    package["orderItems"][0]["quantity"] = quantity
    assert confirm(store, order, package).status == 400


@pytest.mark.parametrize(
    ("branch", "change"),
    [
        ("pending", {}),
        ("amazon_fulfilled", {}),
        ("cancelled", {}),
        ("plain", {"set": {"programs": ["FBM_SHIP_PLUS"]}}),
        ("plain", {"set": {"fulfillment": {"fulfilledBy": "MERCHANT", "fulfillmentStatus": "UNFULFILLABLE"}}}),
        ("plain", {"set": {"fulfillment": {"fulfilledBy": "MERCHANT", "fulfillmentStatus": "NEW_AT_AMAZON"}}}),
    ],
)
def test_some_orders_cannot_be_confirmed(amazon, store, branch, change):
    order = amazon.order(branch=branch, **change)
    assert confirm(store, order, detail(order)).status == 400


def test_the_marketplace_must_be_the_orders(amazon, store):
    order = amazon.order()
    other = next(place for place in (US, "A2EUQ1WTGCTBG2") if place != order["marketplaceId"])
    assert confirm(store, order, detail(order), other).status == 400


def test_another_sellers_order_is_unknown(amazon, store):
    order = amazon.order("A2SIMNA0000002")
    assert confirm(store, order, detail(order)).status == 404


def test_the_call_log_names_the_package(amazon, store):
    order = amazon.order()
    confirm(store, order, detail(order, "17"))
    (call,) = amazon.steer("GET", "calls", operation="confirmShipment")["calls"]
    assert call["packages"] == [f"{order['orderId']}/17"]


def test_a_package_can_be_edited_so_often_and_no_more(amazon, store):
    amazon.steer("POST", "limits", {"package_edits": 2})
    order = three_tents(amazon)
    answers = [confirm(store, order, detail(order, "1", 1, trackingNumber=f"1Z{number}")) for number in range(4)]
    assert [answer.status for answer in answers] == [204, 204, 204, 400]
    assert "maximum number of allowed updates" in error(answers[3])["message"]
    assert read(amazon, order)["packages"][0]["trackingNumber"] == "1Z2"
    assert confirm(store, order, detail(order, "2", 2)).status == 204


def test_an_edit_that_is_refused_does_not_count(amazon, store):
    amazon.steer("POST", "limits", {"package_edits": 1})
    order = three_tents(amazon)
    confirm(store, order, detail(order, "1", 1))
    assert confirm(store, order, detail(order, "1", 4)).status == 400
    assert confirm(store, order, detail(order, "1", 2)).status == 204


def test_a_cancelled_line_cannot_be_shipped_and_the_rest_completes_the_order(amazon, store):
    order = amazon.order(branch="cancelled_line")
    tent, lamp = order["order"]["orderItems"]
    assert lamp["quantityOrdered"] == 0
    lines = [{"orderItemId": item["orderItemId"], "quantity": 1} for item in (tent, lamp)]
    refused = confirm(store, order, detail(order, orderItems=lines))
    assert (refused.status, "NonexistentOrderItem" in error(refused)["message"]) == (400, True)
    whole = [{"orderItemId": tent["orderItemId"], "quantity": tent["quantityOrdered"]}]
    assert confirm(store, order, detail(order, orderItems=whole)).status == 204
    assert read(amazon, order)["status"] == "SHIPPED"


def test_transparency_codes_are_kept_with_the_package(amazon, store):
    order = amazon.order(branch="transparency")
    package = detail(order)
    package["orderItems"][0]["transparencyCodes"] = ["AZ:1", "AZ:2"]
    assert confirm(store, order, package).status == 204
    assert read(amazon, order)["packages"][0]["packageItems"][0]["transparencyCodes"] == ["AZ:1", "AZ:2"]
    package["orderItems"][0]["transparencyCodes"] = "AZ:1"
    assert confirm(store, order, package).status == 400


def test_ship_plus_orders_are_confirmed_by_amazon_alone(amazon, store):
    order = amazon.order(branch="ship_plus")
    assert "Ship+" in error(confirm(store, order, detail(order)))["message"]


def test_carriers_off_the_list_go_by_name(amazon, store):
    order = amazon.order()
    assert confirm(store, order, detail(order, carrierCode="Other", carrierName="Riverboat")).status == 204
    assert read(amazon, order)["packages"][0]["carrier"] == "Riverboat"
