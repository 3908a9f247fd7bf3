"""Sensitive acts ask for the password again, and lose nothing of what was typed."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from is2_core.accounts.models import User
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import stored_settings
from is2_core.db.types import seal
from tests.support.browser import PASSWORD, Browser
from tests.support.panel import ADMIN, ALICE, BOB, Panel
from tests.web.test_rules import Content, address, rules

SENSITIVE = {
    "people.add",
    "people.enable",
    "people.disable",
    "people.set_password",
    "people.change_role",
    "admin.cart_platform_settings",
    "admin.forget_former",
    "admin.warehouse_settings",
    "install.begin",
    "install.resume",
    "install.answer",
    "integrations.disconnect",
    "privacy.forget_account",
    "privacy.forget_buyers",
    "privacy.keep",
    "sign_in_help.make_link",
    "sign_in_help.reset_second_factor",
    "sign_in_help.unlock",
    "team.add",
    "team.change",
    "team.remove",
    "access_review.note_reviewed",
    "station.set_pin",
    "station.begin",
    "station.reset_pin",
}
LATER = timedelta(minutes=11)


def user_of(panel: Panel, email: str) -> User:
    with panel.platform.db.read() as db:
        return db.scalars(sa.select(User).where(User.email == email)).one()


def left_alone(panel: Panel, email: str, page: str) -> Browser:
    """A browser in which somebody signed in, opened a page, and typed nothing for a while."""
    browser = panel.browser()
    browser.sign_in(email)
    browser.get(page)
    panel.session_clock.advance(LATER)
    return browser


def test_every_sensitive_act_asks_and_does_nothing_before(panel: Panel) -> None:
    for email in (ADMIN, ALICE):
        browser = left_alone(panel, email, "/help")
        token = browser.token()
        before = Content(panel)
        for rule in rules(panel, "POST"):
            if rule.endpoint not in SENSITIVE:
                continue
            for typed in ({}, {"proof_password": ""}):
                target = address(panel, rule, panel.northwind)
                response = browser.client.post(target, data={"csrf_token": token, **typed})
                is_asked = "Is it you?" in response.get_data(as_text=True)
                assert response.status_code in (400, 403), rule
                # Whoever may not do it at all is told that.
                assert is_asked or (email == ALICE and response.status_code == 403), rule
                if not typed:
                    assert before.is_the_same(), rule
            with panel.platform.db.write() as db:
                db.execute(sa.update(User).values(failed_logins=0))
            before = Content(panel)


def test_what_was_typed_goes_on_after_the_password_secrets_too(panel: Panel) -> None:
    browser = left_alone(panel, ADMIN, "/admin/plugins/amazon/settings")
    page = browser.press("Save settings", client_secret="a new secret of Amazon, quite long")
    assert page.status == 403 and page.heading == "Is it you?"
    assert browser.press("Go on", proof_password="not the password at all").status == 400
    assert "does not prove" in browser.page.alerts[0]
    assert "a new secret" not in browser.page.text, "in a hidden field only"
    page = browser.press("Go on", proof_password=PASSWORD)
    assert "were saved" in page.messages
    assert "client_secret" in stored_settings(panel.platform, "amazon").former_until, "it is another one now"
    # And the proof is good for a while.
    browser.get(f"/admin/people/{user_of(panel, BOB).id}")
    assert "is disabled" in browser.press("Disable").messages


def test_disconnecting_wants_the_password(panel: Panel) -> None:
    store = panel.store(panel.northwind).id
    browser = left_alone(panel, ALICE, f"/integrations/{store}/disconnect")
    assert browser.press("Disconnect").heading == "Is it you?"
    assert panel.store(panel.northwind).state == IntegrationState.ACTIVE
    assert browser.page.link("Cancel") == f"/integrations/{store}/disconnect"
    browser.press("Go on", proof_password=PASSWORD)
    assert panel.store(panel.northwind).state == IntegrationState.DISCONNECTED


def test_a_stolen_session_cannot_guess_on(panel: Panel) -> None:
    browser = left_alone(panel, ALICE, f"/integrations/{panel.store(panel.northwind).id}/disconnect")
    browser.press("Disconnect")
    for _ in range(10):
        browser.press("Go on", proof_password="not the password at all")
    assert browser.press("Go on", proof_password=PASSWORD).status == 400
    assert panel.store(panel.northwind).state == IntegrationState.ACTIVE


@pytest.mark.parametrize("minutes", [9, 11])
def test_the_proof_is_good_for_ten_minutes(panel: Panel, minutes: int) -> None:
    browser = panel.browser()
    browser.sign_in(ADMIN)
    browser.get(f"/admin/people/{user_of(panel, BOB).id}")
    panel.session_clock.advance(timedelta(minutes=minutes))
    assert ("is disabled" in browser.press("Disable").text) == (minutes < 10)


def test_whoever_has_a_second_factor_gives_a_code_too(panel: Panel) -> None:
    secret, store = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", panel.store(panel.northwind).id
    browser = left_alone(panel, ALICE, f"/integrations/{store}/disconnect")
    alice = user_of(panel, ALICE)
    with panel.platform.db.write() as db:
        user = db.get_one(User, alice.id)
        user.totp_secret, user.second_factor_at = seal(User.totp_secret, secret, user.id), panel.clock.now()
    assert browser.press("Disconnect").field("Code of your app")
    code = pyotp.TOTP(secret).at(panel.session_clock.now())
    assert browser.press("Go on", proof_password=PASSWORD).status == 400
    assert browser.press("Go on", proof_password="not the password at all", proof_code=code).status == 400
    browser.press("Go on", proof_password=PASSWORD, proof_code=code)
    assert panel.store(panel.northwind).state == IntegrationState.DISCONNECTED
