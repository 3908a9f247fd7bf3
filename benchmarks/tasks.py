"""Measures background work: an empty task against a bare RQ job, a second worker, and ticks among many integrations.

Both queues run in forked children of real worker processes, on the same Redis. `python -m benchmarks.tasks KIND` is one
of the workers.
"""

from __future__ import annotations

import importlib
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

import worker
from benchmarks.rows import Row
from cli.embedded_redis import EmbeddedRedis
from is2_core.accounts.models import Account, Integration
from is2_core.accounts.states import IntegrationState
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.config import Config
from is2_core.crypto import Keyring
from is2_core.db.schema import upgrade
from is2_core.jobs import HANDLERS
from is2_core.platform import Platform
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.run import TaskRun
from is2_core.tasks.states import TaskState
from is2_core.tasks.wakeups import RqWakeup
from tests.support.plans import tables_read_whole
from tests.support.postgres import PostgresServer
from tests.support.world import NotedWakeups

ROOT = Path(__file__).resolve().parent.parent
EMPTY, WAITING, BARE = "bench.empty", "bench.waiting", "bare"
TASKS, JOBS, ROUNDS = 300, 60, 2
WAIT_S = 0.02
DUE, FEW, MANY = 100, 1_000, 100_000
_KINDS = tuple(kind for kind in TaskKind if kind.startswith(("orders.", "inventory.")))[:6]


def bench() -> list[Row]:
    """Measure everything on both databases."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, EmbeddedRedis(folder) as server, PostgresServer() as postgres:
        for label, url in (("SQLite", f"sqlite:///{folder}/is2.db"), ("PostgreSQL", postgres.create_database("bench"))):
            upgrade(url)
            with redis.Redis.from_url(server.url) as connection:
                connection.flushall()
            rows += _workers(url, server.url, label)
        for label, url in (("SQLite", f"sqlite:///{folder}/{{}}.db"), ("PostgreSQL", "")):
            rows += _ticks(label, [url.format(size) or postgres.create_database(f"of_{size}") for size in (FEW, MANY)])
    return rows


def nothing() -> None:
    """Do nothing, as a job of RQ."""


def empty(platform: Platform, run: TaskRun) -> None:
    """Do nothing, as a task."""


def waits(platform: Platform, run: TaskRun) -> None:
    """Wait as a call to a cart does."""
    time.sleep(WAIT_S)


class Workers:
    """Worker processes that wait for work, one of RQ and one or two of IS2, and how fast they do it."""

    def __init__(self, url: str, redis_url: str) -> None:
        self._environment = {
            **os.environ,
            "IS2_DATABASE_URL": url,
            "IS2_REDIS_URL": redis_url,
            "IS2_ENCRYPTION_KEYS": Keyring.generate(),
            "IS2_SESSION_SECRET": secrets.token_hex(32),
            "IS2_LOG_LEVEL": "WARNING",
        }
        self._connection = redis.Redis.from_url(redis_url)
        self._platform = build_platform(Config.from_environment(self._environment), carts=CartRegistry())
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, what: str) -> None:
        """Start one more worker, and wait until it waits for work."""
        command = [sys.executable, "-m", "benchmarks.tasks", what]
        self._processes.append(subprocess.Popen(command, cwd=ROOT, env=self._environment))
        while self._waiting() < len(self._processes):
            time.sleep(0.05)

    def stop(self) -> None:
        """End all workers."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(30)
        self._platform.db.dispose()

    def task_ms(self, kind: str) -> float:
        """Have the workers do `TASKS` tasks of ten accounts; returns milliseconds a task, of wall time."""
        with self._platform.db.write() as session:
            session.execute(sa.delete(Task))
            if session.scalar(sa.select(sa.func.count()).select_from(Account)) == 0:
                session.add_all(Account(name=str(number), created_at=_now()) for number in range(10))
            accounts = session.scalars(sa.select(Account.id)).all()
            session.execute(sa.insert(Task), [_task(kind, number, accounts[number % 10]) for number in range(TASKS)])
        wakeup, begun = RqWakeup(self._connection), _now()
        while tick(self._platform, wakeup, kinds=[kind]).due or self._open():
            time.sleep(0.1)
        with self._platform.db.read() as session:
            ended = session.scalars(sa.select(sa.func.max(Task.finished_at))).one()
        assert ended is not None
        return (ended - begun) / timedelta(milliseconds=TASKS)

    def job_ms(self) -> float:
        """Have the worker of RQ do `JOBS` jobs; returns milliseconds a job, of wall time."""
        queue = Queue(BARE, connection=self._connection, serializer=JSONSerializer)
        jobs = queue.enqueue_many([Queue.prepare_data(nothing) for _ in range(JOBS)])
        ids = {job.id for job in jobs}
        while not ids <= set(queue.finished_job_registry.get_job_ids(cleanup=False)):
            time.sleep(0.1)
        done = [job for job in Job.fetch_many(list(ids), self._connection, serializer=JSONSerializer) if job]
        ended = max(job.ended_at for job in done if job.ended_at)
        begun = min(job.started_at for job in done if job.started_at)
        return (ended - begun) / timedelta(milliseconds=JOBS)

    def _open(self) -> bool:
        with self._platform.db.read() as session:
            return bool(session.scalar(sa.select(Task.id).where(Task.state != TaskState.DONE).limit(1)))

    def _waiting(self) -> int:
        keys = self._connection.keys("rq:worker:*")
        return sum(self._connection.hget(key, "state") == b"idle" for key in keys)


