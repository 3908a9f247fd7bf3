"""Task `privacy.forget`: have warehouses forget the buyers whose data was erased here, until each has answered."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.db.ownership import Erased
from is2_core.db.rows import table_of
from is2_core.errors import PluginBug
from is2_core.orders.fulfillment.stopping import TO_STOP, stop_at_once
from is2_core.orders.models import ReceivedOrder, Recipient
from is2_core.platform import Platform
from is2_core.privacy.erasing import tables_with
from is2_core.tasks.run import TaskRun
from is2_core.warehouses.calls import warehouse_of
from plugins.interface import CartError

AGAIN = timedelta(hours=1)
SOON = timedelta(minutes=1)
# A warehouse that gives no answer to being asked to stop an order is to forget its buyer all the same.
STOP_WITHIN = timedelta(days=1)
_ASKED_AT = sa.func.coalesce(ReceivedOrder.last_asked_at, ReceivedOrder.placing_since, ReceivedOrder.placed_at)
_log = logging.getLogger(__name__)


def is_forgotten() -> sa.ColumnElement[bool]:
    """Whether no warehouse has anything of an order's buyer, as far as it was asked since it was given it."""
    return sa.or_(
        _ASKED_AT.is_(None), sa.and_(ReceivedOrder.forgotten_at.is_not(None), ReceivedOrder.forgotten_at >= _ASKED_AT)
    )


def with_copies() -> sa.Select[int]:
    """Select the orders whose buyers' data was erased here and is not known to be erased at their warehouses."""
    is_erased = sa.and_(Recipient.order_id == ReceivedOrder.id, Recipient.erased_at.is_not(None))
    return sa.select(ReceivedOrder.id).join(Recipient, is_erased).where(~is_forgotten())


def forget(platform: Platform, run: TaskRun) -> None:
    """Ask about one order after the other; a warehouse that cannot be asked keeps nobody from asking the others. An
    order that it is yet to be asked to stop waits for that, or it would be packed for nobody."""
    after, again_at, failed = 0, None, set()
    while run.has_time():
        with platform.db.read() as session:
            now = platform.clock.now()
            columns = (ReceivedOrder.id, ReceivedOrder.number, ReceivedOrder.account_id, Integration.wms_target)
            waits = sa.and_(*TO_STOP, Recipient.erased_at > now - STOP_WITHIN)
            row = session.execute(
                with_copies()
                .with_only_columns(*columns, waits.label("waits"))
                .join(Integration, Integration.id == ReceivedOrder.integration_id)
                .where(ReceivedOrder.id > after)
                .order_by(ReceivedOrder.id)
                .limit(1)
            ).one_or_none()
        if row is None:
            break
        after = row.id
        if row.waits and not _stops(platform, row.id):
            again_at = now + SOON
        elif (row.wms_target, row.account_id) in failed or not _forgets(platform, run, row):
            failed.add((row.wms_target, row.account_id))
            again_at = again_at or now + AGAIN
    # What the warehouse in this database has erased lies in its files for as long.
    platform.db.scrub(table.name for table in tables_with(Erased.AT_WAREHOUSE))
    if again_at is not None:
        with run.write() as session:
            run.finish(session, again_at=again_at)


def _stops(platform: Platform, order_id: int) -> bool:
    """Have a warehouse asked to stop an order, which nobody else does for a store that is disconnected; returns whether
    it has answered."""
    stop_at_once(platform, order_id)
    with platform.db.read() as session:
        return session.scalar(sa.select(ReceivedOrder.id).where(ReceivedOrder.id == order_id, *TO_STOP)) is None


def _forgets(platform: Platform, run: TaskRun, row: sa.Row[*tuple[object, ...]]) -> bool:
    """Have one order's warehouse forget its buyer; returns whether it answered."""
    asked_at = platform.clock.now()
    try:
        warehouse_of(platform, row.wms_target, row.account_id, run=run).forget(row.number)
    except CartError as error:
        _log.warning("warehouse %s has not forgotten order %s: %s", row.wms_target, row.id, error.code)
        return False
    except PluginBug as error:
        _log.error("warehouse %s failed:\n%s", row.wms_target, error.trace)
        return False
    _note(run, row.id, asked_at)
    return True


def _note(run: TaskRun, order_id: int, at: datetime) -> None:
    orders = table_of(ReceivedOrder)
    with run.write() as session:
        session.execute(sa.update(orders).where(orders.c.id == order_id).values(forgotten_at=at))
