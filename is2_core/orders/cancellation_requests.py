"""Buyers who ask to cancel once the warehouse has their order: no hold can stop it any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from is2_core.cases.cases import raise_case
from is2_core.cases.states import CaseKind
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from plugins.interface import TO_SHIP, Order


def requested_late(orders: Sequence[Order], stored: Mapping[str, ReceivedOrder]) -> list[tuple[ReceivedOrder, str]]:
    """Of these orders, as the cart shows them now, those that were placed and not asked to be cancelled before, each
    with the buyer's reason."""
    return [
        (stored[order.remote_id], order.cancellation_request)
        for order in orders
        if order.cancellation_request is not None
        and order.state in TO_SHIP
        and order.remote_id in stored
        and stored[order.remote_id].placed_at is not None
        and not stored[order.remote_id].cancellation_requested
    ]


def tell_of_requests(session: Session, requests: Sequence[tuple[ReceivedOrder, str]], now: datetime) -> None:
    """The seller decides, so a person must know."""
    code = EventCode.CANCELLATION_REQUESTED
    record(session, [Event(order.id, code, {"reason": reason}) for order, reason in requests], now)
    for order, _ in requests:
        raise_case(
            session,
            now,
            account_id=order.account_id,
            kind=CaseKind.CANCELLATION_REQUESTED,
            subject=f"order {order.number}",
            # What the buyer gave as a reason is on the order's page only.
            message=f"The buyer of order {order.number} asks to cancel it; the warehouse has it already. Have the "
            "warehouse stop it, or let it ship.",
            integration_id=order.integration_id,
            order_id=order.id,
        )
