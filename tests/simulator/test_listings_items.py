"""Listings Items API: putting, previewing and deleting, and what the four patch operations do to an offer."""

import json

import pytest

from tests.simulator.driver import JSON, NORTHWIND, REMOTE, error
from tests.simulator.test_listings import ITEMS, TYPE, US, availability, feed, line, listing, patch, run

pytestmark = pytest.mark.unit

CA = "A2EUQ1WTGCTBG2"
OFFER = {"fulfillment_availability": availability(7, 3)["value"]}


def put(store, sku: str, attributes: dict, product_type: str = "PRODUCT", **query: str):
    body = {"productType": product_type, "requirements": "LISTING", "attributes": attributes}
    return store.call("PUT", f"{ITEMS}/{sku}", body, **({"marketplaceIds": US} | query))


def skus(amazon, seller: str = NORTHWIND) -> set[str]:
    return {one["sku"] for one in amazon.steer("GET", "listings", seller=seller)["listings"]}


def name(text: str) -> list[dict]:
    return [{"value": text, "language_tag": "en_US", "marketplace_id": US}]


def test_put_lists_something_new_in_the_marketplaces_named(amazon, store):
    answer = put(store, "NEW-1", OFFER | {"item_name": name("A new thing")})
    assert (answer.status, answer.json()["status"], answer.json()["issues"]) == (200, "ACCEPTED", [])
    new = listing(amazon, "NEW-1")
    assert (new["quantity"], new["lead_days"], new["title"]) == (7, 3, "A new thing")
    assert new["marketplaces"] == [US]
    put(store, "NEW-1", OFFER, marketplaceIds=CA)
    assert listing(amazon, "NEW-1")["marketplaces"] == [US, CA]


def test_put_drops_what_it_does_not_name_again(amazon, store):
    put(store, "NEW-1", OFFER | {"item_name": name("A new thing"), "brand": [{"value": "Sim"}]})
    assert put(store, "NEW-1", {"item_name": name("Renamed")}).json()["status"] == "ACCEPTED"
    read = store.call("GET", f"{ITEMS}/NEW-1", marketplaceIds=US, includedData="attributes").json()["attributes"]
    assert read == {"fulfillment_availability": [], "item_name": name("Renamed")}
    assert (listing(amazon, "NEW-1")["quantity"], listing(amazon, "NEW-1")["title"]) == (None, "Renamed")


def test_put_turns_an_offer_of_amazons_too(amazon, store):
    put(store, "COOLER-FBA", OFFER)
    cooler = listing(amazon, "COOLER-FBA")
    assert (cooler["converted"], cooler["stranded"], cooler["quantity"]) == (True, 40, 7)


@pytest.mark.parametrize(
    ("attributes", "product_type"),
    [
        ({"fulfillment_availability": availability(None, 3)["value"]}, "PRODUCT"),
        ({"colour": [{"value": "red"}]}, "PRODUCT"),
        (OFFER, "LUGGAGE"),
    ],
)
def test_a_put_that_breaks_a_rule_is_invalid_and_changes_nothing(amazon, store, attributes, product_type):
    answer = put(store, "TENT-2P", attributes, product_type)
    assert (answer.status, answer.json()["status"], len(answer.json()["issues"])) == (200, "INVALID", 1)
    assert listing(amazon, "TENT-2P")["quantity"] == 0
    if product_type == "PRODUCT":
        assert put(store, "NEW-1", attributes).json()["status"] == "INVALID"
        assert "NEW-1" not in skus(amazon)


@pytest.mark.parametrize(
    "body", [{}, {"productType": "PRODUCT"}, {"productType": "PRODUCT", "attributes": {}, "requirements": "ALL"}]
)
def test_a_malformed_put_is_a_bad_request(store, body):
    answer = store.call("PUT", f"{ITEMS}/NEW-1", body, marketplaceIds=US)
    assert answer.status == 400


def test_a_preview_of_a_put_lists_nothing(amazon, store):
    assert put(store, "NEW-1", OFFER, mode="VALIDATION_PREVIEW").json()["status"] == "VALID"
    assert "NEW-1" not in skus(amazon)
    refused = put(store, "NEW-1", {"colour": []}, mode="VALIDATION_PREVIEW").json()
    assert refused["status"] == "INVALID"
    assert put(store, "NEW-1", OFFER, mode="DRY_RUN").status == 400


