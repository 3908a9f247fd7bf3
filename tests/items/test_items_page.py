"""Custom Items: adding, mapping, activating, refreshing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.items.models import CartItem
from is2_core.items.states import SeenInCart
from tests.support.browser import Browser
from tests.support.panel import ALICE, SUPPORT, Panel

TIMES = "\N{MULTIPLICATION SIGN}"


def items_page(panel: Panel) -> str:
    return f"/integrations/{panel.store(panel.northwind).id}/items"


def opened(panel: Panel) -> Browser:
    browser = panel.browser(ALICE)
    browser.get(items_page(panel))
    return browser


def item(panel: Panel, sku: str) -> CartItem | None:
    with panel.platform.db.read() as db:
        return find(db, panel, sku)


def find(db: Session, panel: Panel, sku: str) -> CartItem | None:
    return db.scalar(sa.select(CartItem).where(CartItem.account_id == panel.northwind, CartItem.sku == sku))


def test_the_list_has_the_columns_users_know(panel: Panel) -> None:
    page = opened(panel).page
    assert page is not None
    heads = [tag.text for tag in page.soup.find_all("th")]
    assert heads == ["Cart Name", "Cart SKU", "Mappings", "Status", "Matches warehouse SKU?", "Options"]
    assert f"BUNDLE-CAMP LAMP-USB {TIMES} 2 STOVE-MINI {TIMES} 1 ACTIVE By its mapping" in page.text
    assert "TENT-2P none ACTIVE Yes" in page.text


def test_custom_items_lead_to_the_only_store(panel: Panel) -> None:
    assert panel.browser(ALICE).get("/items").path == items_page(panel)


def test_a_custom_item_is_added_with_its_mappings(panel: Panel) -> None:
    browser = opened(panel)
    page = browser.press(
        "Add item",
        sku=" 0007 b ",
        title="Night set",
        warehouse_sku=["LAMP-USB", "", "000123"],
        quantity=["2", "1", "3"],
    )
    assert "The item 0007 b was added" in page.messages
    added = item(panel, "0007 b")
    assert added is not None
    assert added.active
    assert [(m.warehouse_sku, m.quantity) for m in added.mappings] == [("LAMP-USB", 2), ("000123", 3)]


def test_activate_for_sync_is_ticked_and_can_be_unticked(panel: Panel) -> None:
    browser = opened(panel)
    assert browser.page is not None
    assert "checked" in browser.page.field("Activate for sync").attrs
    page = browser.press("Add item", sku="QUIET", active=None)
    assert "QUIET none NEW No" in page.text


@pytest.mark.parametrize(
    ("values", "label", "message", "status"),
    [
        ({"sku": " "}, "Cart SKU", "exactly as it is in the cart", 400),
        ({"sku": "TENT-2P"}, "Cart SKU", "on the list already", 409),
    ],
)
def test_a_refused_sku_is_said_at_the_field(
    panel: Panel, values: dict[str, str], label: str, message: str, status: int
) -> None:
    page = opened(panel).press("Add item", title="Kept words", **values)
    assert page.status == status
    assert message in page.problem_at(label)
    assert page.field("Cart Name")["value"] == "Kept words"


def test_an_unknown_warehouse_sku_is_said_at_the_mappings(panel: Panel) -> None:
    page = opened(panel).press("Add item", sku="NEW-1", warehouse_sku=["NOT-THERE", "", ""], quantity=["4", "1", "1"])
    assert page.status == 400
    assert "The warehouse has no SKU NOT-THERE" in page.text
    assert page.soup.find("input", attrs={"name": "warehouse_sku", "value": "NOT-THERE"}) is not None


def test_more_rows_without_script_keep_what_was_typed(panel: Panel) -> None:
    browser = opened(panel)
    page = browser.press("More rows", sku="BIG", warehouse_sku=["A", "B", "C"], quantity=["1", "2", "3"], active=None)
    assert page.status == 200
    rows = page.soup.find_all("input", attrs={"name": "warehouse_sku"})
    assert [tag["value"] for tag in rows] == ["A", "B", "C", "", "", ""]
    assert page.field("Cart SKU")["value"] == "BIG"
    assert "checked" not in page.field("Activate for sync").attrs
    assert item(panel, "BIG") is None


def test_a_link_from_a_held_order_fills_the_sku_in(panel: Panel) -> None:
    page = panel.browser(ALICE).get(f"{items_page(panel)}?sku=MYSTERY-1")
    field = page.field("Cart SKU")
    assert field["value"] == "MYSTERY-1"
    assert field.has_attr("autofocus")


def test_an_item_is_edited_mapped_deactivated_and_removed(panel: Panel) -> None:
    browser = opened(panel)
    tent = item(panel, "TENT-2P")
    assert tent is not None
    browser.get(f"/items/{tent.id}")
    page = browser.press("Save item", sku="TENT-3P", title="Tent for three")
    assert page.field("Cart SKU")["value"] == "TENT-3P"
    page = browser.press("Save mappings", warehouse_sku=["TENT-2P"], quantity=["1"])
    assert f"TENT-3P TENT-2P {TIMES} 1 ACTIVE By its mapping" in page.text
    assert "no longer synced" in browser.post(f"/items/{tent.id}/deactivate").messages
    assert f"TENT-3P TENT-2P {TIMES} 1 NEW" in browser.get(items_page(panel)).text
    assert "now activated" in browser.post(f"/items/{tent.id}/activate").messages
    page = browser.post(f"/items/{tent.id}/remove")
    assert "removed" in page.messages
    assert item(panel, "TENT-3P") is None


def test_what_an_unmatched_sku_was_meant_to_be_is_proposed_and_mapped_with_one_click(panel: Panel) -> None:
    browser = opened(panel)
    page = browser.press("Add item", sku="lamp-usb")
    assert "lamp-usb none ACTIVE No LAMP-USB differs only in upper and lower case." in page.text
    added = item(panel, "lamp-usb")
    assert added is not None
    assert added.mappings == [], "nothing is mapped by itself"
    page = browser.press("Map to LAMP-USB")
    assert "The mappings of lamp-usb were saved" in page.messages
    assert f"lamp-usb LAMP-USB {TIMES} 1 ACTIVE By its mapping" in page.text
    assert "Map to LAMP-USB" not in page.text


def test_a_sku_the_warehouse_does_not_have_can_be_asked_for(panel: Panel) -> None:
    browser = opened(panel)
    page = browser.press("Add item", sku="CANOE & PADDLE")
    page = browser.get(page.link("Add SKU to the warehouse : CANOE & PADDLE"))
    assert "Please add the SKU CANOE & PADDLE to the warehouse." in page.text
    assert "the store Outdoor" in page.text


def test_the_status_says_when_the_cart_no_longer_has_an_item_and_why_stock_is_not_sent(panel: Panel) -> None:
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(CartItem)
            .where(CartItem.account_id == panel.northwind, CartItem.sku == "TENT-2P")
            .values(seen_in_cart=SeenInCart.NO, withheld="Amazon ships it itself.")
        )
    page = opened(panel).page
    assert page is not None
    assert "TENT-2P none ACTIVE NO MATCH IN CART Amazon ships it itself. Yes" in page.text


def test_refresh_cart_items_says_what_came_of_it(panel: Panel) -> None:
    page = opened(panel).press("Refresh Cart Items")
    assert page.path == items_page(panel)
    assert page.messages
    assert "Amazon" in page.messages


def test_the_list_is_searched(panel: Panel) -> None:
    page = panel.browser(ALICE).get(f"{items_page(panel)}?q=bundle")
    assert "BUNDLE-CAMP" in page.text
    assert "1 to 1 of 1 items" in page.text
    page = panel.browser(ALICE).get(f"{items_page(panel)}?q=%25")
    assert "Nothing matches." in page.text


def test_what_users_type_is_shown_as_text(panel: Panel) -> None:
    page = opened(panel).press("Add item", sku="<b>1</b>", title="<script>alert(1)</script>")
    assert "<script>alert(1)</script>" in page.text
    assert page.soup.find("script", string="alert(1)") is None


def test_support_reads_only(panel: Panel) -> None:
    page = panel.browser(SUPPORT).get(items_page(panel))
    assert "BUNDLE-CAMP" in page.text
    assert "Add item" not in page.text
