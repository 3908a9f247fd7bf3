"""The rules of the DPP for passwords: a table, the last ten, the least and the greatest age."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from is2_core.accounts import passwords, people, users
from is2_core.accounts.models import User
from is2_core.accounts.signing_in.models import PastPassword
from is2_core.accounts.signing_in.own_password import change_own_password
from is2_core.accounts.signing_in.password_rules import breached, check_rules, generate_password
from is2_core.accounts.states import Role
from is2_core.clock import VirtualClock
from is2_core.errors import BadInput, Conflict
from is2_core.platform import Platform
from tests.support.browser import PASSWORD
from tests.support.panel import BOB, Panel

NAMES = ("Ann-Kathrin Müller", "kat.m@example.com")
GOOD = "Four 4 odd words-"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("four 4 odd words-", "a capital letter"),
        ("FOUR 4 ODD WORDS-", "a small letter"),
        ("Four iv odd words-", "a digit"),
        ("Four4oddwordsmore", "another character"),
        ("fouroddwordsmoreof", "a capital letter and a digit and another character"),
        ("Four 4 odd mÜLLERs", "no part of the person's name"),
        ("Four 4 Kathrins-odd", "no part of the person's name"),
        ("Four 4 kat-odd words", "no part of the person's name"),
        # Breached ones, with what people add to them.
        ("Qwertyuiopasdfgh1!", "stolen"),
        ("123Qwertyuiopasdfgh!", "stolen"),
        ("!Passwordpassword!2", "stolen"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_rule(password: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_rules(password, NAMES)
    assert why in refused.value.message and refused.value.field == "password"


@pytest.mark.parametrize("password", [GOOD, "Äußerst 4 größe Wörter", "4 слова Река-луна", "Ax9-example-odd.words"])
def test_what_keeps_the_rules_is_taken(password: str) -> None:
    check_rules(password, NAMES)


def test_the_list_holds_what_a_long_password_can_be_of() -> None:
    assert len(breached()) > 40_000
    assert {"qwertyuiopasdfgh", "passwordpassword", "1qaz2wsx3edc"} <= breached()
    assert all(len(word) >= 12 for word in breached())


def test_a_password_that_is_made_up_keeps_the_rules() -> None:
    # Whatever its owner's name: three letters of it without a vowel are the rarest of names.
    for _ in range(200):
        check_rules(generate_password(), NAMES)
    passwords.hash_new(generate_password(), (), names=NAMES)


@pytest.fixture
def mia(sqlite_platform: Platform) -> int:
    return users.create_user(sqlite_platform, email="mia@example.com", name="Mia", password=GOOD, role=Role.WAREHOUSE)


@pytest.fixture
def sqlite_platform(panel: Panel) -> Platform:
    return panel.platform


def test_none_of_the_last_ten_comes_back(sqlite_platform: Platform, clock: VirtualClock, mia: int) -> None:
    had = [GOOD, *(f"Words 9 odd-{number}-ones here" for number in range(10))]
    for before, after in pairwise(had):
        with pytest.raises(BadInput, match="one of the last 10"):
            people.set_password(sqlite_platform, user_id=mia, password=before, by=None)
        people.set_password(sqlite_platform, user_id=mia, password=after, by=None)
    with pytest.raises(BadInput, match="one of the last 10"):
        people.set_password(sqlite_platform, user_id=mia, password=had[1], by=None)
    people.set_password(sqlite_platform, user_id=mia, password=GOOD, by=None)
    with sqlite_platform.db.read() as session:
        kept = session.scalar(sa.select(sa.func.count()).where(PastPassword.user_id == mia))
    assert kept == 9, "with the present one ten"


def test_a_password_is_kept_for_a_day(sqlite_platform: Platform, clock: VirtualClock, mia: int) -> None:
    def change(current: str, new: str) -> None:
        change_own_password(sqlite_platform, user_id=mia, current=current, new=new)

    # One that somebody else set may be changed at once.
    change(GOOD, "Second 2 odd-words here")
    clock.advance(timedelta(hours=23))
    with pytest.raises(Conflict, match="less than a day"):
        change("Second 2 odd-words here", "Third 3 odd-words here")
    clock.advance(timedelta(hours=1))
    change("Second 2 odd-words here", "Third 3 odd-words here")


def test_a_password_of_a_year_is_replaced_on_the_way_in(panel: Panel) -> None:
    with panel.platform.db.write() as session:
        session.execute(sa.update(User).values(password_set_at=panel.clock.now() - timedelta(days=365)))
    browser = panel.browser()
    page = browser.sign_in(BOB)
    assert "a year old" in page.heading
    assert browser.get("/integrations").heading == "Sign in", "nobody is signed in before that"
    browser.get("/sign-in/password")
    page = browser.press("Set password", password=PASSWORD, again=PASSWORD)
    assert page.status == 400 and "one of the last 10" in page.problem_at("New password")
    page = browser.press("Set password", password=GOOD, again=GOOD + "x")
    assert page.status == 400 and "not the same" in page.problem_at("New password, again")
    assert browser.press("Set password", password=GOOD, again=GOOD).path == "/integrations"
    assert browser.get("/sign-in/password").path == "/integrations", "the way is gone"
    assert panel.browser().sign_in(BOB, GOOD).path == "/integrations"