def test_put_and_delete_take_one_marketplace(amazon, store):
    assert put(store, "NEW-1", OFFER, marketplaceIds=f"{US},{CA}").status == 400
    assert store.call("DELETE", f"{ITEMS}/TENT-2P", marketplaceIds=f"{US},{CA}").status == 400
    assert "NEW-1" not in skus(amazon)
    assert {US, CA} <= set(listing(amazon, "TENT-2P")["marketplaces"])


def test_identifiers_are_told_in_a_preview_only(amazon, store):
    asked = {"includedData": "identifiers"}
    assert put(store, "TENT-2P", OFFER, **asked).status == 400
    body = {"productType": "PRODUCT", "patches": [availability(5)]}
    assert store.call("PATCH", f"{ITEMS}/TENT-2P", body, marketplaceIds=US, **asked).status == 400
    assert put(store, "TENT-2P", OFFER, includedData="pictures").status == 400
    told = put(store, "TENT-2P", OFFER, mode="VALIDATION_PREVIEW", **asked).json()["identifiers"]
    assert told[0] == {"marketplaceId": US, "asin": listing(amazon, "TENT-2P")["asin"]}


def test_delete_takes_a_listing_down_where_it_is_told_to(amazon, store):
    def delete(sku: str, places: str):
        return store.call("DELETE", f"{ITEMS}/{sku}", marketplaceIds=places)

    assert delete("TENT-2P", CA).json()["status"] == "ACCEPTED"
    assert CA not in listing(amazon, "TENT-2P")["marketplaces"]
    assert store.call("GET", f"{ITEMS}/TENT-2P", marketplaceIds=CA).status == 404
    assert store.call("GET", f"{ITEMS}/TENT-2P", marketplaceIds=US).status == 200
    delete("TENT-2P", US)
    delete("TENT-2P", "A1AM78C64UM0Y8")
    assert "TENT-2P" not in skus(amazon)
    assert delete("TENT-2P", US).json()["status"] == "ACCEPTED"


def test_a_missing_channel_code_is_a_bad_request(amazon, store):
    answer = patch(store, "TENT-2P", availability(4, 2, fulfillment_channel_code=None))
    assert answer.status == 400
    assert (error(answer)["code"], error(answer)["message"]) == ("BAD_REQUEST", "Invalid parameters provided")
    assert listing(amazon, "TENT-2P")["quantity"] == 0


def test_patching_what_is_not_there_is_a_bad_request(store):
    assert error(patch(store, "NOPE", availability(1, 1)))["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("op", "expected"), [("replace", (5, None)), ("add", (5, None)), ("merge", (5, 9)), ("delete", (None, None))]
)
def test_the_four_operations(amazon, store, op, expected):
    patch(store, "TENT-2P", availability(3, 9))
    assert patch(store, "TENT-2P", availability(5, op=op)).json()["status"] == "ACCEPTED"
    tent = listing(amazon, "TENT-2P")
    assert (tent["quantity"], tent["lead_days"]) == expected


def test_merge_takes_no_lead_time_alone_either(store):
    patch(store, "TENT-2P", availability(3, 9))
    answer = patch(store, "TENT-2P", availability(None, 4, op="merge")).json()
    assert answer["status"] == "INVALID"
    assert answer["issues"][0]["attributeNames"] == ["fulfillment_availability"]


def test_delete_needs_no_value(amazon, store):
    operation = {"op": "delete", "path": "/attributes/fulfillment_availability"}
    assert patch(store, "TENT-2P", operation).json()["status"] == "ACCEPTED"
    assert listing(amazon, "TENT-2P")["fulfillmentAvailability"] == []


@pytest.mark.parametrize(("days", "status"), [(0, "ACCEPTED"), (30, "ACCEPTED"), (31, "INVALID"), (-1, "INVALID")])
def test_lead_times_are_of_0_to_30_days(store, days, status):
    assert patch(store, "TENT-2P", availability(1, days)).json()["status"] == status


def test_merging_a_merchant_quantity_beside_amazons_stock_makes_a_second_entry(amazon, store):
    patch(store, "COOLER-FBA", availability(3, 3, op="merge"))
    cooler = listing(amazon, "COOLER-FBA")
    assert {one["fulfillmentChannelCode"]: one["quantity"] for one in cooler["fulfillmentAvailability"]} == {
        "AMAZON_NA": 40,
        "DEFAULT": 3,
    }
    assert (cooler["converted"], cooler["stranded"]) == (False, 0)
    patch(store, "COOLER-FBA", availability(3, 3))
    assert listing(amazon, "COOLER-FBA")["stranded"] == 40


