"""Connections, settings and disconnecting are an owner's; daily work is every member's."""

from __future__ import annotations

import inspect

import pytest

from tests.support.panel import ALICE, BOB, SUPPORT, Panel
from tests.web.test_rules import Content, address, rules
from web.install import install
from web.integrations import integrations, settings_page

# Pages a stranger sees on the way in, the two ways back from a cart (the core asks there), and daily work.
FOR_MEMBERS = {
    "install.start",
    "install.confirm",
    "install.login_leg",
    "install.come_back",
    "integrations.view_integrations",
    "integrations.check_now",
    "integrations.compare_now",
    "integrations.test_connection",
}
OF_OWNERS = {"+ Add", "Disconnect", "Reconnect"}


def marked(panel: Panel, method: str) -> set[str]:
    views = panel.app.view_functions.items()
    return {name for name, view in views if method in getattr(view, "owner_methods", ())}


def test_every_page_of_connections_says_whose_it_is(panel: Panel) -> None:
    modules = {module.__name__ for module in (install, integrations, settings_page)}
    views = panel.app.view_functions.items()
    found = {name for name, view in views if inspect.unwrap(view).__module__ in modules}
    assert found - FOR_MEMBERS == marked(panel, "POST") & found
    assert found >= FOR_MEMBERS


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_member_is_refused_with_a_reason(panel: Panel, method: str) -> None:
    bob = panel.browser(BOB)
    token, before = bob.token(), Content(panel)
    tried = 0
    for rule in rules(panel, method):
        if rule.endpoint in marked(panel, method):
            data = {"csrf_token": token, "account_id": panel.northwind}
            response = bob.client.open(address(panel, rule, panel.northwind), method=method, data=data)
            assert response.status_code == 403, rule
            assert "Only an owner of this account" in response.get_data(as_text=True), rule
            tried += 1
    assert tried >= (3 if method == "GET" else 9)
    assert before.is_the_same()


def test_an_owner_is_let_through(panel: Panel) -> None:
    alice = panel.browser(ALICE)
    for rule in rules(panel, "GET"):
        if rule.endpoint in marked(panel, "GET"):
            assert alice.client.get(address(panel, rule, panel.northwind)).status_code in (200, 302), rule


def test_members_see_settings_and_no_button_that_is_refused(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    bob = panel.browser(BOB)
    page = bob.get("/integrations")
    assert "Check now" in page.text and "Test connection" in page.text
    assert not OF_OWNERS & {tag.get_text(strip=True) for tag in page.soup.select("a, button")}
    page = bob.get(f"/integrations/{store.id}/settings")
    assert "Only an owner of Northwind can change these" in page.text and "Save settings" not in page.text
    page = panel.browser(ALICE).get("/integrations")
    assert {tag.get_text(strip=True) for tag in page.soup.select("a, button")} >= OF_OWNERS
    assert panel.browser(SUPPORT).get(f"/integrations/{store.id}/disconnect").status == 200
