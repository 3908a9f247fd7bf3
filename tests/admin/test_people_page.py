"""The pages about people, and everybody's own password."""

from __future__ import annotations

import pytest

from is2_core.accounts import people, users
from is2_core.accounts.states import Role
from tests.support.browser import PASSWORD, Browser
from tests.support.panel import ADMIN, ALICE, BOB, CHARLIE, PACKER, SUPPORT, Panel

OTHER = "Another long pass phrase 2"


def opened(panel: Panel, email: str) -> Browser:
    """An administrator's browser at somebody's page."""
    browser = panel.browser(ADMIN)
    page = browser.get(f"/admin/people?q={email}")
    browser.get(page.link({ALICE: "Alice", BOB: "Bob", CHARLIE: "Charlie", ADMIN: "Ada", PACKER: "Walt"}[email]))
    return browser


def test_people_are_listed_and_searched(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    page = browser.get("/admin/people")
    assert page.heading == "People"
    assert f"Alice {ALICE} Merchant Northwind (owner) Active" in page.text
    assert f"Ada {ADMIN} Admin — Active Nov 23, 12:00" in page.text
    page = browser.press("Search", q="contoso")
    assert CHARLIE in page.text and ALICE not in page.text
    assert "Nobody is found." in browser.get("/admin/people?q=%00%25nobody").text
    assert browser.get("/admin/people?page=99999999999999999999999").status == 200


def test_a_user_is_made(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    page = browser.get("/admin/people")
    options = {option.text: option["value"] for option in page.field("Account (merchants only)").find_all("option")}
    values = {"email": "dora@example.com", "name": "Dora", "role": "merchant", "account": options["Contoso"]}
    page = browser.press("Add user", password="short", **values)
    assert "at least 15 characters" in page.problem_at("First password")
    assert page.field("Email address")["value"] == "dora@example.com"
    assert "short" not in {tag.get("value") for tag in page.soup.find_all("input")}
    assert "Repeats" in browser.press("Add user", password="a" * 15, **values).problem_at("First password")
    page = browser.press("Add user", password=PASSWORD, **values)
    assert "Dora dora@example.com Merchant Contoso (owner)" in page.text
    assert panel.browser().sign_in("dora@example.com").path == "/integrations"


def test_a_disabled_user_is_out_with_the_next_request(panel: Panel) -> None:
    bob, background = panel.browser(BOB), panel.browser(BOB)
    token, store = background.token(), panel.store(panel.northwind)
    admin = opened(panel, BOB)
    page = admin.press("Disable")
    assert "was signed out everywhere" in page.messages
    assert "State Disabled" in page.text
    assert bob.get("/integrations").heading == "Sign in"
    sent = background.client.post(
        f"/integrations/{store.id}/setup/discard", data={"csrf_token": token}, follow_redirects=True
    )
    assert "Your sign-in has ended" in sent.get_data(as_text=True)
    refused, wrong = panel.browser().sign_in(BOB), panel.browser().sign_in(ALICE, "not the password")
    assert (refused.status, refused.alerts) == (wrong.status, wrong.alerts)
    assert "can sign in" in admin.press("Enable").messages
    assert bob.get("/integrations").heading == "Sign in", "no cookie of before is good again"
    assert panel.browser().sign_in(BOB).path == "/integrations"


def test_a_user_is_signed_out_everywhere(panel: Panel) -> None:
    alice = panel.browser(ALICE)
    opened(panel, ALICE).press("End sessions")
    assert alice.get("/integrations").heading == "Sign in"


def test_an_administrator_sets_a_password(panel: Panel) -> None:
    alice, admin = panel.browser(ALICE), opened(panel, ALICE)
    page = admin.press("Set password", password="Northwind Alice 1")
    assert page.status == 400
    assert "own name" in page.problem_at("New password")
    assert "Northwind Alice 1" not in page.html
    assert alice.get("/integrations").status == 200
    assert "has the new password" in admin.press("Set password", password=OTHER).messages
    assert alice.get("/integrations").heading == "Sign in"
    assert panel.browser().sign_in(ALICE).status == 400
    assert panel.browser().sign_in(ALICE, OTHER).status == 200


def test_an_administrator_changes_a_role(panel: Panel) -> None:
    walt, admin = panel.browser(PACKER), opened(panel, PACKER)
    page = admin.press("Change role", role="merchant")
    assert page.status == 400
    assert "Choose the account" in page.text
    page = admin.press("Change role", role="merchant", account=str(panel.contoso), member_role="member")
    assert "was changed" in page.messages
    assert "Contoso (member)" in page.text
    assert walt.get("/warehouse/orders").heading == "Sign in"
    assert panel.browser().sign_in(PACKER).path == "/integrations"


def test_the_only_administrator_stays(panel: Panel) -> None:
    browser = opened(panel, ADMIN)
    assert browser.page is not None
    assert not {button.text.strip() for button in browser.page.soup.find_all("button")} & {"Disable", "Change role"}
    me = browser.page.path
    for what, values in (("disable", {}), ("role", {"role": "support"}), ("password", {"password": OTHER})):
        page = browser.post(f"{me}/{what}", values)
        assert page.status == 409, what
        assert page.alerts, what
    assert browser.get("/admin/people").status == 200


ACTIONS = ("enable", "disable", "password", "role", "end-sessions")


@pytest.mark.parametrize("email", [ALICE, SUPPORT, PACKER])
def test_only_administrators_come_here(panel: Panel, email: str) -> None:
    browser = panel.browser(email)
    someone = people.user_id_of(panel.platform, CHARLIE)
    before = people.person(panel.platform, someone)
    assert browser.get("/admin/people").status == 403
    assert browser.get(f"/admin/people/{someone}").status == 403
    assert browser.post("/admin/people", {"email": "x@example.com"}).status == 403
    for action in ACTIONS:
        assert browser.post(f"/admin/people/{someone}/{action}", {"role": "admin", "password": OTHER}).status == 403
    assert people.person(panel.platform, someone) == before
    assert users.sign_in(panel.platform, CHARLIE, PASSWORD) is not None


def test_forms_need_their_token_and_a_user(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    someone = people.user_id_of(panel.platform, CHARLIE)
    for action in ACTIONS:
        assert browser.client.post(f"/admin/people/{someone}/{action}").status_code == 400
        assert browser.post(f"/admin/people/99999/{action}").status == 404
    assert browser.get("/admin/people/99999").status == 404
    assert browser.client.post("/password", data={"current": PASSWORD}).status_code == 400


def test_everybody_changes_the_own_password(panel: Panel) -> None:
    here, elsewhere = panel.browser(ALICE), panel.browser(ALICE)
    page = here.get("/integrations")
    here.get(page.link("Signed in as Alice : change password"))
    for current, new, again, label, problem in (
        (PASSWORD, OTHER, "something else", "New password, again", "not the same"),
        ("not the password", OTHER, OTHER, "Current password", "not your current password"),
        (PASSWORD, "a" * 15, "a" * 15, "New password", "Repeats"),
    ):
        page = here.press("Change password", current=current, password=new, again=again)
        assert page.status == 400
        assert problem in page.problem_at(label)
        assert PASSWORD not in page.html and OTHER not in page.html
    assert elsewhere.get("/integrations").status == 200
    page = here.press("Change password", current=PASSWORD, password=OTHER, again=OTHER)
    assert "Your password was changed" in page.messages
    assert page.path == "/integrations"
    assert here.get("/received-orders").heading == "Received Orders"
    assert elsewhere.get("/integrations").heading == "Sign in"
    assert panel.browser().sign_in(ALICE, OTHER).status == 200


def test_staff_change_theirs_too(panel: Panel) -> None:
    browser = panel.browser(SUPPORT)
    browser.get("/password")
    assert "was changed" in browser.press("Change password", current=PASSWORD, password=OTHER, again=OTHER).messages
    assert users.sign_in(panel.platform, SUPPORT, OTHER) is not None
    assert panel.browser().get("/password").heading == "Sign in"
    assert people.person(panel.platform, people.user_id_of(panel.platform, SUPPORT)).role == Role.SUPPORT
