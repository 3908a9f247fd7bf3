"""An order's timeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.orders.models import OrderEvent


def add_event(
    session: Session, order_id: int, at: datetime, code: str, sentence: str, user_id: int | None = None
) -> None:
    """Add one entry to an order's timeline."""
    session.add(OrderEvent(order_id=order_id, at=at, code=code, sentence=sentence, user_id=user_id))


def add_events(
    session: Session, messages: Mapping[int, str], at: datetime, code: str, *, user_id: int | None = None
) -> None:
    """Add one entry to the timeline of each of these orders, by order id, with one statement."""
    rows = [
        {"order_id": order_id, "at": at, "code": code, "sentence": message, "user_id": user_id}
        for order_id, message in messages.items()
    ]
    if rows:
        session.execute(sa.insert(OrderEvent), rows)
