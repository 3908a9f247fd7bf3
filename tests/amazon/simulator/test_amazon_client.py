"""Amazon's own Python client, made from the published models, reads the simulator over real HTTP."""

import pytest
import requests
from spapi import SPAPIClient, SPAPIConfig
from spapi.api.orders_v2026_01_01.get_order_api import GetOrderApi
from spapi.api.orders_v2026_01_01.search_orders_api import SearchOrdersApi
from spapi.api.sellers_v1.sellers_api import SellersApi

from tests.amazon.simulator.driver import CLIENT, NORTHWIND

DATASETS = ["BUYER", "RECIPIENT", "PROCEEDS", "FULFILLMENT", "PACKAGES"]


@pytest.fixture
def client(live):
    made = requests.post(f"{live}/_sim/authorize", json={"seller": NORTHWIND}, timeout=20).json()
    config = SPAPIConfig(refresh_token=made["refresh_token"], region="NA", **CLIENT)
    return SPAPIClient(config, oauth_endpoint=f"{live}/auth/o2/token", endpoint=f"{live}/na").api_client


@pytest.fixture
def ids(live) -> set[str]:
    body = {"seller": NORTHWIND, "mix": {"plain": 5, "gift": 2, "partially_shipped": 1}}
    made = requests.post(f"{live}/_sim/orders/generate", json=body, timeout=20).json()
    return {order_id for branch in made["branches"].values() for order_id in branch}


def test_it_lists_all_orders_over_the_pages(client, ids):
    orders = []
    more = {}
    while True:
        page = SearchOrdersApi(client).search_orders(
            created_after="2020-01-01T00:00:00Z",
            marketplace_ids=["ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8"],
            included_data=DATASETS,
            max_results_per_page=3,
            **more,
        )
        orders += page.orders
        if page.pagination is None or not page.pagination.next_token:
            break
        more = {"pagination_token": page.pagination.next_token}
    assert {order.order_id for order in orders} == ids
    for order in orders:
        assert order.recipient.delivery_address.name.endswith("Simbuyer")
        assert order.fulfillment.fulfilled_by == "MERCHANT"
        assert all(item.quantity_ordered >= 1 and item.product.seller_sku for item in order.order_items)


def test_it_reads_one_order(client, ids):
    order_id = sorted(ids)[0]
    order = GetOrderApi(client).get_order(order_id, included_data=DATASETS).order
    assert order.order_id == order_id
    assert order.sales_channel.channel_name == "AMAZON"
    assert order.proceeds.grand_total.currency_code in {"USD", "CAD", "MXN"}
    assert order.fulfillment.fulfillment_status in {"UNSHIPPED", "PARTIALLY_SHIPPED"}


def test_it_reads_the_participations(client):
    listed = SellersApi(client).get_marketplace_participations().payload
    assert "ATVPDKIKX0DER" in {entry.marketplace.id for entry in listed}
