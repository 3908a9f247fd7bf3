"""Handing received orders to the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.carts.method_vocabulary import vocabulary
from is2_core.orders.fulfillment.answers.storing import (
    LOOK_AGAIN,
    lock_answered,
    note_not_taken,
    note_pending,
    set_instants,
    store_placed,
    store_refused,
)
from is2_core.orders.fulfillment.answers.unknown import resolve_unknown
from is2_core.orders.fulfillment.placeable import BATCH, Ready, next_batch
from is2_core.orders.fulfillment.rereading import next_reread, reread_stale
from is2_core.orders.holds.stuck_orders import tell_support
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import LEASE
from is2_core.tasks.pace import Pace
from is2_core.tasks.queue import SOON, enqueue
from is2_core.tasks.run import LeaseLost, TaskRun
from is2_core.warehouses.calls import makes_no_calls, warehouse_of
from plugins.interface import ShippingMappingUI, Temporary
from plugins.warehouse import Already, FoundOrder, Pending, PlaceAnswer, Placed, Refused, Retry, Unknown


def place_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.place`: place what nothing holds, the freshly read first; then re-read and place the rest."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    ui = vocabulary(platform, integration)
    unsettled = resolve_unknown(platform, run)
    pace = Pace(run, BATCH, whole=makes_no_calls(platform, integration.wms_target))
    put_off = _place_fresh(platform, run, integration, ui, pace)
    not_read: dict[int, str] = {}
    while reread_stale(platform, run, integration, ui, not_read):
        put_off = _place_fresh(platform, run, integration, ui, pace)
    tell_support(platform, run)
    if not run.has_time():
        # Rather at once than after the pause of a failure: the rest had no turn yet.
        return
    if unsettled or put_off:
        raise Temporary((unsettled + put_off)[0], code="WAREHOUSE_LATER")
    if not_read:
        raise Temporary(next(iter(not_read.values())), code="NOT_READ_AGAIN")
    _look_again(platform, run, integration)


def _look_again(platform: Platform, run: TaskRun, integration: Integration) -> None:
    """End the run; due again when the first answer that the warehouse owes has to be looked for, an order found absent
    there looked up once more, or one that the cart did not find."""
    with run.write() as session:
        answer_due_at, absent_at = session.execute(
            sa.select(sa.func.min(ReceivedOrder.answer_due_at), sa.func.min(ReceivedOrder.absent_at)).where(
                ReceivedOrder.integration_id == run.integration_id, ReceivedOrder.placed_at.is_(None)
            )
        ).one()
        not_found_at = next_reread(session, integration, platform.clock.now())
        due = filter(None, (answer_due_at, absent_at and absent_at + LEASE, not_found_at))
        run.finish(session, again_at=min(due, default=None))


def _place_fresh(
    platform: Platform, run: TaskRun, integration: Integration, ui: ShippingMappingUI, pace: Pace
) -> list[str]:
    """Place every freshly read order, batch by batch; returns messages of those the warehouse put off."""
    put_off: list[str] = []
    last, more = 0, True
    while more and run.has_time():
        batch, last, more = next_batch(platform, run, ui, last, pace.size)
        if batch:
            with pace.measured(len(batch)):
                answers = _ask_warehouse(platform, run, integration, batch)
            try:
                put_off += _store_answers(platform, run, batch, answers)
            except LeaseLost:
                _note_asked_late(platform, integration, [ready.order_id for ready in batch])
                raise
    return put_off


def _note_asked_late(platform: Platform, integration: Integration, order_ids: Sequence[int]) -> None:
    """Have it looked up what became of orders that this process has asked the warehouse for although it had stood still
    beyond its lease: another run may have found them absent since."""
    with platform.db.write() as session:
        now = platform.clock.now()
        # A lease ago: it is due.
        set_instants(
            session,
            [order.id for order in lock_answered(session, order_ids) if not order.placed_at],
            absent_at=now - LEASE,
        )
        enqueue(session, kind=TaskKind.ORDERS_PLACE, integration=integration, now=now, priority=SOON)


def _ask_warehouse(
    platform: Platform, run: TaskRun, integration: Integration, batch: Sequence[Ready]
) -> list[PlaceAnswer]:
    """Have a batch taken; what the warehouse has already is not offered to one that would take it twice: a database
    restored from a backup has forgotten what was placed since."""
    warehouse = warehouse_of(platform, integration.wms_target, integration.account_id, run=run)
    there: dict[int, PlaceAnswer] = {}
    if not warehouse.manifest.unique_external_id:
        for ready in batch:
            if found := warehouse.find_order(ready.request.number):
                there[ready.order_id] = _of_found(found, platform.clock.now())
    new = [ready.request for ready in batch if ready.order_id not in there]
    answers = iter(warehouse.place_orders(new) if new else ())
    return [there[ready.order_id] if ready.order_id in there else next(answers) for ready in batch]


def _of_found(found: Sequence[FoundOrder], now: datetime) -> Already | Pending:
    return Already() if all(each.accepted for each in found) else Pending(now + LOOK_AGAIN)


def _store_answers(
    platform: Platform, run: TaskRun, batch: Sequence[Ready], answers: Sequence[PlaceAnswer]
) -> list[str]:
    """One commit for a batch: placed and acknowledgement due, set by set. Returns messages of those put off."""
    with run.write() as session:
        integration = session.get_one(Integration, run.integration_id)
        answer_to = {ready.order_id: answer for ready, answer in zip(batch, answers, strict=True)}
        orders = lock_answered(session, list(answer_to))
        note_not_taken(
            session, [order_id for order_id, answer in answer_to.items() if isinstance(answer, Refused | Retry)]
        )
        pending = {each: answer for each, answer in answer_to.items() if isinstance(answer, Pending)}
        note_pending(session, {order_id: answer.look_again_at for order_id, answer in pending.items()})
        refused = {
            order.id: answer
            for order in orders
            if isinstance(answer := answer_to[order.id], Refused) and order.state == ReceivedState.STAGED
        }
        store_refused(session, refused, platform.clock.now())
        placed = [order for order in orders if isinstance(answer_to[order.id], Placed | Already)]
        store_placed(platform, session, integration, placed)
    return [answer.message for answer in answers if isinstance(answer, Retry | Unknown)]
