"""Orders of which a cart refused something: counted, listed and explained by the same conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import AckState

TRACKING, ACKNOWLEDGEMENT = "tracking", "acknowledgement"
LABELS = {TRACKING: "Tracking", ACKNOWLEDGEMENT: "Acknowledgement"}


def was_refused(what: str) -> sa.ColumnElement[bool]:
    """The condition for received orders of which the cart refused TRACKING or the ACKNOWLEDGEMENT."""
    if what == TRACKING:
        refused = sa.select(Package.order_id).where(Package.post_state == PostState.REJECTED)
        return ReceivedOrder.id.in_(refused)
    return ReceivedOrder.ack_state == AckState.REJECTED


def refusals(db: Session, orders: Sequence[ReceivedOrder]) -> dict[int, list[str]]:
    """By order id, a message for each thing the cart refused."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for order in orders:
        if order.ack_state == AckState.REJECTED:
            found[order.id].append(_refused("Acknowledgement", order.ack_message))
    packages = sa.select(Package).where(
        Package.order_id.in_([order.id for order in orders]), Package.post_state == PostState.REJECTED
    )
    for package in db.scalars(packages.order_by(Package.id)):
        number = (package.label or package).tracking_number
        found[package.order_id].append(_refused(f"Tracking {number}", package.post_message))
    return found


def _refused(what: str, message: str) -> str:
    """Say that it was refused, and why, where that is not erased."""
    return f"{what} refused: {message}" if message else f"{what} refused."