def _workers(url: str, redis_url: str, label: str) -> list[Row]:
    """Compare empty tasks with RQ's no-ops, in turns, and two workers with one."""
    workers = Workers(url, redis_url)
    kinds = {EMPTY: "empty tasks", WAITING: f"tasks that wait {WAIT_S * 1000:g} ms"}
    try:
        workers.start(BARE)
        workers.start(EMPTY)
        pairs = [(workers.job_ms(), workers.task_ms(EMPTY)) for _ in range(ROUNDS)]
        job, task = (min(each) for each in zip(*pairs, strict=True))
        one = {EMPTY: task, WAITING: workers.task_ms(WAITING)}
        workers.start(EMPTY)
        two = {kind: min(workers.task_ms(kind) for _ in range(ROUNDS if kind == EMPTY else 1)) for kind in kinds}
    finally:
        workers.stop()
    name = f"an RQ no-op in a fork worker / an empty task, {label}"
    rows = [Row(name, round(job / task, 2), goal=3, figures={"job_ms": round(job, 2), "task_ms": round(task, 2)})]
    for kind, what in kinds.items():
        figures = {"one_ms": round(one[kind], 2), "two_ms": round(two[kind], 2)}
        rows.append(Row(f"two workers / one, {what}, {label}", round(one[kind] / two[kind], 2), figures=figures))
    return rows


def _ticks(label: str, urls: list[str]) -> list[Row]:
    """Ticks that turn 100 due slots into tasks, and ticks that find those tasks, among few and many integrations."""
    platforms = [_filled(url, size) for url, size in zip(urls, (FEW, MANY), strict=True)]
    turning: list[list[float]] = [[], []]
    finding: list[list[float]] = [[], []]
    for _ in range(ROUNDS + 1):
        # In turn, so that what else the machine does strikes both.
        for place, platform in enumerate(platforms):
            _make_due(platform)
            turning[place].append(_timed(platform))
            finding[place].append(_timed(platform))
    _make_due(platforms[1])
    whole = tables_read_whole(platforms[1], lambda: _timed(platforms[1]), ("schedule", "task", "integration"))
    for platform in platforms:
        platform.db.dispose()
    rows = []
    for name, times in (("turns 100 slots", turning), ("finds 100 tasks due", finding)):
        few, many = (statistics.median(each) for each in times)
        figures = {"few_ms": round(few, 1), "many_ms": round(many, 1)}
        title = f"a tick that {name}, {MANY:,} integrations / {FEW:,}, {label}"
        rows.append(Row(title, round(many / few, 2), goal=1.5, less_is_better=True, figures=figures))
    read = Row(f"tables a tick reads whole, {label}", len(whole), "", 0, True, {"which": ", ".join(whole)})
    return [*rows, read]


