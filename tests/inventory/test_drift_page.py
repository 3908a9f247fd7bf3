"""The drift report on the stock page: its count, its filter, its sentences, its button and its file."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.items.models import CartItem
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState
from tests.support.browser import Page
from tests.support.panel import ALICE, CHARLIE, SUPPORT, Panel
from web.inventory.drift import COLUMNS

SENTENCE = "The cart shows a quantity of 80, where 50 was sent."
BUTTON = "Compare with the cart now"


def address(panel: Panel) -> str:
    return f"/integrations/{panel.store(panel.northwind).id}/stock"


def change(panel: Panel, **values: object) -> None:
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(CartItem)
            .where(CartItem.account_id == panel.northwind, CartItem.sku == "TENT-2P")
            .values(**values)
        )


@pytest.fixture
def drifted(panel: Panel) -> Panel:
    """Northwind's tent was sent as 50, and Amazon showed 80 an hour ago."""
    now = panel.clock.now()
    change(
        panel,
        pushed_quantity=50,
        pushed_lead_days=3,
        pushed_at=now - timedelta(hours=9),
        shown_quantity=80,
        shown_lead_days=3,
        channel_read_at=now - timedelta(hours=1),
        drift=SENTENCE,
        drift_at=now - timedelta(hours=1),
    )
    return panel


def skus(page: Page) -> list[str]:
    return [tag.get_text() for tag in page.soup.select("tr[id^=item-] td:first-child .sku")]


def report(panel: Panel, email: str = ALICE) -> list[list[str]]:
    answer = panel.browser(email).client.get(f"{address(panel)}/drift.csv")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="drift-')
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert tuple(rows[0]) == COLUMNS
    return rows[1:]


def test_what_differs_is_counted_on_top_and_said_at_its_row(drifted: Panel) -> None:
    page = drifted.browser(ALICE).get(address(drifted))
    assert (
        "Compared with Amazon Nov 23, 2026, 11:00 UTC : 1 SKU differs there . The next push corrects it." in page.text
    )
    assert f"Differs at the cart {SENTENCE} Seen Nov 23, 11:00 ." in page.text
    assert "Differs at the cart (1)" in page.text
    shown = drifted.browser(ALICE).get(page.link("1 SKU differs there"))
    assert skus(shown) == ["TENT-2P"]


def test_what_was_sent_since_is_no_difference_any_more(drifted: Panel) -> None:
    change(drifted, pushed_at=drifted.clock.now())
    page = drifted.browser(ALICE).get(address(drifted))
    assert "no SKU differs there" in page.text
    assert SENTENCE not in page.text
    assert report(drifted) == []


def test_an_item_that_is_not_active_is_not_reported(drifted: Panel) -> None:
    change(drifted, active=False)
    page = drifted.browser(ALICE).get(address(drifted))
    assert SENTENCE not in page.text
    assert "no SKU differs there" in page.text


def test_before_the_first_comparison_nothing_is_said_of_one(panel: Panel) -> None:
    page = panel.browser(ALICE).get(address(panel))
    assert "Compared with Amazon" not in page.text
    assert page.form(BUTTON)


def test_the_button_asks_for_a_comparison_at_once(drifted: Panel) -> None:
    browser = drifted.browser(ALICE)
    browser.get(address(drifted))
    page = browser.press(BUTTON)
    assert page.messages == (
        "The stock is being compared with what Amazon shows; what differs is marked here in some minutes."
    )
    with drifted.platform.db.read() as db:
        task = db.scalars(
            sa.select(Task).where(Task.kind == TaskKind.INVENTORY_DRIFT, Task.state == TaskState.READY)
        ).one()
    assert (task.priority, task.integration_id) == (0, drifted.store(drifted.northwind).id)


def test_nothing_is_compared_that_was_never_sent(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get(address(panel))
    page = browser.press(BUTTON)
    assert page.status == 409
    assert page.alerts == ["Nothing can be compared yet: no stock was sent to Amazon."]


def test_the_report_is_a_file_a_spreadsheet_cannot_spoil(drifted: Panel) -> None:
    change(drifted, title="=cmd()")
    assert report(drifted) == [
        [
            "TENT-2P",
            "'=cmd()",
            "50",
            "3",
            "2026-11-23T03:00:00+00:00",
            "80",
            "3",
            "2026-11-23T11:00:00+00:00",
            SENTENCE,
        ]
    ]
    assert len(report(drifted, SUPPORT)) == 1


def test_others_neither_compare_nor_read_the_report(drifted: Panel) -> None:
    store = address(drifted)
    sue = drifted.browser(SUPPORT)
    assert BUTTON not in sue.get(store).text
    assert sue.post(f"{store}/compare").status == 403
    charlie = drifted.browser(CHARLIE)
    assert charlie.post(f"{store}/compare").status == 404
    assert charlie.get(f"{store}/drift.csv").status == 404


def test_a_cart_that_shows_no_stock_is_not_compared(drifted: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    has = drifted.platform.carts.has
    monkeypatch.setattr(drifted.platform.carts, "has", lambda cart, hook: hook != "read_inventory" and has(cart, hook))
    page = drifted.browser(ALICE).get(address(drifted))
    for words in (BUTTON, "Differs at the cart (", "Compared with Amazon"):
        assert words not in page.text
    refused = drifted.browser(ALICE).post(f"{address(drifted)}/compare")
    assert refused.status == 409
    assert "Amazon offers no way to read stock." in refused.text


def test_a_store_that_is_not_active_is_not_compared(drifted: Panel) -> None:
    with drifted.platform.db.write() as db:
        db.execute(sa.update(Integration).values(state=IntegrationState.PAUSED))
    assert BUTTON not in drifted.browser(ALICE).get(address(drifted)).text
    assert drifted.browser(ALICE).post(f"{address(drifted)}/compare").status == 409


def test_no_push_is_promised_for_what_is_not_sent_again(drifted: Panel) -> None:
    change(drifted, pushed_version=CartItem.due_version)
    page = drifted.browser(ALICE).get(address(drifted))
    assert "1 SKU differs there . The next push corrects what is due." in page.text
