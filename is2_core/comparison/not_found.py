"""Orders a cart does not find by their ids: once is no fact."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import CaseKind
from is2_core.comparison.models import ComparedOrder, Comparison
from is2_core.comparison.runs import note, shown_at
from is2_core.comparison.states import Difference, Outcome
from is2_core.db.locks import LOCK
from is2_core.orders.models import ReceivedOrder
from is2_core.platform import Platform

# So often, and over so long, before anybody is told.
TIMES = 3
OVER = timedelta(hours=24)


def note_not_found(platform: Platform, session: Session, comparison: Comparison, order_id: int) -> None:
    """Note that the cart did not find an order; a case where it has not found it again and again."""
    now = platform.clock.now()
    order = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
    note(session, comparison.id, [order_id], Outcome.NOT_COMPARED, Difference.NOT_FOUND, asked_at=now)
    times, first = session.execute(
        sa.select(sa.func.count(), sa.func.min(ComparedOrder.asked_at))
        .join(ReceivedOrder, ReceivedOrder.id == ComparedOrder.order_id)
        .where(ComparedOrder.order_id == order_id, ComparedOrder.difference == Difference.NOT_FOUND)
        .where(ComparedOrder.asked_at > shown_at())
    ).one()
    if first is None or times < TIMES or first > now - OVER:
        return
    note(session, comparison.id, [order_id], Outcome.NEEDS_PERSON, Difference.NOT_FOUND)
    label = platform.carts.manifest(session.get_one(Integration, order.integration_id).cart).label
    raise_case(
        session,
        now,
        account_id=order.account_id,
        kind=CaseKind.NOT_AT_CART,
        subject=_subject(order),
        message=f"{label} does not know order {order.number} any more, which is open here. Look for it at {label}: "
        "where it is gone, have the warehouse stop it, or dismiss it.",
        integration_id=order.integration_id,
        order_id=order.id,
    )


def end_not_found(platform: Platform, session: Session, order: ReceivedOrder) -> None:
    """The cart shows it: nobody needs to look for it any more."""
    kind = CaseKind.NOT_AT_CART
    end_case(session, platform.clock.now(), account_id=order.account_id, kind=kind, subject=_subject(order))


def _subject(order: ReceivedOrder) -> str:
    return f"order {order.number}"
