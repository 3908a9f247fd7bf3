"""Cart SKUs as a cart itself has sent them on its orders: taken exactly so, whatever holds for what people type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration, User
from is2_core.orders.holds.config import stored_reason
from is2_core.orders.holds.reasons import REASONS, Actor, Fix, waiver
from is2_core.orders.models import Hold, OrderEvent, ReceivedOrder
from is2_core.orders.timeline import event_text
from is2_core.orders.wording.events import EventCode, worded
from is2_core.orders.wording.parameters import Params
from is2_core.orders.wording.sealing import OrderKey, opened_params
from is2_core.platform import Platform

_STOPS = frozenset(
    {
        EventCode.STOP,
        EventCode.STOPPED_IN_PART,
        EventCode.STOP_TOO_LATE,
        EventCode.WAREHOUSE_ENDED,
        EventCode.WAREHOUSE_ENDED_REST,
    }
)
HOLD_LABELS = {code: reason.label for code, reason in REASONS.items()}


@dataclass(frozen=True)
class ShownHold:
    """A hold: its reason's code and label, what it is about, its text, what a merchant can do about it, whether a
    person may ship the order in spite of it, by which waiver, and who must act."""

    code: str
    label: str
    subject: str
    text: str
    fix: Fix
    waivable: bool
    actor: Actor

    @property
    def waiver(self) -> str:
        """The text that stands for a person's word that the order ships in spite of it."""
        return waiver(self.code, self.subject)


@dataclass(frozen=True)
class Entry:
    """An entry of a timeline: when, what (its code, and in words), and who did it, None for the platform itself."""

    at: datetime
    code: str
    text: str
    who: str | None


def about(platform: Platform, cart: str, number: str) -> Params:
    """The facts of an order that wordings name: its number, and what its cart is called and says."""
    manifest = platform.carts.manifest(cart) if cart in platform.carts.names() else None
    return {
        "order": number,
        "cart": manifest.label if manifest else cart,
        "address_missing": manifest.address_missing if manifest else "",
    }


def address_note(platform: Platform, integration_id: int) -> str:
    """Return what the cart would have a person know before an address is corrected; "" where nothing."""
    with platform.db.read() as session:
        cart = session.get_one(Integration, integration_id).cart
    return platform.carts.manifest(cart).address_note if cart in platform.carts.names() else ""


def shown_holds(platform: Platform, order: ReceivedOrder, cart: str) -> list[ShownHold]:
    """Return the reasons that hold an order (its holds loaded), worded."""
    told_of = about(platform, cart, order.number)
    return [_shown(hold, (order.integration_id, order.remote_id), told_of) for hold in order.holds]


def _shown(hold: Hold, key: OrderKey, told_of: Params) -> ShownHold:
    reason = REASONS.get(hold.code)
    if reason is None:
        # Of a later release, which this one followed.
        return ShownHold(
            hold.code, hold.code, hold.subject, "", Fix("Ask for help", "help"), waivable=False, actor=Actor.IS2
        )
    params = stored_reason(hold, key).params
    text = reason.wording.told(params, told_of)
    return ShownHold(hold.code, reason.label, hold.subject, text, reason.ends(params), reason.waivable, reason.actor)


def timeline(platform: Platform, session: Session, order: ReceivedOrder, cart: str) -> list[Entry]:
    """An order's timeline, the oldest first."""
    told_of = about(platform, cart, order.number)
    rows = session.execute(
        sa.select(OrderEvent, User.name)
        .outerjoin(User, User.id == OrderEvent.user_id)
        .where(OrderEvent.order_id == order.id)
        .order_by(OrderEvent.at, OrderEvent.id)
    ).all()
    key = (order.integration_id, order.remote_id)
    return [Entry(row.at, row.code, event_text(row, key, told_of), who) for row, who in rows]


def stop_answer(entries: Sequence[Entry]) -> str:
    """How the warehouse last ended an order, or answered to being asked to, by its timeline; "" where it did not."""
    return next((entry.text for entry in reversed(entries) if entry.code in _STOPS), "")


def shown_reason(platform: Platform, order: ReceivedOrder, cart: str) -> str:
    """Why an order is in its state, worded; "" where that needs no reason."""
    if not order.reason_code:
        return ""
    params = opened_params(order.sealed_reason, order.integration_id, order.remote_id)
    return worded(order.reason_code, params, about(platform, cart, order.number))
