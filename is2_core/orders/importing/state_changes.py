"""Where the cart's news brings orders, and what their timelines tell of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import explain, transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.orders.wording.sealing import has_reason
from plugins.interface import CONFIRMED


def write_events(
    session: Session,
    rows: Sequence[dict[str, Any]],
    stored: dict[str, ReceivedOrder],
    *,
    told: Mapping[str, Told | None],
    id_of: dict[str, int],
    now: datetime,
) -> None:
    """Tell the timelines of orders that are new, that move, or of which the cart says something new.

    Args:
        told: what there is to tell of each, by the cart's id; None where that is only what the cart says.
    """
    events = []
    for row in rows:
        before = stored.get(row["remote_id"])
        if before is not None and before.state == row["state"] and _is_no_news(before, row["cart_state"]):
            continue
        what = told[row["remote_id"]] or Told(EventCode.CART_SAYS, {"state": row["cart_state"]})
        events.append(Event(id_of[row["remote_id"]], what.code, what.params))
    record(session, events, now)


def move(
    session: Session,
    rows: Sequence[dict[str, Any]],
    stored: dict[str, ReceivedOrder],
    reasons: Mapping[str, Told | None],
    now: datetime,
) -> None:
    """Orders that were known go where the cart's news brings them; a new one was inserted there. Their timelines are
    told with those of the new ones.

    Args:
        reasons: why each is where it is, by the cart's id; those that are not decided about any more are not named.
    """
    moved: dict[ReceivedState, dict[int, Told | None]] = {}
    stay: dict[int, Told | None] = {}
    for row in rows:
        before = stored.get(row["remote_id"])
        if before is None or row["remote_id"] not in reasons:
            continue
        reason = reasons[row["remote_id"]]
        if before.state != row["state"]:
            moved.setdefault(row["state"], {})[before.id] = reason
        elif not has_reason(before, reason):
            stay[before.id] = reason
    for to, by_order in moved.items():
        transition(session, by_order, to, by_order, now)
    explain(session, stay)


def _is_no_news(before: ReceivedOrder, cart_state: str) -> bool:
    """Units shipped from here come back as shipped; what somebody else shipped is told with its units."""
    shipped = before.placed_at is not None and cart_state in CONFIRMED
    return before.cart_state == cart_state or shipped
