"""Sessions of browsers: seen, ended, and never good again once they were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts import people, roles, users
from is2_core.accounts.models import BrowserSession, User
from is2_core.accounts.sessions import rows
from is2_core.accounts.sessions.browsers import short_name
from is2_core.accounts.states import MemberRole, Role
from is2_core.errors import NotFound
from is2_core.jobs import clean_up
from is2_core.platform import Platform
from tests.support.browser import PASSWORD, Browser
from tests.support.panel import ADMIN, ALICE, BOB, Panel

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def id_of(panel: Panel, email: str) -> int:
    return people.user_id_of(panel.platform, email)


def signed_in(panel: Panel, email: str, user_agent: str = "") -> Browser:
    """A browser with a session of its own."""
    browser = panel.browser()
    if user_agent:
        browser.client.environ_base["HTTP_USER_AGENT"] = user_agent
    browser.sign_in(email)
    return browser


def press_sign_out(panel: Panel, browser: Browser) -> None:
    browser.get("/password")
    browser.press("Sign out")


def end_from_another_browser(panel: Panel, browser: Browser) -> None:
    other = signed_in(panel, BOB)
    assert other.get("/sessions").status == 200
    assert "was ended" in other.press("End").messages


def end_all_others(panel: Panel, browser: Browser) -> None:
    other = signed_in(panel, BOB)
    other.get("/sessions")
    assert "1 other session was ended" in other.press("End all others").messages


def end_by_an_admin(panel: Panel, browser: Browser) -> None:
    root = signed_in(panel, ADMIN)
    root.get(f"/admin/people/{id_of(panel, BOB)}")
    root.get(root.page.link("Sessions"))
    assert "was ended" in root.press("End").messages


def end_all_by_an_admin(panel: Panel, browser: Browser) -> None:
    people.end_sessions(panel.platform, user_id=id_of(panel, BOB), by=None)


def disable(panel: Panel, browser: Browser) -> None:
    people.set_enabled(panel.platform, user_id=id_of(panel, BOB), enabled=False, by=None)


def disable_and_enable(panel: Panel, browser: Browser) -> None:
    for enabled in (False, True):
        people.set_enabled(panel.platform, user_id=id_of(panel, BOB), enabled=enabled, by=None)


def change_role(panel: Panel, browser: Browser) -> None:
    roles.change_role(panel.platform, user_id=id_of(panel, BOB), role=Role.SUPPORT, by=None)


def set_password(panel: Panel, browser: Browser) -> None:
    people.set_password(panel.platform, user_id=id_of(panel, BOB), password="Quite another phrase 7", by=None)


def change_own_password(panel: Panel, browser: Browser) -> None:
    browser.get("/password")
    new = "Quite another phrase 7"
    assert browser.press("Change password", current=PASSWORD, password=new, again=new).status == 200
    assert browser.get("/integrations").heading == "View Integrations", "the session that changed it goes on"


def sign_in_again(panel: Panel, browser: Browser) -> None:
    browser.post("/sign-in", {"email": BOB, "password": PASSWORD})
    assert browser.get("/integrations").heading == "View Integrations"


def leave_it(panel: Panel, browser: Browser) -> None:
    panel.session_clock.advance(timedelta(minutes=31))


@pytest.mark.parametrize(
    "ended",
    [
        press_sign_out,
        end_from_another_browser,
        end_all_others,
        end_by_an_admin,
        end_all_by_an_admin,
        disable,
        disable_and_enable,
        change_role,
        set_password,
        change_own_password,
        sign_in_again,
        leave_it,
    ],
)
def test_a_copied_cookie_is_refused_after(panel: Panel, ended: Callable[[Panel, Browser], None]) -> None:
    browser, thief = signed_in(panel, BOB), panel.browser()
    copied = browser.cookie()
    thief.go_on_with(copied)
    assert thief.get("/integrations").heading == "View Integrations"
    ended(panel, browser)
    thief.go_on_with(copied)
    assert thief.get("/integrations").heading == "Sign in"


def test_signing_out_leaves_the_persons_other_browsers_alone(panel: Panel) -> None:
    one, other = signed_in(panel, BOB), signed_in(panel, BOB)
    press_sign_out(panel, one)
    assert other.get("/integrations").heading == "View Integrations"


def test_the_id_is_new_at_each_sign_in_and_has_128_bits_or_more(panel: Panel) -> None:
    ids = set()
    for _ in range(3):
        browser = signed_in(panel, BOB)
        with browser.client.session_transaction() as cookie:
            ids.add(cookie["_user_id"].partition(":")[2])
    assert len(ids) == 3
    assert all(len(token) * 6 >= 128 for token in ids)
    with panel.platform.db.read() as db:
        stored = set(db.scalars(sa.select(BrowserSession.token_hash)))
    assert not ids & stored, "who reads the database cannot go on with a session"


def test_an_id_made_up_before_the_sign_in_is_not_taken_over(panel: Panel) -> None:
    """Session fixation: whoever planted a cookie knows nothing after the victim has signed in."""
    browser = panel.browser()
    browser.get("/sign-in")
    planted = browser.cookie()
    browser.press("Sign in", email=BOB, password=PASSWORD)
    thief = panel.browser()
    thief.go_on_with(planted)
    assert thief.get("/integrations").heading == "Sign in"


def test_the_page_lists_the_own_sessions_only(panel: Panel) -> None:
    signed_in(panel, ALICE, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/143.0.0.0 Safari/537.36")
    signed_in(panel, BOB, FIREFOX)
    page = signed_in(panel, BOB, "<script>alert(1)</script>").get("/sessions")
    assert "Firefox on Linux" in page.text and "127.0.0.1" in page.text
    assert "Unknown browser on another system This browser" in page.text
    assert "Chrome" not in page.text and "<script>alert" not in page.html


def test_nobody_ends_anothers_session_but_an_admin(panel: Panel) -> None:
    alice, bob = signed_in(panel, ALICE), signed_in(panel, BOB)
    whose = id_of(panel, ALICE)
    with panel.platform.db.read() as db:
        of_alice = db.scalar(sa.select(BrowserSession.id).where(BrowserSession.user_id == whose))
    assert bob.post("/sessions/end", {"session_id": of_alice}).status == 404
    elsewhere = f"/admin/people/{id_of(panel, BOB)}/sessions/end"
    assert bob.post(elsewhere, {"session_id": of_alice}).status == 403
    # The person in the address and the session have to belong together.
    assert signed_in(panel, ADMIN).post(elsewhere, {"session_id": of_alice}).status == 404
    assert alice.get("/integrations").heading == "View Integrations"


def test_the_last_page_is_noted_each_minute_and_not_with_each_page(panel: Panel) -> None:
    browser = signed_in(panel, BOB)
    whose = User.id == BrowserSession.user_id

    def seen() -> list[object]:
        with panel.platform.db.read() as db:
            return list(db.scalars(sa.select(BrowserSession.seen_at).join(User, whose).where(User.email == BOB)))

    before = seen()
    panel.session_clock.advance(timedelta(seconds=59))
    browser.get("/integrations")
    assert seen() == before
    panel.session_clock.advance(timedelta(seconds=1))
    browser.get("/integrations")
    assert seen() == [panel.session_clock.now()]


def test_what_is_over_is_deleted_and_only_that(platform: Platform) -> None:
    account = users.create_account(platform, "Northwind")
    mia = users.create_user(
        platform, email="mia@example.com", name="", password=PASSWORD, account_id=account, member_role=MemberRole.OWNER
    )
    person = users.sign_in(platform, "mia@example.com", PASSWORD)
    assert person is not None
    begun = platform.clock.now()

    def begin() -> str:
        return rows.begin(platform, person, now=platform.clock.now(), address="192.0.2.1", browser="Firefox on Linux")

    begin()
    platform.clock.advance(timedelta(minutes=31))  # type: ignore[attr-defined]  # a virtual clock
    live = begin()
    clean_up(platform)
    now = platform.clock.now()
    assert [row.began_at for row in rows.sessions_of(platform, mia, now)] == [begun + timedelta(minutes=31)]
    with platform.db.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(BrowserSession)) == 1
    renewed = rows.renew(platform, live, person.session_epoch)
    assert rows.find(platform, live, now) is None
    found = rows.find(platform, renewed, now)
    assert found is not None
    assert found.began_at == begun + timedelta(minutes=31)
    with pytest.raises(NotFound):
        rows.end(platform, user_id=mia + 1, session_id=found.id)
    rows.end(platform, user_id=mia, session_id=found.id)
    assert rows.find(platform, renewed, now) is None


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/143.0 Safari/537.36 Edg/143.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/26.0 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 10; K) Chrome/143.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "Unknown browser on another system"),
        ("", "Unknown browser on another system"),
    ],
)
def test_browsers_are_named_in_few_words(header: str, name: str) -> None:
    assert short_name(header) == name
