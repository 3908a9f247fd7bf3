"""Moving received orders from one state to another: many at once, only where `ALLOWED_FROM` lets them, told in their
timelines. Nobody else sets the state of a stored order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from is2_core.db.chunks import chunks
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ALLOWED_FROM, ENDED, UNPLACED, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import Told
from is2_core.orders.wording.sealing import order_keys, reason_columns


def transition(
    session: Session,
    ids: Iterable[int],
    to: ReceivedState,
    reason: Told | Mapping[int, Told | None] | None,
    now: datetime,
    *,
    told: Told | Mapping[int, Told] | None = None,
    user_id: int | None = None,
    also: Mapping[str, object] | None = None,
) -> set[int]:
    """Move those of these orders that may go to `to` from where they are; one UPDATE, and one INSERT for their
    timelines. Orders that are loaded show it at once. With it the clock of their buyers' data begins, or stops.

    Args:
        ids: orders the caller has locked, or has just decided about in this unit of work.
        reason: why, kept with the order, for all or by order (none for those that are not named); None leaves what
            stands there.
        told: what their timelines tell, for all or by order; None where the caller tells it otherwise.
        user_id: who did it, None for IS2 itself.
        also: further columns of the orders that move.

    Returns:
        The ids of those that moved.
    """
    values = {**(also or {}), "state": to}
    may_go: sa.ColumnElement[bool] = ReceivedOrder.state.in_(ALLOWED_FROM[to])
    if to in ENDED:
        # Of what ends twice, as what is shipped and then completed, the first counts.
        values["ended_at"] = sa.func.coalesce(ReceivedOrder.ended_at, sa.literal(now, ReceivedOrder.ended_at.type))
    elif to is not ReceivedState.SHIPPED:
        values["ended_at"] = None
    if to in UNPLACED:
        # Nothing can be shipped any more to a buyer who is forgotten.
        may_go = sa.and_(may_go, sa.or_(ReceivedOrder.state.in_(UNPLACED), ReceivedOrder.cart_may_write()))
    moved: set[int] = set()
    for part in chunks(ids):
        by_order = dict.fromkeys(part, reason) if isinstance(reason, Told) else reason
        explained = {} if by_order is None else _reasons(session, {each: by_order.get(each) for each in part})
        moved.update(
            session.scalars(
                sa.update(ReceivedOrder)
                .where(ReceivedOrder.id.in_(part), may_go)
                .values(values | explained)
                .returning(ReceivedOrder.id)
                .execution_options(synchronize_session="fetch")
            )
        )
    if told is not None:
        each = {order_id: told if isinstance(told, Told) else told[order_id] for order_id in sorted(moved)}
        record(session, [Event(order_id, what.code, what.params, user_id) for order_id, what in each.items()], now)
    return moved


def explain(session: Session, reasons: Mapping[int, Told | None]) -> None:
    """Give another reason, or none, to orders that stay in their states, by order id, with one statement."""
    if reasons:
        session.execute(
            sa.update(ReceivedOrder)
            .where(ReceivedOrder.id.in_(reasons))
            .values(_reasons(session, reasons))
            .execution_options(synchronize_session="fetch")
        )


def _reasons(session: Session, reasons: Mapping[int, Told | None]) -> dict[str, object]:
    keys = order_keys(session, [order_id for order_id, told in reasons.items() if told and told.params])
    rows = {order_id: reason_columns(told, keys.get(order_id)) for order_id, told in reasons.items()}
    columns = (ReceivedOrder.reason_code, ReceivedOrder.sealed_reason)
    return {column.key: _by_order(column, {each: row[column.key] for each, row in rows.items()}) for column in columns}


def _by_order(column: InstrumentedAttribute[Any], values: Mapping[int, object]) -> object:
    """Return the value a statement sets in a column: one for all, or each order's own."""
    different = set(values.values())
    if len(different) == 1:
        return different.pop()
    whens = {order_id: sa.literal(value, column.type) for order_id, value in values.items()}
    return sa.case(whens, value=ReceivedOrder.id)
