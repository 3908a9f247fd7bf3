"""Sections and tabs: who sees them, and which are marked."""

from __future__ import annotations

import pytest

from tests.support.panel import ADMIN, ALICE, PACKER, SUPPORT, Panel
from web.navigation import PAGES


def links(panel: Panel, email: str, address: str, nav: str) -> dict[str, str]:
    """The labels of a navigation, with what `aria-current` says of each."""
    page = panel.browser(email).get(address)
    found = page.soup.select(f'nav[aria-label="{nav}"] a')
    return {link.get_text(strip=True): str(link.get("aria-current") or "") for link in found}


@pytest.mark.parametrize(
    ("email", "sections"),
    [
        (ALICE, ["Integration", "Received Orders", "Warehouse", "Help"]),
        (PACKER, ["Warehouse", "Help"]),
        (SUPPORT, ["Integration", "Received Orders", "Warehouse", "Support", "Help"]),
        (ADMIN, ["Integration", "Received Orders", "Warehouse", "Support", "Admin", "Help"]),
    ],
)
def test_everybody_sees_their_sections(panel: Panel, email: str, sections: list[str]) -> None:
    assert links(panel, email, "/warehouse/orders", "Main") == {
        label: "true" if label == "Warehouse" else "" for label in sections
    }


def test_packers_begin_with_the_orders_and_others_with_the_stock(panel: Panel) -> None:
    for email, start in ((PACKER, "/warehouse/orders"), (ALICE, "/warehouse/stock")):
        page = panel.browser(email).get("/warehouse/stock")
        assert page.link("Warehouse") == start


@pytest.mark.parametrize(
    ("address", "marked"),
    [
        ("/integrations", {"View Integrations": "page"}),
        ("/integrations/{store}/settings", {"View Integrations": "true"}),
        ("/integrations/{store}/stock", {"View Integrations": "true"}),
        ("/integrations/add", {"+ Add": "page"}),
        ("/integrations/{store}/items", {"Custom Items": "true"}),
        ("/integrations/{store}/items/table", {"Custom Items": "true"}),
        ("/warehouse/stock", {"Stock": "page"}),
        ("/warehouse/orders", {"Orders": "page"}),
        ("/received-orders", {}),
        ("/help", {}),
    ],
)
def test_the_tab_of_a_page_is_marked(panel: Panel, address: str, marked: dict[str, str]) -> None:
    shown = links(panel, ALICE, address.format(store=panel.store(panel.northwind).id), "Pages of this section")
    assert {label: current for label, current in shown.items() if current} == marked


def test_every_page_stands_in_the_navigation(panel: Panel) -> None:
    # A module that is only imported by another is served, but stands in no section.
    known = {page.__name__ for page in PAGES} | {"flask.app"}
    views = {name: view.__module__ for name, view in panel.app.view_functions.items()}
    assert {name: module for name, module in views.items() if module not in known} == {}
