"""Real worker processes: connections of their own, a queue that may be emptied at any time."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from is2_core.models import TaskState
from is2_core.platform import Platform
from is2_core.tasks import perform
from is2_core.tasks.bell import QUEUE, RqBell, TaskJob
from is2_core.tasks.dispatcher import RING, tick
from is2_core.tasks.run import TaskRun
from tests.conftest import KEYS
from tests.tasks.conftest import KIND, Board

ROOT = Path(__file__).resolve().parents[2]


def worker_environment(platform: Platform, redis_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "IS2_DATABASE_URL": platform.config.database_url,
        "IS2_REDIS_URL": redis_url,
        "IS2_ENCRYPTION_KEYS": KEYS,
        "IS2_SESSION_SECRET": "a session secret for tests, 40 letters",
    }


def test_children_share_no_connection_and_the_parent_opens_none(board: Board, redis_url: str, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    board.ask("test.connection", keys=["1", "2", "3"])
    for task in board.tasks():
        board.change(task.id, run_at=board.clock.now() - timedelta(days=365))
    RqBell(redis.Redis.from_url(redis_url)).ring([(task.id, 1) for task in board.tasks()])
    environment = {**worker_environment(board.platform, redis_url), "IS2_SEEN": str(seen)}
    command = [sys.executable, "-m", "tests.support.connection_worker", "--burst"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60, capture_output=True)
    assert [task.state for task in board.tasks()] == [TaskState.DONE] * 3
    *children, parent = seen.read_text().splitlines()
    assert parent == "parent opened no connection"
    processes, connections = zip(*(line.split() for line in children), strict=True)
    assert len(set(processes)) == 3
    if not board.platform.db.is_sqlite:
        assert len(set(connections)) == 3


def test_an_emptied_redis_loses_no_task(board: Board, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    board.ask(keys=["1", "2", "3"])
    connection = redis.Redis.from_url(redis_url)
    bell = RqBell(connection)
    ran: list[int] = []

    def note(platform: Platform, run: TaskRun) -> None:
        ran.append(run.id)

    monkeypatch.setattr(perform, "perform", lambda task_id: board.run(note, task_id, KIND))
    assert tick(board.platform, bell).rung == 3
    connection.flushall()
    assert tick(board.platform, bell).rung == 0
    board.clock.advance(RING + timedelta(seconds=1))
    assert tick(board.platform, bell).rung == 3
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer, job_class=TaskJob)
    worker = SimpleWorker([queue], connection=connection, serializer=JSONSerializer, job_class=TaskJob)
    worker.work(burst=True, logging_level="CRITICAL")
    assert ran == [task.id for task in board.tasks()]
    assert {task.state for task in board.tasks()} == {TaskState.DONE}
