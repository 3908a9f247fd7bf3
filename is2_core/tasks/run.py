"""One run of a task: its lease, its fence, its time budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.changes import rows_changed
from is2_core.platform import Platform
from is2_core.tasks.models import LEASE, Task
from is2_core.tasks.queue import change_at_end
from is2_core.tasks.states import TaskState
from plugins.interface import Effect

HEARTBEAT = LEASE / 4
# A run ends in time for the next one to take its turn, far below the job timeout.
TIME_BUDGET = timedelta(seconds=60)


class LeaseLost(BaseException):
    """This run no longer owns its task; nothing of it may be committed. Not an Exception: raised before a network
    call, it passes through a cart, and must neither be swallowed there nor be taken for the cart's bug."""


@dataclass
class TaskRun:
    """A claimed task. Every commit goes through `write()`, which proves ownership and renews the lease.

    `error_code`: why the run before was put back, "" where it was not.
    `broke_off`: it ended by what nobody foresaw, without its lease or without the database, and may have left anything
    behind in its process.
    """

    platform: Platform
    id: int
    kind: str
    account_id: int | None
    integration_id: int | None
    payload: Mapping[str, Any]
    fence: int
    wanted: int
    attempts: int
    error_code: str
    started_at: datetime
    leased_at: datetime
    finished: bool = field(default=False)
    calls: int = field(default=0)
    broke_off: bool = field(default=False)
    _ending: bool = field(default=False)
    _begun: bool = field(default=False)
    _unfinished: bool = field(default=False)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A unit of work of this run; at its end ownership is proved, and the lease renewed or the run ended.

        Raises:
            LeaseLost: another run has the task; everything in this unit is rolled back.
        """
        self._ending = False
        with self.platform.db.write() as session:
            yield session
            if not self._ending:
                self._renew(session)
        self.finished = self.finished or self._ending

    def finish(
        self, session: Session, *, again_at: datetime | None = None, keeps_pause: bool = False, **more: Any
    ) -> None:
        """End the run with this unit, a `write()`: done, or due again at `again_at`. A request that came in during
        the run leaves the task due at once, and so does what its time budget was too short for.

        Args:
            keeps_pause: not before `again_at`, whoever asked during the run or asks from now on.
            more: columns to set besides, where the run ends with a problem.
        """
        now = self.platform.clock.database_now(session)
        if self._unfinished and not keeps_pause:
            again_at = now
        ended = {
            "lease_until": None,
            "attempts": 0,
            "crashes": 0,
            "error_code": "",
            "error_message": "",
            "error_detail": "",
            "finished_at": now,
            "keeps_pause": keeps_pause,
            **more,
        }
        self._own(
            session,
            _end("state" in ended, again_at is not None, keeps_pause),
            wanted_=self.wanted,
            now_=now,
            again_=again_at,
            **ended,
        )
        self._ending = True

    def has_time(self) -> bool:
        """Whether the time budget allows one more piece of work; asked before each call of a loop over calls.

        Where it does not, the end of the run leaves the task due at once, and the rest is the next turn's. The first
        piece of a run is always allowed, so that every turn gets somewhere.
        """
        spent = self._begun and self.platform.clock.now() - self.started_at >= TIME_BUDGET
        self._begun, self._unfinished = True, self._unfinished or spent
        return not spent

    def heartbeat(self, effect: Effect = Effect.READ) -> None:
        """Count an HTTP call that is about to be made; renew the lease when it is older than the heartbeat, and prove
        ownership before each call that changes something.

        Raises:
            LeaseLost: another run has the task.
        """
        self.calls += 1
        if effect is Effect.WRITE:
            self.before_write()
        elif self._is_old():
            self._renew_now()

    def before_write(self) -> None:
        """Prove ownership right before something is changed outside: this process may have stood still since.

        Raises:
            LeaseLost: another run has the task.
        """
        if self._is_old():
            self._renew_now()
            return
        with self.platform.db.read() as session:
            if session.scalar(_IS_OWNED, {"id_": self.id, "fence_": self.fence}) is None:
                raise self._lost()

    def _is_old(self) -> bool:
        # Less than nothing where the clock was put back.
        return not timedelta(0) <= self.platform.clock.now() - self.leased_at < HEARTBEAT

    def _renew_now(self) -> None:
        with self.write():
            pass

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"task {self.id} has a newer owner than fence {self.fence}")

    def _renew(self, session: Session) -> None:
        now = self.platform.clock.database_now(session)
        self._own(session, _OWNED, lease_until=now + LEASE)
        self.leased_at = self.platform.clock.now()

    def _own(self, session: Session, statement: sa.Update, **values: Any) -> None:
        parameters = {"id_": self.id, "fence_": self.fence, **values}

        def change(session: Session) -> None:
            if rows_changed(session, statement, parameters) != 1:
                raise self._lost()

        change_at_end(session, change, task_id=self.id)


# Built once, for every task does this several times. Parameters named like a column are set. Of the table, not of its
# class: nobody holds a row that a session would have to keep up.
_TABLE = cast(sa.Table, Task.__table__)
_IS_OURS = (
    _TABLE.c.id == sa.bindparam("id_"),
    _TABLE.c.fence == sa.bindparam("fence_"),
    _TABLE.c.state == TaskState.RUNNING,
)
_OWNED = sa.update(_TABLE).where(*_IS_OURS)
_IS_OWNED = sa.select(_TABLE.c.id).where(*_IS_OURS)


@cache
def _end(state_is_given: bool, again: bool, keeps_pause: bool) -> sa.Update:
    """Build the end of a run, due again at `again_` or done, and due at once where it was asked for meanwhile.

    Args:
        state_is_given: a parameter says the state it ends in.
        keeps_pause: it is due at `again_` also where it was asked for meanwhile.
    """
    asked_again = sa.false() if keeps_pause else _TABLE.c.wanted > sa.bindparam("wanted_")
    now, later = (sa.bindparam(name, type_=_TABLE.c.run_at.type) for name in ("now_", "again_"))
    ending = _OWNED.values(set_at=now, run_at=sa.case((asked_again, now), else_=later if again else _TABLE.c.run_at))
    if state_is_given:
        return ending
    ready = TaskState.READY.value
    return ending.values(state=ready if again else sa.case((asked_again, ready), else_=TaskState.DONE.value))
