"""Real worker processes have connections of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import redis

from is2_core.platform import Platform
from is2_core.tasks.states import TaskState
from is2_core.tasks.wakeups import RqWakeup
from tests.conftest import KEYS
from tests.tasks.conftest import Board, board

__all__ = ["board"]

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
    board.ask("test.connection", keys=["1", "2"])
    for task in board.tasks():
        board.change(task.id, run_at=board.clock.now() - timedelta(days=365))
    RqWakeup(redis.Redis.from_url(redis_url)).notify(2)
    environment = {**worker_environment(board.platform, redis_url), "IS2_SEEN": str(seen)}
    command = [sys.executable, "-m", "tests.support.connection_worker", "--burst"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60, capture_output=True)
    assert [task.state for task in board.tasks()] == [TaskState.DONE] * 2
    *children, parent = seen.read_text().splitlines()
    assert parent == "parent opened no connection"
    processes, connections = zip(*(line.split() for line in children), strict=True)
    assert len(set(processes)) == 2
    if not board.platform.db.is_sqlite:
        assert len(set(connections)) == 2
