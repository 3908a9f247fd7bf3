"""Turns due schedules into tasks, sweeps what crashed, and wakes workers for what is due.

Any number of dispatchers may run: every step is a conditional UPDATE that only one of them wins.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.db.base import Base
from is2_core.db.instants import any_ahead, instants, mend_instants
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.pick import LIMITS, Limits, count_due
from is2_core.tasks.queue import SOON, enqueue, move_tasks
from is2_core.tasks.runner import MAX_CRASHES
from is2_core.tasks.schedule import next_slot
from is2_core.tasks.states import TaskState
from is2_core.tasks.wakeups import Wakeup

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tick:
    """What one tick did."""

    scheduled: int
    recovered: int
    due: int
    notified: int


def tick(platform: Platform, wakeup: Wakeup, limits: Limits = LIMITS, kinds: Collection[str] | None = None) -> Tick:
    """Do one round: schedules, sweep, wake-ups.

    Args:
        kinds: the kinds of tasks to wake workers for, those this version knows; None for all.
    """
    _mend_clock(platform)
    scheduled = _turn_schedules(platform)
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        _wake(session)
        recovered = _sweep(session, now)
        due = count_due(session, now, kinds, limits)
    return Tick(scheduled, recovered, due, wakeup.notify(due) if due else 0)


def _mend_clock(platform: Platform) -> None:
    """Let nothing wait for a time that lay ahead because of a clock that was put back since, and ask for the task that
    mends what is not urgent and tells the support."""
    with platform.db.read() as session:
        if not any_ahead(session, Base.metadata, platform.clock.database_now(session)):
            return
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        for column, instant in instants(Base.metadata, watched=True):
            mended = mend_instants(session, column, instant, now)
            if mended:
                _log.warning("the clock was put back: %s instants of %s lay in the future", mended, column)
        enqueue(session, kind=TaskKind.CLOCK_PUT_BACK, now=now, priority=SOON)


def _turn_schedules(platform: Platform) -> int:
    """Turn what is due into tasks, each in a unit of its own: one that locks several tasks may wait for another's."""
    with platform.db.read() as session:
        now = platform.clock.database_now(session)
        due = session.scalars(_due_slots(now).with_only_columns(Schedule.id).order_by(Schedule.next_at).limit(500))
        ids = due.all()
    return sum(_turn(platform, schedule_id) for schedule_id in ids)


def _turn(platform: Platform, schedule_id: int) -> bool:
    """Turn one slot into a task, unless another dispatcher does or has done so."""
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        slot = _due_slots(now).where(Schedule.id == schedule_id).with_for_update(of=Schedule, skip_locked=True)
        found = session.execute(slot).one_or_none()
        if found is None:
            return False
        schedule, integration = found
        schedule.set_at = now
        schedule.next_at = next_slot(
            after=now,
            last=schedule.next_at,
            every_s=schedule.every_s,
            daily_at=schedule.daily_at,
            zone=schedule.zone,
        )
        enqueue(session, kind=schedule.kind, integration=integration, now=now)
    return True


def _due_slots(now: datetime) -> sa.Select[Schedule, Integration]:
    return (
        sa.select(Schedule, Integration)
        .join(Integration, Integration.id == Schedule.integration_id)
        .where(Schedule.next_at <= now, Integration.state == IntegrationState.ACTIVE)
    )


def _wake(session: Session) -> None:
    """Tasks that wait although their store does not, because they were asked for while it was being resumed."""
    active = sa.select(Integration.id).where(Integration.state == IntegrationState.ACTIVE)
    move_tasks(
        session,
        sa.and_(Task.state == TaskState.WAITING, Task.integration_id.in_(active)),
        {"state": TaskState.READY},
    )


def _sweep(session: Session, now: datetime) -> int:
    expired = sa.and_(Task.state == TaskState.RUNNING, Task.lease_until < now)
    crash = {"crashes": Task.crashes + 1, "fence": Task.fence + 1, "lease_until": None}
    set_aside = {
        "state": TaskState.QUARANTINED,
        "error_code": "CRASHED",
        "error_sentence": "This work crashed its worker three times and was set aside.",
        "finished_at": now,
    }
    poison = move_tasks(session, sa.and_(expired, Task.crashes + 1 >= MAX_CRASHES), {**crash, **set_aside})
    crashed = move_tasks(session, expired, {**crash, "state": TaskState.READY, "run_at": now, "set_at": now})
    count = poison + crashed
    if count:
        _log.warning("%s tasks had lost their worker", count)
    return count
