"""Asking the warehouse to stop what was cancelled, dismissed, excluded, shipped from elsewhere, or is not wanted by a
person, after it was asked to take it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import UNWANTED_UNITS, CaseKind
from is2_core.db.locks import LOCK
from is2_core.errors import PluginBug
from is2_core.orders.cancelled_units import tell_of_units_out
from is2_core.orders.fulfillment.packages import follow_packages, packages_of, sent_in_vain
from is2_core.orders.fulfillment.wanted_units import OrderUnits, units_of
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import NOT_COMPLETE, NOT_FROM_HERE, STOPPED_WHEN_CANCELLED, AckState, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.orders.wording.sealing import to_tell
from is2_core.orders.wording.stops import StopReason
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import TaskRun
from is2_core.tasks.states import TaskState
from is2_core.warehouses.calls import warehouse_of
from plugins.interface import CartError, OrderState
from plugins.warehouse import Cancelled, PartlyCancelled, Pending, TooLate

TO_STOP = (
    ReceivedOrder.placing_since.is_not(None),
    ReceivedOrder.stop_asked_at.is_(None),
    sa.or_(
        # Excluded while the warehouse was being asked: by its next look the cart said that it needs nothing of us.
        ReceivedOrder.state.in_(NOT_FROM_HERE),
        sa.and_(
            ReceivedOrder.cart_state == OrderState.CANCELLED,
            ReceivedOrder.state.in_(STOPPED_WHEN_CANCELLED),
        ),
        ReceivedOrder.not_wanted_at.is_not(None),
        ReceivedOrder.stop_wanted_at.is_not(None),
        sa.and_(ReceivedOrder.stop_reason != "", ReceivedOrder.state.in_(NOT_COMPLETE)),
    ),
)
_STOP_REASONS = {ReceivedState.DISMISSED: StopReason.DISMISSED, ReceivedState.EXCLUDED: StopReason.EXCLUDED}
PLACING_PAUSE = timedelta(seconds=15)
# Stopped although the cart has them as open, and what is left for a person to do.
_WANTED_AT_CART = {
    StopReason.CANCELLATION_REQUESTED: "The buyer of order {number} asked to cancel it before it was packed, and the "
    "warehouse stopped it. Cancel it at {cart}.",
    StopReason.ADDRESS_CHANGED: "The address of order {number} was changed at {cart} after the warehouse had it, and "
    "the warehouse stopped it. Ship it to the new address from elsewhere, or cancel it at {cart}.",
}
_UNDER_WAY = "It is not wanted any more, and the warehouse is being asked to stop it."
_log = logging.getLogger(__name__)


def stop_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.stop`: ask the warehouse to stop orders that were cancelled at the cart, confirmed there by somebody
    else or dismissed after it was asked to take them.

    Where no answer to that asking is stored, it may still be under way: then this order is left until no placing
    runs any more. One the warehouse never got counts as stopped. Each answer is stored before the next is asked for.
    """
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        due = session.execute(
            sa.select(ReceivedOrder.id, ReceivedOrder.number, ReceivedOrder.placed_at)
            .where(ReceivedOrder.integration_id == integration.id, *TO_STOP)
            .order_by(ReceivedOrder.id)
        ).all()
        placing = session.scalar(
            sa.select(Task.id).where(
                Task.integration_id == integration.id,
                Task.kind == TaskKind.ORDERS_PLACE,
                Task.state == TaskState.RUNNING,
            )
        )
    if not due:
        return
    warehouse = warehouse_of(platform, integration.wms_target, integration.account_id, run=run)
    again: list[datetime] = []
    for order_id, number, placed_at in due:
        if placed_at is None and placing is not None:
            continue
        if not run.has_time():
            return
        answer = warehouse.cancel_order(number)
        if isinstance(answer, Pending):
            again.append(answer.look_again_at)
            continue
        with run.write() as session:
            order = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
            if order.placed_at is None and isinstance(answer, Cancelled):
                # The run that asked for it may have stood still, and ask yet.
                order.absent_at = platform.clock.now()
                enqueue(session, kind=TaskKind.ORDERS_PLACE, integration=integration, now=order.absent_at)
            _keep_first(platform, session, order, answer)
    if placing is not None and any(placed_at is None for _, _, placed_at in due):
        again.append(platform.clock.now() + PLACING_PAUSE)
    if again:
        with run.write() as session:
            run.finish(session, again_at=min(again))