@pytest.mark.parametrize("op", ["replace", "merge"])
def test_enrolled_in_remote_fulfillment_no_operation_makes_a_merchant_offer(amazon, op):
    store = amazon.connect(REMOTE)
    path = f"/na/listings/2021-08-01/items/{REMOTE}/COOLER-FBA"
    body = {"productType": "PRODUCT", "patches": [availability(3, 3, op=op)]}
    assert store.call("PATCH", path, body, marketplaceIds=US).json()["status"] == "INVALID"
    assert listing(amazon, "COOLER-FBA", REMOTE)["quantity"] is None


def update(sku: str, attributes: dict | None, operation: str = "UPDATE", number: int = 1) -> dict:
    message = {"messageId": number, "sku": sku, "operationType": operation}
    return message | ({} if attributes is None else {"productType": "PRODUCT", "attributes": attributes})


def test_a_feed_updates_in_full_or_in_part_patches_and_deletes(amazon, store):
    run(store, update("NEW-1", OFFER | {"item_name": name("First")}))
    assert (listing(amazon, "NEW-1")["title"], listing(amazon, "NEW-1")["marketplaces"]) == ("First", [US])
    run(store, update("NEW-1", {"fulfillment_availability": availability(8)["value"]}, "PARTIAL_UPDATE"))
    after = listing(amazon, "NEW-1")
    assert (after["quantity"], after["lead_days"], after["title"]) == (8, None, "First")
    run(store, line("NEW-1", availability(9, 4)))
    assert listing(amazon, "NEW-1")["quantity"] == 9
    run(store, update("NEW-1", {"item_name": name("Second")}))
    assert (listing(amazon, "NEW-1")["quantity"], listing(amazon, "NEW-1")["title"]) == (None, "Second")
    assert run(store, update("NEW-1", None, "DELETE"))["issues"] == []
    assert "NEW-1" not in skus(amazon)


def test_only_a_full_update_creates(amazon, store):
    report = run(
        store,
        update("NEW-1", OFFER, "PARTIAL_UPDATE", 1),
        line("NEW-1", availability(1, 1), number=2),
        update("NEW-1", None, "DELETE", 3),
    )
    assert report["summary"]["messagesInvalid"] == 3
    assert "NEW-1" not in skus(amazon)


def test_a_malformed_message_says_so_in_the_report(amazon, store):
    report = run(store, line("TENT-2P", availability(4, 2, fulfillment_channel_code=None)))
    assert report["issues"][0]["message"].startswith("Invalid parameters provided")


def test_a_feed_deletes_in_its_own_marketplace(amazon, store):
    content = feed(update("TENT-2P", None, "DELETE"))
    store.submit(TYPE, content, JSON, CA)
    amazon.advance(60)
    assert listing(amazon, "TENT-2P")["marketplaces"] == [US, "A1AM78C64UM0Y8"]
    assert json.loads(content)["header"]["sellerId"] == NORTHWIND


def sell(amazon, **mix: int) -> list[dict]:
    made = amazon.steer("POST", "orders/generate", {"seller": NORTHWIND, "mix": mix})["branches"]
    return [amazon.steer("GET", f"orders/{order_id}")["order"] for ids in made.values() for order_id in ids]


def test_a_sale_lowers_the_quantity_where_the_seller_wants_it_to(amazon, store):
    amazon.steer("POST", "listings", {"seller": NORTHWIND, "sku": "BUNDLE-CAMP", "quantity": 10})
    sell(amazon, bundle=1)
    assert listing(amazon, "BUNDLE-CAMP")["quantity"] == 10
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "sales_lower_stock": True})
    (order,) = sell(amazon, bundle=1)
    units = order["orderItems"][0]["quantityOrdered"]
    assert listing(amazon, "BUNDLE-CAMP")["quantity"] == 10 - units
    sell(amazon, bundle=9)
    assert listing(amazon, "BUNDLE-CAMP")["quantity"] == 0


def test_amazons_own_and_cancelled_orders_lower_nothing(amazon, store):
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "sales_lower_stock": True})
    for sku in ("TENT-2P", "LAMP-USB", "STOVE-MINI", "000123", "Mug Blue 12oz"):
        amazon.steer("POST", "listings", {"seller": NORTHWIND, "sku": sku, "quantity": 50})
    sell(amazon, amazon_fulfilled=3, cancelled=3)
    shown = amazon.steer("GET", "listings", seller=NORTHWIND)["listings"]
    assert {one["quantity"] for one in shown if not one["fba"] and one["sku"] != "BUNDLE-CAMP"} == {50}
