"""One run of one task: claim, lease, fence, and what becomes of errors."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import WAITS_FOR_A_PERSON
from is2_core.audit import Actor, acting
from is2_core.crypto import UnknownKey
from is2_core.errors import PluginBug, trace_without_values
from is2_core.platform import Platform
from is2_core.tasks.models import LEASE, Task
from is2_core.tasks.pick import LIMITS, Limits, next_due
from is2_core.tasks.run import LeaseLost, TaskRun
from is2_core.tasks.states import TaskState
from plugins.interface import CartError, RateLimited, Temporary

_log = logging.getLogger(__name__)
MAX_ERRORS = 8
MAX_CRASHES = 3
_BACKOFF_FIRST_S = 15
_BACKOFF_MOST_S = 1800
# What fails by somebody else's fault is done within two minutes of its end: this, a tick and the run itself.
_HEALS_WITHIN_S = 90
_DATABASE_PAUSE = timedelta(seconds=1)
_TASK = cast(sa.Table, Task.__table__)
# What a run knows of its row.
_OF_RUN = ("id", "kind", "account_id", "integration_id", "payload", "fence", "wanted", "attempts", "error_code")
Handler = Callable[[Platform, TaskRun], None]


def run_next(platform: Platform, handlers: Mapping[str, Handler], limits: Limits = LIMITS) -> TaskRun | None:
    """Claim and run the task whose turn it is; returns its run, None where there was none.

    A kind this process does not know is left for one that does (a rolling deploy).
    """
    run = _claim(platform, handlers, lambda session, now: next_due(session, now, handlers, limits))
    if run is not None:
        _perform(run, handlers)
    return run


def run_task(platform: Platform, task_id: int, handlers: Mapping[str, Handler]) -> TaskRun | None:
    """Claim and run one task; returns its run, None where it was not due or somebody else had it."""
    run = _claim(platform, handlers, lambda session, now: task_id)
    if run is not None:
        _perform(run, handlers)
    return run


def _perform(run: TaskRun, handlers: Mapping[str, Handler]) -> None:
    platform = run.platform
    try:
        with acting(Actor(name=f"task {run.kind}")):
            handlers[run.kind](platform, run)
        if not run.finished:
            with run.write() as session:
                run.finish(session)
    except LeaseLost:
        run.broke_off = True
        _log.warning("task %s %s: it lost its lease", run.id, run.kind)
    except CartError as error:
        _put_back(run, error)
    except OperationalError as error:
        # A deadlock's victim, a lock not got, a connection lost: nothing is wrong with the task.
        run.broke_off = True
        _log.warning("task %s %s: the database broke off (%s)", run.id, run.kind, type(error.orig).__name__)
        detail = type(error.orig).__name__
        if run.attempts == 0:
            soon = run.platform.clock.now() + _DATABASE_PAUSE
            _reschedule(run, soon, "DATABASE", "The database was busy.", detail, attempts=1)
        else:
            _back_off(run, "DATABASE", "The database was busy.", detail)
    except UnknownKey as error:
        # A worker that was given other keys; nothing is wrong with the task.
        _log.error("task %s %s: %s", run.id, run.kind, error)
        _back_off(run, "NO_KEY", "This server lacks a key that stored data is encrypted with.", str(error))
    except Exception as error:
        run.broke_off = True
        # Never the message or the cause: they may quote a buyer's data.
        trace = error.trace if isinstance(error, PluginBug) else trace_without_values(error)
        _log.error("task %s %s of integration %s failed:\n%s", run.id, run.kind, run.integration_id, trace)
        _retry(run, "BUG", getattr(error, "message", "Something went wrong on our side."), trace)


def _claim(
    platform: Platform, handlers: Mapping[str, Handler], pick: Callable[[Session, datetime], int | None]
) -> TaskRun | None:
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        task_id = pick(session, now)
        if task_id is None:
            return None
        claiming = _claiming(frozenset(handlers))
        row = session.execute(claiming, {"id_": task_id, "now_": now, "lease_": now + LEASE}).one_or_none()
        if row is None or row.state != TaskState.RUNNING:
            return None
    started = platform.clock.now()
    claimed = row._asdict()
    del claimed["state"]
    return TaskRun(platform, **claimed, started_at=started, leased_at=started)


@cache
def _claiming(kinds: frozenset[str]) -> sa.UpdateBase:
    """Build, once, what takes a task of these kinds that is due or, where its integration was paused or disconnected
    while it was on its way, lets it wait."""
    now, lease = (sa.bindparam(name, type_=_TASK.c.run_at.type) for name in ("now_", "lease_"))
    integration = cast(sa.Table, Integration.__table__)
    owner = sa.select(integration.c.id).where(integration.c.id == _TASK.c.integration_id)
    waits = owner.where(integration.c.state.in_(WAITS_FOR_A_PERSON)).exists()
    is_due = (_TASK.c.state == TaskState.READY, _TASK.c.run_at <= now, _TASK.c.kind.in_(sorted(kinds)))
    return (
        sa.update(_TASK)
        .where(_TASK.c.id == sa.bindparam("id_"), *is_due)
        .values(
            state=sa.case((waits, TaskState.WAITING.value), else_=TaskState.RUNNING.value),
            fence=_TASK.c.fence + 1,
            lease_until=sa.case((waits, sa.null()), else_=lease),
        )
        .returning(*(_TASK.c[name] for name in ("state", *_OF_RUN)))
    )


def _put_back(run: TaskRun, error: CartError) -> None:
    if isinstance(error, RateLimited):
        _reschedule(run, error.until, error.code, error.message, error.detail, keeps_pause=True)
    elif isinstance(error, Temporary):
        # Without end: an outage of a day is no reason to give up what is owed.
        _back_off(run, error.code, error.message, error.detail)
    else:
        _retry(run, error.code, error.message, error.detail)


def _retry(run: TaskRun, code: str, message: str, detail: str) -> None:
    if run.attempts + 1 >= MAX_ERRORS:
        _quarantine(run, code, message, detail)
    else:
        # Rather a fault of ours, which takes its time to be mended before it is given up.
        _back_off(run, code, message, detail, longest_s=_BACKOFF_MOST_S)


def _back_off(run: TaskRun, code: str, message: str, detail: str, *, longest_s: int = _HEALS_WITHIN_S) -> None:
    most = min(_BACKOFF_FIRST_S * 2 ** min(run.attempts, 20), longest_s)
    pause = timedelta(seconds=most / 2 + random.uniform(0, most / 2))
    _reschedule(run, run.platform.clock.now() + pause, code, message, detail, attempts=run.attempts + 1)


def _reschedule(
    run: TaskRun,
    when: datetime,
    code: str,
    message: str,
    detail: str,
    *,
    attempts: int | None = None,
    keeps_pause: bool = False,
) -> None:
    """Make the task due again at `when`, or at once where it was asked for again meanwhile and need not keep a pause
    that the cart asked for."""
    counted = run.attempts if attempts is None else attempts
    run._unfinished = False
    problem = {"error_code": code, "error_message": message, "error_detail": detail}
    try:
        with run.write() as session:
            run.finish(session, again_at=when, keeps_pause=keeps_pause, attempts=counted, **problem)
    except LeaseLost:
        _log.warning("task %s %s: it lost its lease while it was put back", run.id, run.kind)


def _quarantine(run: TaskRun, code: str, message: str, detail: str) -> None:
    try:
        with run.write() as session:
            run.finish(
                session,
                state=TaskState.QUARANTINED,
                attempts=run.attempts + 1,
                error_code=code,
                error_message=message,
                error_detail=detail,
            )
    except LeaseLost:
        _log.warning("task %s %s: it lost its lease while it was quarantined", run.id, run.kind)
