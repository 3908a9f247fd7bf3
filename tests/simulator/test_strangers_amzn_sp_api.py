"""Amazon's own Python client (amzn-sp-api, generated from the published models) lives an order's whole life."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from defusedxml.ElementTree import fromstring
from spapi import ApiClient, ApiException
from spapi.api.feeds_v2021_06_30.feeds_api import FeedsApi
from spapi.api.listings_items_v2021_08_01.listings_api import ListingsApi
from spapi.api.orders_v0.orders_v0_api import OrdersV0Api
from spapi.api.orders_v2026_01_01.get_order_api import GetOrderApi
from spapi.api.orders_v2026_01_01.search_orders_api import SearchOrdersApi
from spapi.api.sellers_v1.sellers_api import SellersApi
from spapi.api.tokens_v2021_03_01.tokens_api import TokensApi
from spapi.models.listings_items_v2021_08_01.listings_item_patch_request import ListingsItemPatchRequest
from spapi.models.listings_items_v2021_08_01.listings_item_put_request import ListingsItemPutRequest
from spapi.models.listings_items_v2021_08_01.patch_operation import PatchOperation
from spapi.models.orders_v2026_01_01.order import Order
from spapi.models.tokens_v2021_03_01.create_restricted_data_token_request import CreateRestrictedDataTokenRequest
from spapi.models.tokens_v2021_03_01.restricted_resource import RestrictedResource

from plugins.amazon.simulator.orders.generate import MIX, ON_REQUEST
from plugins.amazon.simulator.orders.order_view import INCLUDED_DATA
from tests.simulator.amzn_sp_api import assert_understood, connected, error_of, package, read, report_of, submit
from tests.simulator.driver import NORTHWIND
from tests.simulator.strangers import (
    ACKNOWLEDGEMENT,
    ALL_PLACES,
    DATASETS,
    FEED_S,
    JSON,
    LISTINGS_FEED,
    US,
    XML,
    Amazon,
    acknowledgements,
    availability_patch,
    listings_feed,
    model_folder,
    over_http,
)


@pytest.fixture(scope="module")
def running() -> Iterator[Amazon]:
    with over_http(models=model_folder()) as amazon:
        yield amazon


@pytest.fixture
def amazon(running) -> Iterator[Amazon]:
    running.steer("reset", {})
    yield running
    assert running.steer("violations")["violations"] == []


@pytest.fixture
def client(amazon) -> ApiClient:
    return connected(amazon)


def test_one_order_lives_its_whole_life(amazon, client):
    (order_id,) = amazon.orders(plain=1)
    listed = SearchOrdersApi(client).search_orders(created_after="2020-01-01T00:00:00Z", included_data=DATASETS).orders
    assert [(order.order_id, order.fulfillment.fulfillment_status) for order in listed] == [(order_id, "UNSHIPPED")]
    order = read(client, order_id)
    (item,) = order.order_items

    feed_id = submit(client, ACKNOWLEDGEMENT, acknowledgements({order_id: "IS2-1"}), XML)
    amazon.advance(FEED_S)
    report = report_of(client, FeedsApi(client).get_feed(feed_id))
    assert fromstring(report).findtext("Message/ProcessingReport/ProcessingSummary/MessagesSuccessful") == "1"

    units = item.quantity_ordered
    assert OrdersV0Api(client).confirm_shipment(order_id, package(amazon, order, "1", units, "1Z0001")) is None

    sku = item.product.seller_sku
    amazon.steer("listings", {"seller": NORTHWIND, "sku": sku, "quantity": 50, "lead_days": 2})
    body = ListingsItemPatchRequest("PRODUCT", [PatchOperation(**availability_patch(50 - units, 3))])
    assert ListingsApi(client).patch_listings_item(NORTHWIND, sku, [US], body).status == "ACCEPTED"

    whole = read(client, order_id)
    assert (whole.fulfillment.fulfillment_status, whole.order_aliases[0].alias_id) == ("SHIPPED", "IS2-1")
    assert [sent.tracking_number for sent in whole.packages] == ["1Z0001"]
    shown = ListingsApi(client).get_listings_item(
        NORTHWIND, sku, [US], included_data=["attributes", "fulfillmentAvailability"]
    )
    assert shown.fulfillment_availability[0].quantity == 50 - units
    assert shown.attributes["fulfillment_availability"][0]["lead_time_to_ship_max_days"] == 3


def test_it_lists_all_orders_over_the_pages(amazon, client):
    ids = amazon.orders(plain=5, gift=2, partially_shipped=1)
    pages, token = [], {}
    while not pages or token:
        page = SearchOrdersApi(client).search_orders(
            created_after="2020-01-01T00:00:00Z",
            marketplace_ids=ALL_PLACES,
            included_data=DATASETS,
            max_results_per_page=3,
            **token,
        )
        pages.append(page.orders)
        token = {"pagination_token": page.pagination.next_token} if page.pagination else {}
    assert [len(orders) for orders in pages] == [3, 3, 2]
    orders = [order for page in pages for order in page]
    assert {order.order_id for order in orders} == set(ids)
    for order in orders:
        assert order.recipient.delivery_address.name.endswith("Simbuyer")
        assert order.fulfillment.fulfilled_by == "MERCHANT"
        assert all(item.quantity_ordered >= 1 and item.product.seller_sku for item in order.order_items)


def test_it_narrows_the_list_and_leaves_out_what_was_not_asked_for(amazon, client):
    ready, gone = amazon.orders(plain=1, cancelled=1)
    asked = {"last_updated_after": amazon.now() - timedelta(days=3), "fulfilled_by": ["MERCHANT"]}
    found = SearchOrdersApi(client).search_orders(fulfillment_statuses=["UNSHIPPED", "PARTIALLY_SHIPPED"], **asked)
    assert [order.order_id for order in found.orders] == [ready]
    assert found.pagination is None
    assert timedelta(minutes=2) <= amazon.now() - found.last_updated_before < timedelta(minutes=3)
    assert (found.orders[0].recipient, found.orders[0].fulfillment, found.orders[0].packages) == (None, None, None)
    (cancelled,) = SearchOrdersApi(client).search_orders(fulfillment_statuses=["CANCELLED"], **asked).orders
    assert cancelled.order_id == gone


def test_it_reads_one_order_as_amazon_holds_it(amazon, client):
    (order_id,) = amazon.orders(plain=1)
    truth = amazon.truth(order_id)["order"]
    order = read(client, order_id)
    assert isinstance(order, Order)
    assert order.order_id == order_id
    assert order.created_time.isoformat(timespec="milliseconds") == truth["createdTime"].replace("Z", "+00:00")
    assert (order.sales_channel.channel_name, order.fulfillment.fulfillment_status) == ("AMAZON", "UNSHIPPED")
    assert order.proceeds.grand_total.to_dict() == {
        "amount": truth["proceeds"]["grandTotal"]["amount"],
        "currency_code": truth["proceeds"]["grandTotal"]["currencyCode"],
    }
    address = truth["recipient"]["deliveryAddress"]
    shown = order.recipient.delivery_address
    assert (shown.name, shown.address_line1, shown.postal_code, shown.country_code, shown.phone) == (
        address["name"],
        address["addressLine1"],
        address["postalCode"],
        address["countryCode"],
        address["phone"],
    )
    assert [(item.order_item_id, item.product.seller_sku, item.quantity_ordered) for item in order.order_items] == [
        (item["orderItemId"], item["product"]["sellerSku"], item["quantityOrdered"]) for item in truth["orderItems"]
    ]


def test_it_acknowledges_by_feed_and_reads_the_number_back(amazon, client):
    known, unknown = amazon.orders(plain=1)[0], "111-0000000-0000001"
    feed_id = submit(client, ACKNOWLEDGEMENT, acknowledgements({known: "IS2-1", unknown: "IS2-2"}), XML)
    waiting = FeedsApi(client).get_feed(feed_id)
    assert (waiting.processing_status, waiting.result_feed_document_id) == ("IN_QUEUE", None)
    assert read(client, known).order_aliases == []

    amazon.advance(FEED_S)
    done = FeedsApi(client).get_feed(feed_id)
    assert (done.feed_type, done.marketplace_ids, done.processing_status) == (ACKNOWLEDGEMENT, [US], "DONE")
    assert done.created_time < done.processing_start_time < done.processing_end_time
    report = fromstring(report_of(client, done)).find("Message/ProcessingReport")
    assert report.findtext("ProcessingSummary/MessagesSuccessful") == "1"
    assert [line.findtext("MessageID") for line in report.findall("Result")] == ["2"]
    (alias,) = read(client, known).order_aliases
    assert (alias.alias_id, alias.alias_type) == ("IS2-1", "SELLER_ORDER_ID")
    assert amazon.truth(known)["buyer_view"] == "Processing"


def test_reports_come_gzipped_and_plain(amazon, client):
    orders = amazon.orders(plain=2)
    made = [submit(client, ACKNOWLEDGEMENT, acknowledgements({each: f"N-{each}"}), XML) for each in orders]
    amazon.advance(FEED_S)
    feeds = FeedsApi(client)
    done = [feeds.get_feed(feed_id) for feed_id in made]
    packed = {feeds.get_feed_document(feed.result_feed_document_id).compression_algorithm for feed in done}
    assert packed == {None, "GZIP"}
    assert all(b"<StatusCode>Complete</StatusCode>" in report_of(client, feed) for feed in done)
    listed = feeds.get_feeds(feed_types=[ACKNOWLEDGEMENT], processing_statuses=["DONE"], page_size=1)
    assert [feed.feed_id for feed in listed.feeds] == made[1:]
    rest = feeds.get_feeds(next_token=listed.next_token)
    assert ([feed.feed_id for feed in rest.feeds], rest.next_token) == (made[:1], None)


def test_it_cancels_a_feed_that_waits(amazon, client):
    (order_id,) = amazon.orders(plain=1)
    feed_id = submit(client, ACKNOWLEDGEMENT, acknowledgements({order_id: "IS2-1"}), XML)
    assert FeedsApi(client).cancel_feed(feed_id) is None
    amazon.advance(FEED_S)
    assert FeedsApi(client).get_feed(feed_id).processing_status == "CANCELLED"
    assert read(client, order_id).order_aliases == []


def test_it_ships_in_parts_corrects_a_package_and_reads_both_back(amazon, client):
    (order_id,) = amazon.orders(partially_shipped=1)
    order = read(client, order_id)
    assert order.order_items[0].fulfillment.quantity_unfulfilled == 2
    confirm = OrdersV0Api(client).confirm_shipment
    assert confirm(order_id, package(amazon, order, "2", 1, "1ZWRONG")) is None
    half = read(client, order_id)
    assert half.fulfillment.fulfillment_status == "PARTIALLY_SHIPPED"
    assert half.order_items[0].fulfillment.quantity_unfulfilled == 1

    confirm(order_id, package(amazon, order, "2", 2, "1ZRIGHT"))
    whole = read(client, order_id)
    assert whole.fulfillment.fulfillment_status == "SHIPPED"
    assert whole.order_items[0].fulfillment.quantity_fulfilled == 3
    first, second = whole.packages
    assert (first.package_reference_id, second.package_reference_id) == ("1", "2")
    assert (second.carrier, second.shipping_service, second.tracking_number) == ("UPS", "Ground", "1ZRIGHT")
    assert second.package_status.status == "SHIPPED"
    assert (second.package_items[0].order_item_id, second.package_items[0].quantity) == (
        order.order_items[0].order_item_id,
        2,
    )
    assert whole.last_updated_time > order.last_updated_time


def test_it_changes_a_listing_and_reads_it_back(amazon, client):
    amazon.steer("listings", {"seller": NORTHWIND, "sku": "TENT/2P +A", "quantity": 9, "lead_days": 1})
    listings = ListingsApi(client)
    body = ListingsItemPatchRequest("PRODUCT", [PatchOperation(**availability_patch(4, 3))])
    accepted = listings.patch_listings_item(NORTHWIND, "TENT/2P +A", [US], body)
    assert (accepted.sku, accepted.status, accepted.issues) == ("TENT/2P +A", "ACCEPTED", [])
    assert accepted.submission_id
    parts = ["summaries", "attributes", "fulfillmentAvailability"]
    item = listings.get_listings_item(NORTHWIND, "TENT/2P +A", [US], included_data=parts)
    assert [(each.fulfillment_channel_code, each.quantity) for each in item.fulfillment_availability] == [
        ("DEFAULT", 4)
    ]
    assert item.attributes["fulfillment_availability"][0]["lead_time_to_ship_max_days"] == 3
    assert (item.summaries[0].marketplace_id, item.summaries[0].status) == (US, ["BUYABLE", "DISCOVERABLE"])


def test_it_tries_a_change_puts_a_listing_and_takes_it_down(amazon, client):
    listings = ListingsApi(client)
    shown = {"included_data": ["fulfillmentAvailability"]}
    offer = {"fulfillment_availability": availability_patch(5, 2)["value"]}
    put = listings.put_listings_item(NORTHWIND, "NEW-1", [US], ListingsItemPutRequest("PRODUCT", attributes=offer))
    assert (put.sku, put.status) == ("NEW-1", "ACCEPTED")

    wrong = ListingsItemPatchRequest("PRODUCT", [PatchOperation(**availability_patch(1, 31))])
    tried = listings.patch_listings_item(NORTHWIND, "NEW-1", [US], wrong, mode="VALIDATION_PREVIEW")
    assert (tried.status, [issue.severity for issue in tried.issues]) == ("INVALID", ["ERROR"])
    item = listings.get_listings_item(NORTHWIND, "NEW-1", [US], **shown)
    assert item.fulfillment_availability[0].quantity == 5

    assert listings.delete_listings_item(NORTHWIND, "NEW-1", [US]).status == "ACCEPTED"
    with pytest.raises(ApiException) as refused:
        listings.get_listings_item(NORTHWIND, "NEW-1", [US], **shown)
    assert refused.value.status == 404


def test_it_searches_listings_by_sku_and_over_pages(amazon, client):
    for number in range(3):
        amazon.steer("listings", {"seller": NORTHWIND, "sku": f"SEARCH-{number}", "quantity": number})
    listings = ListingsApi(client)
    wanted = {"identifiers": ["SEARCH-0", "SEARCH-2"], "identifiers_type": "SKU", "sort_by": "sku", "sort_order": "ASC"}
    first = listings.search_listings_items(
        NORTHWIND, [US], **wanted, included_data=["fulfillmentAvailability"], page_size=1
    )
    assert first.number_of_results == 2
    assert [(item.sku, item.fulfillment_availability[0].quantity) for item in first.items] == [("SEARCH-0", 0)]
    second = listings.search_listings_items(
        NORTHWIND, [US], **wanted, page_size=1, page_token=first.pagination.next_token
    )
    assert ([item.sku for item in second.items], second.pagination) == (["SEARCH-2"], None)


def test_a_listings_feed_changes_what_it_can_and_reports_the_rest(amazon, client):
    amazon.steer("listings", {"seller": NORTHWIND, "sku": "FEED-1", "quantity": 0})
    feed_id = submit(client, LISTINGS_FEED, listings_feed({"FEED-1": (7, 2), "NOBODY": (1, 2)}), JSON)
    amazon.advance(FEED_S)
    report = json.loads(report_of(client, FeedsApi(client).get_feed(feed_id)))
    assert (report["summary"]["messagesAccepted"], report["summary"]["messagesInvalid"]) == (1, 1)
    assert [(issue["messageId"], issue["sku"], issue["severity"]) for issue in report["issues"]] == [
        (2, "NOBODY", "ERROR")
    ]
    item = ListingsApi(client).get_listings_item(NORTHWIND, "FEED-1", [US], included_data=["fulfillmentAvailability"])
    assert item.fulfillment_availability[0].quantity == 7


def test_it_reads_the_participations(client):
    listed = SellersApi(client).get_marketplace_participations().payload
    assert {entry.marketplace.id for entry in listed} >= set(ALL_PLACES)
    us = next(entry for entry in listed if entry.marketplace.id == US)
    assert (us.marketplace.country_code, us.marketplace.default_currency_code) == ("US", "USD")
    assert us.participation.is_participating
    assert us.store_name == "Northwind Outdoor"


def test_it_gets_a_restricted_data_token(amazon, client):
    resource = RestrictedResource("GET", "/orders/v0/orders", ["buyerInfo", "shippingAddress"])
    body = CreateRestrictedDataTokenRequest(restricted_resources=[resource])
    answer = TokensApi(client).create_restricted_data_token(body)
    assert answer.restricted_data_token.startswith("Atz.sprdt|")
    assert answer.expires_in == 3600


def test_it_knows_every_field_of_every_kind_of_order(amazon, client):
    made = amazon.orders(**{branch: 1 for branch in (*MIX, *ON_REQUEST) if branch != "unknown_enum"})
    page = SearchOrdersApi(client).search_orders(
        created_after="2020-01-01T00:00:00Z", included_data=sorted(INCLUDED_DATA)
    )
    assert {order.order_id for order in page.orders} == set(made)
    assert_understood(client, page)
    old = OrdersV0Api(client)
    assert_understood(client, old.get_orders(ALL_PLACES, created_after="2020-01-01T00:00:00Z"))
    for order_id in made[:12]:
        assert_understood(client, old.get_order_items(order_id))


def test_it_knows_every_field_of_listings_and_participations(amazon, client):
    amazon.steer("listings", {"seller": NORTHWIND, "sku": "TENT", "quantity": 9, "lead_days": 1})
    parts = ["summaries", "attributes", "issues", "offers", "fulfillmentAvailability", "procurement", "productTypes"]
    assert_understood(client, ListingsApi(client).get_listings_item(NORTHWIND, "TENT", [US], included_data=parts))
    assert_understood(client, SellersApi(client).get_marketplace_participations())


def test_a_window_that_ends_too_close_to_now_is_refused(amazon, client):
    now = amazon.now()
    with pytest.raises(ApiException) as refused:
        SearchOrdersApi(client).search_orders(
            created_after=now - timedelta(days=1), created_before=now - timedelta(seconds=30)
        )
    assert error_of(refused) == (400, "InvalidInput")
    assert float(refused.value.headers["x-amzn-RateLimit-Limit"]) == 0.0056


def test_an_order_that_does_not_exist_is_not_found(client):
    with pytest.raises(ApiException) as refused:
        read(client, "111-0000000-0000000")
    assert error_of(refused) == (404, "NotFound")
    assert refused.value.headers["x-amzn-RequestId"]


def test_a_package_of_more_than_is_left_or_without_a_proper_reference_is_refused(amazon, client):
    (order_id,) = amazon.orders(partially_shipped=1)
    order = read(client, order_id)
    too_much, bad_reference = package(amazon, order, "2", 3, "1Z"), package(amazon, order, "P-2", 1, "1Z")
    for request in (too_much, bad_reference):
        with pytest.raises(ApiException) as refused:
            OrdersV0Api(client).confirm_shipment(order_id, request)
        assert error_of(refused) == (400, "InvalidInput")
    assert [each.package_reference_id for each in read(client, order_id).packages] == ["1"]


def test_a_missing_role_hides_the_buyer_silently_and_forbids_the_rest(amazon, client):
    (order_id,) = amazon.orders(partially_shipped=1)
    assert read(client, order_id).recipient.delivery_address.name
    amazon.steer("seller", {"seller": NORTHWIND, "roles": ["Product Listing"]})
    order = read(client, order_id)
    assert (order.buyer.buyer_name, order.buyer.buyer_email) == (None, None)
    address = order.recipient.delivery_address
    assert (address.name, address.address_line1, address.postal_code, address.phone) == (None, None, None, None)
    assert address.country_code
    with pytest.raises(ApiException) as refused:
        OrdersV0Api(client).confirm_shipment(order_id, package(amazon, order, "2", 1, "1ZNOROLE"))
    assert error_of(refused) == (403, "Unauthorized")
    assert not json.loads(refused.value.body)["errors"][0]["details"]


def test_a_revoked_authorization_is_forbidden_while_the_access_token_lives(amazon, client):
    (order_id,) = amazon.orders(plain=1)
    assert read(client, order_id).order_id == order_id
    amazon.steer("seller", {"seller": NORTHWIND, "revoke": True})
    with pytest.raises(ApiException) as refused:
        read(client, order_id)
    assert error_of(refused) == (403, "Unauthorized")
    assert "revoked" in json.loads(refused.value.body)["errors"][0]["details"]


def test_the_limit_is_told_with_success_and_enforced_without_it(amazon, client):
    amazon.steer("limits", {"rates": {"getOrder": [0.25, 2]}})
    (order_id,) = amazon.orders(plain=1)
    for _ in range(2):
        answer, status, headers = GetOrderApi(client).get_order_with_http_info(order_id)
        assert (answer.order.order_id, status) == (order_id, 200)
        assert float(headers["x-amzn-RateLimit-Limit"]) == 0.25
    with pytest.raises(ApiException) as refused:
        read(client, order_id)
    assert error_of(refused) == (429, "QuotaExceeded")
    assert "x-amzn-RateLimit-Limit" not in refused.value.headers
    amazon.advance(4)
    assert read(client, order_id).order_id == order_id


def test_it_reads_orders_of_version_0(amazon, client):
    ids = amazon.orders(plain=2, partially_shipped=1)
    orders = OrdersV0Api(client)
    pages, token = [], {}
    while not pages or token:
        page = orders.get_orders(ALL_PLACES, created_after="2020-01-01T00:00:00Z", max_results_per_page=2, **token)
        pages.append(page.payload.orders)
        token = {"next_token": page.payload.next_token} if page.payload.next_token else {}
    assert [len(page) for page in pages] == [2, 1]
    by_id = {order.amazon_order_id: order for page in pages for order in page}
    assert by_id.keys() == set(ids)
    partly = by_id[ids[2]]
    assert (partly.order_status, partly.fulfillment_channel) == ("PartiallyShipped", "MFN")
    assert (partly.number_of_items_shipped, partly.number_of_items_unshipped) == (1, 2)

    truth = amazon.truth(ids[0])["order"]
    order = orders.get_order(ids[0]).payload
    assert (order.order_total.amount, order.order_total.currency_code) == (
        truth["proceeds"]["grandTotal"]["amount"],
        truth["proceeds"]["grandTotal"]["currencyCode"],
    )
    items = orders.get_order_items(ids[0]).payload.order_items
    assert [(item.order_item_id, item.seller_sku, item.quantity_ordered) for item in items] == [
        (item["orderItemId"], item["product"]["sellerSku"], item["quantityOrdered"]) for item in truth["orderItems"]
    ]
