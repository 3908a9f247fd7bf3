"""Lines that the cart does not show any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.orders.models import ReceivedLine, ReceivedOrder
from plugins.interface import Order, OrderState


def end_lines_gone(session: Session, orders: Sequence[Order], stored: Mapping[str, ReceivedOrder]) -> None:
    """A line the cart does not show any more is not shipped any more. Of a shipped order it may merely have been
    unreadable."""
    shown = {
        stored[order.remote_id].id: (order.state is OrderState.SHIPPED, {line.remote_id for line in order.lines})
        for order in orders
        if order.remote_id in stored
    }
    if not shown:
        return
    gone: dict[bool, list[int]] = {}
    for line_id, order_id, remote_id in session.execute(
        sa.select(ReceivedLine.id, ReceivedLine.order_id, ReceivedLine.remote_id).where(
            ReceivedLine.order_id.in_(shown)
        )
    ):
        is_shipped, there = shown[order_id]
        if remote_id not in there:
            gone.setdefault(is_shipped, []).append(line_id)
    for is_shipped, ids in gone.items():
        ended = {"open": 0} if is_shipped else {"open": 0, "cancelled": ReceivedLine.ordered}
        session.execute(
            sa.update(ReceivedLine)
            .where(ReceivedLine.id.in_(ids))
            .values(ended)
            .execution_options(synchronize_session=False)
        )
