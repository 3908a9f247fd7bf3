"""Texts that are far too long: refused at their field with a number, cut where a cart or a warehouse sends them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from bs4 import Tag

from is2_core.db.ownership import within_limits
from is2_core.embedded_warehouse.models import WarehouseSku
from is2_core.errors import BadInput
from is2_core.items.models import CartItem
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.text_limits import NICKNAME, TITLE
from tests.items.test_item_table_page import HEADER, send, skus
from tests.items.test_spoiled_tables import plan
from tests.support.panel import ADMIN, ALICE, PACKER, Panel

LONG = "x" * 100_000


@pytest.mark.unit
def test_a_text_is_refused_with_its_length_or_cut() -> None:
    assert TITLE.checked(f" {'x' * TITLE.most} ") == "x" * TITLE.most
    with pytest.raises(BadInput, match=r"A title has at most 1,000 characters; this one has 100,000\.") as caught:
        TITLE.checked(LONG, "title")
    assert caught.value.field == "title"
    assert TITLE.cut("Tent") == "Tent"
    assert (len(TITLE.cut(LONG)), TITLE.cut(LONG)[-1]) == (TITLE.most, "\N{HORIZONTAL ELLIPSIS}")


@pytest.mark.unit
@pytest.mark.parametrize("model", [CartItem, ReceivedLine])
def test_field_G4_what_carts_send_is_cut(model: type) -> None:
    (row,) = within_limits(model, [{"sku": LONG, "title": LONG}])
    assert (len(row["sku"]), len(row["title"])) == (100_000, TITLE.most), "a SKU counts letter by letter"


@pytest.mark.unit
def test_field_G4_a_long_title_is_an_error_of_its_row() -> None:
    (row,) = plan(f"A,{LONG},yes,LAMP-USB,1")
    assert row.messages == ("A title has at most 1,000 characters; this one has 100,000.",)


def pages(panel: Panel) -> list[tuple[str, str]]:
    """(who, address) of pages with forms that take texts."""
    store = f"/integrations/{panel.store(panel.northwind).id}"
    with panel.platform.db.read() as db:
        item_id = db.scalars(sa.select(CartItem.id).where(CartItem.account_id == panel.northwind)).first()
        order = db.scalars(
            sa.select(ReceivedOrder.id).where(
                ReceivedOrder.account_id == panel.northwind, ReceivedOrder.state == ReceivedState.HELD
            )
        ).first()
        sku_id = db.scalars(sa.select(WarehouseSku.id)).first()
    return [
        (ALICE, f"{store}/items"),
        (ALICE, f"{store}/settings"),
        (ALICE, f"{store}/shipping"),
        (ALICE, f"/items/{item_id}"),
        (ALICE, "/help"),
        (ALICE, "/received-orders"),
        (ALICE, f"/received-orders/{order}"),
        (ALICE, f"/received-orders/{order}/address"),
        (ADMIN, "/admin/accounts"),
        (ADMIN, "/admin/people"),
        (ADMIN, "/admin/plugins/amazon/carriers"),
        (PACKER, "/warehouse/stock"),
        (PACKER, f"/warehouse/stock/{sku_id}"),
    ]


def test_field_G4_no_field_takes_a_hundred_thousand_characters(panel: Panel) -> None:
    tried, wrong = 0, []
    for who, address in pages(panel):
        browser = panel.browser(who)
        page = browser.get(address)
        assert page.status == 200, address
        for form in page.soup.find_all("form", method="post"):
            values, texts = typed(form)
            for name in texts:
                tried += 1
                answer = browser.post(form.get("action") or address, {**values, name: LONG})
                if answer.status != 400 or "characters" not in answer.text:
                    wrong.append((address, form.get("action"), name, answer.status))
    assert wrong == [], wrong
    assert tried > 20


def typed(form: Tag) -> tuple[dict[str, str], list[str]]:
    """What a form holds, with something in each empty field, and which of its fields take any text."""
    values, texts = {}, []
    for field in form.find_all(["input", "textarea", "select"]):
        name, kind = str(field.get("name") or ""), str(field.get("type") or field.name)
        if kind in ("checkbox", "radio", "submit") and not field.has_attr("checked"):
            continue
        value = str(field.get("value") or field.get_text() or "")
        if field.name == "select":
            options = field.find_all("option")
            chosen = next((each for each in options if each.has_attr("selected") and each.get("value")), None)
            chosen = chosen or next((each for each in options if each.get("value")), None)
            value = str(chosen.get("value", "")) if chosen else ""
        elif kind in ("text", "textarea", "email") and not field.has_attr("readonly"):
            texts.append(name)
        fill = {"email": "new@example.com", "number": "1", "password": "a long first password of 7 words"}
        values[name] = value or ("" if field.name == "select" else fill.get(kind, "x"))
    return values, list(dict.fromkeys(texts))


def test_field_G4_a_nickname_of_500_characters_is_refused_at_its_field(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    page = browser.get(f"/integrations/{panel.store(panel.northwind).id}/settings")
    assert page.field("Nickname")["maxlength"] == str(NICKNAME.most)
    page = browser.press("Save settings", nickname="x" * 500)
    assert page.status == 400
    assert page.problem_at("Nickname") == "Nickname has at most 100 characters; this one has 500."


def test_field_G4_a_long_title_of_a_table_adds_nothing(panel: Panel) -> None:
    before = skus(panel)
    browser, page = send(panel, HEADER + f"NIGHT,{LONG},yes,,\r\n")
    assert "A title has at most 1,000 characters; this one has 100,000." in page.text
    assert "Apply" not in page.text.split("NIGHT")[0].split("Drop")[0].split("nothing has been changed")[-1]
    browser.press("Drop")
    assert skus(panel) == before
