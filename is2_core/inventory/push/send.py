"""From computed levels to what the cart has taken: stored before it is sent, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.context import cart_context
from is2_core.carts.fields import lead_days_of
from is2_core.db.locks import lock_rows
from is2_core.inventory.models import StockPush, StockPushLine
from is2_core.inventory.push.plan import Computed
from is2_core.inventory.push.results import settle, unsent
from is2_core.inventory.push.retries import Tries, sizes, tries_of
from is2_core.inventory.push.sync_row import sync_row
from is2_core.inventory.states import PushResult
from is2_core.items.models import CartItem
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import HOLDS_UNITS
from is2_core.platform import Platform
from is2_core.submissions.rows import KIND_INVENTORY, checked_reply, open_submissions
from is2_core.tasks.pace import Pace
from is2_core.tasks.run import TaskRun
from plugins.interface import Applied, RateLimited, Retry, StockLevel, WriteReply

Entry = tuple[StockPushLine, StockLevel]


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
    push: StockPush | None,
    computed: Sequence[Computed],
    held: Mapping[str, int],
    now: datetime,
) -> list[Entry]:
    """Store what is about to be sent, as a run of its own or as the rest of one."""
    if push is None:
        push = StockPush(account_id=integration.account_id, integration_id=integration.id, computed_at=now)
        session.add(push)
        session.flush()
    else:
        session.execute(sa.delete(StockPushLine).where(*unsent(push.id)))
    lead_days = lead_days_of(integration)
    lines = [
        StockPushLine(
            push_id=push.id,
            cart_item_id=entry.candidate.item.id,
            version=entry.candidate.version,
            quantity=entry.level.quantity,
            lead_days=lead_days,
            why=entry.level.why,
            result=PushResult.UNSENT,
        )
        for entry in computed
    ]
    session.add_all(lines)
    session.flush()
    return [
        (
            line,
            StockLevel(
                key=str(line.id),
                sku=entry.candidate.item.sku,
                remote_id=entry.candidate.item.remote_id,
                available=line.quantity,
                held_here=held.get(entry.candidate.item.sku, 0),
                lead_days=lead_days,
            ),
        )
        for line, entry in zip(lines, computed, strict=True)
    ]


def send(platform: Platform, run: TaskRun, integration: Integration, batch: Sequence[Entry]) -> None:
    """Send in parts as large as the cart takes, smaller ones of what was lost before. What it puts off, a part it has
    no budget for included, is the rest of the run: nobody has seen it, and it goes on with newer numbers at the time
    the cart names, or at once where the time budget ended.

    Raises:
        RateLimited: the rest waits.
    """
    manifest = platform.carts.manifest(integration.cart)
    most = manifest.inventory_batch
    pace = Pace(run, most, whole="push_inventory" in manifest.whole_batches)
    context = cart_context(platform, integration, before_call=run.heartbeat)
    later: list[datetime] = []
    with platform.db.read() as session:
        tries = tries_of(session, integration.id)
    rest = list(_parts(batch, tries, most))
    while rest and run.has_time():
        part, rest = _cut(rest, pace.size)
        levels = [stock_level for _, stock_level in part]
        with run.write() as session:
            _mark(session, part, PushResult.SENT)
        try:
            with pace.measured(len(part)):
                reply: WriteReply = platform.carts.call(integration.cart, "push_inventory", ctx=context, levels=levels)
        except RateLimited:
            with run.write() as session:
                _mark(session, part, PushResult.UNSENT)
            raise
        checked_reply(integration.cart, "push_inventory", reply, {entry.key for entry in levels})
        put_off = {key: result.when for key, result in reply.results.items() if isinstance(result, Retry)}
        later += put_off.values()
        with run.write() as session:
            now = platform.clock.now()
            lock_rows(session, CartItem.id, [line.cart_item_id for line, _ in part])
            _mark(session, [entry for entry in part if entry[1].key in put_off], PushResult.UNSENT)
            if reply.pending or any(isinstance(result, Applied) for result in reply.results.values()):
                _accepted(session, integration.id, part[0][0].push_id, now)
            open_submissions(session, integration, KIND_INVENTORY, reply.pending, now)
            session.flush()
            settled = {key: result for key, result in reply.results.items() if key not in put_off}
            settle(session, integration.id, settled, now)
            if not rest:
                run.finish(session, again_at=min(later) if later else None)


def _parts(batch: Sequence[Entry], tries: Mapping[int, Tries], most: int) -> Iterator[list[Entry]]:
    for size, places in sizes([line.cart_item_id for line, _ in batch], tries, most):
        for start in range(0, len(places), size):
            yield [batch[place] for place in places[start : start + size]]


def _cut(parts: Sequence[list[Entry]], most: int) -> tuple[list[Entry], list[list[Entry]]]:
    """The next part, so many at most, and what follows it."""
    first, *others = parts
    return first[:most], [first[most:], *others] if len(first) > most else others


def _mark(session: Session, part: Sequence[Entry], result: PushResult) -> None:
    if part:
        rows = [{"id": line.id, "result": result} for line, _ in part]
        session.execute(sa.update(StockPushLine), rows)


def _accepted(session: Session, integration_id: int, push_id: int, now: datetime) -> None:
    """The cart accepted a run, of which this may be the first part: the floor counts from the first one on, and what a
    person confirmed holds until the last one."""
    push = session.get_one(StockPush, push_id)
    sync = sync_row(session, integration_id)
    if push.accepted_at is None:
        push.accepted_at = now
        sync.accepted_before, sync.accepted_at = sync.accepted_at, now
    if session.scalar(sa.select(StockPushLine.id).where(*unsent(push_id)).limit(1)) is None:
        sync.zeros_confirmed = []
