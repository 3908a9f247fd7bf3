"""The heartbeat: a task every minute that proves dispatcher, Redis, worker and database in one.

Its times are wall time by the database's clock, so that moving the platform's clock neither fakes nor delays one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.instants import AHEAD
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Heartbeat, Task
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun
from is2_core.tasks.states import TaskState

EVERY = timedelta(minutes=1)
OLD_AFTER = timedelta(minutes=3)
_ROW = 1


@dataclass(frozen=True)
class HeartbeatState:
    """When a heartbeat was last asked for and last stored (None where it never was), and the present; wall time."""

    asked_at: datetime | None
    stored_at: datetime | None
    now: datetime

    @property
    def asked_ago(self) -> timedelta | None:
        """How long ago one was asked for; what lies in the future has just happened."""
        return self._ago(self.asked_at)

    @property
    def stored_ago(self) -> timedelta | None:
        """How long ago one was stored; what lies in the future has just happened."""
        return self._ago(self.stored_at)

    @property
    def is_ahead(self) -> bool:
        """Whether the last one was stored before the clock was put back, and no dispatcher has asked since, which takes
        one that lives some seconds."""
        return self._is_ahead(self.stored_at)

    @property
    def is_old(self) -> bool:
        """Whether background work does not prove any more, or not yet, that it goes on."""
        return self.stored_ago is None or self.is_ahead or self.stored_ago > OLD_AFTER

    @property
    def is_asked_for(self) -> bool:
        """Whether a dispatcher goes on asking for heartbeats."""
        return self.asked_ago is not None and not self._is_ahead(self.asked_at) and self.asked_ago <= OLD_AFTER

    def _is_ahead(self, at: datetime | None) -> bool:
        return at is not None and at > self.now + AHEAD

    def _ago(self, at: datetime | None) -> timedelta | None:
        return None if at is None else max(self.now - at, timedelta(0))


def ask_for_heartbeat(platform: Platform) -> bool:
    """Enqueue a heartbeat once a minute, however many dispatchers ask; returns whether this call did."""
    with platform.db.write() as session:
        platform.db.upsert(session, Heartbeat, [{"id": _ROW}], key=["id"])
        now = platform.clock.wall_now(session)
        # A stored time in the future counts as just now; left as it is, it would hide for as long that work has ended.
        just_now = sa.case((Heartbeat.stored_at > now + AHEAD, sa.literal(now, Heartbeat.stored_at.type)))
        asked = session.execute(
            sa.update(Heartbeat)
            .where(
                Heartbeat.id == _ROW,
                sa.or_(
                    Heartbeat.asked_at.is_(None), Heartbeat.asked_at <= now - EVERY, Heartbeat.asked_at > now + AHEAD
                ),
            )
            .values(asked_at=now, stored_at=sa.func.coalesce(just_now, Heartbeat.stored_at))
            .returning(Heartbeat.id)
        ).all()
        if asked:
            enqueue(session, kind=TaskKind.HEARTBEAT, now=platform.clock.database_now(session), priority=NOW)
    return bool(asked)


def store_heartbeat(platform: Platform, run: TaskRun) -> None:
    """Task `platform.heartbeat`: store that it ran, and delete those that ran before it."""
    with run.write() as session:
        now = platform.clock.wall_now(session)
        platform.db.upsert(session, Heartbeat, [{"id": _ROW, "stored_at": now}], key=["id"], update=["stored_at"])
        session.execute(
            sa.delete(Task).where(
                Task.integration_id.is_(None), Task.kind == TaskKind.HEARTBEAT, Task.state == TaskState.DONE
            )
        )
        run.finish(session)


def heartbeat_state(platform: Platform, session: Session) -> HeartbeatState:
    """Return how the heartbeat stands."""
    row = session.get(Heartbeat, _ROW)
    now = platform.clock.wall_now(session)
    return HeartbeatState(row.asked_at if row else None, row.stored_at if row else None, now)
