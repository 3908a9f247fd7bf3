"""Handing received orders to the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.method_vocabulary import vocabulary
from is2_core.db.locks import LOCK
from is2_core.orders.cancelled_units import follow, is_to_be_stopped
from is2_core.orders.fulfillment.placeable import BATCH, Ready, lines_of, next_batch
from is2_core.orders.fulfillment.rereading import reread_stale
from is2_core.orders.holds.config import replace_holds
from is2_core.orders.holds.reasons import HoldCode, HoldReason
from is2_core.orders.models import PlacedComponent, ReceivedLine, ReceivedOrder
from is2_core.orders.states import TO_PLACE, AckState, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.pace import Pace
from is2_core.tasks.queue import SOON, enqueue
from is2_core.tasks.run import TaskRun
from plugins.interface import ShippingMappingUI, Temporary
from plugins.warehouse import Already, PlaceAnswer, Placed, Refused, Unknown


def place_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.place`: place what nothing holds, the freshly read first; then re-read and place the rest."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    ui = vocabulary(platform, integration)
    unsettled = _settle_doubtful(platform, run)
    pace = Pace(run, BATCH)
    put_off = _place_fresh(platform, run, integration, ui, pace)
    not_read: dict[int, str] = {}
    while reread_stale(platform, run, integration, ui, not_read):
        put_off = _place_fresh(platform, run, integration, ui, pace)
    if not run.has_time():
        # Rather at once than after the pause of a failure: the rest had no turn yet.
        return
    if unsettled or put_off:
        raise Temporary((unsettled + put_off)[0], code="WAREHOUSE_LATER")
    if not_read:
        raise Temporary(next(iter(not_read.values())), code="NOT_READ_AGAIN")


def _place_fresh(
    platform: Platform, run: TaskRun, integration: Integration, ui: ShippingMappingUI, pace: Pace
) -> list[str]:
    """Place every freshly read order, batch by batch; returns sentences of those the warehouse put off."""
    put_off: list[str] = []
    last, more = 0, True
    while more and run.has_time():
        batch, last, more = next_batch(platform, run, ui, last, pace.size)
        if batch:
            with pace.measured(len(batch)):
                answers = _ask_warehouse(platform, integration, batch)
            put_off += _store_answers(platform, run, batch, answers)
    return put_off


def _note_not_taken(session: Session, order: ReceivedOrder) -> None:
    """The warehouse does not have the order, and may be asked again."""
    order.asked_at = None
    session.execute(sa.delete(PlacedComponent).where(PlacedComponent.line_id.in_(lines_of([order.id]))))
    session.execute(
        sa.update(ReceivedLine)
        .where(ReceivedLine.order_id == order.id)
        .values(placed=0)
        .execution_options(synchronize_session=False)
    )


def _ask_warehouse(platform: Platform, integration: Integration, batch: Sequence[Ready]) -> list[PlaceAnswer]:
    answers = platform.warehouse(integration.wms_target).place_orders([ready.request for ready in batch])
    if len(answers) != len(batch):
        raise RuntimeError(f"the warehouse gave {len(answers)} answers to {len(batch)} orders")
    return answers


def _settle_doubtful(platform: Platform, run: TaskRun) -> list[str]:
    """Orders the warehouse was asked to take without an answer being stored: after a crash, or an Unknown. Whether
    it has them is looked up, whatever has become of them meanwhile; until then nothing else is decided.

    Returns:
        A sentence for each that the warehouse has not settled yet.
    """
    unsettled: list[str] = []
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        doubtful = session.execute(
            sa.select(ReceivedOrder.id, ReceivedOrder.number, ReceivedOrder.asked_at)
            .where(
                ReceivedOrder.integration_id == integration.id,
                ReceivedOrder.asked_at.is_not(None),
                ReceivedOrder.placed_at.is_(None),
            )
            .order_by(ReceivedOrder.id)
        ).all()
    warehouse = platform.warehouse(integration.wms_target)
    settled_after = timedelta(seconds=0 if warehouse.unique_external_id else warehouse.settle_s)
    for order_id, number, asked_at in doubtful:
        if asked_at is not None and platform.clock.now() - asked_at < settled_after:
            unsettled.append("The warehouse has not yet settled whether it has an order.")
            continue
        if not run.has_time():
            break
        found = warehouse.find_order(integration.account_id, number)
        with run.write() as session:
            order = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
            if found:
                _store_placed(platform, session, session.get_one(Integration, run.integration_id), order)
            else:
                _note_not_taken(session, order)
    return unsettled


def _store_answers(
    platform: Platform, run: TaskRun, batch: Sequence[Ready], answers: Sequence[PlaceAnswer]
) -> list[str]:
    """One commit for a batch: placed and acknowledgement due. Returns sentences of those put off."""
    put_off: list[str] = []
    with run.write() as session:
        integration = session.get_one(Integration, run.integration_id)
        orders = {
            order.id: order
            for order in session.scalars(
                sa.select(ReceivedOrder)
                .where(ReceivedOrder.id.in_([ready.order_id for ready in batch]))
                .order_by(ReceivedOrder.id)
                .with_for_update(**LOCK)
            )
        }
        for ready, answer in zip(batch, answers, strict=True):
            order = orders[ready.order_id]
            if isinstance(answer, Placed | Already):
                _store_placed(platform, session, integration, order)
            elif isinstance(answer, Unknown):
                put_off.append(answer.sentence)
            else:
                _note_not_taken(session, order)
                if isinstance(answer, Refused):
                    _store_refused(session, order, answer, platform.clock.now())
                else:
                    put_off.append(answer.sentence)
    return put_off


def _store_placed(platform: Platform, session: Session, integration: Integration, order: ReceivedOrder) -> None:
    """The warehouse has the order: acknowledge it, or have it stopped where it was cancelled, dismissed or excluded
    while the warehouse was being asked."""
    if order.placed_at is not None:
        return
    now = platform.clock.now()
    order.placed_at = now
    record(session, [Event(order.id, EventCode.INJECTED)], now)
    wanted = order.state in TO_PLACE
    if wanted:
        transition(session, [order.id], ReceivedState.INJECTED, "", now)
        replace_holds(session, {order.id: ()})
    session.flush()
    # The warehouse may have shipped it, or somebody else confirmed it at the cart, before its answer reached us.
    if follow(platform, session, order, now):
        enqueue(session, kind=TaskKind.TRACKING_POST, integration=integration, now=now, priority=SOON)
    if not wanted:
        order.ack_state, order.stop_asked_at = AckState.NOT_NEEDED, None
        enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now, priority=SOON)
    elif platform.carts.has(integration.cart, "acknowledge_orders"):
        order.ack_state = AckState.DUE
        enqueue(session, kind=TaskKind.ACKNOWLEDGEMENTS_SEND, integration=integration, now=now, priority=SOON)
    else:
        order.ack_state = AckState.NOT_NEEDED
    if is_to_be_stopped(order):
        enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now, priority=SOON)


def _store_refused(session: Session, order: ReceivedOrder, answer: Refused, now: datetime) -> None:
    said = {"message": answer.sentence}
    told = Told(EventCode.REFUSED, said)
    if order.state == ReceivedState.STAGED and transition(
        session, [order.id], ReceivedState.HELD, None, now, told=told
    ):
        replace_holds(session, {order.id: (HoldReason(HoldCode.WAREHOUSE_REFUSED, said),)})
