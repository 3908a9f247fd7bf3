"""Every count of something that needs a person leads to the list of just that."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from is2_core.items.models import CartItem
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.models import Hold, ReceivedOrder
from is2_core.orders.states import AckState, ReceivedState
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState
from tests.support.browser import Browser, Page
from tests.support.buyers import ack_refused, post_refused
from tests.support.panel import ADMIN, ALICE, CHARLIE, START, Panel


def orders(panel: Panel) -> list[ReceivedOrder]:
    with panel.platform.db.read() as db:
        mine = sa.select(ReceivedOrder).where(ReceivedOrder.account_id == panel.northwind).order_by(ReceivedOrder.id)
        return list(db.scalars(mine))


def change(panel: Panel, rows: list[ReceivedOrder], **values: object) -> None:
    with panel.platform.db.write() as db:
        db.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id.in_([row.id for row in rows])).values(**values))


def refuse(panel: Panel, order: ReceivedOrder, number: str) -> None:
    """A package whose tracking the cart refused."""
    with panel.platform.db.write() as db:
        db.add(
            Package(
                account_id=order.account_id,
                integration_id=order.integration_id,
                order_id=order.id,
                warehouse_ref=number,
                revision=1,
                reference=number,
                carrier="UPS",
                tracking_number=number,
                shipped_at=START,
                post_state=PostState.REJECTED,
                sealed_post_message=post_refused(order.id, number, "No such item."),
                seen_at=START,
            )
        )


def held_for_review(panel: Panel) -> None:
    rows = orders(panel)[:3]
    change(panel, rows, state=ReceivedState.HELD)
    with panel.platform.db.write() as db:
        db.execute(sa.delete(Hold))
        db.add_all(Hold(order_id=row.id, code=HoldCode.FIRST_REVIEW) for row in rows)


def refused(panel: Panel) -> None:
    first, second, *_ = orders(panel)
    for order, number in ((first, "7001"), (first, "7002"), (second, "7003")):
        refuse(panel, order, number)


def failed(panel: Panel) -> None:
    with panel.platform.db.write() as db:
        tasks = db.scalars(sa.select(Task.id).where(Task.kind == "orders.check")).all()
        db.execute(sa.update(Task).where(Task.id.in_(tasks)).values(state=TaskState.QUARANTINED, error_message="Broke"))
        db.execute(sa.update(Task).where(Task.kind == "orders.place").values(state=TaskState.QUARANTINED))


def rows_of(page: Page) -> int:
    """How many rows a list has, by its pager."""
    found = re.search(r"1 to \d+ of (\d+) (orders|SKUs|tasks)", page.text)
    return int(found[1]) if found else 0


@pytest.mark.parametrize(
    ("arrange", "email", "address", "count", "least"),
    [
        (held_for_review, ALICE, "/integrations", r"(\d+) held", 3),
        (held_for_review, ALICE, "/received-orders", r"(\d+) orders? of Outdoor", 3),
        (lambda panel: None, ALICE, "/integrations", r"(\d+) quarantined", 1),
        (lambda panel: None, ALICE, "/integrations", r"(\d+) received", 1),
        (refused, ALICE, "/integrations", r"refused for (\d+) orders?", 2),
        (failed, ADMIN, "/admin/tasks", r"(\d+) of orders.check failed", 1),
        (failed, ADMIN, "/admin/tasks", r"(\d+) of orders.place failed", 1),
    ],
)
def test_a_count_leads_to_just_that_many_rows(
    panel: Panel, arrange: Callable[[Panel], None], *, email: str, address: str, count: str, least: int
) -> None:
    arrange(panel)
    browser = panel.browser(email)
    links = browser.get(address).soup.select("main a")
    found = [(link, match) for link in links if (match := re.fullmatch(count, " ".join(link.get_text(" ").split())))]
    assert found, [link.get_text() for link in links]
    for link, match in found:
        assert int(match[1]) >= least
        assert rows_of(browser.get(str(link["href"]))) == int(match[1])


@pytest.mark.parametrize("show", ["due", "withheld", "rejected"])
def test_the_counts_of_skus_are_those_of_their_lists(panel: Panel, show: str) -> None:
    with panel.platform.db.write() as db:
        items = db.scalars(sa.select(CartItem).where(CartItem.account_id == panel.northwind).limit(1)).all()
        for item in items:
            item.withheld, item.push_message = "Somebody else ships it.", "Refused."
    browser = panel.browser(ALICE)
    page = browser.get(f"/integrations/{panel.store(panel.northwind).id}/stock?show={show}")
    label = page.soup.find("option", value=show)
    assert label is not None
    found = re.search(r"\((\d+)\)", label.text)
    assert found is not None
    assert rows_of(page) == int(found[1])


def test_the_list_of_refused_tracking_says_why_and_leads_to_sending_it_again(panel: Panel) -> None:
    refused(panel)
    browser = panel.browser(ALICE)
    page = browser.get("/received-orders?refused=tracking")
    assert "Tracking 7001 refused: No such item." in page.text
    assert "Tracking 7002 refused: No such item." in page.text
    page = browser.get(page.link("What to do"))
    assert page.form("Send tracking again")
    assert rows_of(panel.browser(CHARLIE).get("/received-orders?refused=tracking")) == 0


def test_refused_acknowledgements_are_found_with_their_reason(panel: Panel) -> None:
    row = orders(panel)[0]
    change(panel, [row], ack_state=AckState.REJECTED, sealed_ack_message=ack_refused(row, "The order is gone."))
    browser: Browser = panel.browser(ALICE)
    page = browser.get("/received-orders?refused=acknowledgement")
    assert rows_of(page) == 1
    assert "Acknowledgement refused: The order is gone." in page.text
