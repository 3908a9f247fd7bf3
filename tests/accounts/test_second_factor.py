"""The second factor: set up before anything else, each code once, recovery codes once, and what takes it away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from is2_core.accounts import people, users
from is2_core.accounts.models import User
from is2_core.accounts.signing_in import administration, second_factor
from is2_core.accounts.signing_in.lockout import Visitor
from is2_core.accounts.states import Step
from is2_core.clock import VirtualClock
from is2_core.config import Config, ConfigError
from is2_core.errors import BadInput, Conflict, Forbidden
from is2_core.platform import Platform
from tests.cli.test_start import ENVIRONMENT
from tests.support.browser import PASSWORD, Browser, Page
from tests.support.panel import ADMIN, ALICE, BOB, Panel
from web.app import create_app

NOBODY = Visitor()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: what is tried here is no matter of the database; races are, see test_sign_in_races.py."""
    return sqlite_url


def strict(platform: Platform) -> Platform:
    """The same platform as in production: everybody has a second factor."""
    return replace(platform, config=replace(platform.config, second_factor=True))


@pytest.fixture
def demanding(panel: Panel) -> Iterator[Panel]:
    """The panel as in production."""
    platform = strict(panel.platform)
    yield replace(panel, platform=platform, app=create_app(platform, session_clock=panel.session_clock))


def secret_on(page: Page) -> str:
    return "".join(str(page.soup.find(id="secret").text).split())  # type: ignore[union-attr]


def codes_on(page: Page) -> list[str]:
    return [tag.text for tag in page.soup.select("#recovery-codes code")]


def shown(secret: str, panel: Panel) -> str:
    """What the app shows now."""
    return pyotp.TOTP(secret).at(panel.session_clock.now())


def set_up(panel: Panel, email: str = ALICE) -> tuple[Browser, str, list[str]]:
    """Somebody has signed in for the first time: the browser, the secret, the recovery codes."""
    browser = panel.browser()
    page = browser.sign_in(email)
    assert page.heading == "Set up a second factor"
    secret = secret_on(page)
    page = browser.press("Set up", code=shown(secret, panel))
    assert page.heading == "Recovery codes"
    return browser, secret, codes_on(page)


def later(panel: Panel) -> None:
    """The app shows another code."""
    panel.session_clock.advance(timedelta(seconds=30))


def test_nothing_is_served_before_a_second_factor_is_set_up(demanding: Panel) -> None:
    browser = demanding.browser()
    page = browser.sign_in(ALICE)
    assert page.soup.find("img")["src"].startswith("data:image/svg+xml")  # type: ignore[union-attr, index]
    secret = secret_on(page)
    for address in ("/integrations", "/received-orders", "/password", "/second-factor", "/sessions", "/"):
        assert browser.get(address).heading == "Sign in", address
    # Another step than the one that is asked for leads nowhere.
    for address in ("/sign-in/code", "/sign-in/password"):
        assert browser.get(address).heading == "Sign in", address
    page = browser.get("/sign-in/second-factor")
    assert secret_on(page) == secret, "looking again offers the same"
    page = browser.press("Set up", code="000000")
    assert page.status == 400 and "should show now" in page.problem_at("Code")
    page = browser.press("Set up", code=shown(secret, demanding))
    assert len(set(codes_on(page))) == 10
    assert browser.get("/integrations").heading == "View Integrations"
    page = browser.get("/second-factor")
    assert "10 recovery codes left" in page.text and secret not in page.html
    stored = demanding.platform.db.engine.raw_connection()
    assert secret not in "".join(stored.driver_connection.iterdump())  # type: ignore[union-attr]
    stored.close()


def test_each_code_signs_in_once(demanding: Panel) -> None:
    _, secret, _ = set_up(demanding)
    used = shown(secret, demanding)
    browser = demanding.browser()
    assert browser.sign_in(ALICE).heading == "Second factor"
    assert browser.get("/integrations").heading == "Sign in"
    browser.get("/sign-in/code")
    assert browser.press("Sign in", code=used).status == 400, "it was used to set the factor up"
    later(demanding)
    spaced = f"{shown(secret, demanding)[:3]} {shown(secret, demanding)[3:]}"
    assert browser.press("Sign in", code=spaced).path == "/integrations"
    thief = demanding.browser()
    thief.sign_in(ALICE)
    assert thief.press("Sign in", code=shown(secret, demanding)).alerts
    # Those of the step before are over once a later one was taken.
    later(demanding)
    for ahead, status in ((-60, 400), (-30, 400), (60, 400), (30, 200), (30, 400), (0, 400)):
        code = pyotp.TOTP(secret).at(demanding.session_clock.now() + timedelta(seconds=ahead))
        trier = demanding.browser()
        trier.sign_in(ALICE)
        assert trier.press("Sign in", code=code).status == status, ahead


def test_a_recovery_code_signs_in_once_and_new_ones_end_it(demanding: Panel) -> None:
    browser, secret, codes = set_up(demanding)
    for code, status in ((codes[0].lower(), 200), (codes[0], 400), (codes[1].replace("-", " "), 200)):
        other = demanding.browser()
        other.sign_in(ALICE)
        assert other.press("Sign in", code=code).status == status
    browser.get("/second-factor")
    later(demanding)
    page = browser.press("Make new codes", code="123")
    assert page.status == 400
    fresh = codes_on(browser.press("Make new codes", code=shown(secret, demanding)))
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    other = demanding.browser()
    other.sign_in(ALICE)
    assert other.press("Sign in", code=codes[5]).status == 400
    assert other.press("Sign in", code=fresh[0]).status == 200