def stop_at_once(platform: Platform, order_id: int) -> str:
    """Ask the warehouse now to stop an order that is to be stopped, while a person waits; returns what came of it, for
    that person, "" where it is to be packed. What cannot be asked or decided now is the task's, which is asked for
    wherever something is to be stopped."""
    with platform.db.read() as session:
        is_due = (ReceivedOrder.id == order_id, ReceivedOrder.placed_at.is_not(None), *TO_STOP)
        order = session.scalar(sa.select(ReceivedOrder).where(*is_due))
        if order is None:
            return ""
        integration = session.get_one(Integration, order.integration_id)
    try:
        answer = warehouse_of(platform, integration.wms_target, order.account_id).cancel_order(order.number)
    except (CartError, PluginBug) as error:
        _log.warning("order %s was not stopped at once: %s", order_id, error.message)
        return _UNDER_WAY
    if isinstance(answer, Pending):
        return _UNDER_WAY
    with platform.db.write() as session:
        row = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
        told = _keep_first(platform, session, row, answer)
        label = platform.carts.manifest(integration.cart).label
        return to_tell(session, order_id, told).text({"cart": label}) if told else _UNDER_WAY


def _keep_first(
    platform: Platform, session: Session, order: ReceivedOrder, answer: Cancelled | PartlyCancelled | TooLate
) -> Told | None:
    """Store an answer about a locked order unless somebody else who asked has stored one meanwhile."""
    return store_stop(platform, session, order, answer) if order.stop_asked_at is None else None


def store_stop(
    platform: Platform, session: Session, order: ReceivedOrder, answer: Cancelled | PartlyCancelled | TooLate
) -> Told:
    """Store how the warehouse answered to being asked to stop an order; returns what its timeline tells of that."""
    now = platform.clock.now()
    units = units_of(session, [order.id])[order.id]
    label = platform.carts.manifest(session.get_one(Integration, order.integration_id).cart).label
    params = {"reason": _stop_reason(order, units)}
    order.stop_asked_at, order.stopped = now, not isinstance(answer, TooLate)
    if order.ack_state == AckState.DUE:
        order.ack_state = AckState.NOT_NEEDED
    if isinstance(answer, Cancelled):
        told = Told(EventCode.STOP, params)
    elif isinstance(answer, PartlyCancelled):
        told = Told(EventCode.STOPPED_IN_PART, params)
    else:
        told = Told(EventCode.STOP_TOO_LATE, {**params, "message": answer.message})
    if isinstance(answer, Cancelled):
        if order.state not in NOT_FROM_HERE and units.shipped_elsewhere:
            transition(session, [order.id], ReceivedState.DISMISSED, Told(EventCode.STOPPED_ELSEWHERE), now)
        elif params["reason"] is StopReason.PERSON:
            transition(session, [order.id], ReceivedState.DISMISSED, told, now)
        elif order.state not in NOT_FROM_HERE:
            transition(session, [order.id], ReceivedState.CANCELLED, told, now)
    elif isinstance(answer, TooLate):
        text = to_tell(session, order.id, told).text({"cart": label})
        raise_case(
            session,
            now,
            account_id=order.account_id,
            kind=CaseKind.TOO_LATE,
            subject=f"order {order.number}",
            message=f"Order {order.number}: {text} Intercept the parcel, or expect it back.",
            integration_id=order.integration_id,
            order_id=order.id,
        )
    record(session, [Event(order.id, told.code, told.params)], now)
    follow_packages(session, order, now)
    # What the buyer asked for has its answer; a stop that came too late has a case of its own.
    end_case(
        session,
        now,
        account_id=order.account_id,
        kind=CaseKind.CANCELLATION_REQUESTED,
        subject=f"order {order.number}",
    )
    if order.stopped and params["reason"] in _WANTED_AT_CART:
        raise_case(
            session,
            now,
            account_id=order.account_id,
            kind=CaseKind.WAREHOUSE_STOPPED,
            subject=f"order {order.number}",
            message=_WANTED_AT_CART[params["reason"]].format(number=order.number, cart=label),
            integration_id=order.integration_id,
            order_id=order.id,
        )
    if order.stopped and sent_in_vain(units, packages_of(session, order.id)):
        tell_of_units_out(session, order, units, label, now)
    elif order.stopped:
        # What a person was asked to have left out is left out.
        for kind in UNWANTED_UNITS:
            end_case(session, now, account_id=order.account_id, kind=kind, subject=f"order {order.number}")
    return told


def _stop_reason(order: ReceivedOrder, units: OrderUnits) -> StopReason:
    otherwise = StopReason.SHIPPED_ELSEWHERE if units.shipped_elsewhere else StopReason.CANCELLED
    if not units.shipped_elsewhere and order.cart_state != OrderState.CANCELLED:
        if order.stop_wanted_at is not None:
            otherwise = StopReason.PERSON
        elif order.stop_reason:
            otherwise = StopReason(order.stop_reason)
    return _STOP_REASONS.get(ReceivedState(order.state), otherwise)
