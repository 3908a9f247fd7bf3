"""Moving received orders from one state to another: many at once, only where `ALLOWED_FROM` lets them, told in their
timelines. Nobody else sets the state of a stored order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.chunks import chunks
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ALLOWED_FROM, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import Told


def transition(
    session: Session,
    ids: Iterable[int],
    to: ReceivedState,
    reason: str | Mapping[int, str] | None,
    now: datetime,
    *,
    told: Told | Mapping[int, Told] | None = None,
    user_id: int | None = None,
    also: Mapping[str, object] | None = None,
) -> set[int]:
    """Move those of these orders that may go to `to` from where they are; one UPDATE, and one INSERT for their
    timelines. Orders that are loaded show it at once.

    Args:
        ids: orders the caller has locked, or has just decided about in this unit of work.
        reason: why, kept with the order, for all or by order; None leaves what stands there.
        told: what their timelines tell, for all or by order; None where the caller tells it otherwise.
        user_id: who did it, None for IS2 itself.
        also: further columns of the orders that move.

    Returns:
        The ids of those that moved.
    """
    values = {**(also or {}), "state": to, **({} if reason is None else {"reason": _by_order(reason)})}
    moved: set[int] = set()
    for part in chunks(ids):
        moved.update(
            session.scalars(
                sa.update(ReceivedOrder)
                .where(ReceivedOrder.id.in_(part), ReceivedOrder.state.in_(ALLOWED_FROM[to]))
                .values(values)
                .returning(ReceivedOrder.id)
                .execution_options(synchronize_session="fetch")
            )
        )
    if told is not None:
        each = {order_id: told if isinstance(told, Told) else told[order_id] for order_id in sorted(moved)}
        record(session, [Event(order_id, what.code, what.params, user_id) for order_id, what in each.items()], now)
    return moved


def explain(session: Session, reasons: Mapping[int, str]) -> None:
    """Give another reason to orders that stay in their states, by order id, with one statement."""
    if reasons:
        session.execute(
            sa.update(ReceivedOrder)
            .where(ReceivedOrder.id.in_(reasons))
            .values(reason=_by_order(reasons))
            .execution_options(synchronize_session="fetch")
        )


def _by_order(values: str | Mapping[int, str]) -> str | sa.ColumnElement[str]:
    """What a statement sets: one value for all, or each order's own."""
    if isinstance(values, str):
        return values
    different = set(values.values())
    return different.pop() if len(different) == 1 else sa.case(dict(values), value=ReceivedOrder.id)
