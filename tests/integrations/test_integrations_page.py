"""View Integrations: what a store shows and what can be done with it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Credential, Integration
from is2_core.accounts.states import IntegrationState
from is2_core.integrations import legacy_authorization
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState
from tests.support.amazon import SimulatedAmazon
from tests.support.panel import ALICE, BOB, START, SUPPORT, Panel


def pause(panel: Panel, code: str, message: str) -> None:
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(Integration)
            .where(Integration.account_id == panel.northwind)
            .values(state=IntegrationState.PAUSED, pause_code=code, pause_message=message)
        )


def test_a_store_shows_who_it_is_and_how_it_goes(panel: Panel) -> None:
    page = panel.browser(BOB).get("/integrations")
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


def test_times_can_be_read_by_machines(panel: Panel) -> None:
    page = panel.browser(ALICE).get("/integrations")
    assert page.soup.find("time", attrs={"datetime": "2026-11-23T12:00:00Z"}) is not None


def test_a_failed_check_says_what_and_when_again(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(Task)
            .where(Task.kind == "orders.check", Task.integration_id == store.id)
            .values(state=TaskState.READY, error_message="Amazon did not answer. Tried again at 12:05.")
        )
    page = panel.browser(ALICE).get("/integrations")
    assert "Amazon did not answer. Tried again at 12:05." in page.text
    assert "without problems" not in page.text


def test_check_now_is_asked_for_and_answered(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    page = browser.press("Check now")
    assert "Checking for new orders now." in page.messages
    with panel.platform.db.read() as db:
        open_checks = db.scalars(
            sa.select(Task).where(Task.kind == "orders.check", Task.state == TaskState.READY)
        ).all()
    assert [task.integration_id for task in open_checks] == [panel.store(panel.northwind).id]


def test_a_paused_store_says_why_and_what_to_do(panel: Panel) -> None:
    pause(panel, "AUTHORIZATION_LOST", "Amazon no longer accepts our access. Reconnect the store.")
    browser = panel.browser(ALICE)
    page = browser.get("/integrations")
    assert "Paused. Amazon no longer accepts our access." in page.text
    page = browser.press("Check now")
    assert page.status == 409
    assert "This store is paused" in page.alerts[0]
    assert browser.press("Reconnect").heading == "On to Amazon"


def test_a_store_paused_for_its_settings_leads_there(panel: Panel) -> None:
    pause(panel, "SETTINGS", "The home marketplace is missing.")
    page = panel.browser(ALICE).get("/integrations")
    assert page.link("Correct the settings") == f"/integrations/{panel.store(panel.northwind).id}/settings"


def test_a_store_paused_for_a_missing_role_can_be_reconnected(panel: Panel, amazon: SimulatedAmazon) -> None:
    pause(panel, "SETTINGS", "The warehouse's application lacks the role Direct-to-Consumer Shipping.")
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    assert browser.press("Reconnect").heading == "On to Amazon"


def test_an_active_store_can_be_authorized_anew(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    assert browser.press("Reconnect").heading == "On to Amazon"


def test_test_connection_says_who_answers(panel: Panel, amazon_for_template: tuple[object, SimulatedAmazon]) -> None:
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    page = browser.press("Test connection")
    assert "Amazon answers as Northwind Outdoor (A2SIMNA0000001)" in page.messages


def test_test_connection_fails_in_words(panel: Panel, amazon: SimulatedAmazon) -> None:
    with panel.platform.db.write() as db:
        db.execute(sa.update(Credential).values(access_token=None, access_expires_at=None))
    browser = panel.browser(ALICE)
    browser.get("/integrations")
    page = browser.press("Test connection")
    assert 400 <= page.status < 600
    assert page.alerts
    assert "View Integrations" in page.heading


def test_field_H3_a_failed_test_does_not_leave_the_store_green(panel: Panel, amazon: SimulatedAmazon) -> None:
    with panel.platform.db.write() as db:
        db.execute(sa.update(Credential).values(access_token=None, access_expires_at=None))
    browser = panel.browser(ALICE)
    assert "Active" in [badge.text for badge in browser.get("/integrations").soup.select(".store-head .badge")]
    failed = browser.press("Test connection")
    for page in (failed, browser.get("/integrations")):
        assert "Connection test failed" in [badge.text for badge in page.soup.select(".store-head .badge")]
    # Whatever it failed by: an outage is told at the same place.
    amazon.fault("token", "5xx", times=5)
    assert "Connection test failed" in browser.press("Test connection").text


def test_adding_offers_the_enabled_carts(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    page = browser.get("/integrations/add")
    assert page.link("Connect Amazon") == "/amazon/install"
    assert "Tiny Shop" not in page.text


def test_support_sees_the_stores_without_buttons(panel: Panel) -> None:
    browser = panel.browser(SUPPORT)
    browser.post("/account", {"account_id": panel.northwind})
    page = browser.get("/integrations")
    assert "Outdoor" in page.text
    buttons = {" ".join(tag.get_text(" ").split()) for tag in page.soup.find_all("button")}
    assert buttons == {"Switch", "Sign out"}


def first_order(panel: Panel) -> ReceivedOrder:
    with panel.platform.db.read() as db:
        return db.scalars(
            sa.select(ReceivedOrder)
            .where(ReceivedOrder.account_id == panel.northwind, ReceivedOrder.state == ReceivedState.INJECTED)
            .limit(1)
        ).one()


def ship(panel: Panel, number: int, state: PostState, posted_at: datetime | None) -> None:
    """A package of an order of Outdoor, as far as the cart was told."""
    order = first_order(panel)
    with panel.platform.db.write() as db:
        db.add(
            Package(
                account_id=order.account_id,
                integration_id=order.integration_id,
                order_id=order.id,
                warehouse_ref=str(number),
                revision=1,
                reference=str(number),
                carrier="UPS",
                tracking_number=f"1Z{number}",
                shipped_at=START,
                post_state=state,
                posted_at=posted_at,
                seen_at=START,
            )
        )


def test_the_last_tracking_post_is_shown(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    assert "Last tracking post not yet" in browser.get("/integrations").text
    ship(panel, 1, PostState.DONE, START + timedelta(minutes=20))
    ship(panel, 2, PostState.REJECTED, None)
    page = browser.get("/integrations")
    assert "Last tracking post Nov 23, 2026, 12:20 UTC , refused for 1 order" in page.text


def test_the_last_stock_push_is_shown(panel: Panel) -> None:
    assert "Last stock push Nov 23, 2026, 12:00 UTC" in panel.browser(ALICE).get("/integrations").text


def authorized(panel: Panel, days_ago: int) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(Credential)
            .where(Credential.integration_id == store.id)
            .values(authorized_at=panel.clock.now() - timedelta(days=days_ago))
        )


@pytest.mark.parametrize(
    ("days_ago", "words", "kind"),
    [
        (340, "ends in 25 days", "warning"),
        (360, "ends in 5 days", "warning"),
        (364, "ends in 1 day,", "danger"),
        (366, "The authorization of Outdoor has ended.", "danger"),
    ],
)
def test_an_authorization_that_ends_is_not_to_be_ignored(panel: Panel, days_ago: int, words: str, kind: str) -> None:
    authorized(panel, days_ago)
    browser = panel.browser(ALICE)
    for address in ("/integrations", f"/integrations/{panel.store(panel.northwind).id}/settings"):
        page = browser.get(address)
        banner = page.soup.find(class_=f"alert-{kind}")
        assert banner is not None, address
        assert words in " ".join(banner.get_text(" ").split())
        assert "can be ignored" not in page.text
    assert browser.press("Reconnect").heading == "On to Amazon"


def test_a_fresh_authorization_says_nothing(panel: Panel) -> None:
    authorized(panel, 330)
    assert "authorization" not in panel.browser(ALICE).get("/integrations").text.lower()


def carry_legacy_authorization(panel: Panel, *, running: bool) -> None:
    legacy_authorization.set_migration(panel.platform, cart="amazon", running=True)
    if not running:
        legacy_authorization.set_migration(panel.platform, cart="amazon", running=False)
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(Integration).where(Integration.account_id == panel.northwind).values(legacy_authorization=True)
        )


def test_the_older_authorization_can_be_ignored_for_now(panel: Panel) -> None:
    carry_legacy_authorization(panel, running=True)
    browser = panel.browser(ALICE)
    for address in ("/integrations", f"/integrations/{panel.store(panel.northwind).id}/settings"):
        page = browser.get(address)
        assert "ignored for now" in page.text, address
        assert "until further notice" in page.text
        assert "Do not ignore" not in page.text
        assert "Done, hide this" not in page.text
    page = browser.post(f"/integrations/{panel.store(panel.northwind).id}/older-notice/hide")
    assert page.status == 409
    assert "do not disable it until further notice" in page.alerts[0]


def test_the_further_notice_can_be_done_with(panel: Panel) -> None:
    carry_legacy_authorization(panel, running=False)
    browser = panel.browser(ALICE)
    page = browser.get("/integrations")
    assert "About the older authorization." in page.text
    assert "until further notice" not in page.text
    page = browser.press("Done, hide this")
    assert "is hidden" in page.messages
    assert "About the older authorization." not in page.text


def test_a_store_is_named_by_its_nickname_wherever_it_is_named(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).where(Integration.id == store.id).values(nickname="Cabin"))
    browser = panel.browser(ALICE)
    pages = [f"/integrations/{store.id}/{page}" for page in ("settings", "items", "stock", "shipping", "disconnect")]
    for address in ("/integrations", f"/received-orders/{first_order(panel).id}", *pages):
        page = browser.get(address)
        assert "Cabin" in page.soup.find("main").get_text(), address  # type: ignore[union-attr]
