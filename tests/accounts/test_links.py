"""Links to choose a password by: who they work for, how long, once, and what they tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts import people, users
from is2_core.accounts.models import User
from is2_core.accounts.signing_in import administration, links
from is2_core.accounts.signing_in.models import AccessLink
from is2_core.accounts.states import Role
from is2_core.clock import VirtualClock
from is2_core.errors import BadInput, Conflict, NotFound
from is2_core.platform import Platform
from tests.support.browser import PASSWORD
from tests.support.panel import ADMIN, ALICE, BOB, Panel

NEW, OTHER = "Three 3 odd-words here", "Other 4 odd-words there"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: what is tried here is no matter of the database; races are, see test_sign_in_races.py."""
    return sqlite_url


@pytest.fixture
def wes(platform: Platform) -> int:
    return users.create_user(platform, email="wes@example.com", name="Wes", password=None, role=Role.WAREHOUSE)


def token_of(link: links.Link) -> str:
    return link.address.rpartition("/")[2]


def make(platform: Platform, user_id: int) -> str:
    return token_of(administration.make_link(platform, user_id=user_id, by=None))


def test_whoever_was_invited_signs_in_only_by_the_link(platform: Platform, clock: VirtualClock, wes: int) -> None:
    for tried in ("", PASSWORD):
        assert users.sign_in(platform, "wes@example.com", tried) is None
    link = administration.make_link(platform, user_id=wes, by=None)
    assert link.is_invitation and link.expires_at == clock.now() + timedelta(hours=24)
    links.use_link(platform, token_of(link), NEW)
    assert users.sign_in(platform, "wes@example.com", NEW) is not None
    again = administration.make_link(platform, user_id=wes, by=None)
    assert not again.is_invitation and again.expires_at == clock.now() + timedelta(hours=1)
    with platform.db.read() as session:
        stored = session.scalars(sa.select(AccessLink)).one()
    assert stored.token_hash not in again.address, "the database opens nothing"


def disable(platform: Platform, user_id: int) -> None:
    people.set_enabled(platform, user_id=user_id, enabled=False, by=None)


def disable_and_enable(platform: Platform, user_id: int) -> None:
    disable(platform, user_id)
    people.set_enabled(platform, user_id=user_id, enabled=True, by=None)


def disable_by_hand(platform: Platform, user_id: int) -> None:
    with platform.db.write() as session:
        session.execute(sa.update(User).where(User.id == user_id).values(disabled=True))


@pytest.mark.parametrize(
    "end",
    [
        disable,
        disable_and_enable,
        disable_by_hand,
        lambda platform, user_id: make(platform, user_id),
        lambda platform, user_id: people.set_password(platform, user_id=user_id, password=OTHER, by=None),
        lambda platform, user_id: platform.clock.advance(timedelta(hours=24)),
    ],
    ids=["disabled", "disabled and enabled", "disabled by hand", "a newer one", "a password", "time"],
)
def test_a_link_ends_with(platform: Platform, wes: int, end: Callable[[Platform, int], object]) -> None:
    token = make(platform, wes)
    assert links.check_link(platform, token) == wes
    end(platform, wes)
    for use in (links.check_link, lambda *of: links.use_link(*of, NEW)):
        with pytest.raises(NotFound, match="does not work any more"):
            use(platform, token)  # type: ignore[operator]


def test_whoever_is_disabled_gets_none(platform: Platform, wes: int) -> None:
    disable(platform, wes)
    with pytest.raises(Conflict, match="disabled"):
        make(platform, wes)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "A" * 10_000])
def test_what_is_no_link_opens_nothing(platform: Platform, wes: int, token: str) -> None:
    make(platform, wes)
    with pytest.raises(NotFound):
        links.use_link(platform, token, NEW)


def test_a_weak_password_leaves_the_link(platform: Platform, wes: int) -> None:
    token = make(platform, wes)
    with pytest.raises(BadInput):
        links.use_link(platform, token, "too weak")
    links.use_link(platform, token, NEW)


def test_the_page_tells_nothing_of_whose_it_is_and_opening_it_changes_nothing(panel: Panel) -> None:
    bob = people.user_id_of(panel.platform, BOB)
    token = make(panel.platform, bob)
    signed_in, stranger = panel.browser(BOB), panel.browser()
    # A program that scans mail opens it first, and sends HEAD too.
    for _ in range(3):
        page = stranger.get(f"/links/{token}")
        assert page.heading == "Choose your password"
        assert not re.search(r"bob|northwind|example\.com", page.html, re.I)
    assert stranger.client.head(f"/links/{token}").status_code == 200
    assert signed_in.get("/integrations").heading == "View Integrations"
    refused = stranger.client.post(f"/links/{token}", data={"password": NEW, "again": NEW})
    assert refused.status_code == 400, "no token of the page, no change"
    stranger.get(f"/links/{token}")
    page = stranger.press("Set password", password="Bob was 1 here-today", again="Bob was 1 here-today")
    assert page.status == 400 and "part of the person" in page.problem_at("New password")
    page = stranger.press("Set password", password=NEW, again=NEW)
    assert page.heading == "Sign in" and "Your password is set" in page.messages
    assert not re.search("bob", page.html, re.I)
    assert signed_in.get("/integrations").heading == "Sign in", "sessions end"
    dead, never = stranger.get(f"/links/{token}"), panel.browser().get("/links/never-was-one")
    assert dead.status == never.status == 404
    assert dead.alerts == never.alerts
    assert panel.browser().sign_in(BOB, NEW).path == "/integrations"


def test_an_administrator_invites_and_hands_the_link_over(panel: Panel) -> None:
    admin = panel.browser(ADMIN)
    admin.get("/admin/people")
    page = admin.press("Add user", email="new@example.com", name="Nia", role="warehouse")
    assert page.heading == "Invitation"
    address = str(page.field("Link")["value"])
    assert "Invited" in admin.get("/admin/people?q=new@").text
    guest = panel.browser()
    guest.get(re.sub("^https?://[^/]+", "", address))
    guest.press("Set password", password=NEW, again=NEW)
    assert guest.press("Sign in", email="new@example.com", password=NEW).path == "/warehouse/orders"
    alice = people.user_id_of(panel.platform, ALICE)
    admin.get(f"/admin/people/{alice}")
    assert admin.press("Link to choose another").heading == "Link to choose another password"
    assert panel.browser(ALICE).client.post(f"/admin/people/{alice}/link").status_code in (400, 403)


def test_a_stranger_is_told_whom_to_ask(panel: Panel) -> None:
    page = panel.browser().get("/sign-in")
    assert "Ask your administrator" in panel.browser().get(page.link("Forgotten your password?")).text
