"""Pages show comparisons, each to its own account."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.comparison import runs
from is2_core.comparison.models import ComparedOrder, Comparison
from is2_core.comparison.states import Difference, Outcome
from is2_core.jobs import HANDLERS
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.runner import run_task
from tests.support.browser import Page
from tests.support.panel import ALICE, CHARLIE, SUPPORT, Panel


def compare(panel: Panel) -> None:
    """Press the button, and have the task run."""
    alice = panel.browser(ALICE)
    alice.get("/integrations")
    page = alice.press("Compare now")
    assert "Comparing with Amazon now" in page.messages
    with panel.platform.db.read() as session:
        asked = sa.select(Task).where(Task.kind == TaskKind.ORDERS_COMPARE, Task.account_id == panel.northwind)
        task = session.scalars(asked.order_by(Task.id.desc()).limit(1)).one()
    assert task.priority == 0
    run_task(panel.platform, task.id, HANDLERS)


def listed(page: Page) -> list[str]:
    """The orders a page lists, by the cart's id."""
    return sorted(tag.get_text() for tag in page.soup.select("td a.number"))


def last(panel: Panel) -> Comparison:
    with panel.platform.db.read() as session:
        own = sa.select(Comparison).where(Comparison.account_id == panel.northwind)
        return session.scalars(own.order_by(Comparison.id.desc()).limit(1)).one()


def members(panel: Panel, outcome: Outcome) -> list[str]:
    comparison = last(panel).id
    with panel.platform.db.read() as session:
        query = sa.select(ReceivedOrder.remote_id).join(ComparedOrder, ComparedOrder.order_id == ReceivedOrder.id)
        own = ComparedOrder.comparison_id == comparison
        return sorted(session.scalars(query.where(own, ComparedOrder.outcome == outcome)))


def test_each_number_leads_to_exactly_those_orders(panel: Panel) -> None:
    compare(panel)
    row = last(panel)
    with panel.platform.db.write() as session:
        first, second = session.scalars(
            sa.select(ComparedOrder.order_id)
            .where(ComparedOrder.comparison_id == row.id, ComparedOrder.outcome == Outcome.AGREES)
            .limit(2)
        ).all()
        runs.note(session, row.id, [first], Outcome.PUT_RIGHT, Difference.NEWS)
        runs.note(session, row.id, [second], Outcome.NOT_COMPARED, Difference.NO_ANSWER)
        runs.end(session, session.get_one(Comparison, row.id), panel.clock.now())
    row = last(panel)
    assert (row.put_right, row.not_compared) == (1, 1)
    alice = panel.browser(ALICE)
    for start in ("/integrations", "/received-orders"):
        page = alice.get(start)
        total = row.agree + row.put_right + row.need_person + row.not_compared
        assert f"Compared with Amazon at Nov 23, 2026, 12:00 UTC: {total} open orders." in page.text.replace(" :", ":")
        for label, outcome in (
            (f"{row.agree} agree", Outcome.AGREES),
            ("1 was put right", Outcome.PUT_RIGHT),
            (f"{row.need_person} need{'s' if row.need_person == 1 else ''} you", Outcome.NEEDS_PERSON),
            ("1 not yet compared", Outcome.NOT_COMPARED),
        ):
            assert listed(alice.get(page.link(label))) == members(panel, outcome), label
        assert "oldest since Nov 23, 2026" in page.text
    page = alice.get(page.link("1 was put right"))
    assert "Amazon had changed it, and no listing had told." in page.text
    assert "Orders that were put right , compared with Amazon at" in page.text
    order = alice.get(str(page.soup.select_one("td a.number")["href"]))  # type: ignore[index]
    assert "Compared with Amazon Nov 23, 2026, 12:00 UTC It was put right. Amazon had changed it" in order.text


def test_what_cannot_be_read_needs_a_person_and_all_else_agrees(panel: Panel) -> None:
    compare(panel)
    with panel.platform.db.read() as session:
        unreadable = session.scalars(
            sa.select(ReceivedOrder.remote_id).where(
                ReceivedOrder.account_id == panel.northwind, ReceivedOrder.state == ReceivedState.QUARANTINED
            )
        ).all()
    assert members(panel, Outcome.NEEDS_PERSON) == sorted(unreadable)
    assert members(panel, Outcome.NOT_COMPARED) == []
    assert len(members(panel, Outcome.AGREES)) > len(unreadable)


@pytest.mark.parametrize("outcome", ["AGREES", "SOMETHING"])
def test_another_accounts_comparison_is_not_there(panel: Panel, outcome: str) -> None:
    compare(panel)
    address = f"/received-orders?comparison={last(panel).id}&outcome={outcome}"
    assert panel.browser(CHARLIE).get(address).status == 404
    assert panel.browser(ALICE).get(address).status == (200 if outcome == "AGREES" else 404)
    assert panel.browser(ALICE).get("/received-orders?comparison=999&outcome=AGREES").status == 404


def test_whoever_only_looks_sees_it_and_starts_none(panel: Panel) -> None:
    sue = panel.browser(SUPPORT)
    token = {"csrf_token": sue.token()}
    assert sue.post(f"/integrations/{panel.store(panel.northwind).id}/compare", token).status == 403
    assert "Compare now" not in sue.get("/integrations").text
