"""Storing the warehouse's answers about orders it was asked to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.db.locks import LOCK
from is2_core.db.rows import columns_of
from is2_core.orders.cancelled_units import follow_placed
from is2_core.orders.fulfillment.placeable import forget_components
from is2_core.orders.holds.config import replace_holds
from is2_core.orders.holds.reasons import HoldCode, HoldReason
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import TO_PLACE, AckState, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import SOON, enqueue
from plugins.interface import OrderState
from plugins.warehouse import Refused

# How long an answer that the warehouse owes is waited for once more.
LOOK_AGAIN = timedelta(minutes=15)


class Answered(NamedTuple):
    """Those columns of an order that are looked at when the warehouse's answer is stored."""

    id: int
    state: str
    cart_state: str
    cart_packages: list[dict[str, Any]] | None
    placed_at: datetime | None


_ANSWERED = sa.select(*columns_of(ReceivedOrder, Answered._fields)).order_by(ReceivedOrder.id).with_for_update(**LOCK)


def lock_answered(session: Session, order_ids: Sequence[int]) -> list[Answered]:
    """Read orders, locked by ascending id."""
    return [Answered(*row) for row in session.execute(_ANSWERED.where(ReceivedOrder.id.in_(order_ids)))]


def set_instants(session: Session, order_ids: Sequence[int], **values: datetime | None) -> None:
    """Set these columns of orders."""
    session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id.in_(order_ids)).values(values))


def note_not_taken(session: Session, order_ids: Sequence[int]) -> None:
    """The warehouse does not have these orders, and may be asked again."""
    if not order_ids:
        return
    set_instants(session, order_ids, placing_since=None, answer_due_at=None, absent_at=None)
    forget_components(session, order_ids)
    session.execute(
        sa.update(ReceivedLine)
        .where(ReceivedLine.order_id.in_(order_ids))
        .values(placed=0)
        .execution_options(synchronize_session=False)
    )


def note_pending(session: Session, due: Mapping[int, datetime]) -> None:
    """The warehouse owes the answers about these orders; by order, when to look for it."""
    if due:
        rows = [{"id": order_id, "answer_due_at": due_at} for order_id, due_at in due.items()]
        session.execute(sa.update(ReceivedOrder), rows)


def store_placed(platform: Platform, session: Session, integration: Integration, orders: Sequence[Answered]) -> None:
    """The warehouse has these orders: acknowledge them, or have those stopped that were cancelled, dismissed or
    excluded while the warehouse was being asked."""
    now = platform.clock.now()
    news = [order for order in orders if order.placed_at is None]
    if not news:
        return
    record(session, [Event(order.id, EventCode.INJECTED) for order in news], now)
    taken = {"placed_at": now, "answer_due_at": None, "absent_at": None}
    wanted = [order.id for order in news if order.state in TO_PLACE]
    acknowledged = platform.carts.has(integration.cart, "acknowledge_orders")
    ack_state = AckState.DUE if acknowledged else AckState.NOT_NEEDED
    # Those held meanwhile go as well: the warehouse has them.
    replace_holds(session, {order.id: () for order in news if order.state == ReceivedState.HELD})
    moved = transition(session, wanted, ReceivedState.INJECTED, {}, now, also=taken | {"ack_state": ack_state})
    unwanted = [order.id for order in news if order.id not in moved and order.state != ReceivedState.INJECTED]
    if unwanted:
        ended = taken | {"ack_state": AckState.NOT_NEEDED, "stop_asked_at": None}
        session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id.in_(unwanted)).values(ended))
    # The warehouse may have shipped some, or somebody else confirmed them at the cart, before its answer reached us.
    shown = {order.id for order in news if order.cart_packages or order.cart_state != OrderState.READY}
    followed = follow_placed(platform, session, [order.id for order in news], shown, now)
    if followed.to_post:
        enqueue(session, kind=TaskKind.TRACKING_POST, integration=integration, now=now, priority=SOON)
    if wanted and acknowledged:
        enqueue(session, kind=TaskKind.ACKNOWLEDGEMENTS_SEND, integration=integration, now=now, priority=SOON)
    if unwanted or followed.to_stop:
        enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now, priority=SOON)


def store_refused(session: Session, answers: Mapping[int, Refused], now: datetime) -> None:
    """Hold what the warehouse refused.

    Args:
        answers: by order, of those that are STAGED: nothing else became of them while it was being asked.
    """
    said = {order_id: {"message": answer.message} for order_id, answer in answers.items()}
    told = {order_id: Told(EventCode.REFUSED, params) for order_id, params in said.items()}
    held = transition(session, said, ReceivedState.HELD, None, now, told=told)
    replace_holds(session, {order_id: (HoldReason(HoldCode.WAREHOUSE_REFUSED, said[order_id]),) for order_id in held})
