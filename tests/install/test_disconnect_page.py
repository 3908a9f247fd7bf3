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
from tests.support.panel import ALICE, SUPPORT, House


@pytest.fixture
def alice(house: House) -> Browser:
    return house.browser(ALICE)


def address(house: House) -> str:
    return f"/integrations/{house.store(house.northwind).id}/disconnect"


def disconnected(house: House, browser: Browser) -> Page:
    browser.get(address(house))
    return browser.press("Disconnect")


def states(house: House) -> dict[str, int]:
    with house.platform.db.read() as db:
        counts = sa.select(ReceivedOrder.state, sa.func.count()).where(ReceivedOrder.account_id == house.northwind)
        return dict(db.execute(counts.group_by(ReceivedOrder.state)).all())


def test_it_is_asked_on_a_page_of_its_own(house: House, alice: Browser) -> None:
    page = alice.get("/integrations")
    page = alice.get(page.link("Disconnect"))
    assert page.heading == "Disconnect Outdoor?"
    assert "No more orders are read from Amazon" in page.text
    assert "The credentials of this store are deleted" in page.text
    assert "11 orders that are not in the warehouse yet will not be shipped" in page.text
    assert "goes on to pack and ship 4 orders it already has" in page.text
    assert page.link("Keep it connected") == "/integrations"
    assert house.store(house.northwind).state == IntegrationState.ACTIVE


def test_disconnecting_deletes_the_credentials(house: House, alice: Browser) -> None:
    before = states(house)
    page = disconnected(house, alice)
    assert "Outdoor is disconnected" in page.messages
    assert "Amazon · Outdoor Disconnected" in page.text
    store = house.store(house.northwind)
    with house.platform.db.read() as db:
        assert db.get(Credential, store.id) is None
    after = states(house)
    assert ReceivedState.HELD not in after
    assert after[ReceivedState.INJECTED] == before[ReceivedState.INJECTED], "the warehouse goes on"


def test_a_disconnected_store_offers_only_its_return(house: House, alice: Browser) -> None:
    page = disconnected(house, alice)
    labels = {" ".join(tag.get_text(" ").split()) for tag in page.soup.find("section").find_all(["a", "button"])}  # type: ignore[union-attr]
    assert "Reconnect" in labels
    assert not labels & {"Check now", "Test connection", "Disconnect"}
    store = house.store(house.northwind)
    settings = alice.get(f"/integrations/{store.id}/settings")
    assert "This store is disconnected." in settings.text
    assert "Save settings" not in settings.text


def test_disconnecting_twice_is_refused(house: House, alice: Browser) -> None:
    disconnected(house, alice)
    assert alice.get(address(house)).path == "/integrations"
    page = alice.post(address(house))
    assert page.status == 409
    assert page.alerts == ["Only a connected store can be disconnected."]


def test_reconnecting_brings_it_back_in_place(house: House, alice: Browser, amazon: SimulatedAmazon) -> None:
    before = house.store(house.northwind)
    disconnected(house, alice)
    page = alice.press("Reconnect")
    assert page.heading == "On to Amazon"
    page = alice.get(walk_consent(page.link("Continue to Amazon"), NORTHWIND))
    assert "The store is connected again" in page.messages
    assert "Amazon · Outdoor Active" in page.text
    after = house.store(house.northwind)
    assert (after.id, after.nickname, after.state) == (before.id, "Outdoor", IntegrationState.ACTIVE)


def test_another_seller_cannot_take_its_place(house: House, alice: Browser, amazon: SimulatedAmazon) -> None:
    disconnected(house, alice)
    page = alice.press("Reconnect")
    page = alice.get(walk_consent(page.link("Continue to Amazon"), "A2SIMNA0000002"))
    assert page.status == 409
    assert "Sign in at the shop with the right seller" in page.alerts[0]
    assert house.store(house.northwind).state == IntegrationState.DISCONNECTED


def test_support_cannot_disconnect(house: House) -> None:
    browser = house.browser(SUPPORT)
    page = browser.get(address(house))
    assert "Disconnect" not in {tag.get_text(strip=True) for tag in page.soup.find_all("button")}
    assert browser.post(address(house)).status == 403
    assert house.store(house.northwind).state == IntegrationState.ACTIVE
