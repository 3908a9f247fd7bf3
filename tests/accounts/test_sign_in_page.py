"""Signing in and out, and what ends a session."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from is2_core.accounts import passwords, users
from is2_core.accounts.models import Membership, User
from tests.support.browser import PASSWORD, Browser, Page
from tests.support.panel import ADMIN, ALICE, BOB, PACKER, Panel


@pytest.mark.parametrize(
    ("email", "lands"), [(ALICE, "/integrations"), (PACKER, "/warehouse/orders"), (ADMIN, "/admin/plugins")]
)
def test_everybody_lands_where_their_work_is(panel: Panel, email: str, lands: str) -> None:
    assert panel.browser().sign_in(email).path == lands


def test_a_wrong_password_and_an_unknown_user_look_the_same(panel: Panel) -> None:
    wrong = panel.browser().sign_in(ALICE, "not the password at all")
    unknown = panel.browser().sign_in("nobody@example.com", "not the password at all")
    assert wrong.status == unknown.status == 400
    assert wrong.alerts == unknown.alerts != []
    assert str(wrong.field("Email address")["value"]) == ALICE


def test_a_password_hashed_more_cheaply_than_today_is_hashed_anew_at_sign_in(
    panel: Panel, product_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> str:
        with panel.platform.db.read() as session:
            return session.scalars(sa.select(User.password_hash).where(User.email == ALICE)).one()

    assert stored().startswith("$argon2id$v=19$m=8,t=1,p=1$")
    monkeypatch.setattr(passwords, "_hasher", product_hasher)
    assert panel.browser().sign_in(ALICE).status == 200
    # What OWASP asks of Argon2id at least: 46 MiB once.
    assert stored().startswith("$argon2id$v=19$m=47104,t=2,p=1$")


def test_scenario_F68_ten_wrong_passwords_lock_for_a_quarter_of_an_hour(panel: Panel) -> None:
    for _ in range(10):
        panel.browser().sign_in(ALICE, "not the password at all")
    assert panel.browser().sign_in(ALICE).status == 400
    panel.clock.advance(timedelta(minutes=16))
    assert panel.browser().sign_in(ALICE).status == 200


def test_the_way_back_leads_to_the_page_asked_for(panel: Panel) -> None:
    browser = panel.browser()
    page = browser.get("/received-orders?state=HELD")
    assert page.heading == "Sign in"
    page = browser.press("Sign in", email=ALICE, password=PASSWORD)
    assert page.path == "/received-orders"
    assert page.response.request.args["state"] == "HELD"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "///evil.example",
        "evil.example",
    ],
)
def test_the_way_back_never_leaves_the_panel(panel: Panel, elsewhere: str) -> None:
    browser = panel.browser()
    browser.get("/sign-in")
    page = browser.press("Sign in", follow=False, email=ALICE, password=PASSWORD, next=elsewhere)
    assert page.status == 303
    assert page.response.headers["Location"] == "/integrations"


def test_a_session_ends_after_half_an_hour_without_a_page(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    panel.session_clock.advance(timedelta(minutes=29))
    assert browser.get("/integrations").heading == "View Integrations"
    panel.session_clock.advance(timedelta(minutes=29))
    assert browser.get("/integrations").heading == "View Integrations"
    panel.session_clock.advance(timedelta(minutes=31))
    assert browser.get("/integrations").heading == "Sign in"


def test_a_session_ends_after_twelve_hours_in_any_case(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    for _ in range(12 * 3):
        panel.session_clock.advance(timedelta(minutes=20))
        browser.get("/integrations")
    panel.session_clock.advance(timedelta(minutes=1))
    assert browser.get("/integrations").heading == "Sign in"


def test_moving_the_platforms_clock_signs_nobody_out(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    panel.clock.advance(timedelta(hours=13))
    assert browser.get("/integrations").heading == "View Integrations"


def test_a_copied_cookie_is_worth_nothing_after_signing_out(panel: Panel) -> None:
    browser, thief = panel.browser(ALICE), panel.browser()
    cookie = browser.client.get_cookie("is2")
    assert cookie is not None
    thief.client.set_cookie("is2", cookie.value)
    assert thief.get("/integrations").heading == "View Integrations"
    browser.get("/integrations")
    assert "signed out" in browser.press("Sign out").messages
    assert thief.get("/integrations").heading == "Sign in"


def test_signing_in_makes_a_new_session(panel: Panel) -> None:
    browser = panel.browser()
    browser.get("/sign-in")
    before = browser.token()
    browser.press("Sign in", email=ALICE, password=PASSWORD)
    refused = browser.client.post("/sign-out", data={"csrf_token": before})
    assert refused.status_code == 400


def test_a_disabled_user_is_out_at_once(panel: Panel) -> None:
    browser = panel.browser(BOB)
    with panel.platform.db.write() as db:
        db.execute(sa.update(User).where(User.email == BOB).values(disabled=True))
    assert browser.get("/integrations").heading == "Sign in"


def test_a_form_sent_after_the_session_ended_says_so(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get("/integrations/add")
    token = browser.token()
    panel.session_clock.advance(timedelta(hours=1))
    store = panel.store(panel.northwind)
    response = browser.client.post(f"/integrations/{store.id}/check", data={"csrf_token": token}, follow_redirects=True)
    assert "Your sign-in has ended" in response.get_data(as_text=True)


def send_after_the_end(panel: Panel, browser: Browser, page: str, button: str, **typed: str) -> Page:
    """Press a button of a page an hour after it was opened, and sign in again; the page that follows."""
    browser.get(page)
    panel.session_clock.advance(timedelta(hours=1))
    asked = browser.press(button, **typed)
    assert asked.heading == "Sign in"
    assert "Your sign-in has ended" in asked.messages
    return browser.press("Sign in", email=ALICE, password=PASSWORD)


def test_field_H2_a_form_sent_after_the_session_ended_is_not_lost(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    address = f"/integrations/{store.id}/settings"
    browser = panel.browser(ALICE)
    page = send_after_the_end(panel, browser, address, "Save settings", nickname="Outdoor & more")
    assert page.field("Nickname")["value"] == "Outdoor & more"
    assert "What you typed is in the form again" in page.text
    assert panel.store(panel.northwind).nickname == store.nickname, "nothing is saved by itself"
    # Once, and on no other page.
    assert browser.get(address).field("Nickname")["value"] != "Outdoor & more"
    assert browser.press("Save settings", nickname="Outdoor & more").status == 200
    assert panel.store(panel.northwind).nickname == "Outdoor & more"


def test_field_H2_a_button_leads_back_to_its_page(panel: Panel) -> None:
    page = send_after_the_end(panel, panel.browser(ALICE), "/integrations", "Check now")
    assert page.heading == "View Integrations"


def test_field_H2_passwords_and_what_others_typed_are_not_kept(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    page = send_after_the_end(panel, browser, "/password", "Change password", current=PASSWORD, password="new pass 1")
    assert page.heading == "Change password"
    assert "new pass 1" not in page.html and PASSWORD not in page.html
    address = f"/integrations/{panel.store(panel.northwind).id}/settings"
    browser.get(address)
    panel.session_clock.advance(timedelta(hours=1))
    browser.press("Save settings", nickname="Mine")
    browser.press("Sign in", email=BOB, password=PASSWORD)
    browser.get("/integrations")
    browser.press("Sign out")
    browser.get("/sign-in")
    browser.press("Sign in", email=ALICE, password=PASSWORD)
    assert browser.get(address).field("Nickname")["value"] != "Mine"


def test_a_user_of_two_accounts_switches_between_them(panel: Panel) -> None:
    with panel.platform.db.write() as db:
        bob = db.scalar(sa.select(User.id).where(User.email == BOB))
        db.add(Membership(account_id=panel.contoso, user_id=bob, role="member"))
    browser = panel.browser(BOB)
    assert "Alpen" in browser.get("/integrations").text
    page = browser.press("Switch", account_id=str(panel.northwind))
    assert "Outdoor" in page.text
    assert "Alpen" not in page.text
    foreign = browser.get(f"/integrations/{panel.store(panel.contoso).id}/items")
    assert foreign.status == 200, "an own store of the other account opens, and the page says whose it is"
    assert foreign.soup.find("option", selected=True).text == "Contoso"  # type: ignore[union-attr]


def test_a_user_without_an_account_is_told_so(panel: Panel) -> None:
    users.create_user(panel.platform, email="new@example.com", name="New", password=PASSWORD, account_id=panel.contoso)
    with panel.platform.db.write() as db:
        user = db.scalar(sa.select(User.id).where(User.email == "new@example.com"))
        db.execute(sa.delete(Membership).where(Membership.user_id == user))
    page = panel.browser().sign_in("new@example.com")
    assert page.status == 404
    assert "do not belong to a merchant account" in page.text
