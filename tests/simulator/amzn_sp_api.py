"""How a shop uses Amazon's own Python client (amzn-sp-api): connecting, and the steps that take several calls."""

import gzip
import json
import re
from datetime import datetime
from typing import Any

import pytest
import requests
from spapi import ApiClient, ApiException, SPAPIClient, SPAPIConfig
from spapi.api.feeds_v2021_06_30.feeds_api import FeedsApi
from spapi.api.orders_v2026_01_01.get_order_api import GetOrderApi
from spapi.models.feeds_v2021_06_30.create_feed_document_specification import CreateFeedDocumentSpecification
from spapi.models.feeds_v2021_06_30.create_feed_specification import CreateFeedSpecification
from spapi.models.feeds_v2021_06_30.feed import Feed
from spapi.models.orders_v0.confirm_shipment_order_item import ConfirmShipmentOrderItem
from spapi.models.orders_v0.confirm_shipment_request import ConfirmShipmentRequest
from spapi.models.orders_v0.package_detail import PackageDetail
from spapi.models.orders_v2026_01_01.order import Order

from tests.simulator.driver import CLIENT
from tests.simulator.strangers import DATASETS, US, Amazon, shipped_at


def connected(amazon: Amazon) -> ApiClient:
    """A client of a seller who has just consented."""
    config = SPAPIConfig(refresh_token=amazon.authorize(), region="NA", **CLIENT)
    return SPAPIClient(config, f"{amazon.address}/auth/o2/token", f"{amazon.address}/na").api_client


def read(client: ApiClient, order_id: str) -> Order:
    """The order with its usual datasets."""
    return GetOrderApi(client).get_order(order_id, included_data=DATASETS).order


def submit(client: ApiClient, feed_type: str, content: str, content_type: str) -> str:
    """Upload a file and create the feed; its id."""
    feeds = FeedsApi(client)
    document = feeds.create_feed_document(CreateFeedDocumentSpecification(content_type=content_type))
    put = requests.put(document.url, content.encode(), headers={"Content-Type": content_type}, timeout=20)
    assert put.ok, put.text
    specification = CreateFeedSpecification(
        feed_type=feed_type, marketplace_ids=[US], input_feed_document_id=document.feed_document_id
    )
    return feeds.create_feed(specification).feed_id


def report_of(client: ApiClient, feed: Feed) -> bytes:
    """The processing report of a feed that is done, unpacked."""
    document = FeedsApi(client).get_feed_document(feed.result_feed_document_id)
    content = requests.get(document.url, timeout=20).content
    return gzip.decompress(content) if document.compression_algorithm == "GZIP" else content


def package(amazon: Amazon, order: Order, reference: str, quantity: int, number: str) -> ConfirmShipmentRequest:
    """Some units of the order's only line, in one package."""
    detail = PackageDetail(
        package_reference_id=reference,
        carrier_code="UPS",
        shipping_method="Ground",
        tracking_number=number,
        ship_date=shipped_at(amazon),
        order_items=[ConfirmShipmentOrderItem(order_item_id=order.order_items[0].order_item_id, quantity=quantity)],
    )
    return ConfirmShipmentRequest(package_detail=detail, marketplace_id=order.sales_channel.marketplace_id)


def error_of(refused: pytest.ExceptionInfo[ApiException]) -> tuple[int, str]:
    """Status and code of a refusal."""
    (error,) = json.loads(refused.value.body)["errors"]
    return refused.value.status, error["code"]


def same_times(value: Any) -> Any:
    """The value with every time in one spelling."""
    if isinstance(value, dict):
        return {name: same_times(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [same_times(inner) for inner in value]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\S+", value):
        return datetime.fromisoformat(value)
    return value


def assert_understood(client: ApiClient, answer: Any) -> None:
    """The parsed answer, written as JSON again, is the answer as it came: no field was lost on the client."""
    came = json.loads(client.last_response.data)
    assert same_times(client.sanitize_for_serialization(answer)) == same_times(came)
