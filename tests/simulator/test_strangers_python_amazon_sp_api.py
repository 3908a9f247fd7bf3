"""python-amazon-sp-api, which many shops run, lives an order's whole life, unchanged and at Amazon's own addresses."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from defusedxml.ElementTree import fromstring
from sp_api.api import FeedsV20210630, ListingsItemsV20210801, OrdersV0, OrdersV20260101, Sellers, Tokens
from sp_api.auth import AccessTokenClient, access_token_client
from sp_api.auth.exceptions import AuthorizationError
from sp_api.base import (
    ApiResponse,
    Marketplaces,
    SellingApiBadRequestException,
    SellingApiForbiddenException,
    SellingApiNotFoundException,
    SellingApiRequestThrottledException,
)
from sp_api.util import load_all_pages

from tests.simulator.amazon_hosts import AmazonHosts, amazon_hosts
from tests.simulator.driver import NORTHWIND
from tests.simulator.python_amazon_sp_api import Connect, connecting, package, read, submit
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
    zulu,
)


# Lenient: this client sends fields and parameters that no model knows, which Amazon passes over.
@pytest.fixture(scope="module")
def running() -> Iterator[Amazon]:
    with over_http(models=model_folder(), lenient=True) as amazon:
        yield amazon


@pytest.fixture(scope="module")
def hosts(running, tmp_path_factory) -> Iterator[AmazonHosts]:
    with amazon_hosts(running.address, tmp_path_factory.mktemp("hosts")) as found:
        yield found


@pytest.fixture
def amazon(running) -> Iterator[Amazon]:
    running.steer("reset", {})
    # The client keeps access tokens for the whole process, by refresh token; a reset simulator gives those anew.
    access_token_client.cache.clear()
    yield running
    assert [found for found in running.steer("violations")["violations"] if not found["noted"]] == []


@pytest.fixture
def connect(amazon, hosts) -> Iterator[Connect]:
    with connecting(amazon, proxies=hosts.proxy, verify=hosts.trust) as new:
        yield new


def test_one_order_lives_its_whole_life(amazon, connect):
    (order_id,) = amazon.orders(plain=1)
    listed = connect(OrdersV20260101).search_orders(createdAfter="2020-01-01T00:00:00Z", includedData=DATASETS).orders
    assert [(one["orderId"], one["fulfillment"]["fulfillmentStatus"]) for one in listed] == [(order_id, "UNSHIPPED")]
    order = read(connect, order_id)
    (item,) = order["orderItems"]

    feed_id = submit(connect, ACKNOWLEDGEMENT, acknowledgements({order_id: "IS2-1"}), XML)
    amazon.advance(FEED_S)
    feeds = connect(FeedsV20210630)
    report = fromstring(feeds.get_feed_document(feeds.get_feed(feed_id).resultFeedDocumentId))
    assert report.findtext("Message/ProcessingReport/ProcessingSummary/MessagesSuccessful") == "1"

    units = item["quantityOrdered"]
    confirmed = connect(OrdersV0).confirm_shipment(order_id, **package(amazon, order, "1", units, "1Z0001"))
    assert confirmed.status_code == 204

    sku = item["product"]["sellerSku"]
    amazon.steer("listings", {"seller": NORTHWIND, "sku": sku, "quantity": 50, "lead_days": 2})
    listings = connect(ListingsItemsV20210801)
    body = {"productType": "PRODUCT", "patches": [availability_patch(50 - units, 3)]}
    assert listings.patch_listings_item(NORTHWIND, sku, marketplaceIds=US, body=body).status == "ACCEPTED"

    whole = read(connect, order_id)
    assert whole["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert [alias["aliasId"] for alias in whole["orderAliases"]] == ["IS2-1"]
    assert [sent["trackingNumber"] for sent in whole["packages"]] == ["1Z0001"]
    parts = ["attributes", "fulfillmentAvailability"]
    shown = listings.get_listings_item(NORTHWIND, sku, marketplaceIds=US, includedData=parts)
    assert shown.fulfillmentAvailability[0]["quantity"] == 50 - units
    assert shown.attributes["fulfillment_availability"][0]["lead_time_to_ship_max_days"] == 3


def test_it_lists_all_orders_over_the_pages(amazon, connect):
    ids = amazon.orders(plain=5, gift=2, partially_shipped=1)

    @load_all_pages(throttle_by_seconds=0, next_token_param="paginationToken")
    def search(**query: object) -> ApiResponse:
        return connect(OrdersV20260101).search_orders(**query)

    pages = list(
        search(
            createdAfter="2020-01-01T00:00:00Z",
            marketplaceIds=ALL_PLACES,
            includedData=DATASETS,
            maxResultsPerPage=3,
        )
    )
    assert [len(page.orders) for page in pages] == [3, 3, 2]
    orders = [order for page in pages for order in page.orders]
    assert {order["orderId"] for order in orders} == set(ids)
    assert {order["fulfillment"]["fulfilledBy"] for order in orders} == {"MERCHANT"}
    assert all(order["recipient"]["deliveryAddress"]["name"].endswith("Simbuyer") for order in orders)


def test_it_reads_one_order_as_amazon_holds_it(amazon, connect):
    (order_id,) = amazon.orders(plain=1)
    truth = amazon.truth(order_id)["order"]
    answer = connect(OrdersV20260101).get_order(order_id, includedData=DATASETS)
    assert (answer.rate_limit, answer.errors, answer.next_token) == ("0.5", None, None)
    shown = answer.order
    assert {key: shown[key] for key in ("orderId", "createdTime", "salesChannel", "recipient", "buyer")} == {
        key: truth[key] for key in ("orderId", "createdTime", "salesChannel", "recipient", "buyer")
    }
    assert [(item["orderItemId"], item["quantityOrdered"], item["product"]) for item in shown["orderItems"]] == [
        (item["orderItemId"], item["quantityOrdered"], item["product"]) for item in truth["orderItems"]
    ]


def test_it_acknowledges_by_feed_and_reads_the_number_back(amazon, connect):
    known, unknown = amazon.orders(plain=1)[0], "111-0000000-0000001"
    feed_id = submit(connect, ACKNOWLEDGEMENT, acknowledgements({known: "IS2-1", unknown: "IS2-2"}), XML)
    feeds = connect(FeedsV20210630)
    assert feeds.get_feed(feed_id).processingStatus == "IN_QUEUE"
    assert read(connect, known)["orderAliases"] == []

    amazon.advance(FEED_S)
    done = feeds.get_feed(feed_id)
    assert (done.feedType, done.marketplaceIds, done.processingStatus) == (ACKNOWLEDGEMENT, [US], "DONE")
    report = fromstring(feeds.get_feed_document(done.resultFeedDocumentId)).find("Message/ProcessingReport")
    assert report.findtext("ProcessingSummary/MessagesSuccessful") == "1"
    assert [line.findtext("MessageID") for line in report.findall("Result")] == ["2"]
    assert read(connect, known)["orderAliases"] == [{"aliasId": "IS2-1", "aliasType": "SELLER_ORDER_ID"}]
    assert amazon.truth(known)["buyer_view"] == "Processing"


def test_it_reads_gzipped_and_plain_reports_and_lists_its_feeds(amazon, connect):
    made = [
        submit(connect, ACKNOWLEDGEMENT, acknowledgements({order_id: f"N-{order_id}"}), XML)
        for order_id in amazon.orders(plain=2)
    ]
    amazon.advance(FEED_S)
    feeds = connect(FeedsV20210630)
    for feed_id in made:
        report = feeds.get_feed_document(feeds.get_feed(feed_id).resultFeedDocumentId)
        assert fromstring(report).findtext("Message/ProcessingReport/DocumentTransactionID") == feed_id
    first = feeds.get_feeds(feedTypes=ACKNOWLEDGEMENT, processingStatuses="DONE", pageSize=1)
    assert [feed["feedId"] for feed in first.feeds] == made[1:]
    rest = feeds.get_feeds(nextToken=first.next_token)
    assert ([feed["feedId"] for feed in rest.feeds], rest.next_token) == (made[:1], None)


def test_it_cancels_a_feed_that_waits(amazon, connect):
    (order_id,) = amazon.orders(plain=1)
    feed_id = submit(connect, ACKNOWLEDGEMENT, acknowledgements({order_id: "IS2-1"}), XML)
    feeds = connect(FeedsV20210630)
    assert feeds.cancel_feed(feed_id).errors is None
    amazon.advance(FEED_S)
    assert feeds.get_feed(feed_id).processingStatus == "CANCELLED"


def test_it_ships_in_parts_corrects_a_package_and_reads_both_back(amazon, connect):
    (order_id,) = amazon.orders(partially_shipped=1)
    order = read(connect, order_id)
    confirm = connect(OrdersV0).confirm_shipment
    assert confirm(order_id, **package(amazon, order, "2", 1, "1ZWRONG")).status_code == 204
    half = read(connect, order_id)
    assert half["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
    assert half["orderItems"][0]["fulfillment"]["quantityUnfulfilled"] == 1

    confirm(order_id, **package(amazon, order, "2", 2, "1ZRIGHT"))
    whole = read(connect, order_id)
    assert whole["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert whole["orderItems"][0]["fulfillment"]["quantityFulfilled"] == 3
    first, second = whole["packages"]
    assert (first["packageReferenceId"], second["packageReferenceId"]) == ("1", "2")
    assert (second["carrier"], second["shippingService"], second["trackingNumber"]) == ("UPS", "Ground", "1ZRIGHT")
    assert second["packageItems"] == [{"orderItemId": order["orderItems"][0]["orderItemId"], "quantity": 2}]


def test_it_changes_a_listing_and_reads_it_back(amazon, connect):
    amazon.steer("listings", {"seller": NORTHWIND, "sku": "TENT/2P +A", "quantity": 9, "lead_days": 1})
    listings = connect(ListingsItemsV20210801)
    body = {"productType": "PRODUCT", "patches": [availability_patch(4, 3)]}
    accepted = listings.patch_listings_item(NORTHWIND, "TENT/2P +A", marketplaceIds=US, body=body)
    assert (accepted.sku, accepted.status, accepted.issues) == ("TENT/2P +A", "ACCEPTED", [])
    parts = ["summaries", "attributes", "fulfillmentAvailability"]
    item = listings.get_listings_item(NORTHWIND, "TENT/2P +A", marketplaceIds=US, includedData=parts)
    assert item.fulfillmentAvailability == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 4}]
    assert item.attributes["fulfillment_availability"][0]["lead_time_to_ship_max_days"] == 3
    assert item.summaries[0]["status"] == ["BUYABLE", "DISCOVERABLE"]


def test_it_searches_listings_by_sku_and_over_pages(amazon, connect):
    for number in range(3):
        amazon.steer("listings", {"seller": NORTHWIND, "sku": f"SEARCH-{number}", "quantity": number})
    listings = connect(ListingsItemsV20210801)
    wanted = {"marketplaceIds": US, "identifiers": "SEARCH-0,SEARCH-2", "identifiersType": "SKU", "pageSize": 1}
    wanted |= {"sortBy": "sku", "sortOrder": "ASC"}
    first = listings.search_listings_items(NORTHWIND, **wanted)
    assert (first.numberOfResults, [item["sku"] for item in first.items]) == (2, ["SEARCH-0"])
    second = listings.search_listings_items(NORTHWIND, **wanted, pageToken=first.next_token)
    assert ([item["sku"] for item in second.items], second.next_token) == (["SEARCH-2"], None)


def test_a_listings_feed_changes_what_it_can_and_reports_the_rest(amazon, connect):
    amazon.steer("listings", {"seller": NORTHWIND, "sku": "FEED-1", "quantity": 0})
    feed_id = submit(connect, LISTINGS_FEED, listings_feed({"FEED-1": (7, 2), "NOBODY": (1, 2)}), JSON)
    amazon.advance(FEED_S)
    feeds = connect(FeedsV20210630)
    report = json.loads(feeds.get_feed_document(feeds.get_feed(feed_id).resultFeedDocumentId))
    assert (report["summary"]["messagesAccepted"], report["summary"]["messagesInvalid"]) == (1, 1)
    assert [(issue["messageId"], issue["sku"]) for issue in report["issues"]] == [(2, "NOBODY")]
    item = connect(ListingsItemsV20210801).get_listings_item(
        NORTHWIND, "FEED-1", marketplaceIds=US, includedData="fulfillmentAvailability"
    )
    assert item.fulfillmentAvailability == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 7}]


def test_it_reads_the_participations(connect):
    listed = connect(Sellers).get_marketplace_participation().payload
    assert {entry["marketplace"]["id"] for entry in listed} >= set(ALL_PLACES)
    assert {entry["storeName"] for entry in listed} == {"Northwind Outdoor"}


def test_it_gets_a_restricted_data_token(connect):
    resource = {"method": "GET", "path": "/orders/v0/orders", "dataElements": ["buyerInfo", "shippingAddress"]}
    answer = connect(Tokens).create_restricted_data_token(restrictedResources=[resource])
    assert answer.restrictedDataToken.startswith("Atz.sprdt|")
    assert answer.expiresIn == 3600


def test_a_window_that_ends_too_close_to_now_is_a_bad_request(amazon, connect):
    now = amazon.now()
    with pytest.raises(SellingApiBadRequestException) as refused:
        connect(OrdersV20260101).search_orders(
            createdAfter=zulu(now - timedelta(days=1)),
            createdBefore=zulu(now - timedelta(seconds=30)),
            marketplaceIds=[US],
        )
    assert refused.value.amzn_code == "InvalidInput"
    assert refused.value.headers["x-amzn-RateLimit-Limit"] == "0.0056"


def test_an_order_that_does_not_exist_is_not_found(connect):
    with pytest.raises(SellingApiNotFoundException) as refused:
        read(connect, "111-0000000-0000000")
    assert refused.value.amzn_code == "NotFound"


def test_a_missing_role_hides_the_buyer_silently_and_forbids_the_rest(amazon, connect):
    (order_id,) = amazon.orders(partially_shipped=1)
    assert read(connect, order_id)["recipient"]["deliveryAddress"]["name"]
    amazon.steer("seller", {"seller": NORTHWIND, "roles": ["Product Listing"]})
    order = read(connect, order_id)
    assert not order["recipient"]["deliveryAddress"].keys() & {"name", "addressLine1", "postalCode", "phone"}
    assert not order["buyer"].keys() & {"buyerName", "buyerEmail"}
    with pytest.raises(SellingApiForbiddenException) as refused:
        connect(OrdersV0).confirm_shipment(order_id, **package(amazon, order, "2", 1, "1ZNOROLE"))
    assert refused.value.amzn_code == "Unauthorized"
    assert not refused.value.error[0]["details"]


def test_a_revoked_authorization_is_forbidden_and_then_cannot_be_refreshed(amazon, connect):
    (order_id,) = amazon.orders(plain=1)
    assert read(connect, order_id)["orderId"] == order_id
    amazon.steer("seller", {"seller": NORTHWIND, "revoke": True})
    with pytest.raises(SellingApiForbiddenException) as refused:
        read(connect, order_id)
    assert "revoked" in refused.value.error[0]["details"]
    access_token_client.cache.clear()
    with pytest.raises(AuthorizationError) as ended:
        read(connect, order_id)
    assert (ended.value.error_code, ended.value.status_code) == ("invalid_grant", 400)


def test_another_regions_host_is_forbidden(amazon, connect):
    (order_id,) = amazon.orders(plain=1)
    with pytest.raises(SellingApiForbiddenException):
        connect(OrdersV20260101, Marketplaces.DE).get_order(order_id)


def test_the_limit_is_told_with_success_and_enforced_without_it(amazon, connect):
    amazon.steer("limits", {"rates": {"getOrder": [0.25, 2]}})
    (order_id,) = amazon.orders(plain=1)
    orders = connect(OrdersV20260101)
    assert [orders.get_order(order_id).rate_limit for _ in range(2)] == ["0.25", "0.25"]
    with pytest.raises(SellingApiRequestThrottledException) as refused:
        orders.get_order(order_id)
    assert refused.value.amzn_code == "QuotaExceeded"
    assert "x-amzn-RateLimit-Limit" not in refused.value.headers
    amazon.advance(4)
    assert orders.get_order(order_id).order["orderId"] == order_id


def test_it_can_be_pointed_at_the_simulator_itself(amazon):
    class Login(AccessTokenClient):
        scheme, host = "http://", amazon.address.removeprefix("http://")

    (order_id,) = amazon.orders(plain=1)
    place = SimpleNamespace(endpoint=f"{amazon.address}/na", marketplace_id=US, region="us-east-1")
    with connecting(amazon, auth_token_client_class=Login) as connect:
        assert connect(OrdersV20260101, place).get_order(order_id).order["orderId"] == order_id


def test_it_lists_orders_of_version_0_with_restricted_data(amazon, connect):
    ids = amazon.orders(plain=4, pending=1)

    @load_all_pages(throttle_by_seconds=0)
    def listed(**query: object) -> ApiResponse:
        return connect(OrdersV0).get_orders(**query)

    query = {"CreatedAfter": "2020-01-01T00:00:00Z", "MarketplaceIds": ALL_PLACES, "MaxResultsPerPage": 2}
    bare = [order for page in listed(**query) for order in page.Orders]
    assert {order["AmazonOrderId"] for order in bare} == set(ids)
    assert not any("Name" in order.get("ShippingAddress", {}) for order in bare)
    assert not any("BuyerName" in order.get("BuyerInfo", {}) for order in bare)

    restricted = ["buyerInfo", "shippingAddress"]
    full = [order for page in listed(**query, RestrictedResources=restricted) for order in page.Orders]
    assert {order["AmazonOrderId"] for order in full} == set(ids)
    for order in full:
        truth = amazon.truth(order["AmazonOrderId"])["order"]
        if order["OrderStatus"] == "Pending":
            assert order["AmazonOrderId"] == ids[-1]
            assert "ShippingAddress" not in order
            continue
        address = truth["recipient"]["deliveryAddress"]
        assert order["OrderStatus"] == "Unshipped"
        assert (order["ShippingAddress"]["Name"], order["ShippingAddress"]["PostalCode"]) == (
            address["name"],
            address["postalCode"],
        )
        assert order["BuyerInfo"]["BuyerName"] == truth["buyer"]["buyerName"]
        assert order["OrderTotal"]["Amount"] == truth["proceeds"]["grandTotal"]["amount"]


def test_it_reads_an_order_of_version_0_in_its_parts(amazon, connect):
    (order_id,) = amazon.orders(partially_shipped=1)
    truth = amazon.truth(order_id)["order"]
    orders = connect(OrdersV0)
    order = orders.get_order(order_id, RestrictedResources=["buyerInfo", "shippingAddress"])
    assert (order.AmazonOrderId, order.OrderStatus, order.FulfillmentChannel) == (order_id, "PartiallyShipped", "MFN")
    assert (order.NumberOfItemsShipped, order.NumberOfItemsUnshipped) == (1, 2)
    assert order.ShippingAddress["Name"] == truth["recipient"]["deliveryAddress"]["name"]
    (item,) = orders.get_order_items(order_id).OrderItems
    (line,) = truth["orderItems"]
    assert (item["OrderItemId"], item["SellerSKU"], item["QuantityOrdered"], item["QuantityShipped"]) == (
        line["orderItemId"],
        line["product"]["sellerSku"],
        3,
        1,
    )
    # Version 0 tells the price of all units together.
    each = Decimal(line["product"]["price"]["unitPrice"]["amount"])
    assert Decimal(item["ItemPrice"]["Amount"]) == each * 3
    assert orders.get_order_address(order_id).AmazonOrderId == order_id
    assert orders.get_order_buyer_info(order_id).AmazonOrderId == order_id
    (buyer_info,) = orders.get_order_items_buyer_info(order_id).OrderItems
    assert buyer_info["OrderItemId"] == line["orderItemId"]
    assert orders.get_order("111-0000000-0000000").payload == {}
