"""The way in, in a real Chromium: an invitation, the second factor that all must have, the second sign-in."""

from __future__ import annotations

import dataclasses

import pyotp
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from is2_core.accounts import users
from is2_core.accounts.signing_in import administration
from is2_core.accounts.states import Role
from tests.support.live import Live
from tests.support.panel import START

pytestmark = pytest.mark.browser

PASSWORD = "Three 3 odd-words here"


def give_password(page: Page) -> None:
    page.get_by_label("Email address").fill("nia@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_the_whole_road_from_an_invitation_to_the_second_sign_in(window: BrowserContext, live: Live) -> None:
    trial = live.app.extensions["is2"]
    platform = dataclasses.replace(trial, config=dataclasses.replace(trial.config, second_factor=True))
    live.app.extensions["is2"] = platform
    nia = users.create_user(platform, email="nia@example.com", name="Nia", password=None, role=Role.WAREHOUSE)
    link = administration.make_link(platform, user_id=nia, by=None)
    page = window.new_page()
    page.goto(link.address)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password, again").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    give_password(page)
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    picture = page.get_by_alt_text("QR code of the secret below")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 100"), "no policy hides it"
    secret = "".join((page.locator("#secret").text_content() or "").split())
    page.get_by_label("Code").fill(pyotp.TOTP(secret).at(START))
    page.get_by_role("button", name="Set up").click()
    expect(page.locator("#recovery-codes code")).to_have_count(10)
    recovery = page.locator("#recovery-codes code").first.text_content() or ""
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    give_password(page)
    expect(page.get_by_label("Code")).to_be_focused()
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.goto("/second-factor")
    expect(page.get_by_text("You have 9 recovery codes left.")).to_be_visible()
