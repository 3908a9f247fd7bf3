"""An order's timeline: what happened, stored as codes and parameters, worded when it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from is2_core.db.rows import insert_rows
from is2_core.db.types import seal
from is2_core.orders.models import OrderEvent
from is2_core.orders.wording.events import EVENTS, worded
from is2_core.orders.wording.parameters import Params
from is2_core.orders.wording.sealing import OrderKey, opened_params, order_keys


@dataclass(frozen=True)
class Event:
    """One entry: the order, what happened (a code of `wording.events` and what its wording names), and which user did
    it, None for the platform itself."""

    order_id: int
    code: str
    params: Params = field(default_factory=dict)
    user_id: int | None = None


def record(session: Session, events: Iterable[Event], at: datetime) -> None:
    """Add entries to the timelines of orders, with one statement. Of an order whose buyer's data is erased, what
    somebody wrote is left out.

    Raises:
        ValueError: nothing words such a code, or its wording names other parameters.
    """
    split = [(event, *_stored(event)) for event in events]
    if not split:
        return
    keys = order_keys(session, [event.order_id for event, _, hidden in split if hidden is not None])
    rows = [
        {
            "order_id": event.order_id,
            "at": at,
            "code": event.code,
            "params": plain,
            "sealed": seal(OrderEvent.sealed, hidden, *keys[event.order_id], event.code)
            if hidden is not None and event.order_id in keys
            else None,
            "user_id": event.user_id,
        }
        for event, plain, hidden in split
    ]
    insert_rows(session, OrderEvent, rows)


def _stored(event: Event) -> tuple[dict[str, Any], dict[str, Any] | None]:
    if event.code not in EVENTS:
        raise ValueError(f"nothing words {event.code!r} in a timeline")
    return EVENTS[event.code].stored(event.params)


def event_text(row: OrderEvent, key: OrderKey, about: Params) -> str:
    """Word an entry; one of an earlier release is told as it was then.

    Args:
        key: the integration and the cart's id of its order.
        about: see `wording.parameters.ABOUT`.
    """
    return worded(row.code, {**row.params, **opened_params(row.sealed, *key, row.code)}, about)
