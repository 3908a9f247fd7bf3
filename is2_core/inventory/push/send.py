"""From computed levels to what the cart has taken: stored before it is sent, part by part."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.latency import Latency, latency_of
from is2_core.db.chunks import chunks
from is2_core.db.locks import lock_rows
from is2_core.inventory.models import InventoryPush, InventoryPushLine
from is2_core.inventory.push.plan import Computed
from is2_core.inventory.push.results import after_submission, settle, unanswered, unsent
from is2_core.inventory.push.retries import Tries, sizes, tries_of
from is2_core.inventory.push.sync_row import sync_row
from is2_core.inventory.states import PushResult
from is2_core.items.activity import make_due
from is2_core.items.models import CartItem
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import HOLDS_UNITS
from is2_core.platform import Platform
from is2_core.submissions.rows import KIND_INVENTORY
from is2_core.submissions.sending import Sending, WriteKind
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.run import TaskRun
from plugins.interface import Applied, InventoryQuantity, Retry, WriteReply

Entry = tuple[InventoryPushLine, InventoryQuantity]


def held_here(session: Session, integration_id: int) -> dict[str, int]:
    """Units per cart SKU that orders of this store hold unshipped."""
    return {
        sku: int(units)
        for sku, units in session.execute(
            sa.select(ReceivedLine.sku, sa.func.sum(ReceivedLine.open))
            .join(ReceivedOrder, ReceivedOrder.id == ReceivedLine.order_id)
            .where(ReceivedOrder.integration_id == integration_id, ReceivedOrder.state.in_(HOLDS_UNITS))
            .group_by(ReceivedLine.sku)
        )
    }


def store(
    session: Session,
    integration: Integration,
    push: InventoryPush | None,
    computed: Sequence[Computed],
    *,
    held: Mapping[str, int],
    promised: Mapping[int, Latency],
    now: datetime,
) -> list[Entry]:
    """Store what is about to be sent, as a run of its own or as the rest of one.

    Args:
        held: units of this store's orders, by cart SKU.
        promised: the latency that goes with each quantity, by CartItem.id.
    """
    if push is None:
        push = InventoryPush(account_id=integration.account_id, integration_id=integration.id, computed_at=now)
        session.add(push)
        session.flush()
    else:
        session.execute(sa.delete(InventoryPushLine).where(*unsent(push.id)))
    latencies = [promised[entry.candidate.item.id] for entry in computed]
    lines = [
        InventoryPushLine(
            push_id=push.id,
            cart_item_id=entry.candidate.item.id,
            version=entry.candidate.version,
            quantity=entry.sellable.quantity,
            lead_days=latency.days,
            calculation=entry.sellable.calculation,
            result=PushResult.UNSENT,
        )
        for entry, latency in zip(computed, latencies, strict=True)
    ]
    session.add_all(lines)
    session.flush()
    return [
        (
            line,
            InventoryQuantity(
                key=str(line.id),
                sku=entry.candidate.item.sku,
                remote_id=entry.candidate.item.remote_id,
                available=line.quantity,
                held_here=held.get(entry.candidate.item.sku, 0),
                lead_days=latency.days,
                lead_days_managed=latency.managed,
            ),
        )
        for line, entry, latency in zip(lines, computed, latencies, strict=True)
    ]


def promised_now(
    session: Session, integration: Integration, item_ids: Iterable[int], *, may_manage: bool
) -> dict[int, Latency]:
    """The latency that goes with an item's quantity, by CartItem.id, as stored now of those that are synced; what the
    cart has set in place of it is not sent again.

    Args:
        item_ids: CartItem.ids, locked.
        may_manage: whether the cart takes a quantity alone and keeps the latency it has.
    """
    promised: dict[int, Latency] = {}
    for ids in chunks(item_ids):
        query = sa.select(CartItem.id, CartItem.latency, CartItem.lead_days_replaced)
        for item_id, own, replaced in session.execute(query.where(CartItem.id.in_(ids), CartItem.is_synced())):
            latency = latency_of(integration, own)
            is_replaced = may_manage and latency.days is not None and latency.days == replaced
            promised[item_id] = Latency(managed=True) if is_replaced else latency
    return promised


def send(platform: Platform, run: TaskRun, integration: Integration, batch: Sequence[Entry]) -> None:
    """Send in parts as large as the cart takes, smaller ones of what was lost before. What it puts off, a part it has
    no budget for included, is the rest of the run: nobody has seen it, and it goes on with newer numbers at the time
    the cart names, or at once where the time budget ended.

    Raises:
        RateLimited: the rest waits.
    """
    with platform.db.read() as session:
        tries = tries_of(session, integration.id)
    most = INVENTORY.most(platform.carts.manifest(integration.cart))
    rest = deque(_parts(batch, tries, most))

    def prepare(at_most: int, tried: Collection[str]) -> Sequence[InventoryQuantity]:
        part = rest.popleft() if rest else []
        if len(part) > at_most:
            rest.appendleft(part[at_most:])
        return part[:at_most]

    sending = Sending(run, INVENTORY)
    for _ in sending.batches(prepare):
        pass
    with run.write() as session:
        run.finish(session, again_at=min(sending.later, default=None))


def _parts(batch: Sequence[Entry], tries: Mapping[int, Tries], most: int) -> Iterator[list[InventoryQuantity]]:
    for size, places in sizes([line.cart_item_id for line, _ in batch], tries, most):
        for start in range(0, len(places), size):
            yield [batch[place][1] for place in places[start : start + size]]


def _note_sent(session: Session, keys: Collection[str], sent: bool) -> None:
    rows = [{"id": int(key), "result": PushResult.SENT if sent else PushResult.UNSENT} for key in keys]
    if rows:
        session.execute(sa.update(InventoryPushLine), rows)


def _sent_late(session: Session, integration_id: int, keys: Collection[str], now: datetime) -> None:
    """Send these items again: their older numbers may have replaced newer ones."""
    sent = sa.select(InventoryPushLine.cart_item_id).where(InventoryPushLine.id.in_(map(int, keys)))
    make_due(session, session.scalars(sent))


def _store(session: Session, integration_id: int, reply: WriteReply, now: datetime) -> None:
    lines = session.scalars(sa.select(InventoryPushLine).where(InventoryPushLine.id.in_(map(int, reply.keys())))).all()
    lock_rows(session, CartItem.id, [line.cart_item_id for line in lines])
    put_off = {key for key, result in reply.results.items() if isinstance(result, Retry)}
    _note_sent(session, put_off, False)
    if reply.pending or any(isinstance(result, Applied) for result in reply.results.values()):
        _accepted(session, integration_id, lines[0].push_id, now)
    session.flush()
    settle(session, integration_id, {key: reply.results[key] for key in reply.results.keys() - put_off}, now)


def _accepted(session: Session, integration_id: int, push_id: int, now: datetime) -> None:
    """The cart accepted a run, of which this may be the first part: the floor counts from the first one on, and what a
    person confirmed holds until the last one."""
    push = session.get_one(InventoryPush, push_id)
    sync = sync_row(session, integration_id)
    if push.accepted_at is None:
        push.accepted_at = now
        sync.accepted_before, sync.accepted_at = sync.accepted_at, now
    if session.scalar(sa.select(InventoryPushLine.id).where(*unsent(push_id)).limit(1)) is None:
        sync.zeros_confirmed = []


INVENTORY = WriteKind(
    KIND_INVENTORY,
    "quantities",
    most=lambda manifest: manifest.inventory_batch,
    settle=settle,
    task=TaskKind.INVENTORY_PUSH,
    ended=after_submission,
    unanswered=unanswered,
    settle_reply=_store,
    sent_late=_sent_late,
    note_sent=_note_sent,
    one_at_a_time=False,
)
