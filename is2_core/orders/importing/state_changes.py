"""Where the cart's news brings orders, and what their timelines tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from is2_core.orders.importing.classify import Decision
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import explain, transition
from is2_core.orders.wording.events import EventCode, Told
from plugins.interface import CONFIRMED


def write_events(
    session: Session,
    rows: Sequence[dict[str, Any]],
    stored: dict[str, ReceivedOrder],
    *,
    decisions: dict[str, Decision],
    id_of: dict[str, int],
    now: datetime,
) -> None:
    """Tell the timelines of orders that are new, that move, or of which the cart says something new."""
    events = []
    for row in rows:
        before = stored.get(row["remote_id"])
        if before is not None and before.state == row["state"] and _is_no_news(before, row["cart_state"]):
            continue
        decision = decisions.get(row["remote_id"])
        if decision is None:
            told = Told(EventCode.QUARANTINED, {"message": row["reason"]})
        else:
            told = decision.told or Told(EventCode.CART_SAYS, {"state": row["cart_state"]})
        events.append(Event(id_of[row["remote_id"]], told.code, told.params))
    record(session, events, now)


def move(session: Session, rows: Sequence[dict[str, Any]], stored: dict[str, ReceivedOrder], now: datetime) -> None:
    """Orders that were known go where the cart's news brings them; a new one was inserted there. Their timelines are
    told with those of the new ones."""
    moved: dict[ReceivedState, dict[int, str]] = {}
    stay: dict[int, str] = {}
    for row in rows:
        before = stored.get(row["remote_id"])
        if before is not None and before.state != row["state"]:
            moved.setdefault(row["state"], {})[before.id] = row["reason"]
        elif before is not None and before.reason != row["reason"]:
            stay[before.id] = row["reason"]
    for to, reasons in moved.items():
        transition(session, reasons, to, reasons, now)
    explain(session, stay)


def _is_no_news(before: ReceivedOrder, cart_state: str) -> bool:
    """What was shipped from here comes back as shipped; what somebody else shipped is told with its units."""
    shipped = before.placed_at is not None and cart_state in CONFIRMED
    return before.cart_state == cart_state or shipped
