"""The item list as a table: down, up, looked at, applied."""

from __future__ import annotations

import csv
import io

import sqlalchemy as sa
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from is2_core.items.models import CartItem, ItemUpload
from is2_core.items.table_csv import MAX_BYTES
from tests.items.test_items_page import TIMES, item, items_page
from tests.support.browser import Browser, Page
from tests.support.panel import ALICE, CHARLIE, SUPPORT, TABLE, Panel

HEADER = "cart_sku,title,active,warehouse_sku,quantity\r\n"


def table_page(panel: Panel) -> str:
    return f"{items_page(panel)}/table"


def send(panel: Panel, content: str | bytes, address: str = "") -> tuple[Browser, Page]:
    """Upload a file. Encoded here, because the test client leaves a temporary file open for a large one."""
    browser = panel.browser(ALICE)
    data = content.encode() if isinstance(content, str) else content
    file = FileStorage(io.BytesIO(data), "items.csv", "file")
    boundary, body = encode_multipart({"csrf_token": browser.token(), "file": file})
    response = browser.client.post(
        address or table_page(panel),
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
        follow_redirects=True,
    )
    browser.page = Page(response)
    return browser, browser.page


def uploads(panel: Panel) -> int:
    """How many tables Northwind's people uploaded since the panel was furnished."""
    with panel.platform.db.read() as db:
        texts = db.scalars(sa.select(ItemUpload.content).where(ItemUpload.account_id == panel.northwind)).all()
    return sum(text != TABLE.decode() for text in texts)


def skus(panel: Panel) -> set[str]:
    with panel.platform.db.read() as db:
        return set(db.scalars(sa.select(CartItem.sku).where(CartItem.account_id == panel.northwind)))


def test_the_list_is_downloaded_for_a_spreadsheet(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get(items_page(panel))
    browser.press("Add item", sku="000123", title="=1+1")
    assert browser.page is not None
    response = browser.client.get(browser.page.link("Download"))
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="items-')
    content = response.get_data()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [(row["cart_sku"], row["title"], row["warehouse_sku"], row["quantity"]) for row in rows] == [
        ('="000123"', "'=1+1", "", ""),
        ("BUNDLE-CAMP", "", "LAMP-USB", "2"),
        ("BUNDLE-CAMP", "", "STOVE-MINI", "1"),
        ("TENT-2P", "", "", ""),
    ]


def test_a_table_is_looked_at_and_then_applied(panel: Panel) -> None:
    before = skus(panel)
    content = HEADER + "TENT-2P,Tent,yes,,\r\nNIGHT,Night set,no,LAMP-USB,2\r\nNIGHT,,,000123,1\r\nBAD,,,NOWHERE,1\r\n"
    browser, page = send(panel, content)
    assert page.path.startswith("/item-tables/")
    assert page.heading == "What the table would change"
    assert "1 item has errors and would be left out." in page.text
    assert f"3 NIGHT Night set NEW LAMP-USB {TIMES} 2 000123 {TIMES} 1 Added" in page.text
    assert 'Changed Title: "" becomes "Tent".' in page.text
    assert "5 BAD — ACTIVE none Error The warehouse has no SKU NOWHERE in this account." in page.text.replace(
        f"NOWHERE {TIMES} 1", "none"
    )
    assert skus(panel) == before
    page = browser.press("Apply")
    assert page.path == items_page(panel)
    assert "1 item added, 1 changed." in page.messages
    assert "1 with errors was left out." in page.messages
    assert skus(panel) == before | {"NIGHT"}
    night = item(panel, "NIGHT")
    assert night is not None
    assert not night.active
    assert uploads(panel) == 0


def test_a_dropped_table_changes_nothing(panel: Panel) -> None:
    before = skus(panel)
    browser, _ = send(panel, HEADER + "NIGHT,,,,\r\n")
    page = browser.press("Drop")
    assert "nothing was changed" in page.messages
    assert (skus(panel), uploads(panel)) == (before, 0)


def test_a_file_that_cannot_be_read_is_refused_at_its_field(panel: Panel) -> None:
    for content, words in (
        (b"", "The file is empty."),
        (b"PK\x03\x04", "This is a spreadsheet"),
        ((HEADER + "B\xe4r,,,,").encode("latin-1"), "Line 2 is not in the UTF-8 encoding"),
    ):
        _, page = send(panel, content)
        assert page.status == 400
        assert words in page.problem_at("CSV file")
    browser = panel.browser(ALICE)
    browser.get(table_page(panel))
    assert "The file is empty." in browser.press("Upload", file=None).problem_at("CSV file")
    assert uploads(panel) == 0


def test_a_long_table_is_paged_and_filtered(panel: Panel) -> None:
    lines = "".join(f"SKU-{n},,,LAMP-USB,1\r\n" for n in range(60)) + "BAD,,perhaps,,\r\n"
    browser, page = send(panel, HEADER + lines)
    assert "1 to 50 of 61 items" in page.text
    page = browser.get(page.link("Next"))
    assert "51 to 61 of 61 items" in page.text
    page = browser.get(page.link("Errors, left out (1)"))
    assert "1 to 1 of 1 items" in page.text
    assert "active must be yes or no" in page.text


def test_five_megabytes_are_taken_and_more_is_not(panel: Panel) -> None:
    content = HEADER + "".join(f"SKU-{n},{'x' * 1000},,,\r\n" for n in range(5000))
    content += "\n" * (MAX_BYTES - len(content))
    _, page = send(panel, content)
    assert "New (5000)" in page.text
    _, page = send(panel, content + "\n")
    assert page.status == 400
    assert "larger than 5 MB" in page.problem_at("CSV file")
    _, page = send(panel, content + "\n" * 100_000)
    assert page.status == 413


def test_only_the_upload_may_be_that_large(panel: Panel) -> None:
    content = "x" * (2 * 1024 * 1024 + 1)
    assert send(panel, content)[1].status == 400
    assert send(panel, content, address="/help")[1].status == 413


def test_the_form_is_one_that_sends_files(panel: Panel) -> None:
    page = panel.browser(ALICE).get(items_page(panel))
    page = panel.browser(ALICE).get(page.link("Upload"))
    assert page.path == table_page(panel)
    assert page.form("Upload")["enctype"] == "multipart/form-data"
    assert page.field("CSV file")["type"] == "file"


def test_what_a_file_holds_is_shown_as_text(panel: Panel) -> None:
    _, page = send(panel, HEADER + "<b>1</b>,<script>alert(1)</script>,<i>,,\r\n")
    assert page.soup.find("script", string="alert(1)") is None
    assert "<b>1</b>" in page.text


def test_a_table_is_its_accounts_own(panel: Panel) -> None:
    _, page = send(panel, HEADER + "NIGHT,,,,\r\n")
    charlie = panel.browser(CHARLIE)
    assert charlie.get(page.path).status == 404
    assert charlie.post(f"{page.path}/apply").status == 404
    assert charlie.post(f"{page.path}/drop").status == 404
    sue = panel.browser(SUPPORT)
    shown = sue.get(page.path)
    assert "NIGHT" in shown.text and "Apply" not in shown.text
    assert sue.post(f"{page.path}/apply").status == 403
    assert uploads(panel) == 1
