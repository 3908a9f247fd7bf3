"""Guessing ends soon, and nobody can lock another person out by it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from is2_core.accounts import passwords, people, users
from is2_core.accounts.models import User
from is2_core.accounts.signing_in import administration, second_factor
from is2_core.accounts.signing_in.lockout import Device, Visitor
from is2_core.accounts.signing_in.models import FailedTries
from is2_core.accounts.states import Role
from is2_core.clock import VirtualClock
from is2_core.platform import Platform
from tests.support.browser import PASSWORD, Browser
from tests.support.panel import ALICE, BOB, Panel
from web.app import create_app

EMAIL, WRONG = "wes@example.com", "not the password"
STRANGER, HOME = Visitor("203.0.113.9"), Visitor("198.51.100.1")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: what is tried here is no matter of the database; races are, see test_sign_in_races.py."""
    return sqlite_url


@pytest.fixture
def wes(platform: Platform) -> int:
    return users.create_user(platform, email=EMAIL, name="Wes", password=PASSWORD, role=Role.WAREHOUSE)


def known(user_id: int, name: str = "phone", address: str = HOME.address) -> Visitor:
    return Visitor(address, (Device(user_id, 1, name),))


def tries(platform: Platform, visitor: Visitor, count: int = 10, email: str = EMAIL) -> None:
    for _ in range(count):
        assert users.sign_in(platform, email, WRONG, visitor) is None


def gets_in(platform: Platform, visitor: Visitor) -> bool:
    return users.sign_in(platform, EMAIL, PASSWORD, visitor) is not None


def test_scenario_F68_a_stranger_locks_nobody_out(platform: Platform, clock: VirtualClock, wes: int) -> None:
    tries(platform, STRANGER)
    assert not gets_in(platform, STRANGER), "after ten wrong ones not even the right one"
    assert gets_in(platform, known(wes)), "the person's own device"
    assert not gets_in(platform, HOME), "any other waits"
    clock.advance(MINUTE)
    assert gets_in(platform, HOME), "for a moment"
    assert not gets_in(platform, STRANGER)
    clock.advance(15 * MINUTE)
    assert gets_in(platform, STRANGER)


def test_scenario_F68_guessing_from_everywhere_gets_few_tries_and_the_person_in(
    platform: Platform, clock: VirtualClock, wes: int
) -> None:
    counted = 0
    for quarter in range(12):
        clock.advance(15 * MINUTE)
        for place in range(12):
            before = failures(platform)
            users.sign_in(platform, EMAIL, WRONG, Visitor(f"2001:db8:{quarter}:{place}::/64"))
            counted += failures(platform) != before
        assert gets_in(platform, known(wes))
    # Ten in a quarter of an hour, from however many addresses, once the delay has grown.
    assert counted == 12 * 10
    clock.advance(timedelta(days=2))
    tries(platform, STRANGER, 1)
    with platform.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(FailedTries)) == 2, "what is over is cleaned up"


def failures(platform: Platform) -> tuple[object, ...]:
    with platform.db.read() as session:
        user = session.scalars(sa.select(User)).one()
        return user.failed_logins, user.lock_rounds, user.failed_at


def test_each_lock_is_twice_as_long_up_to_four_hours(platform: Platform, clock: VirtualClock, wes: int) -> None:
    lasted = []
    for _ in range(6):
        tries(platform, STRANGER)
        with platform.db.read() as session:
            row = session.scalars(sa.select(FailedTries).where(FailedTries.subject.like("user%"))).one()
        assert row.locked_until is not None
        lasted.append((row.locked_until - clock.now()) / MINUTE)
        clock.advance(row.locked_until - clock.now())
    assert lasted == [15, 30, 60, 120, 240, 240]
    clock.advance(timedelta(days=1, minutes=1))
    tries(platform, STRANGER)
    clock.advance(15 * MINUTE)
    assert gets_in(platform, STRANGER), "a day without a failure, and the first lock is a short one again"


def test_a_known_device_has_its_own_ten_tries(platform: Platform, clock: VirtualClock, wes: int) -> None:
    tries(platform, known(wes))
    assert not gets_in(platform, known(wes)), "who has the device must not guess on"
    assert gets_in(platform, HOME) and gets_in(platform, known(wes, "laptop"))
    clock.advance(16 * MINUTE)
    assert gets_in(platform, known(wes))


def test_a_device_is_known_for_one_person_and_until_it_is_revoked(platform: Platform, wes: int) -> None:
    other = users.create_user(platform, email="o@example.com", name="Olga", password=PASSWORD, role=Role.WAREHOUSE)
    tries(platform, STRANGER)
    assert not gets_in(platform, known(other))
    assert gets_in(platform, known(wes))
    people.end_sessions(platform, user_id=wes, by=None)
    assert not gets_in(platform, known(wes))


