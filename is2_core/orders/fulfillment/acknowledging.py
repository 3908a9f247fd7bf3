"""Telling the cart that the warehouse has accepted its orders: one write a cycle for all that are due."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from is2_core.accounts.access import owned
from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.db.locks import LOCK, lock_rows
from is2_core.db.types import seal
from is2_core.errors import Conflict
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ACK_OPEN, AckState, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from is2_core.orders.wording.sealing import order_keys
from is2_core.platform import Platform
from is2_core.submissions.batch_backoff import TELL_AFTER, again_at, most_after, tell
from is2_core.submissions.rows import KIND_ACKNOWLEDGE
from is2_core.submissions.sending import Sending, WriteKind
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun
from plugins.interface import AcknowledgedLine, Acknowledgement, Applied, Rejected, Result, WriteReply


def send_acknowledgements(platform: Platform, run: TaskRun) -> None:
    """Task `acknowledgements.send`: send what is due, unless an earlier write is still being worked on (its
    end asks for this task again). After a lost answer the same lines are sent again: that does no harm."""
    sending = Sending(run, ACKNOWLEDGEMENTS)

    def prepare(most: int, tried: Collection[str]) -> Sequence[Acknowledgement]:
        with platform.db.read() as session:
            return [_acknowledgement(order) for order in _next_batch(session, sending.integration.id, tried, most)]

    for _ in sending.batches(prepare):
        pass
    with run.write() as session:
        run.finish(session, again_at=min(sending.later, default=None))


def _store(session: Session, integration_id: int, reply: WriteReply, now: datetime) -> None:
    written = (ReceivedOrder.integration_id == integration_id, ReceivedOrder.number.in_(reply.keys()))
    lock_rows(session, ReceivedOrder.id, session.scalars(sa.select(ReceivedOrder.id).where(*written)))
    settle(session, integration_id, reply.results, now)
    pending = (ReceivedOrder.number.not_in(reply.results), ReceivedOrder.ack_state == AckState.DUE)
    session.execute(sa.update(ReceivedOrder).where(*written, *pending).values(ack_state=AckState.SENT))


def _after_submission(session: Session, integration: Integration, retry_at: datetime | None, now: datetime) -> None:
    """A submission ended: send what is due by now, and later what was lost with it."""
    tries = session.scalar(
        sa.select(sa.func.min(ReceivedOrder.ack_tries)).where(
            ReceivedOrder.integration_id == integration.id, ReceivedOrder.ack_state == AckState.DUE
        )
    )
    due_at = again_at(retry_at, tries or 0) if retry_at else now
    enqueue(session, kind=TaskKind.ACKNOWLEDGEMENTS_SEND, integration=integration, now=now, run_at=due_at)


def _next_batch(session: Session, integration_id: int, tried: Collection[str], most: int) -> Sequence[ReceivedOrder]:
    """The orders to acknowledge next, none of those already tried in this run.

    Those tried least go first; what was lost with a whole write goes in ever smaller ones, so that an order that spoils
    them ends up alone.
    """
    due = sa.and_(
        ReceivedOrder.integration_id == integration_id,
        ReceivedOrder.ack_state == AckState.DUE,
        ReceivedOrder.number.not_in(tried),
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
    # Of a mixed order those alone that are shipped from here: that is all the warehouse has.
    ours = (line for line in order.lines if line.open and not line.not_from_here)
    lines = tuple(AcknowledgedLine(line.remote_id, str(line.id)) for line in ours)
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
    refused = [order.id for order in orders if isinstance(results[order.number], Rejected)]
    keeps_text = order_keys(session, refused)
    events = [
        event
        for order in orders
        for event in _settle_one(order, results[order.number], now, keeps_text=order.id in keeps_text)
    ]
    record(session, events, now)
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
    message = (
        f"The shop has lost the acknowledgements of {stuck} orders of {integration_name(integration)} {TELL_AFTER} "
        "times or more. They are sent again; the orders themselves are with the warehouse."
    )
    tell(session, integration, "acknowledgements", message if stuck else "", now)


def _settle_one(order: ReceivedOrder, result: Result, now: datetime, *, keeps_text: bool) -> list[Event]:
    if isinstance(result, Applied):
        order.ack_state, order.ack_at, order.sealed_ack_message = AckState.DONE, now, None
        return [Event(order.id, EventCode.ACKNOWLEDGED)]
    if isinstance(result, Rejected):
        order.ack_state = AckState.REJECTED
        text, key = f"{result.message} ({result.code})", (order.integration_id, order.remote_id)
        order.sealed_ack_message = seal(ReceivedOrder.sealed_ack_message, text, *key) if keeps_text else None
        return [Event(order.id, EventCode.ACK_REJECTED, {"message": result.message, "refusal": result.code})]
    if order.state == ReceivedState.COMPLETED:
        order.ack_state = AckState.NOT_NEEDED
    else:
        order.ack_state = AckState.DUE
        order.ack_tries += 1
    return []


def acknowledge_again(platform: Platform, *, order_id: int, scope: ChangeScope, user_id: int) -> None:
    """Send an acknowledgement again that the cart refused, after a person has mended what was wrong."""
    with platform.db.write() as session:
        order = _refused(session, order_id, scope)
        order.ack_state, order.sealed_ack_message, order.ack_tries = AckState.DUE, None, 0
        now = platform.clock.now()
        record(session, [Event(order.id, EventCode.ACK_AGAIN, user_id=user_id)], now)
        integration = session.get_one(Integration, order.integration_id)
        enqueue(session, kind=TaskKind.ACKNOWLEDGEMENTS_SEND, integration=integration, now=now, priority=NOW)


def leave_unacknowledged(platform: Platform, *, order_id: int, scope: ChangeScope, user_id: int) -> None:
    """Let an order go without the acknowledgement that the cart refused."""
    with platform.db.write() as session:
        order = _refused(session, order_id, scope)
        order.ack_state, order.sealed_ack_message = AckState.NOT_NEEDED, None
        record(session, [Event(order.id, EventCode.ACK_LEFT, user_id=user_id)], platform.clock.now())


def _refused(session: Session, order_id: int, scope: ChangeScope) -> ReceivedOrder:
    order = owned(session, ReceivedOrder, order_id, scope, lock=True)
    if order.ack_state != AckState.REJECTED:
        raise Conflict("The shop has not refused the acknowledgement of this order.")
    return order


ACKNOWLEDGEMENTS = WriteKind(
    KIND_ACKNOWLEDGE,
    "acknowledgements",
    most=lambda manifest: manifest.acknowledge_batch,
    settle=settle,
    task=TaskKind.ACKNOWLEDGEMENTS_SEND,
    ended=_after_submission,
    settle_reply=_store,
)
