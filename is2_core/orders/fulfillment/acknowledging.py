"""Telling the cart that the warehouse has accepted its orders: one write a cycle for all that are due."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from is2_core.accounts.access import owned
from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.carts.context import cart_context
from is2_core.db.locks import LOCK, lock_rows
from is2_core.errors import Conflict
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ACK_OPEN, AckState, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from is2_core.platform import Platform
from is2_core.submissions.batch_backoff import TELL_AFTER, most_after, tell
from is2_core.submissions.rows import KIND_ACKNOWLEDGE, checked_reply, has_open, open_submissions
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.pace import PUT_OFF_MAX, Pace
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun
from plugins.interface import AcknowledgedLine, Acknowledgement, Applied, Rejected, Result, Retry, WriteReply


def send_acknowledgements(platform: Platform, run: TaskRun) -> None:
    """Task `acknowledgements.send`: send what is due, unless an earlier write is still being worked on (its
    end asks for this task again), and store what became of it, in batches as large as the cart's pace allows. After a
    lost answer the same lines are sent again: that does no harm."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        if has_open(session, integration.id, KIND_ACKNOWLEDGE):
            return
    manifest = platform.carts.manifest(integration.cart)
    pace = Pace(run, manifest.acknowledge_batch, whole="acknowledge_orders" in manifest.whole_batches)
    context = cart_context(platform, integration, before_call=run.heartbeat)
    tried: set[int] = set()
    later: list[datetime] = []
    put_off = 0
    while put_off < PUT_OFF_MAX:
        with platform.db.read() as session:
            due = _next_batch(session, integration.id, tried, pace.size)
            batch = [_acknowledgement(order) for order in due]
        if not batch or not run.has_time():
            break
        with pace.measured(len(batch)):
            reply: WriteReply = platform.carts.call(
                integration.cart, "acknowledge_orders", ctx=context, acknowledgements=batch
            )
        checked_reply(integration.cart, "acknowledge_orders", reply, {entry.key for entry in batch})
        tried |= {order.id for order in due}
        _store(platform, run, integration, due, reply)
        whens = [result.when for result in reply.results.values() if isinstance(result, Retry)]
        later += whens
        if reply.pending:
            break
        put_off = put_off + 1 if len(whens) == len(batch) else 0
    with run.write() as session:
        run.finish(session, again_at=min(later, default=None))


def _store(
    platform: Platform, run: TaskRun, integration: Integration, due: Sequence[ReceivedOrder], reply: WriteReply
) -> None:
    with run.write() as session:
        now = platform.clock.now()
        lock_rows(session, ReceivedOrder.id, [order.id for order in due])
        settle(session, integration.id, reply.results, now)
        open_submissions(session, integration, KIND_ACKNOWLEDGE, reply.pending, now)
        pending = [key for submission in reply.pending for key in submission.keys]
        session.execute(
            sa.update(ReceivedOrder)
            .where(
                ReceivedOrder.integration_id == integration.id,
                ReceivedOrder.number.in_(pending),
                ReceivedOrder.ack_state == AckState.DUE,
            )
            .values(ack_state=AckState.SENT)
        )


def _next_batch(session: Session, integration_id: int, tried: Collection[int], most: int) -> Sequence[ReceivedOrder]:
    """The orders to acknowledge next, none of those already tried in this run.

    Those tried least go first; what was lost with a whole write goes in ever smaller ones, so that an order that spoils
    them ends up alone.
    """
    due = sa.and_(
        ReceivedOrder.integration_id == integration_id,
        ReceivedOrder.ack_state == AckState.DUE,
        ReceivedOrder.id.not_in(tried),
    )
    tries = session.scalar(sa.select(sa.func.min(ReceivedOrder.ack_tries)).where(due)) or 0
    return session.scalars(
        sa.select(ReceivedOrder)
        .where(due, ReceivedOrder.ack_tries == tries)
        .order_by(ReceivedOrder.id)
        .limit(most_after(most, tries))
        .options(selectinload(ReceivedOrder.lines))
    ).all()


