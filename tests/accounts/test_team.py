"""Owners look after the people of their account, and one of them stays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from is2_core.accounts import people, team, users
from is2_core.accounts.models import Membership
from is2_core.accounts.states import MemberRole
from is2_core.audit.models import AuditEntry
from is2_core.errors import FlowError, Forbidden
from is2_core.platform import Platform
from tests.support.browser import PASSWORD
from tests.support.panel import ALICE, BOB, CHARLIE, SUPPORT, Panel


def id_of(panel: Panel, email: str) -> int:
    return people.user_id_of(panel.platform, email)


def test_an_owner_adds_changes_and_removes_people(panel: Panel) -> None:
    alice = panel.browser(ALICE)
    alice.get("/integrations")
    alice.get(alice.page.link("People"))
    page = alice.press("Invite", email="New@Example.com", name="Nell", role="member")
    link = str(page.field("Link")["value"])
    assert "/links/" in link and "new@example.com" in page.text
    assert panel.browser().get(urlsplit(link).path).status == 200, "the link works"
    new = id_of(panel, "new@example.com")
    alice.get("/account/people")
    assert alice.press("Invite", email="new@example.com", role="member").status == 409
    assert alice.press("Invite", email="other@example.com", role="emperor").status == 400
    alice.post("/account/people/role", {"user_id": new, "role": "owner"})
    found = {member.email: member.role for member in team.members(panel.platform, panel.northwind)}
    assert found == {ALICE: "owner", BOB: "member", "new@example.com": "owner"}
    bob = panel.browser()
    bob.sign_in(BOB)
    assert bob.get("/integrations").status == 200
    alice.post("/account/people/remove", {"user_id": id_of(panel, BOB)})
    assert bob.get("/integrations").status == 404, "at once"
    with panel.platform.db.read() as db:
        acts = db.execute(
            sa.select(AuditEntry.act, AuditEntry.subject, AuditEntry.account_id).where(AuditEntry.act.like("member.%"))
        ).all()
    assert [tuple(row) for row in acts] == [
        ("member.role", f"user {new}", panel.northwind),
        ("member.remove", f"user {id_of(panel, BOB)}", panel.northwind),
    ]


@pytest.mark.parametrize("path", ["role", "remove"])
def test_the_last_owner_stays(panel: Panel, path: str) -> None:
    alice = panel.browser(ALICE)
    page = alice.post(f"/account/people/{path}", {"user_id": id_of(panel, ALICE), "role": "member"})
    assert page.status == 409
    assert "only owner" in page.alerts[0]


def test_members_and_support_look_and_others_are_not_there(panel: Panel) -> None:
    for email in (BOB, SUPPORT):
        browser = panel.browser(email)
        page = browser.get("/account/people")
        assert page.status == 200
        assert not {"Invite", "Remove", "Make owner"} & {tag.get_text(strip=True) for tag in page.soup.select("button")}
        for path in ("", "/role", "/remove"):
            values = {"user_id": id_of(panel, ALICE), "role": "member"}
            assert browser.post(f"/account/people{path}", values).status == 403
    alice = panel.browser(ALICE)
    for path in ("role", "remove"):
        values = {"user_id": id_of(panel, CHARLIE), "role": "member"}
        assert alice.post(f"/account/people/{path}", values).status == 404
    assert "charlie" not in alice.get("/account/people").text


@pytest.mark.parametrize(
    "act",
    [
        lambda platform, account, user, by: team.remove_member(platform, account_id=account, user_id=user, by=by),
        lambda platform, account, user, by: team.change_member(
            platform, account_id=account, user_id=user, role=MemberRole.MEMBER, by=by
        ),
    ],
)
def test_of_two_owners_who_remove_each_other_one_is_too_late(
    platform: Platform, act: Callable[[Platform, int, int, int], None]
) -> None:
    account = users.create_account(platform, "Northwind")
    one, other = (
        users.create_user(platform, email=email, name="", password=PASSWORD, account_id=account)
        for email in ("one@example.com", "other@example.com")
    )

    def remove(pair: tuple[int, int]) -> str:
        try:
            act(platform, account, *pair)
        except FlowError as error:
            return type(error).__name__
        return ""

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(remove, [(one, other), (other, one)]))
    assert answers[0] == "" and answers[1] in ("Forbidden", "Conflict", "NotFound")
    with platform.db.read() as db:
        assert db.scalars(sa.select(Membership.role).where(Membership.role == MemberRole.OWNER)).all() == ["owner"]


def test_who_was_made_a_member_meanwhile_changes_nobody(panel: Panel) -> None:
    with pytest.raises(Forbidden):
        team.remove_member(
            panel.platform, account_id=panel.northwind, user_id=id_of(panel, ALICE), by=id_of(panel, BOB)
        )