def test_one_network_that_tries_everybody_is_slowed(platform: Platform, clock: VirtualClock, wes: int) -> None:
    for number in range(50):
        tries(platform, STRANGER, 1, f"nobody{number}@example.com")
    assert not gets_in(platform, STRANGER)
    assert gets_in(platform, HOME)
    assert gets_in(platform, known(wes, address=STRANGER.address)), "people of that network have their devices"
    clock.advance(MINUTE)
    assert gets_in(platform, STRANGER)


def test_unlocking_forgets_everything(platform: Platform, wes: int) -> None:
    tries(platform, STRANGER)
    tries(platform, known(wes))
    administration.unlock(platform, user_id=wes, by=None)
    assert gets_in(platform, STRANGER) and gets_in(platform, known(wes))


def test_wrong_codes_lock_and_a_right_password_between_them_forgets_nothing(
    platform: Platform, clock: VirtualClock, wes: int
) -> None:
    secret = second_factor.new_secret()
    code = pyotp.TOTP(secret).at(clock.now())
    second_factor.enrol(platform, user_id=wes, epoch=1, secret=secret, code=code, at=clock.now(), visitor=HOME)

    def give(code: str, visitor: Visitor) -> bool:
        given = {"user_id": wes, "epoch": 1, "code": code, "at": clock.now(), "visitor": visitor}
        return second_factor.give_code(platform, **given) is not None  # type: ignore[arg-type]

    for _ in range(10):
        assert gets_in(platform, STRANGER), "the password is known"
        assert not give("000000", STRANGER)
    clock.advance(5 * MINUTE)
    fresh = pyotp.TOTP(secret).at(clock.now())
    assert not give(fresh, STRANGER)
    assert not give(fresh, Visitor("192.0.2.77")), "from another address neither: the account's codes are counted"
    assert give(fresh, known(wes)), "the person's device"


@pytest.mark.parametrize("state", ["unknown", "wrong", "disabled", "locked", "invited"])
def test_every_refusal_costs_one_hash_and_looks_the_same(panel: Panel, state: str) -> None:
    bob = people.user_id_of(panel.platform, BOB)
    email = "nobody@example.com" if state == "unknown" else BOB
    if state == "disabled":
        people.set_enabled(panel.platform, user_id=bob, enabled=False, by=None)
    elif state == "locked":
        tries(panel.platform, Visitor("127.0.0.1"), 10, BOB)
    elif state == "invited":
        with panel.platform.db.write() as session:
            session.execute(sa.update(User).where(User.id == bob).values(password_hash=""))
    computed: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_fits", lambda stored, typed: computed.append(stored))
        page = panel.browser().sign_in(email, WRONG)
    assert page.status == 400 and len(computed) == 1
    other = panel.browser().sign_in("nobody@example.com", WRONG)
    assert page.alerts == other.alerts != []
    bare = [
        re.sub(f'{email}|nobody@example.com|name="csrf_token" value="[^"]+"', "", each.html) for each in (page, other)
    ]
    assert bare[0] == bare[1]


def test_the_devices_cookie_is_made_by_a_full_sign_in_and_by_nobody_else(panel: Panel) -> None:
    def cookie(browser: Browser) -> str:
        found = browser.client.get_cookie("is2-device")
        return found.value if found else ""

    browser = panel.browser()
    browser.sign_in(ALICE, WRONG)
    assert not cookie(browser)
    browser.sign_in(ALICE)
    own = cookie(browser)
    assert own
    tries(panel.platform, Visitor("127.0.0.1"), 10, ALICE)
    browser.press("Sign out")
    assert panel.browser().sign_in(ALICE).status == 400
    forger = panel.browser()
    forger.client.set_cookie("is2-device", own[:-2] + ("AA" if own[-2:] != "AA" else "BB"))
    assert forger.sign_in(ALICE).status == 400
    assert browser.sign_in(ALICE).path == "/integrations"
    # Another person on the same device, after whom the first is still known.
    browser.press("Sign out")
    browser.sign_in(BOB)
    browser.press("Sign out")
    assert browser.sign_in(ALICE).path == "/integrations"


def test_the_devices_cookie_is_kept_as_well_as_the_sessions(panel: Panel) -> None:
    config = replace(panel.platform.config, allow_plain_http=False, public_url="https://is2.example.com")
    app = create_app(replace(panel.platform, config=config), session_clock=panel.session_clock)
    app.config["WTF_CSRF_ENABLED"] = False
    answer = app.test_client().post("/sign-in", data={"email": ALICE, "password": PASSWORD}, base_url=config.public_url)
    (cookie,) = (each for each in answer.headers.getlist("Set-Cookie") if "-device=" in each)
    assert cookie.startswith("__Host-is2-device=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie and BOB not in cookie and ALICE not in cookie
