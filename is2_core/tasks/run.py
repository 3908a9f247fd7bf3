"""One run of one task: claim, lease, fence, and what becomes of errors."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.carts import PluginBug
from is2_core.models import Integration, IntegrationState, Task, TaskState
from is2_core.platform import Platform
from is2_core.tasks.queue import pause_tasks
from plugins.interface import AuthorizationLost, CartError, RateLimited, SettingsError

LEASE = timedelta(seconds=60)
HEARTBEAT = LEASE / 4
MAX_ERRORS = 8
MAX_CRASHES = 3
_BACKOFF_FIRST_S = 15
_BACKOFF_MOST_S = 1800
_log = logging.getLogger(__name__)


class Fenced(BaseException):
    """This run no longer owns its task; nothing of it may be committed. Not an Exception: raised before a network
    call, it passes through a cart, and must neither be swallowed there nor be taken for the cart's bug."""


@dataclass
class TaskRun:
    """A claimed task. Every commit goes through `write()`, which proves ownership and renews the lease."""

    platform: Platform
    id: int
    kind: str
    account_id: int | None
    integration_id: int | None
    payload: Mapping[str, Any]
    fence: int
    wanted: int
    attempts: int
    leased_at: datetime
    finished: bool = field(default=False)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A unit of work of this run.

        Raises:
            Fenced: another run has the task; everything in this unit is rolled back.
        """
        with self.platform.db.write() as session:
            self._renew(session)
            yield session

    def finish(self, session: Session, *, again_at: datetime | None = None) -> None:
        """End the run inside a `write()`: done, or due again at `again_at`. A request that came in during
        the run leaves the task due at once."""
        now = self.platform.clock.database_now(session)
        asked_again = Task.wanted > self.wanted
        if again_at is not None:
            state, run_at = sa.literal(TaskState.READY.value), sa.case((asked_again, now), else_=again_at)
        else:
            state = sa.case((asked_again, TaskState.READY.value), else_=TaskState.DONE.value)
            run_at = sa.case((asked_again, now), else_=Task.run_at)
        self._own(
            session,
            state=state,
            run_at=sa.type_coerce(run_at, Task.run_at.type),
            lease_until=None,
            rung_until=None,
            attempts=0,
            crashes=0,
            error_code="",
            error_sentence="",
            error_detail="",
            finished_at=now,
        )
        self.finished = True

    def heartbeat(self) -> None:
        """Renew the lease when it is older than the heartbeat; called before every HTTP call."""
        if self.platform.clock.now() - self.leased_at >= HEARTBEAT:
            with self.write():
                pass

    def _renew(self, session: Session) -> None:
        now = self.platform.clock.database_now(session)
        self._own(session, lease_until=now + LEASE)
        self.leased_at = self.platform.clock.now()

    def _own(self, session: Session, **values: Any) -> None:
        result = session.execute(
            sa.update(Task)
            .where(Task.id == self.id, Task.fence == self.fence, Task.state == TaskState.RUNNING)
            .values(**values)
        )
        if result.rowcount != 1:  # type: ignore[attr-defined]
            raise Fenced(f"task {self.id} has a newer owner than fence {self.fence}")


Handler = Callable[[Platform, TaskRun], None]


def run_task(platform: Platform, task_id: int, handlers: Mapping[str, Handler]) -> None:
    """Claim and run one task; does nothing where it is not due or somebody else has it.

    A kind this process does not know is left for one that does (a rolling deploy).
    """
    run = _claim(platform, task_id, handlers)
    if run is None:
        return
    try:
        handlers[run.kind](platform, run)
        if not run.finished:
            with run.write() as session:
                run.finish(session)
    except Fenced:
        _log.warning("task %s %s: fenced off", run.id, run.kind)
    except CartError as error:
        _put_back(run, error)
    except Exception as error:
        trace = error.trace if isinstance(error, PluginBug) else ""
        _log.exception("task %s %s of integration %s failed", run.id, run.kind, run.integration_id)
        _retry(
            run, "BUG", getattr(error, "sentence", "Something went wrong on our side."), trace or type(error).__name__
        )


def _claim(platform: Platform, task_id: int, handlers: Mapping[str, Handler]) -> TaskRun | None:
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        row = session.execute(
            sa.update(Task)
            .where(Task.id == task_id, Task.state == TaskState.READY, Task.run_at <= now, Task.kind.in_(list(handlers)))
            .values(state=TaskState.RUNNING, fence=Task.fence + 1, lease_until=now + LEASE, rung_until=None)
            .returning(
                Task.id,
                Task.kind,
                Task.account_id,
                Task.integration_id,
                Task.payload,
                Task.fence,
                Task.wanted,
                Task.attempts,
            )
        ).one_or_none()
        if row is None or _waits_for_a_person(session, row.integration_id):
            if row is not None:
                session.execute(
                    sa.update(Task).where(Task.id == row.id).values(state=TaskState.WAITING, lease_until=None)
                )
            return None
    return TaskRun(platform, *row, leased_at=platform.clock.now())


def _waits_for_a_person(session: Session, integration_id: int | None) -> bool:
    """Whether the store was paused while the task was on its way."""
    return bool(
        session.scalar(
            sa.select(Integration.id).where(
                Integration.id == integration_id, Integration.state == IntegrationState.PAUSED
            )
        )
    )


def _put_back(run: TaskRun, error: CartError) -> None:
    if isinstance(error, RateLimited):
        _reschedule(run, error.until, error.code, error.sentence, error.detail)
    elif isinstance(error, AuthorizationLost | SettingsError) and run.integration_id is not None:
        _pause(run, error)
    else:
        _retry(run, error.code, error.sentence, error.detail)


def _reschedule(run: TaskRun, when: datetime, code: str, sentence: str, detail: str, *, attempts: int = 0) -> None:
    try:
        with run.write() as session:
            run.finish(session, again_at=when)
            session.execute(
                sa.update(Task)
                .where(Task.id == run.id)
                .values(attempts=attempts, run_at=when, error_code=code, error_sentence=sentence, error_detail=detail)
            )
    except Fenced:
        _log.warning("task %s %s: fenced off while it was put back", run.id, run.kind)


def _retry(run: TaskRun, code: str, sentence: str, detail: str) -> None:
    attempts = run.attempts + 1
    if attempts >= MAX_ERRORS:
        _quarantine(run, code, sentence, detail)
        return
    most = min(_BACKOFF_FIRST_S * 2 ** (attempts - 1), _BACKOFF_MOST_S)
    pause = timedelta(seconds=most / 2 + random.uniform(0, most / 2))
    _reschedule(run, run.platform.clock.now() + pause, code, sentence, detail, attempts=attempts)


def _quarantine(run: TaskRun, code: str, sentence: str, detail: str) -> None:
    try:
        with run.write() as session:
            run.finish(session)
            session.execute(
                sa.update(Task)
                .where(Task.id == run.id)
                .values(
                    state=TaskState.QUARANTINED,
                    attempts=run.attempts + 1,
                    error_code=code,
                    error_sentence=sentence,
                    error_detail=detail,
                )
            )
    except Fenced:
        _log.warning("task %s %s: fenced off while it was quarantined", run.id, run.kind)


def _pause(run: TaskRun, error: CartError) -> None:
    try:
        with run.write() as session:
            run.finish(session, again_at=run.platform.clock.now())
            session.execute(
                sa.update(Integration)
                .where(Integration.id == run.integration_id, Integration.state == IntegrationState.ACTIVE)
                .values(state=IntegrationState.PAUSED, pause_code=error.code, pause_sentence=error.sentence)
            )
            session.execute(
                sa.update(Task)
                .where(Task.id == run.id)
                .values(error_code=error.code, error_sentence=error.sentence, error_detail=error.detail)
            )
            assert run.integration_id is not None
            pause_tasks(session, run.integration_id)
    except Fenced:
        _log.warning("task %s %s: fenced off while its store was paused", run.id, run.kind)
