"""Answers to SKUs that the warehouse does not know, as people give them on pages."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.accounts.scope import account_scope
from is2_core.errors import BadInput, Conflict, NotFound
from is2_core.items import unknown_skus
from is2_core.items.models import CartItem
from is2_core.items.states import UnknownSku, is_not_from_here, mapped_answer, setting_of
from tests.items.test_items_page import item, items_page
from tests.support.panel import ALICE, CHARLIE, SUPPORT, Panel


@pytest.mark.parametrize(
    ("answer", "setting", "known", "expected"),
    [
        ("", "hold", False, False),
        ("", "not_from_here", False, True),
        ("", "not_from_here", True, False),
        ("hold", "not_from_here", False, False),
        ("not_from_here", "hold", False, True),
        # The warehouse may have a SKU of that name all the same.
        ("not_from_here", "hold", True, True),
    ],
)
def test_the_items_answer_comes_before_the_setting(answer: str, setting: str, known: bool, expected: bool) -> None:
    assert is_not_from_here(answer, setting, known=known) is expected


def test_a_mapping_takes_back_that_an_item_is_not_shipped_from_here() -> None:
    assert [mapped_answer(each) for each in UnknownSku] == ["", "hold", ""]


@pytest.mark.parametrize("stored", ["", "hold", "something else", None])
def test_a_setting_that_nobody_made_holds(stored: str | None) -> None:
    assert setting_of({"unknown_skus": stored}) is UnknownSku.HOLD


def add(panel: Panel, *skus: str, active: bool = True) -> list[int]:
    """List SKUs that the warehouse does not know; returns their ids."""
    store = panel.store(panel.northwind).id
    with panel.platform.db.write() as session:
        rows = [
            CartItem(
                account_id=panel.northwind,
                integration_id=store,
                sku=sku,
                custom=True,
                active=active,
                created_at=panel.platform.clock.now(),
            )
            for sku in skus
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def answers(panel: Panel) -> dict[str, str]:
    with panel.platform.db.read() as db:
        rows = db.execute(sa.select(CartItem.sku, CartItem.unknown_sku).where(CartItem.account_id == panel.northwind))
        return {sku: answer for sku, answer in rows if answer}


def test_one_press_says_that_an_item_is_not_shipped_from_here_and_another_takes_it_back(panel: Panel) -> None:
    (gnome,) = add(panel, "GNOME")
    browser = panel.browser(ALICE)
    page = browser.get(f"{items_page(panel)}?q=GNOME")
    assert "GNOME none ACTIVE No" in page.text
    page = browser.press("Not shipped from here")
    assert "This item is not shipped from here any more, and no inventory is sent for it." in page.messages
    assert answers(panel) == {"GNOME": "not_from_here"}
    assert "BUNDLE-CAMP" not in page.text
    assert "GNOME none ACTIVE Not shipped from here" in page.text
    page = browser.press("Ship it from here again")
    assert answers(panel) == {}
    assert browser.get(f"/items/{gnome}").field("Orders with GNOME")


def test_many_items_are_answered_at_once_and_mapped_ones_are_left(panel: Panel) -> None:
    gnome, chair = add(panel, "GNOME", "CHAIR")
    bundle = item(panel, "BUNDLE-CAMP")
    assert bundle is not None
    browser = panel.browser(ALICE)
    browser.get(items_page(panel))
    address = f"{items_page(panel)}/unknown"
    page = browser.post(address, {"item": [gnome, chair, bundle.id], "answer": "not_from_here"})
    assert "These 2 items are not shipped from here any more" in page.messages
    assert "because they are mapped to warehouse SKUs: BUNDLE-CAMP." in page.messages
    assert answers(panel) == {"GNOME": "not_from_here", "CHAIR": "not_from_here"}
    shown = browser.get(f"{items_page(panel)}?show=not_from_here")
    assert "GNOME" in shown.text and "BUNDLE-CAMP" not in shown.text
    assert "GNOME" not in browser.get(f"{items_page(panel)}?show=unknown").text
    browser.post(address, {"all": "yes", "show": "not_from_here", "answer": "hold"})
    assert answers(panel) == {"GNOME": "hold", "CHAIR": "hold"}
    assert "GNOME" in browser.get(f"{items_page(panel)}?show=unknown").text


def test_with_the_stores_setting_the_list_shows_what_it_means(panel: Panel) -> None:
    add(panel, "GNOME")
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as session:
        row = session.merge(store)
        row.settings = {**row.settings, "unknown_skus": "not_from_here"}
    browser = panel.browser(ALICE)
    page = browser.get(f"{items_page(panel)}?show=not_from_here")
    assert "GNOME none ACTIVE Not shipped from here" in page.text
    stock = browser.get(f"/integrations/{store.id}/stock?show=not_from_here")
    assert "GNOME never — Not shipped from here No inventory is sent for it." in stock.text
    assert "The warehouse has no such SKU" not in stock.text


@pytest.mark.parametrize(
    ("values", "status", "message"),
    [
        ({"answer": "not_from_here"}, 400, "Choose at least one item."),
        ({"answer": "never", "item": "1"}, 400, "Choose an answer for unknown SKUs from the list."),
        ({"answer": "hold", "item": "999999"}, 404, "An item that was chosen is not on the list any more."),
        ({"answer": "hold", "item": "x"}, 400, "Choose at least one item."),
    ],
)
def test_what_cannot_be_done_is_said_on_the_list(
    panel: Panel, values: dict[str, str], status: int, message: str
) -> None:
    browser = panel.browser(ALICE)
    browser.get(items_page(panel))
    page = browser.post(f"{items_page(panel)}/unknown", values)
    assert (page.status, page.alerts[0]) == (status, message)
    assert "Custom Items of" in page.heading
    assert answers(panel) == {}


def test_a_mapped_item_keeps_its_mapping(panel: Panel) -> None:
    bundle = item(panel, "BUNDLE-CAMP")
    assert bundle is not None
    with pytest.raises(Conflict, match="BUNDLE-CAMP is mapped to warehouse SKUs"):
        unknown_skus.answer_items(
            panel.platform,
            integration_id=bundle.integration_id,
            scope=account_scope(bundle.account_id),
            item_ids=[bundle.id],
            answer="not_from_here",
        )


def test_items_of_others_are_out_of_reach(panel: Panel) -> None:
    (gnome,) = add(panel, "GNOME")
    stranger = panel.browser(CHARLIE)
    stranger.get("/")
    assert stranger.post(f"{items_page(panel)}/unknown", {"item": gnome, "answer": "not_from_here"}).status == 404
    own = panel.store(panel.contoso).id
    page = stranger.post(f"/integrations/{own}/items/unknown", {"item": gnome, "answer": "not_from_here"})
    assert page.status == 404
    support = panel.browser(SUPPORT)
    support.get(items_page(panel))
    assert support.post(f"{items_page(panel)}/unknown", {"item": gnome, "answer": "not_from_here"}).status == 403
    assert answers(panel) == {}
    for item_ids, error in (([], BadInput), ([gnome], NotFound)):
        with pytest.raises(error):
            unknown_skus.answer_items(
                panel.platform, integration_id=own, scope=account_scope(panel.contoso), item_ids=item_ids, answer="hold"
            )


def test_an_item_is_added_as_one_that_is_not_shipped_from_here(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get(f"{items_page(panel)}?sku=GNOME")
    page = browser.press("Add item", unknown_sku="not_from_here", warehouse_sku=["TENT-2P", "", ""])
    assert (page.status, answers(panel)) == (400, {})
    assert "An item that is not shipped from here has no mappings." in page.text
    page = browser.press("Add item", warehouse_sku=["", "", ""])
    assert answers(panel) == {"GNOME": "not_from_here"}
    assert browser.post(items_page(panel), {"sku": "CHAIR", "unknown_sku": "never"}).status == 400
    assert item(panel, "CHAIR") is None
