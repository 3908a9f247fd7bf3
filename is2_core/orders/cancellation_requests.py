"""Buyers who ask to cancel once the warehouse has their order: no hold can stop it any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from is2_core.cases.cases import raise_case
from is2_core.cases.states import CaseKind
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.timeline import add_event
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
    for order, reason in requests:
        why = f" ({reason})" if reason else ""
        sentence = f"The buyer of order {order.number} asks to cancel it{why}; the warehouse has it already."
        add_event(session, order.id, now, "CANCELLATION_REQUESTED", sentence)
        raise_case(
            session,
            now,
            account_id=order.account_id,
            kind=CaseKind.CANCELLATION_REQUESTED,
            subject=f"order {order.number}",
            sentence=f"{sentence} Have the warehouse stop it, or let it ship.",
            integration_id=order.integration_id,
            order_id=order.id,
        )
