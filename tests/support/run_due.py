"""Runs whatever is due in this process and what it leads to, until nothing is left: a worker and a dispatcher without
their queue, on a clock that nobody waits for.

Each fault point it meets is written to the file IS2_TRACE as a line `<kind of task> <name>`.
IS2_KILL="orders.check http.after 2" has it die at the second of those that read so. IS2_COMMIT=lost:3 cuts the
connection right after the third commit was carried out, so that its outcome is unknown here, refused:3 right before.
IS2_FULL has the disk of this process full.
"""

from __future__ import annotations

import itertools
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from is2_core.accounts.models import Credential
from is2_core.admin import clock_offset
from is2_core.bootstrap import perform, prepare
from is2_core.faultpoints import listen
from is2_core.jobs import HANDLERS
from is2_core.platform import Platform
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.models import Task
from is2_core.tasks.run import TaskRun
from is2_core.tasks.runner import Handler
from is2_core.tasks.states import TaskState

BETWEEN_TASKS = "between"
# What is due later (the next push of stock, twelve hours after one) is left.
HORIZON = timedelta(hours=2)
_TRIES, _BETWEEN_S = 40, 0.05
_LEFT = sa.select(
    sa.func.count().label("tasks"), sa.func.min(Task.run_at).filter(Task.state == TaskState.READY).label("next")
).where(
    sa.or_(
        Task.state == TaskState.RUNNING,
        sa.and_(Task.state == TaskState.READY, Task.run_at < sa.bindparam("horizon", type_=Task.run_at.type)),
    )
)
_doing = BETWEEN_TASKS


class RunningWakeups:
    """Works here and now, as often as it is woken."""

    def notify(self, count: int) -> int:
        for _ in range(count):
            perform()
            _begin(BETWEEN_TASKS)
        return count


def hurry(platform: Platform) -> bool:
    """Nobody waits: the leases of the dead end, and the clock is moved to the next instant at which a task is due.

    Returns:
        False where no task is left that is due within two hours.
    """
    with platform.db.write() as session:
        now = platform.clock.database_now(session)
        ended = now - timedelta(seconds=1)
        session.execute(sa.update(Task).where(Task.state == TaskState.RUNNING).values(lease_until=ended))
        session.execute(sa.update(Credential).where(Credential.minting_until.is_not(None)).values(minting_until=ended))
        left = session.execute(_LEFT, {"horizon": now + HORIZON}).one()
    # The buckets go by Redis's clock, which nobody moves.
    redis.Redis.from_url(platform.config.redis_url).flushall()
    if left.next is not None and left.next > now:
        clock_offset.advance(platform, timedelta(seconds=(left.next - now) // timedelta(seconds=1) + 1))
    return bool(left.tasks)


def main(environment: Mapping[str, str]) -> None:
    """Run, with these variables in the environment; over trouble with the database, as a worker that is started again
    and again, some of it at least."""
    os.environ.update(environment)
    platform = prepare()
    if "IS2_FULL" in os.environ:
        # No file takes anything any more, SQLite's log of what is written above all.
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    else:
        _write_trace(Path(os.environ["IS2_TRACE"]), os.environ.get("IS2_KILL"))
    if "IS2_COMMIT" in os.environ:
        _cut_at_commit(platform, *os.environ["IS2_COMMIT"].split(":"))
    for _ in range(_TRIES):
        try:
            while tick(platform, RunningWakeups()).due or hurry(platform):
                pass
        except DBAPIError:
            time.sleep(_BETWEEN_S)
        else:
            return


def _cut_at_commit(platform: Platform, how: str, hit: str) -> None:
    dialect, commits = platform.db.engine.dialect, itertools.count(1)
    carry_out = dialect.do_commit

    def do_commit(connection: Any) -> None:
        if next(commits) != int(hit):
            carry_out(connection)
            return
        if how == "lost":
            carry_out(connection)
        connection.driver_connection.close()
        raise dialect.loaded_dbapi.OperationalError("the connection was cut")

    dialect.do_commit = do_commit  # type: ignore[method-assign]


def _begin(kind: str) -> None:
    global _doing
    _doing = kind


def _write_trace(path: Path, last: str | None) -> None:
    # Unbuffered: the process does not live to close it.
    file = path.open("ab", buffering=0)
    met: Counter[str] = Counter()

    def listener(name: str) -> None:
        point = f"{_doing} {name}"
        file.write(f"{point}\n".encode())
        met[point] += 1
        if f"{point} {met[point]}" == last:
            os.kill(os.getpid(), signal.SIGKILL)

    listen(listener)
    HANDLERS.update({kind: _naming(kind, handler) for kind, handler in HANDLERS.items()})


def _naming(kind: str, handler: Handler) -> Handler:
    def run(platform: Platform, run: TaskRun) -> None:
        _begin(kind)
        handler(platform, run)

    return run
