"""Handing received orders to the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.method_vocabulary import vocabulary
from is2_core.db.locks import LOCK
from is2_core.db.rows import columns_of
from is2_core.integrations.finality import Answer, note_answer
from is2_core.orders.cancelled_units import follow_placed
from is2_core.orders.fulfillment.placeable import BATCH, Ready, forget_components, next_batch
from is2_core.orders.fulfillment.rereading import next_reread, reread_stale
from is2_core.orders.holds.config import replace_holds
from is2_core.orders.holds.reasons import HoldCode, HoldReason
from is2_core.orders.holds.stuck_orders import tell_support
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import TO_PLACE, AckState, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.pace import Pace
from is2_core.tasks.queue import SOON, enqueue
from is2_core.tasks.run import TaskRun
from is2_core.warehouses.calls import makes_no_calls, warehouse_of
from plugins.interface import OrderState, ShippingMappingUI, Temporary
from plugins.warehouse import Already, FoundOrder, Pending, PlaceAnswer, Placed, Refused, Retry, Unknown

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


def place_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.place`: place what nothing holds, the freshly read first; then re-read and place the rest."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    ui = vocabulary(platform, integration)
    unsettled = _resolve_unknown(platform, run)
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
    """End the run; due again when the first answer that the warehouse owes has to be looked for, or an order that the
    cart did not find."""
    with run.write() as session:
        due_at = session.scalar(
            sa.select(sa.func.min(ReceivedOrder.answer_due_at)).where(
                ReceivedOrder.integration_id == run.integration_id, ReceivedOrder.placed_at.is_(None)
            )
        )
        not_found_at = next_reread(session, integration, platform.clock.now())
        run.finish(session, again_at=min(filter(None, (due_at, not_found_at)), default=None))


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
            put_off += _store_answers(platform, run, batch, answers)
    return put_off


def note_not_taken(session: Session, order_ids: Sequence[int]) -> None:
    """The warehouse does not have these orders, and may be asked again."""
    if not order_ids:
        return
    free = {"placing_since": None, "answer_due_at": None}
    session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id.in_(order_ids)).values(free))
    forget_components(session, order_ids)
    session.execute(
        sa.update(ReceivedLine)
        .where(ReceivedLine.order_id.in_(order_ids))
        .values(placed=0)
        .execution_options(synchronize_session=False)
    )


def _ask_warehouse(
    platform: Platform, run: TaskRun, integration: Integration, batch: Sequence[Ready]
) -> list[PlaceAnswer]:
    """Have a batch taken; what the warehouse has already is not offered to one that would take it twice: a database
    restored from a backup has forgotten what was placed since."""
    warehouse = warehouse_of(platform, integration.wms_target, integration.account_id, before_call=run.heartbeat)
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


def _resolve_unknown(platform: Platform, run: TaskRun) -> list[str]:
    """Orders the warehouse was asked to take without an answer being stored: after a crash, or an Unknown. Whether
    it has them is looked up, whatever has become of them meanwhile; until then nothing else is decided.

    Returns:
        A message for each that the warehouse has not settled yet.
    """
    unsettled: list[str] = []
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        unknown = session.execute(
            sa.select(ReceivedOrder.id, ReceivedOrder.number, ReceivedOrder.placing_since, ReceivedOrder.answer_due_at)
            .where(
                ReceivedOrder.integration_id == integration.id,
                ReceivedOrder.placing_since.is_not(None),
                ReceivedOrder.placed_at.is_(None),
            )
            .order_by(ReceivedOrder.id)
        ).all()
    if not unknown:
        return []
    warehouse = warehouse_of(platform, integration.wms_target, integration.account_id, before_call=run.heartbeat)
    manifest = warehouse.manifest
    settled_after = timedelta(seconds=0 if manifest.unique_external_id else manifest.settle_s)
    for order_id, number, placing_since, answer_due_at in unknown:
        if _is_awaited(placing_since, answer_due_at, platform.clock.now()):
            continue
        if placing_since is not None and platform.clock.now() - placing_since < settled_after:
            unsettled.append("The warehouse has not yet settled whether it has an order.")
            continue
        if not run.has_time():
            break
        found = warehouse.find_order(number)
        with run.write() as session:
            if not found and not manifest.unique_external_id:
                # Asked again it would take the order twice; where numbers are unique, it answers that it has it.
                key = (integration.id, Answer.WAREHOUSE_WITHOUT_ORDER, number)
                if not note_answer(session, *key, platform.clock.now(), seen_at=placing_since).is_final:
                    unsettled.append("The warehouse has not yet settled whether it has an order.")
                    continue
            orders = lock_answered(session, [order_id])
            if found and not all(each.accepted for each in found):
                _note_pending(session, {order_id: platform.clock.now() + LOOK_AGAIN})
            elif found:
                store_placed(platform, session, session.get_one(Integration, run.integration_id), orders)
            else:
                note_not_taken(session, [order_id])
    return unsettled


def _is_awaited(placing_since: datetime | None, answer_due_at: datetime | None, now: datetime) -> bool:
    """Whether the answer is still to come by itself; not where the clock was put back since it was asked for."""
    return placing_since is not None and placing_since <= now and answer_due_at is not None and answer_due_at > now


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
        _note_pending(session, {order_id: answer.look_again_at for order_id, answer in pending.items()})
        refused = {
            order.id: answer
            for order in orders
            if isinstance(answer := answer_to[order.id], Refused) and order.state == ReceivedState.STAGED
        }
        store_refused(session, refused, platform.clock.now())
        placed = [order for order in orders if isinstance(answer_to[order.id], Placed | Already)]
        store_placed(platform, session, integration, placed)
    return [answer.message for answer in answers if isinstance(answer, Retry | Unknown)]


def lock_answered(session: Session, order_ids: Sequence[int]) -> list[Answered]:
    """Read orders, locked by ascending id."""
    return [Answered(*row) for row in session.execute(_ANSWERED.where(ReceivedOrder.id.in_(order_ids)))]


def _note_pending(session: Session, due: Mapping[int, datetime]) -> None:
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
    taken = {"placed_at": now, "answer_due_at": None}
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
