"""Ending a store, and connecting it again in place."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Credential
from is2_core.accounts.states import IntegrationState
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from tests.support.amazon import NORTHWIND, SimulatedAmazon
from tests.support.browser import Browser, Page
from tests.support.consent import walk_consent
from tests.support.panel import ALICE, SUPPORT, Panel


@pytest.fixture
def alice(panel: Panel) -> Browser:
    return panel.browser(ALICE)


def address(panel: Panel) -> str:
    return f"/integrations/{panel.store(panel.northwind).id}/disconnect"


def disconnected(panel: Panel, browser: Browser) -> Page:
    browser.get(address(panel))
    return browser.press("Disconnect")


def states(panel: Panel) -> dict[str, int]:
    with panel.platform.db.read() as db:
        counts = sa.select(ReceivedOrder.state, sa.func.count()).where(ReceivedOrder.account_id == panel.northwind)
        return dict(db.execute(counts.group_by(ReceivedOrder.state)).all())


def test_it_is_asked_on_a_page_of_its_own(panel: Panel, alice: Browser) -> None:
    page = alice.get("/integrations")
    page = alice.get(page.link("Disconnect"))
    assert page.heading == "Disconnect Outdoor?"
    assert "No more orders are read from Amazon" in page.text
    assert "The credentials of this store are deleted" in page.text
    assert "11 orders that are not in the warehouse yet will not be shipped" in page.text
    assert "goes on to pack and ship 4 orders it already has" in page.text
    assert page.link("Keep it connected") == "/integrations"
    assert panel.store(panel.northwind).state == IntegrationState.ACTIVE


def test_scenario_F66_disconnecting_deletes_the_credentials(panel: Panel, alice: Browser) -> None:
    before = states(panel)
    page = disconnected(panel, alice)
    assert "Outdoor is disconnected" in page.messages
    assert "Amazon · Outdoor Disconnected" in page.text
    store = panel.store(panel.northwind)
    with panel.platform.db.read() as db:
        assert db.get(Credential, store.id) is None
    after = states(panel)
    assert ReceivedState.HELD not in after
    assert after[ReceivedState.INJECTED] == before[ReceivedState.INJECTED], "the warehouse goes on"


def test_a_disconnected_store_offers_only_its_return(panel: Panel, alice: Browser) -> None:
    page = disconnected(panel, alice)
    labels = {" ".join(tag.get_text(" ").split()) for tag in page.soup.find("section").find_all(["a", "button"])}  # type: ignore[union-attr]
    assert "Reconnect" in labels
    assert not labels & {"Check now", "Test connection", "Disconnect"}
    store = panel.store(panel.northwind)
    settings = alice.get(f"/integrations/{store.id}/settings")
    assert "This store is disconnected." in settings.text
    assert "Save settings" not in settings.text


def test_disconnecting_twice_is_refused(panel: Panel, alice: Browser) -> None:
    disconnected(panel, alice)
    assert alice.get(address(panel)).path == "/integrations"
    page = alice.post(address(panel))
    assert page.status == 409
    assert page.alerts == ["Only a connected store can be disconnected."]


def test_reconnecting_brings_it_back_in_place(panel: Panel, alice: Browser, amazon: SimulatedAmazon) -> None:
    before = panel.store(panel.northwind)
    disconnected(panel, alice)
    page = alice.press("Reconnect")
    assert page.heading == "On to Amazon"
    page = alice.get(walk_consent(page.link("Continue to Amazon"), NORTHWIND))
    assert "The store is connected" in page.messages
    assert "Amazon · Outdoor Active" in page.text
    after = panel.store(panel.northwind)
    assert (after.id, after.nickname, after.state) == (before.id, "Outdoor", IntegrationState.ACTIVE)


def test_another_seller_cannot_take_its_place(panel: Panel, alice: Browser, amazon: SimulatedAmazon) -> None:
    disconnected(panel, alice)
    page = alice.press("Reconnect")
    page = alice.get(walk_consent(page.link("Continue to Amazon"), "A2SIMNA0000002"))
    assert page.status == 409
    assert "Sign in at the shop with the right seller" in page.alerts[0]
    assert panel.store(panel.northwind).state == IntegrationState.DISCONNECTED


def test_support_cannot_disconnect(panel: Panel) -> None:
    browser = panel.browser(SUPPORT)
    page = browser.get(address(panel))
    assert "Disconnect" not in {tag.get_text(strip=True) for tag in page.soup.find_all("button")}
    assert browser.post(address(panel)).status == 403
    assert panel.store(panel.northwind).state == IntegrationState.ACTIVE
