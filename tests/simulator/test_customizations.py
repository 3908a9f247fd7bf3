"""Customizations of buyers: a ZIP behind an address that lives for an hour."""

import io
import json
import zipfile

import pytest

from plugins.amazon.simulator import Response
from tests.simulator.driver import NORTHWIND, ORDERS

pytestmark = pytest.mark.unit

V0 = "/na/orders/v0/orders"


@pytest.fixture
def order(amazon) -> dict:
    return amazon.order(branch="customized")


def address(store, order: dict) -> str:
    shown = store.call("GET", f"{ORDERS}/{order['orderId']}").json()["order"]
    return shown["orderItems"][0]["product"]["customization"]["customizedUrl"]


def wish(answer: Response) -> dict:
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        (only,) = archive.namelist()
        return json.loads(archive.read(only))


def test_the_address_leads_to_a_zip_with_the_buyers_wish(amazon, store, order):
    url = address(store, order)
    assert url.startswith("http://127.0.0.1:8765/custom/")
    item = order["order"]["orderItems"][0]
    found = wish(amazon.send("GET", url))
    assert (found["orderId"], found["orderItemId"]) == (order["orderId"], item["orderItemId"])
    assert found["quantity"] == item["quantityOrdered"]
    assert "Simgift" in found["customizationInfo"]["version3.0"]["surfaces"][0]["areas"][0]["text"]


def test_the_address_lives_for_an_hour_and_a_fresh_reading_gives_a_fresh_one(amazon, store, order):
    first = address(store, order)
    amazon.advance(3600)
    assert amazon.send("GET", first).status == 200
    amazon.advance(1)
    late = amazon.send("GET", first)
    assert (late.status, late.headers["Content-Type"]) == (403, "application/xml")
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in late.body
    store.renew()
    second = address(store, order)
    assert second != first
    assert wish(amazon.send("GET", second))["orderId"] == order["orderId"]


def test_a_made_up_address_and_a_wrong_method_are_refused_as_s3_does(amazon, store, order):
    assert amazon.send("GET", "http://127.0.0.1:8765/custom/0").status == 403
    assert amazon.send("PUT", address(store, order)).status == 405


def test_the_listing_and_version_0_give_such_addresses_too(amazon, store, order):
    (listed,) = store.search(createdAfter="2026-02-01T00:00:00Z").json()["orders"]
    assert wish(amazon.send("GET", listed["orderItems"][0]["product"]["customization"]["customizedUrl"]))
    path = f"/orders/v0/orders/{order['orderId']}/orderItems"
    store.token = store.restricted(path, "buyerInfo")
    (line,) = store.call("GET", f"/na{path}").json()["payload"]["OrderItems"]
    assert wish(amazon.send("GET", line["BuyerInfo"]["BuyerCustomizedInfo"]["CustomizedURL"]))


def test_without_the_restricted_role_there_is_no_address(amazon, store, order):
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "roles": ["Inventory and Order Tracking"]})
    shown = store.call("GET", f"{ORDERS}/{order['orderId']}").json()["order"]
    assert "customization" not in shown["orderItems"][0]["product"]
    assert b"/custom/" not in store.call("GET", f"{V0}/{order['orderId']}/orderItems").body