def _acknowledgement(order: ReceivedOrder) -> Acknowledgement:
    lines = tuple(AcknowledgedLine(line.remote_id, str(line.id)) for line in order.lines if line.open)
    return Acknowledgement(order.number, order.remote_id, order.number, order.site, lines)


def settle(session: Session, integration_id: int, results: Mapping[str, Result], now: datetime) -> None:
    """Store what became of acknowledgements, by order number; a result that comes twice changes nothing."""
    orders = session.scalars(
        sa.select(ReceivedOrder)
        .where(
            ReceivedOrder.integration_id == integration_id,
            ReceivedOrder.number.in_(results),
            ReceivedOrder.ack_state.in_(ACK_OPEN),
        )
        .order_by(ReceivedOrder.id)
        .with_for_update(**LOCK)
    ).all()
    record(session, [event for order in orders for event in _settle_one(order, results[order.number], now)], now)
    if orders:
        session.flush()
        _tell_of_tries(session, session.get_one(Integration, integration_id), now)


def _tell_of_tries(session: Session, integration: Integration, now: datetime) -> None:
    stuck = session.scalar(
        sa.select(sa.func.count()).where(
            ReceivedOrder.integration_id == integration.id,
            ReceivedOrder.ack_state == AckState.DUE,
            ReceivedOrder.ack_tries >= TELL_AFTER,
        )
    )
    sentence = (
        f"The shop has lost the acknowledgements of {stuck} orders of {integration_name(integration)} {TELL_AFTER} "
        "times or more. They are sent again; the orders themselves are with the warehouse."
    )
    tell(session, integration, "acknowledgements", sentence if stuck else "", now)


def _settle_one(order: ReceivedOrder, result: Result, now: datetime) -> list[Event]:
    if isinstance(result, Applied):
        order.ack_state, order.ack_at, order.ack_sentence = AckState.DONE, now, ""
        return [Event(order.id, EventCode.ACKNOWLEDGED)]
    if isinstance(result, Rejected):
        order.ack_state, order.ack_sentence = AckState.REJECTED, f"{result.sentence} ({result.code})"
        return [Event(order.id, EventCode.ACK_REJECTED, {"message": result.sentence, "refusal": result.code})]
    if order.state == ReceivedState.COMPLETED:
        order.ack_state = AckState.NOT_NEEDED
    else:
        order.ack_state = AckState.DUE
        order.ack_tries += 1
    return []


def acknowledge_again(platform: Platform, *, order_id: int, account_id: int, user_id: int) -> None:
    """Send an acknowledgement again that the cart refused, after a person has mended what was wrong."""
    with platform.db.write() as session:
        order = _refused(session, order_id, account_id)
        order.ack_state, order.ack_sentence, order.ack_tries = AckState.DUE, "", 0
        now = platform.clock.now()
        record(session, [Event(order.id, EventCode.ACK_AGAIN, user_id=user_id)], now)
        integration = session.get_one(Integration, order.integration_id)
        enqueue(session, kind=TaskKind.ACKNOWLEDGEMENTS_SEND, integration=integration, now=now, priority=NOW)


def leave_unacknowledged(platform: Platform, *, order_id: int, account_id: int, user_id: int) -> None:
    """Let an order go without the acknowledgement that the cart refused."""
    with platform.db.write() as session:
        order = _refused(session, order_id, account_id)
        order.ack_state, order.ack_sentence = AckState.NOT_NEEDED, ""
        record(session, [Event(order.id, EventCode.ACK_LEFT, user_id=user_id)], platform.clock.now())


def _refused(session: Session, order_id: int, account_id: int) -> ReceivedOrder:
    order = owned(session, ReceivedOrder, order_id, account_id, lock=True)
    if order.ack_state != AckState.REJECTED:
        raise Conflict("The shop has not refused the acknowledgement of this order.")
    return order


def after_submission(session: Session, integration: Integration, retry_at: datetime | None, now: datetime) -> None:
    """A submission ended: whatever is due by now goes with the next one."""
    enqueue(session, kind=TaskKind.ACKNOWLEDGEMENTS_SEND, integration=integration, now=now, run_at=retry_at)
