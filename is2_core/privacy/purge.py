"""Task `privacy.purge`: once a day, what has been kept for long enough is erased, in parts.

Each part is a unit of work that finds what is left to do, so that a run which is killed is taken up where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import CaseKind
from is2_core.db.locks import LOCK
from is2_core.db.ownership import Erased
from is2_core.orders.importing.deleted import remember_deleted
from is2_core.orders.models import ReceivedOrder
from is2_core.platform import Platform
from is2_core.privacy.erasing import (
    IS_ERASED,
    delete_orders,
    erase,
    erase_by_age,
    tables_with,
)
from is2_core.privacy.forgetting import is_forgotten, with_copies
from is2_core.privacy.open_orders import end_orders, note_ends, tell, tell_support
from is2_core.privacy.periods import Periods, periods_of, shortest
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import TaskRun

PART = 50
_SUBJECT = "buyers' data"
# A reader kept the database from letting go of it; there is nothing else left to do then.
_SCRUB_AGAIN = timedelta(minutes=10)
Part = Callable[[Session, datetime, int], int | None]
"""Does one part: of rows above an id, at a time; returns the last id it looked at, None where there are no more."""


def purge(platform: Platform, run: TaskRun) -> None:
    """Erase what is due, tell of what will be, and have the warehouses forget what was erased."""
    with platform.db.read() as session:
        periods = periods_of(platform, session)
    for do in _parts(platform, periods):
        after: int | None = 0
        while after is not None and run.has_time():
            with run.write() as session:
                after = do(session, platform.clock.database_now(session), after)
    if not run.has_time():
        return
    is_clean = platform.db.scrub(table.name for table in tables_with(*Erased))
    with run.write() as session:
        now = platform.clock.database_now(session)
        tell_support(session, now)
        _tell_of_overdue(session, periods, now)
        if session.scalar(with_copies().limit(1)) is not None:
            enqueue(session, kind=TaskKind.PRIVACY_FORGET, now=now)
        run.finish(session, again_at=None if is_clean else now + _SCRUB_AGAIN)


def _parts(platform: Platform, periods: Mapping[str, Periods]) -> Iterator[Part]:
    yield note_ends
    yield partial(end_orders, platform)
    yield tell
    yield partial(_erase_ended, periods)
    for table in tables_with(Erased.BY_AGE):
        yield partial(_erase_texts, table, shortest(periods))
    yield partial(_delete_old, periods)


def _erase_ended(periods: Mapping[str, Periods], session: Session, now: datetime, after: int) -> int | None:
    due = _of_carts(periods, lambda each: ReceivedOrder.ended_at <= now - each.buyers)
    ids = session.scalars(_locked(after, due, ReceivedOrder.ended_at.is_not(None), ~IS_ERASED)).all()
    if ids:
        erase(session, ids, now)
    return ids[-1] if len(ids) == PART else None


def _erase_texts(table: sa.Table, kept: timedelta, session: Session, now: datetime, after: int) -> int | None:
    return after if erase_by_age(session, table, now - kept, PART) == PART else None


def _delete_old(periods: Mapping[str, Periods], session: Session, now: datetime, after: int) -> int | None:
    """Delete orders that were received long ago, are over, and that nobody needs to be asked about any more."""
    due = _of_carts(periods, lambda each: ReceivedOrder.staged_at <= now - each.orders)
    ids = session.scalars(_locked(after, due, ReceivedOrder.ended_at.is_not(None), IS_ERASED, is_forgotten())).all()
    if ids:
        columns = (ReceivedOrder.id, ReceivedOrder.number, ReceivedOrder.integration_id, ReceivedOrder.remote_id)
        rows = session.execute(sa.select(*columns).where(ReceivedOrder.id.in_(ids))).all()
        remember_deleted(session, [(row.integration_id, row.remote_id) for row in rows], now)
        session.flush()
        delete_orders(session, {row.id: row.number for row in rows})
    return ids[-1] if len(ids) == PART else None


def _of_carts(
    periods: Mapping[str, Periods], condition: Callable[[Periods], sa.ColumnElement[bool]]
) -> sa.ColumnElement[bool]:
    """Return the condition for orders of which this holds by the periods of their carts."""
    return sa.or_(sa.false(), *(sa.and_(Integration.cart == cart, condition(each)) for cart, each in periods.items()))


def _locked(after: int, *where: sa.ColumnElement[bool]) -> sa.Select[int]:
    return (
        sa.select(ReceivedOrder.id)
        .join(Integration, Integration.id == ReceivedOrder.integration_id)
        .where(ReceivedOrder.id > after, *where)
        .order_by(ReceivedOrder.id)
        .limit(PART)
        .with_for_update(of=ReceivedOrder, **LOCK)
    )


def _tell_of_overdue(session: Session, periods: Mapping[str, Periods], now: datetime) -> None:
    """Have a person look where something of a buyer is there for longer than it may be, here or at a warehouse."""
    late = _of_carts(periods, lambda each: ReceivedOrder.ended_at <= now - each.at_most)
    number = session.scalar(
        sa.select(sa.func.count())
        .select_from(ReceivedOrder)
        .join(Integration, Integration.id == ReceivedOrder.integration_id)
        .where(late, sa.or_(~IS_ERASED, ~is_forgotten()))
    )
    kind = CaseKind.HELD_TOO_LONG
    if number:
        message = (
            f"Buyers' data of {number} orders is there for longer than it may be: a warehouse has not answered that it "
            "has forgotten it. Have it forgotten there; it is asked again every hour."
        )
        raise_case(session, now, account_id=None, kind=kind, subject=_SUBJECT, message=message)
    else:
        end_case(session, now, account_id=None, kind=kind, subject=_SUBJECT)
