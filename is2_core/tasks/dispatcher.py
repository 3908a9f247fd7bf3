"""Makes the rows of schedules, turns due ones into tasks, sweeps what crashed, and wakes workers for what is due.

Any number of dispatchers may run: every step is a conditional UPDATE that only one of them wins.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.db.base import Base
from is2_core.db.changes import rows_changed
from is2_core.db.instants import any_ahead, instants, mend_instants
from is2_core.db.locks import lock_rows
from is2_core.db.rows import dialect_of, insert_of
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.pick import LIMITS, Limits, count_due
from is2_core.tasks.queue import SOON, enqueue, moving
from is2_core.tasks.runner import MAX_CRASHES
from is2_core.tasks.schedule import Slots, next_slot
from is2_core.tasks.states import TaskState
from is2_core.tasks.wakeups import Wakeup

_log = logging.getLogger(__name__)
# Integrations whose schedules are made in one unit of work.
_BATCH = 500
SlotsOf = Callable[[Platform, Integration], Slots | None]


@dataclass(frozen=True)
class _Change:
    """A row that is not what it should be: `row` is None where it is missing, `slots` where it should not be."""

    integration_id: int | None
    kind: TaskKind
    slots: Slots | None
    row: Schedule | None


@dataclass(frozen=True)
class KindSchedules:
    """The kinds that come due by themselves.

    Args:
        of_integrations: the slots of a kind for an integration whose setup is finished; None where it has none.
        of_platform: the slots of a kind that belongs to no integration.
    """

    of_integrations: Mapping[TaskKind, SlotsOf]
    of_platform: Mapping[TaskKind, Slots]

    def ensure(self, platform: Platform, session: Session, integration_id: int) -> None:
        """Give an integration the schedules its settings ask for, new ones due at once, inside the transaction that
        changes them."""
        _store(platform, session, self._changes(platform, session, [session.get_one(Integration, integration_id)]))

    def ensure_all(self, platform: Platform) -> None:
        """Make what is missing, of a kind that this release adds above all, and what is wanted otherwise; at the start
        of a process, any number of them at once. What is new does not come due at one time for all integrations."""
        with platform.db.read() as session:
            differs = bool(self._changes(platform, session, [None]))
        if differs:
            with platform.db.write() as session:
                _store(platform, session, self._changes(platform, session, [None]))
        last, more = 0, True
        while more:
            with platform.db.read() as session:
                rows = session.scalars(
                    sa.select(Integration)
                    .where(Integration.finished_at.is_not(None), Integration.id > last)
                    .order_by(Integration.id)
                    .limit(_BATCH)
                ).all()
                ids = {change.integration_id for change in self._changes(platform, session, rows)} - {None}
            if ids:
                with platform.db.write() as session:
                    lock_rows(session, Integration.id, filter(None, ids))
                    locked = session.scalars(sa.select(Integration).where(Integration.id.in_(ids))).all()
                    _store(platform, session, self._changes(platform, session, locked), spread=True)
            last, more = rows[-1].id if rows else last, len(rows) == _BATCH

    def _changes(self, platform: Platform, session: Session, owners: Sequence[Integration | None]) -> list[_Change]:
        """Compare the rows of these integrations, and with None of the platform, with what is wanted. Those of an
        integration whose cart is not installed at present stay as they are, and so do those of kinds of other releases.
        """
        of_these = Schedule.integration_id.in_([owner.id for owner in owners if owner])
        is_theirs = sa.or_(of_these, Schedule.integration_id.is_(None)) if None in owners else of_these
        stored = {(row.integration_id, row.kind): row for row in session.scalars(sa.select(Schedule).where(is_theirs))}
        carts = set(platform.carts.names())
        found = []
        for owner in owners:
            if owner is None:
                wanted: dict[TaskKind, Slots | None] = dict(self.of_platform)
            elif owner.cart in carts:
                wanted = {kind: slots_of(platform, owner) for kind, slots_of in self.of_integrations.items()}
            else:
                continue
            owner_id = None if owner is None else owner.id
            for kind, slots in wanted.items():
                row = stored.get((owner_id, kind))
                if not _is_as_wanted(platform, slots, row):
                    found.append(_Change(owner_id, kind, slots, row))
        return found


def _is_as_wanted(platform: Platform, slots: Slots | None, row: Schedule | None) -> bool:
    if slots is None or row is None:
        return slots is None and row is None
    zone = platform.config.timezone if slots.daily_at else ""
    # A shorter interval counts from now on, not from the end of the longer one.
    too_late = not slots.daily_at and row.next_at > platform.clock.now() + timedelta(seconds=slots.every_s)
    return (row.every_s, row.daily_at, row.zone) == (slots.every_s, slots.daily_at, zone) and not too_late


def _store(platform: Platform, session: Session, changes: Sequence[_Change], *, spread: bool = False) -> None:
    now, zone = platform.clock.now(), platform.config.timezone
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for change in changes:
        slots, row = change.slots, change.row
        if slots is None:
            continue
        every = timedelta(seconds=slots.every_s)
        if slots.daily_at:
            next_at = next_slot(after=now, last=now, every_s=slots.every_s, daily_at=slots.daily_at, zone=zone)
        elif row is not None:
            next_at = min(row.next_at, now + every)
        else:
            next_at = now + timedelta(seconds=(change.integration_id or 0) % slots.every_s if spread else 0)
        values = {
            "every_s": slots.every_s,
            "daily_at": slots.daily_at,
            "zone": zone if slots.daily_at else "",
            "next_at": next_at,
            "set_at": now,
        }
        if row is None:
            new.append({"integration_id": change.integration_id, "kind": change.kind, **values})
        else:
            changed.append({"id": row.id, **values})
    gone = [change.row.id for change in changes if change.slots is None and change.row is not None]
    if gone:
        session.execute(sa.delete(Schedule).where(Schedule.id.in_(gone)))
    if new:
        # The platform's own may be made by another process at this very moment.
        insert = insert_of(dialect_of(session), Schedule)
        session.execute(insert.on_conflict_do_nothing(), new)
    if changed:
        session.execute(sa.update(Schedule), changed)


@dataclass(frozen=True)
class Tick:
    """Counts of one tick."""

    scheduled: int
    recovered: int
    due: int
    notified: int


def tick(platform: Platform, wakeup: Wakeup, limits: Limits = LIMITS, kinds: Collection[str] | None = None) -> Tick:
    """Do one round: schedules, sweep, wake-ups.

    Args:
        kinds: the kinds of tasks to wake workers for, those this version knows; None for all.
    """
    is_ahead, slots = _look(platform)
    if is_ahead:
        _mend_clock(platform)
        _, slots = _look(platform)
    # Each in a unit of its own: one that locks several tasks may wait for another's.
    scheduled = sum(_turn(platform, schedule_id) for schedule_id in slots)
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        _wake(session)
        recovered = _sweep(session, now)
        due = count_due(session, now, kinds, limits)
    return Tick(scheduled, recovered, due, wakeup.notify(due) if due else 0)


def _look(platform: Platform) -> tuple[bool, Sequence[int]]:
    """Return whether something waits for a time that lay ahead of a clock that was put back since, and the slots that
    are due."""
    with platform.db.read() as session:
        now = platform.clock.database_now(session)
        return any_ahead(session, Base.metadata, now), session.scalars(_DUE_IDS, {"now_": now}).all()


def _mend_clock(platform: Platform) -> None:
    """Let nothing wait for a time that lay ahead because of a clock that was put back since, and ask for the task that
    mends what is not urgent and tells the support."""
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        for column, instant in instants(Base.metadata, watched=True):
            mended = mend_instants(session, column, instant, now)
            if mended:
                _log.warning("the clock was put back: %s instants of %s lay in the future", mended, column)
        enqueue(session, kind=TaskKind.CLOCK_PUT_BACK, now=now, priority=SOON)


def _turn(platform: Platform, schedule_id: int) -> bool:
    """Turn one slot into a task, unless another dispatcher does or has done so."""
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        found = session.execute(_DUE_SLOT, {"id_": schedule_id, "now_": now}).one_or_none()
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


# Built once, as what every tick asks.
_DUE = (
    sa.select(Schedule, Integration)
    .outerjoin(Integration, Integration.id == Schedule.integration_id)
    .where(
        Schedule.next_at <= sa.bindparam("now_", type_=Schedule.next_at.type),
        sa.or_(Schedule.integration_id.is_(None), Integration.state == IntegrationState.ACTIVE),
    )
)
_DUE_IDS = _DUE.with_only_columns(Schedule.id).order_by(Schedule.next_at).limit(500)
_DUE_SLOT = _DUE.where(Schedule.id == sa.bindparam("id_")).with_for_update(of=Schedule, skip_locked=True)


def _wake(session: Session) -> None:
    """Tasks that wait although their store does not, because they were asked for while it was being resumed."""
    rows_changed(session, _waking())


@cache
def _waking() -> sa.Update:
    # Asked for each task that waits: a list of all that are active would be read with every tick.
    owner = sa.select(Integration.id).where(Integration.id == Task.integration_id)
    active = owner.where(Integration.state == IntegrationState.ACTIVE).exists()
    return moving(sa.and_(Task.state == TaskState.WAITING, active), {"state": TaskState.READY})


@cache
def _sweeping(poison: bool) -> sa.Update:
    """Build, once, what becomes of tasks that have lost their worker: of those too often, or of the rest."""
    now = sa.bindparam("now_", type_=Task.run_at.type)
    expired = sa.and_(Task.state == TaskState.RUNNING, Task.lease_until < now)
    crash = {"crashes": Task.crashes + 1, "fence": Task.fence + 1, "lease_until": None}
    if not poison:
        return moving(expired, {**crash, "state": TaskState.READY, "run_at": now, "set_at": now})
    quarantined = {
        "state": TaskState.QUARANTINED,
        "error_code": "CRASHED",
        "error_message": "This work crashed its worker three times and was set aside.",
        "finished_at": now,
    }
    return moving(sa.and_(expired, Task.crashes + 1 >= MAX_CRASHES), {**crash, **quarantined})


def _sweep(session: Session, now: datetime) -> int:
    count = sum(rows_changed(session, _sweeping(poison), {"now_": now}) for poison in (True, False))
    if count:
        _log.warning("%s tasks had lost their worker", count)
    return count
