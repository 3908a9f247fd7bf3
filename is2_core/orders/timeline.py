"""An order's timeline."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from is2_core.orders.models import OrderEvent


def add_event(
    session: Session, order_id: int, at: datetime, code: str, sentence: str, user_id: int | None = None
) -> None:
    """Add one entry to an order's timeline."""
    session.add(OrderEvent(order_id=order_id, at=at, code=code, sentence=sentence, user_id=user_id))
