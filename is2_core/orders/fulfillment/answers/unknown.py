"""Looking up what became of orders whose asking has left no answer here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.db.rows import columns_of
from is2_core.integrations.finality import Answer, note_answer
from is2_core.orders.fulfillment.answers.storing import (
    LOOK_AGAIN,
    lock_answered,
    note_not_taken,
    note_pending,
    set_instants,
    store_placed,
)
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import TO_PLACE
from is2_core.platform import Platform
from is2_core.tasks.models import LEASE
from is2_core.tasks.run import TaskRun
from is2_core.warehouses.calls import warehouse_of


class _Asked(NamedTuple):
    """An order the warehouse was asked to take, without an answer being stored."""

    id: int
    number: str
    placing_since: datetime | None
    answer_due_at: datetime | None
    absent_at: datetime | None


def resolve_unknown(platform: Platform, run: TaskRun) -> list[str]:
    """Orders the warehouse was asked to take without an answer being stored: after a crash, or an Unknown. Whether
    it has them is looked up, whatever has become of them meanwhile; until then nothing else is decided.

    Returns:
        A message for each that the warehouse has not settled yet.
    """
    unsettled: list[str] = []
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        unknown = session.execute(
            sa.select(*columns_of(ReceivedOrder, _Asked._fields))
            .where(
                ReceivedOrder.integration_id == integration.id,
                sa.or_(ReceivedOrder.placing_since.is_not(None), ReceivedOrder.absent_at.is_not(None)),
                ReceivedOrder.placed_at.is_(None),
            )
            .order_by(ReceivedOrder.id)
        )
        asked = [_Asked(*row) for row in unknown]
    if not asked:
        return []
    warehouse = warehouse_of(platform, integration.wms_target, integration.account_id, run=run)
    manifest = warehouse.manifest
    settled_after = timedelta(seconds=0 if manifest.unique_external_id else manifest.settle_s)
    for order in asked:
        now = platform.clock.now()
        since = order.placing_since
        if _is_awaited(since, order.answer_due_at, now) or _is_looked_up_later(order.absent_at, now):
            continue
        if since is not None and now - since < settled_after:
            unsettled.append("The warehouse has not yet settled whether it has an order.")
            continue
        if not run.has_time():
            break
        found = warehouse.find_order(order.number)
        with run.write() as session:
            (locked,) = lock_answered(session, [order.id])
            if not found and not manifest.unique_external_id:
                # Asked again it would take the order twice; where numbers are unique, it answers that it has it.
                key = (integration.id, Answer.WAREHOUSE_WITHOUT_ORDER, order.number)
                if not note_answer(session, *key, now, seen_at=since).is_final:
                    unsettled.append("The warehouse has not yet settled whether it has an order.")
                    continue
            if found and not all(each.accepted for each in found):
                set_instants(session, [order.id], placing_since=since or order.absent_at, absent_at=None)
                note_pending(session, {order.id: now + LOOK_AGAIN})
            elif found:
                set_instants(session, [order.id], placing_since=since or order.absent_at)
                store_placed(platform, session, session.get_one(Integration, run.integration_id), [locked])
            elif order.absent_at is not None or not manifest.unique_external_id:
                note_not_taken(session, [order.id])
            elif locked.state in TO_PLACE:
                # It may be asked again at once, for that makes no second one. What it was asked for stays known.
                set_instants(session, [order.id], placing_since=None, answer_due_at=None, absent_at=now)
            else:
                set_instants(session, [order.id], answer_due_at=None, absent_at=now)
    return unsettled


def _is_awaited(placing_since: datetime | None, answer_due_at: datetime | None, now: datetime) -> bool:
    """Whether the answer is still to come by itself; not where the clock was put back since it was asked for."""
    return placing_since is not None and placing_since <= now and answer_due_at is not None and answer_due_at > now


def _is_looked_up_later(absent_at: datetime | None, now: datetime) -> bool:
    """Whether the run that asked for an order found absent may have stood still, and ask yet; not where the clock was
    put back since."""
    return absent_at is not None and timedelta(0) <= now - absent_at < LEASE