def _filled(url: str, integrations: int) -> Platform:
    """A database with ten integrations an account, each with six schedules and two tasks that are due later."""
    upgrade(url)
    environment = {
        "IS2_DATABASE_URL": url,
        "IS2_REDIS_URL": "redis://127.0.0.1:1",
        "IS2_ENCRYPTION_KEYS": Keyring.generate(),
        "IS2_SESSION_SECRET": secrets.token_hex(32),
    }
    platform = build_platform(Config.from_environment(environment), carts=CartRegistry())
    later = sa.literal(_now() + timedelta(hours=6), Task.run_at.type)
    now = sa.literal(_now(), Task.run_at.type)
    numbers = sa.select(sa.literal(1).label("n")).cte(recursive=True)
    numbers = numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n < integrations))
    with platform.db.write() as session:
        made = sa.select(numbers.c.n, sa.cast(numbers.c.n, sa.Text), now).where(numbers.c.n <= integrations // 10)
        session.execute(sa.insert(Account).from_select(["id", "name", "created_at"], made, include_defaults=False))
        values: dict[str, Any] = {
            "id": numbers.c.n,
            "account_id": (numbers.c.n - 1) // 10 + 1,
            "cart": sa.literal("amazon"),
            "seller_id": sa.cast(numbers.c.n, sa.Text),
            "state": sa.literal(IntegrationState.ACTIVE.value),
            "wms_target": sa.literal("embedded"),
            "created_at": now,
            "finished_at": now,
        }
        _insert(session, Integration, values)
        for kind in _KINDS:
            slot = {"integration_id": Integration.id, "kind": sa.literal(kind.value), "every_s": sa.literal(1800)}
            _insert(session, Schedule, {**slot, "next_at": later})
        for kind in _KINDS[:2]:
            owner = {"account_id": Integration.account_id, "integration_id": Integration.id}
            key = sa.literal(f"{kind}:") + sa.cast(Integration.id, sa.Text) + sa.literal(":")
            open_task = {"kind": sa.literal(kind.value), "business_key": key, "run_at": later, "created_at": now}
            _insert(session, Task, {**owner, **open_task})
    with platform.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not platform.db.is_sqlite:
            connection.exec_driver_sql("VACUUM ANALYZE")
    return platform


def _insert(session: sa.orm.Session, table: type[Any], values: dict[str, Any]) -> None:
    """Insert a row for each of what the values are made of, the other columns with the defaults of their model."""
    for column in table.__table__.columns:
        if column.name not in values and column.default is not None:
            given = column.default.arg
            value = given(None) if callable(given) else given
            values[column.name] = sa.literal(value, column.type)
    session.execute(sa.insert(table).from_select(list(values), sa.select(*values.values()), include_defaults=False))


def _make_due(platform: Platform) -> None:
    """Have one slot of 100 integrations, far from each other, come due, and none of their tasks."""
    with platform.db.write() as session:
        session.execute(sa.delete(Task).where(Task.kind == _KINDS[5]))
        most = session.scalar(sa.select(sa.func.max(Integration.id))) or 0
        ids = range(1, most + 1, most // DUE)
        due = sa.update(Schedule).where(Schedule.integration_id.in_(ids), Schedule.kind == _KINDS[5])
        session.execute(due.values(next_at=_now() - timedelta(minutes=1)))


def _timed(platform: Platform) -> float:
    began = time.perf_counter()
    done = tick(platform, NotedWakeups(), kinds=HANDLERS)
    assert done.due == DUE, done
    return 1000 * (time.perf_counter() - began)


def _task(kind: str, number: int, account_id: int) -> dict[str, Any]:
    at = _now()
    return {"account_id": account_id, "kind": kind, "business_key": f"{kind}:{number}", "run_at": at, "created_at": at}


def _now() -> datetime:
    return datetime.now(UTC)


def _work(kind: str) -> None:
    if kind == BARE:
        # Here it is `__main__`: each of RQ's children would load the module of its job anew.
        importlib.import_module("benchmarks.tasks")
        connection = redis.Redis.from_url(os.environ["IS2_REDIS_URL"])
        Worker([BARE], connection=connection, serializer=JSONSerializer).work(logging_level="WARNING")
        return
    handlers: dict[str, Callable[[Platform, TaskRun], None]] = {EMPTY: empty, WAITING: waits}
    HANDLERS.update(handlers)
    worker.work(burst=False)


if __name__ == "__main__":
    _work(sys.argv[1])
