"""Units the cart cancels after the warehouse was given them, though not the whole order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.flows.packages import reallocate
from is2_core.flows.rules import add_event
from is2_core.flows.support import raise_case
from is2_core.models import CaseKind, ReceivedLine, ReceivedOrder
from is2_core.platform import Platform
from plugins.interface import Order, OrderState


def cancelled_in_part(
    session: Session, orders: Sequence[Order], stored: Mapping[str, ReceivedOrder]
) -> list[ReceivedOrder]:
    """Of these orders, as the cart shows them now, those of which it cancelled units after they were placed."""
    placed = {
        stored[order.remote_id].id: order
        for order in orders
        if order.remote_id in stored
        and stored[order.remote_id].placed_at is not None
        and order.state is not OrderState.CANCELLED
    }
    if not placed:
        return []
    now = {(order_id, line.remote_id): line.cancelled for order_id, order in placed.items() for line in order.lines}
    fewer = {
        order_id
        for order_id, remote_id, cancelled, ordered in session.execute(
            sa.select(
                ReceivedLine.order_id, ReceivedLine.remote_id, ReceivedLine.cancelled, ReceivedLine.ordered
            ).where(ReceivedLine.order_id.in_(placed))
        )
        # A line the cart does not show any more is cancelled as a whole.
        if cancelled < now.get((order_id, remote_id), ordered)
    }
    return [stored[order.remote_id] for order_id, order in placed.items() if order_id in fewer]


def tell_of_fewer_units(platform: Platform, session: Session, orders: Sequence[ReceivedOrder], now: datetime) -> None:
    """No warehouse takes single units back: a person must know, and packages count for what is still wanted."""
    for order in orders:
        sentence = f"Units of order {order.number} were cancelled at the shop after the warehouse was given them."
        add_event(session, order.id, now, "FEWER_UNITS", sentence)
        session.flush()
        reallocate(platform, session, order, now)
        raise_case(
            session,
            now,
            account_id=order.account_id,
            kind=CaseKind.FEWER_UNITS,
            subject=f"order {order.number}",
            sentence=f"{sentence} Have the warehouse leave them out, or expect them back.",
            integration_id=order.integration_id,
            order_id=order.id,
        )
