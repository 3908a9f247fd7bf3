"""View Integrations: what a store shows and what can be done with it."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.models import Credential, Integration, IntegrationState, Task, TaskState
from tests.support.amazon import SimulatedAmazon
from tests.web.conftest import ALICE, BOB, SUPPORT, House


def pause(house: House, code: str, sentence: str) -> None:
    with house.platform.db.write() as db:
        db.execute(
            sa.update(Integration)
            .where(Integration.account_id == house.northwind)
            .values(state=IntegrationState.PAUSED, pause_code=code, pause_sentence=sentence)
        )


def test_a_store_shows_who_it_is_and_how_it_goes(house: House) -> None:
    page = house.browser(BOB).get("/integrations")
    assert "Amazon · Outdoor Active" in page.text
    assert "Region North America" in page.text
    assert "Northwind Outdoor (A2SIMNA0000001)" in page.text
    assert "Last check Nov 23, 2026, 12:00 UTC , without problems" in page.text
    assert "Next check Nov 23, 2026, 12:30 UTC" in page.text
    assert "18 received" in page.text
    assert "1 quarantined" in page.text
    assert "Amazon: Simulator" in page.text
    envelope = page.soup.find("a", title="Shipping mappings")
    assert envelope is not None
    assert envelope.find(class_="bi-envelope") is not None
    assert envelope.get_text(strip=True) == "Shipping mappings of Outdoor"


def test_times_can_be_read_by_machines(house: House) -> None:
    page = house.browser(ALICE).get("/integrations")
    assert page.soup.find("time", attrs={"datetime": "2026-11-23T12:00:00Z"}) is not None


def test_a_failed_check_says_what_and_when_again(house: House) -> None:
    store = house.store(house.northwind)
    with house.platform.db.write() as db:
        db.execute(
            sa.update(Task)
            .where(Task.kind == "orders.check", Task.integration_id == store.id)
            .values(state=TaskState.READY, error_sentence="Amazon did not answer. Tried again at 12:05.")
        )
    page = house.browser(ALICE).get("/integrations")
    assert "Amazon did not answer. Tried again at 12:05." in page.text
    assert "without problems" not in page.text


def test_check_now_is_asked_for_and_answered(house: House) -> None:
    browser = house.browser(ALICE)
    browser.get("/integrations")
    page = browser.press("Check now")
    assert "Checking for new orders now." in page.messages
    with house.platform.db.read() as db:
        open_checks = db.scalars(
            sa.select(Task).where(Task.kind == "orders.check", Task.state == TaskState.READY)
        ).all()
    assert [task.integration_id for task in open_checks] == [house.store(house.northwind).id]


def test_a_paused_store_says_why_and_what_to_do(house: House) -> None:
    pause(house, "AUTHORIZATION_LOST", "Amazon no longer accepts our access. Reconnect the store.")
    browser = house.browser(ALICE)
    page = browser.get("/integrations")
    assert "Paused. Amazon no longer accepts our access." in page.text
    page = browser.press("Check now")
    assert page.status == 409
    assert "This store is paused" in page.alerts[0]
    assert browser.press("Reconnect").heading == "On to Amazon"


def test_a_store_paused_for_its_settings_leads_there(house: House) -> None:
    pause(house, "SETTINGS", "The home marketplace is missing.")
    page = house.browser(ALICE).get("/integrations")
    assert page.link("Correct the settings") == f"/integrations/{house.store(house.northwind).id}/settings"


def test_test_connection_says_who_answers(house: House, amazon_for_template: tuple[object, SimulatedAmazon]) -> None:
    browser = house.browser(ALICE)
    browser.get("/integrations")
    page = browser.press("Test connection")
    assert "Amazon answers as Northwind Outdoor (A2SIMNA0000001)" in page.messages


def test_test_connection_fails_in_words(house: House, amazon: SimulatedAmazon) -> None:
    with house.platform.db.write() as db:
        db.execute(sa.update(Credential).values(access_token=None, access_expires_at=None))
    browser = house.browser(ALICE)
    browser.get("/integrations")
    page = browser.press("Test connection")
    assert 400 <= page.status < 600
    assert page.alerts
    assert "View Integrations" in page.heading


def test_adding_offers_the_enabled_carts(house: House) -> None:
    browser = house.browser(ALICE)
    page = browser.get("/integrations/add")
    assert page.link("Connect Amazon") == "/amazon/install"
    assert "Tiny Shop" not in page.text


def test_support_sees_the_stores_without_buttons(house: House) -> None:
    browser = house.browser(SUPPORT)
    browser.post("/account", {"account_id": house.northwind})
    page = browser.get("/integrations")
    assert "Outdoor" in page.text
    buttons = {" ".join(tag.get_text(" ").split()) for tag in page.soup.find_all("button")}
    assert buttons == {"Switch", "Sign out"}
