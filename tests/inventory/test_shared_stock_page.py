"""Stock that several stores of an account sell: nothing of it is sent before a person has read and confirmed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.cases.models import SupportCase
from is2_core.inventory.models import InventorySync, StockBuffer
from is2_core.items import custom_items
from is2_core.tasks.models import Schedule
from tests.support.panel import ALICE, BOB, SUPPORT, Panel

WAITS = "1 warehouse SKU of this store is sold by other stores of yours too."


@pytest.fixture
def store(panel: Panel) -> int:
    """Outdoor, after a second store of the account, Pier, began to sell TENT-2P."""
    outdoor = panel.store(panel.northwind).id
    with panel.platform.db.write() as db:
        pier = Integration(
            account_id=panel.northwind,
            cart="amazon",
            wms_target="embedded",
            region="eu",
            seller_id="A2PIER",
            nickname="Pier",
            state=IntegrationState.ACTIVE,
            settings={},
            sites=[],
            created_at=panel.platform.clock.now(),
        )
        db.add(pier)
        db.flush()
        pier_id = pier.id
    custom_items.add_custom_item(
        panel.platform, integration_id=pier_id, scope=account_scope(panel.northwind), sku="TENT-2P"
    )
    return outdoor


def test_it_is_asked_for_on_every_page_of_the_store(panel: Panel, store: int) -> None:
    browser = panel.browser(ALICE)
    for page in ("settings", "items", "stock", "shipping"):
        found = browser.get(f"/integrations/{store}/{page}")
        assert WAITS in found.text, page
        assert found.link("Read and confirm") == f"/integrations/{store}/shared-stock"
    assert WAITS in browser.get("/integrations").text


def test_saving_the_settings_leads_there(panel: Panel, store: int) -> None:
    browser = panel.browser(ALICE)
    browser.get(f"/integrations/{store}/settings")
    page = browser.press("Save settings")
    assert page.path == f"/integrations/{store}/shared-stock"
    assert "are saved" in page.messages


def test_a_store_that_sends_no_stock_is_not_asked(panel: Panel, store: int) -> None:
    browser = panel.browser(ALICE)
    browser.get(f"/integrations/{store}/settings")
    page = browser.press("Save settings", inventory_every="off")
    assert page.path == "/integrations"
    push = sa.select(Schedule.id).where(Schedule.kind == "inventory.push", Schedule.integration_id == store)
    with panel.platform.db.read() as db:
        assert db.scalar(push) is None
    assert WAITS not in browser.get(f"/integrations/{store}/items").text


def test_it_names_the_skus_the_stores_and_a_buffer(panel: Panel, store: int) -> None:
    page = panel.browser(ALICE).get(f"/integrations/{store}/shared-stock")
    assert "the last units can be sold twice" in page.text
    assert "TENT-2P Pier 1000 3 Buffer of TENT-2P now 0, proposed 50 Not yet" in page.text
    assert page.field("Buffer of TENT-2P")["value"] == "50"
    assert WAITS not in page.text, "the page itself is the answer to the banner"


def test_it_is_confirmed_with_a_buffer(panel: Panel, store: int) -> None:
    browser = panel.browser(BOB)
    browser.get(f"/integrations/{store}/shared-stock")
    page = browser.press("Confirm", units="12", understood="yes")
    assert page.path == f"/integrations/{store}/stock"
    assert "Confirmed" in page.messages
    assert WAITS not in page.text
    with panel.platform.db.read() as db:
        assert db.get_one(InventorySync, store).shared_confirmed == ["TENT-2P"]
        units = db.scalar(sa.select(StockBuffer.units).where(StockBuffer.account_id == panel.northwind))
        told = db.scalars(sa.select(SupportCase.id).where(SupportCase.kind == "SHARED_STOCK")).all()
    assert units == 12
    assert len(told) == 1
    page = browser.get(f"/integrations/{store}/shared-stock")
    assert "All of them are confirmed." in page.text
    assert page.field("Buffer of TENT-2P")["value"] == "12"
    assert page.form("Save buffers")


def confirmed(panel: Panel, store: int) -> list[str]:
    with panel.platform.db.read() as db:
        sync = db.get(InventorySync, store)
        return list(sync.shared_confirmed) if sync else []


def test_without_its_box_nothing_is_confirmed(panel: Panel, store: int) -> None:
    browser = panel.browser(ALICE)
    browser.get(f"/integrations/{store}/shared-stock")
    page = browser.press("Confirm", units="12")
    assert page.status == 400
    assert "Tick the box" in page.problem_at(
        "I understand that several stores sell these units and that the last ones can be sold twice. "
        "Send their stock from this store too."
    )
    assert page.field("Buffer of TENT-2P")["value"] == "12", "what was typed is kept"
    assert confirmed(panel, store) == []


def test_a_buffer_that_is_no_number_confirms_nothing(panel: Panel, store: int) -> None:
    browser = panel.browser(ALICE)
    browser.get(f"/integrations/{store}/shared-stock")
    page = browser.press("Confirm", units="many", understood="yes")
    assert page.status == 400
    assert page.alerts == ["The buffer of TENT-2P must be a whole number from 0 to 1000000."]
    assert "is-invalid" in page.field("Buffer of TENT-2P")["class"]
    assert confirmed(panel, store) == []


def test_nothing_shared_is_nothing_to_confirm(panel: Panel) -> None:
    store = panel.store(panel.northwind).id
    browser = panel.browser(ALICE)
    page = browser.get(f"/integrations/{store}/shared-stock")
    assert "there is nothing to confirm" in page.text
    page = browser.post(f"/integrations/{store}/shared-stock", {"understood": "yes"})
    assert page.status == 409
    assert page.alerts == ["No other store sells the same stock any more."]


def test_support_reads_it_without_buttons(panel: Panel, store: int) -> None:
    page = panel.browser(SUPPORT).get(f"/integrations/{store}/shared-stock")
    assert "TENT-2P" in page.text
    buttons = {" ".join(tag.get_text(" ").split()) for tag in page.soup.find_all("button")}
    assert buttons == {"Switch", "Sign out"}
