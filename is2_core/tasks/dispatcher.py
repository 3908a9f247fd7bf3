"""Turns due schedules into tasks, sweeps what crashed, and rings for what is due, fairly by account.

Any number of dispatchers may run: every step is a conditional UPDATE that only one of them wins.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.changes import rows_changed
from is2_core.flows.cart_settings import forget_former_secrets
from is2_core.models import (
    Integration,
    IntegrationState,
    ItemUpload,
    Schedule,
    StockPush,
    StockPushLine,
    Submission,
    SubmissionLine,
    Task,
    TaskState,
)
from is2_core.platform import Platform
from is2_core.tasks.bell import Bell
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import MAX_CRASHES
from is2_core.tasks.slots import next_slot

RING = timedelta(seconds=20)
KEEP_DONE = timedelta(days=7)
KEEP_SETTLED = timedelta(days=30)
KEEP_UPLOADS = timedelta(days=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How much is handed out at once: to one account, and in all (the queue stays short on purpose, so that
    a late comer never waits behind a long list)."""

    per_account: int = 20
    in_flight: int = 100


@dataclass(frozen=True)
class Tick:
    """What one tick did."""

    scheduled: int
    recovered: int
    rung: int


def tick(platform: Platform, bell: Bell, limits: Limits = Limits()) -> Tick:
    """One round: schedules, sweep, pick, ring."""
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        _wake(session)
        scheduled = _turn_schedules(session, now)
        recovered = _sweep(session, now)
        picked = _pick(session, now, limits)
    if picked:
        bell.ring(picked)
    return Tick(scheduled, recovered, len(picked))


def clean_up(platform: Platform) -> int:
    """Delete tasks done long ago, pushes and submissions settled long ago, uploads nobody confirmed and secrets that
    were replaced long enough ago; returns how many tasks."""
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        pushes = sa.select(StockPush.id).where(StockPush.closed_at < now - KEEP_SETTLED)
        submissions = sa.select(Submission.id).where(Submission.closed_at < now - KEEP_SETTLED)
        session.execute(sa.delete(StockPushLine).where(StockPushLine.push_id.in_(pushes)))
        session.execute(sa.delete(StockPush).where(StockPush.closed_at < now - KEEP_SETTLED))
        session.execute(sa.delete(SubmissionLine).where(SubmissionLine.submission_id.in_(submissions)))
        session.execute(sa.delete(Submission).where(Submission.closed_at < now - KEEP_SETTLED))
        session.execute(sa.delete(ItemUpload).where(ItemUpload.at < now - KEEP_UPLOADS))
        forget_former_secrets(session, now)
        return rows_changed(
            session, sa.delete(Task).where(Task.state == TaskState.DONE, Task.finished_at < now - KEEP_DONE)
        )


def _turn_schedules(session: Session, now: datetime) -> int:
    due = session.execute(
        sa.select(Schedule, Integration)
        .join(Integration, Integration.id == Schedule.integration_id)
        .where(Schedule.next_at <= now, Integration.state == IntegrationState.ACTIVE)
        .order_by(Schedule.next_at)
        .limit(500)
    ).all()
    turned = 0
    for schedule, integration in due:
        following = next_slot(
            after=now,
            last=schedule.next_at,
            every_s=schedule.every_s,
            daily_at=schedule.daily_at,
            zone=schedule.zone,
        )
        won = rows_changed(
            session,
            sa.update(Schedule)
            .where(Schedule.id == schedule.id, Schedule.next_at == schedule.next_at)
            .values(next_at=following)
            .execution_options(synchronize_session=False),
        )
        if won == 1:
            enqueue(session, kind=schedule.kind, integration=integration, now=now)
            turned += 1
    return turned


def _wake(session: Session) -> None:
    """Tasks that wait although their store does not, because they were asked for while it was being resumed."""
    active = sa.select(Integration.id).where(Integration.state == IntegrationState.ACTIVE)
    session.execute(
        sa.update(Task)
        .where(Task.state == TaskState.WAITING, Task.integration_id.in_(active))
        .values(state=TaskState.READY)
    )


def _sweep(session: Session, now: datetime) -> int:
    expired = (Task.state == TaskState.RUNNING, Task.lease_until < now)
    poison = rows_changed(
        session,
        sa.update(Task)
        .where(*expired, Task.crashes + 1 >= MAX_CRASHES)
        .values(
            state=TaskState.QUARANTINED,
            crashes=Task.crashes + 1,
            fence=Task.fence + 1,
            lease_until=None,
            error_code="CRASHED",
            error_sentence="This work crashed its worker three times and was set aside.",
            finished_at=now,
        ),
    )
    crashed = rows_changed(
        session,
        sa.update(Task)
        .where(*expired)
        .values(state=TaskState.READY, crashes=Task.crashes + 1, fence=Task.fence + 1, lease_until=None, run_at=now),
    )
    count = poison + crashed
    if count:
        _log.warning("%s tasks had lost their worker", count)
    return count


def _pick(session: Session, now: datetime, limits: Limits) -> list[tuple[int, int]]:
    rung = sa.and_(Task.state == TaskState.READY, Task.rung_until >= now)
    counts = sa.select(sa.func.coalesce(Task.account_id, 0), sa.func.count()).group_by(Task.account_id)
    running_or_rung = counts.where(sa.or_(Task.state == TaskState.RUNNING, rung))
    in_flight: dict[int, int] = dict(session.execute(running_or_rung).all())
    room = limits.in_flight - sum(in_flight.values())
    if room <= 0:
        return []
    account = sa.func.coalesce(Task.account_id, 0)
    turn = sa.func.row_number().over(partition_by=account, order_by=(Task.priority, Task.run_at, Task.id))
    due = (
        sa.select(Task.id, account.label("account"), Task.priority, turn.label("turn"))
        .where(
            Task.state == TaskState.READY,
            Task.run_at <= now,
            sa.or_(Task.rung_until.is_(None), Task.rung_until < now),
        )
        .subquery()
    )
    candidates = session.execute(
        sa.select(due.c.id, due.c.account, due.c.turn)
        .where(due.c.turn <= limits.per_account)
        .order_by(due.c.turn, due.c.priority, due.c.id)
    ).all()
    chosen = [row.id for row in candidates if row.turn + in_flight.get(row.account, 0) <= limits.per_account][:room]
    if not chosen:
        return []
    rows = session.execute(
        sa.update(Task)
        .where(
            Task.id.in_(chosen),
            Task.state == TaskState.READY,
            sa.or_(Task.rung_until.is_(None), Task.rung_until < now),
        )
        .values(rung_until=now + RING, fence=Task.fence + 1)
        .returning(Task.id, Task.fence)
    ).all()
    fences = {row.id: row.fence for row in rows}
    return [(task_id, fences[task_id]) for task_id in chosen if task_id in fences]