def test_a_reset_password_keeps_it_and_an_administrator_takes_it_away(demanding: Panel) -> None:
    browser, _, _ = set_up(demanding)
    alice = people.user_id_of(demanding.platform, ALICE)
    people.set_password(demanding.platform, user_id=alice, password="Quite 2 other-words", by=None)
    assert demanding.browser().sign_in(ALICE, "Quite 2 other-words").heading == "Second factor"
    admin, _, _ = set_up(demanding, ADMIN)
    admin.get(f"/admin/people/{alice}")
    page = admin.press("Take second factor away")
    assert "signed out everywhere" in page.messages
    assert browser.get("/integrations").heading == "Sign in"
    assert demanding.browser().sign_in(ALICE, "Quite 2 other-words").heading == "Set up a second factor"
    own = people.user_id_of(demanding.platform, ADMIN)
    with pytest.raises(Conflict):
        administration.reset_second_factor(demanding.platform, user_id=own, by=own)


@pytest.mark.parametrize("end", ["disable", "end_sessions", "time"])
def test_who_is_on_the_way_is_stopped_by(demanding: Panel, end: str) -> None:
    _, secret, _ = set_up(demanding)
    later(demanding)
    browser = demanding.browser()
    browser.sign_in(ALICE)
    alice = people.user_id_of(demanding.platform, ALICE)
    if end == "disable":
        people.set_enabled(demanding.platform, user_id=alice, enabled=False, by=None)
    elif end == "end_sessions":
        people.end_sessions(demanding.platform, user_id=alice, by=None)
    else:
        demanding.session_clock.advance(timedelta(minutes=16))
    browser.press("Sign in", code=shown(secret, demanding))
    assert browser.get("/integrations").heading == "Sign in"


def test_somebody_who_has_one_gives_it_on_a_trial_too(demanding: Panel, panel: Panel) -> None:
    set_up(demanding)
    assert panel.browser().sign_in(ALICE).heading == "Second factor"
    assert panel.browser().sign_in(BOB).path == "/integrations"
    assert "this is a trial" in panel.browser(BOB).get("/second-factor").text


def test_signed_in_is_only_who_gave_both(demanding: Panel) -> None:
    alice = people.user_id_of(demanding.platform, ALICE)
    before = people.person(demanding.platform, alice).last_sign_in_at
    demanding.clock.advance(timedelta(minutes=1))
    demanding.browser().sign_in(ALICE)
    assert people.person(demanding.platform, alice).last_sign_in_at == before
    set_up(demanding)
    assert people.person(demanding.platform, alice).last_sign_in_at == demanding.clock.now()


def test_the_way_in_ends_with_the_sessions(platform: Platform, wes: tuple[int, str]) -> None:
    user_id, secret = wes
    found = users.sign_in(platform, "wes@example.com", PASSWORD)
    assert found is not None and found.step == Step.CODE
    people.end_sessions(platform, user_id=user_id, by=None)
    code = pyotp.TOTP(secret).at(platform.clock.now())
    with pytest.raises(Forbidden):
        second_factor.give_code(
            platform, user_id=user_id, epoch=found.session_epoch, code=code, at=platform.clock.now(), visitor=NOBODY
        )


def test_codes_that_are_none(platform: Platform, wes: tuple[int, str]) -> None:
    user_id, _ = wes
    for code in ("", "1", "\ud800", "\uff11\uff12\uff13\uff14\uff15\uff16", "0" * 10_000):
        with pytest.raises(BadInput):
            second_factor.renew_recovery_codes(
                platform, user_id=user_id, code=code, at=platform.clock.now(), visitor=NOBODY
            )
    with platform.db.read() as session:
        assert session.scalars(sa.select(User.failed_logins).where(User.id == user_id)).one() == 5, "each is counted"


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://is2.example.com", True),
        ("https://127.0.0.1.example.com", True),
        ("https://10.0.0.1", True),
        ("http://127.0.0.1:8080", False),
        ("http://localhost:8080", False),
        ("http://[::1]:8080", False),
    ],
)
def test_no_second_factor_is_for_trials_only(url: str, refused: bool) -> None:
    environment = {**ENVIRONMENT, "IS2_PUBLIC_URL": url, "IS2_ALLOW_PLAIN_HTTP": "1" if url.startswith("http:") else ""}
    assert Config.from_environment(environment).second_factor, "by default everybody has one"
    environment["IS2_NO_SECOND_FACTOR"] = "1"
    if refused:
        with pytest.raises(ConfigError, match="IS2_NO_SECOND_FACTOR is for trials"):
            Config.from_environment(environment)
    else:
        assert not Config.from_environment(environment).second_factor


def test_the_app_is_told_what_it_needs(clock: VirtualClock) -> None:
    address = second_factor.app_address("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "ann@example.com")
    assert address == "otpauth://totp/IS2:ann%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=IS2"
