"""Which lines of orders carry something the buyer had made, and whether it is here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import USES_CUSTOMIZATION, CustomizationState
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import SOON, enqueue
from plugins.interface import Order, OrderLine

Customized = Mapping[str, CustomizationState]
"""By the cart's id of a line."""


def customized_lines(
    platform: Platform,
    session: Session,
    integration: Integration,
    orders: Sequence[Order],
    stored: Mapping[str, ReceivedOrder],
) -> dict[str, Customized]:
    """By order as the cart shows it now: the state of each line. A cart that cannot fetch has none to fetch."""
    if not platform.carts.has(integration.cart, "fetch_customization"):
        return {order.remote_id: dict.fromkeys(_ids(order), CustomizationState.NONE) for order in orders}
    known = {stored[order.remote_id].id for order in orders if order.remote_id in stored}
    before = _stored(session, known) if known else {}
    found: dict[str, Customized] = {}
    for order in orders:
        row = stored.get(order.remote_id)
        found[order.remote_id] = {
            line.remote_id: _state(line, before.get((row.id, line.remote_id)) if row else None) for line in order.lines
        }
    return found


def _stored(session: Session, order_ids: Collection[int]) -> dict[tuple[int, str], CustomizationState]:
    rows = session.execute(
        sa.select(ReceivedLine.order_id, ReceivedLine.remote_id, ReceivedLine.customization).where(
            ReceivedLine.order_id.in_(order_ids), ReceivedLine.customization != CustomizationState.NONE
        )
    )
    return {(order_id, line_id): CustomizationState(state) for order_id, line_id, state in rows}


def ask_for_customizations(session: Session, integration: Integration, now: datetime) -> None:
    """Have what is due fetched, where anything is."""
    due = (
        sa.select(ReceivedLine.id)
        .join(ReceivedOrder, ReceivedOrder.id == ReceivedLine.order_id)
        .where(
            ReceivedOrder.integration_id == integration.id,
            ReceivedOrder.state.in_(USES_CUSTOMIZATION),
            ReceivedLine.customization == CustomizationState.DUE,
            ReceivedOrder.cart_may_write(),
        )
    )
    if session.scalar(due.limit(1)) is not None:
        enqueue(session, kind=TaskKind.ORDERS_CUSTOMIZE, integration=integration, now=now, priority=SOON)


def _ids(order: Order) -> list[str]:
    return [line.remote_id for line in order.lines]


def _state(line: OrderLine, before: CustomizationState | None) -> CustomizationState:
    """A newer address is a new chance for what failed; what is here already stays."""
    if before is CustomizationState.STORED or not line.customization_url:
        return before or CustomizationState.NONE
    return CustomizationState.DUE
