"""The embedded warehouse's pages."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.embedded_warehouse.models import WarehouseSku
from tests.support.browser import Browser
from tests.support.panel import ADMIN, ALICE, PACKER, SUPPORT, Panel


def sku(panel: Panel, name: str) -> WarehouseSku:
    with panel.platform.db.read() as db:
        return db.scalars(
            sa.select(WarehouseSku).where(WarehouseSku.account_id == panel.northwind, WarehouseSku.sku == name)
        ).one()


def ledger(panel: Panel, email: str, name: str) -> Browser:
    browser = panel.browser(email)
    browser.get(f"/warehouse/stock/{sku(panel, name).id}")
    return browser


def test_the_warehouse_sees_all_accounts_and_chooses_one(panel: Panel) -> None:
    browser = panel.browser(PACKER)
    page = browser.get("/warehouse/stock")
    assert "Northwind" in page.text
    assert "1 to 10 of 10 SKUs" in page.text
    assert "1 to 5 of 5 SKUs" in browser.get(f"/warehouse/stock?account={panel.contoso}").text


def test_a_merchant_sees_the_own_stock_and_no_buttons(panel: Panel) -> None:
    page = panel.browser(ALICE).get("/warehouse/stock")
    assert "1 to 5 of 5 SKUs" in page.text
    assert [tag.text for tag in page.soup.find_all("button")] == ["Sign out", "Show"]
    page = ledger(panel, ALICE, "TENT-2P").page
    assert page is not None
    assert "+1000" in page.text
    assert "Adjust" not in page.text


@pytest.mark.parametrize("email", [ALICE, SUPPORT])
def test_only_the_warehouse_books(panel: Panel, email: str) -> None:
    browser = panel.browser(email)
    values = {"account_id": panel.northwind, "sku": "TENT-2P", "quantity": "5"}
    assert browser.post("/warehouse/receive", values).status == 403
    row = sku(panel, "TENT-2P")
    assert browser.post(f"/warehouse/stock/{row.id}/adjust", {"delta": "5", "reason": "x"}).status == 403
    assert sku(panel, "TENT-2P").on_hand == 1000


@pytest.mark.parametrize("email", [PACKER, ADMIN])
def test_units_are_received(panel: Panel, email: str) -> None:
    browser = panel.browser(email)
    browser.get("/warehouse/stock")
    page = browser.press("Receive", account_id=str(panel.northwind), sku="KETTLE", name="Kettle, 1 l", quantity="12")
    assert "KETTLE now has 12 on hand" in page.messages
    assert "KETTLE Kettle, 1 l Northwind 12 0 12" in page.text


@pytest.mark.parametrize(
    ("changed", "label"), [({"sku": ""}, "SKU"), ({"quantity": "0"}, "Quantity"), ({"quantity": "many"}, "Quantity")]
)
def test_what_cannot_be_received_is_said_at_the_field(panel: Panel, changed: dict[str, str], label: str) -> None:
    browser = panel.browser(PACKER)
    browser.get("/warehouse/stock")
    values = {"account_id": str(panel.northwind), "sku": "KETTLE", "name": "Kettle", "quantity": "1"}
    page = browser.press("Receive", **{**values, **changed})
    assert page.status == 400
    assert page.problem_at(label)
    assert page.field("Name")["value"] == "Kettle"


def test_an_account_must_be_chosen(panel: Panel) -> None:
    browser = panel.browser(PACKER)
    browser.get("/warehouse/stock")
    page = browser.press("Receive", account_id="", sku="KETTLE", quantity="1")
    assert page.status == 400
    assert "Choose the account" in page.text


def test_a_count_is_adjusted_and_the_ledger_says_by_whom_and_why(panel: Panel) -> None:
    browser = ledger(panel, PACKER, "TENT-2P")
    page = browser.press("Adjust", delta="-3", reason="Water damage")
    assert "TENT-2P now has 997 on hand" in page.messages
    assert "-3 adjusted: Water damage Walt" in page.text


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ({"delta": "-3", "reason": " "}, "Reason"),
        ({"delta": "0", "reason": "x"}, "Change"),
        ({"delta": "-100000", "reason": "x"}, "Change"),
    ],
)
def test_an_impossible_adjustment_is_said_at_the_field(panel: Panel, values: dict[str, str], label: str) -> None:
    page = ledger(panel, PACKER, "TENT-2P").press("Adjust", **values)
    assert page.status == 400
    assert page.problem_at(label)
    assert page.field("Change")["value"] == values["delta"]


def test_orders_are_listed_filtered_and_opened(panel: Panel) -> None:
    browser = panel.browser(PACKER)
    page = browser.get("/warehouse/orders?state=PENDING")
    numbers = [tag.text for tag in page.soup.select("a.number")]
    assert numbers
    assert browser.get("/warehouse/orders?state=COMPLETED").text.count("No order here.") == 1
    page = browser.get(page.link(numbers[0]))
    assert page.heading == f"Warehouse order {numbers[0]}"
    assert "Ground (3 to 5 business days)" in page.text


def test_support_sees_the_recipient_of_a_warehouse_order_masked(panel: Panel) -> None:
    browser = panel.browser(SUPPORT)
    page = browser.get("/warehouse/orders")
    page = browser.get(str(page.soup.select("a.number")[0]["href"]))
    assert "Masked" in page.text
    assert "simbuyer" not in page.html.lower()
