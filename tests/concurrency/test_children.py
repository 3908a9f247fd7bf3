"""Real worker processes have connections of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import redis

from is2_core.clock import WallClock
from is2_core.platform import Platform
from is2_core.tasks.run import LEASE
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


def run_worker(board: Board, redis_url: str, seen: Path) -> list[tuple[str, str, str]]:
    """Let a worker process run what is due, in the order it was asked for, until two wake-ups are used up; returns
    (process, connection, account) by task."""
    for task in board.tasks():
        board.change(task.id, run_at=board.clock.now() - timedelta(days=365, seconds=-task.id))
    RqWakeup(redis.Redis.from_url(redis_url)).notify(2)
    environment = {**worker_environment(board.platform, redis_url), "IS2_SEEN": str(seen)}
    command = [sys.executable, "-m", "tests.support.connection_worker", "--burst"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60, capture_output=True)
    *children, parent = seen.read_text().splitlines()
    assert parent == "parent loaded the driver and opened no connection"
    return [(line.split()[0], line.split()[1], line.split()[2]) for line in children]


def test_a_child_has_one_connection_of_its_own_and_takes_tasks_in_turn_until_one_ends_it(
    board: Board, redis_url: str, tmp_path: Path
) -> None:
    flood, newcomer = board.account("Flood"), board.account("Newcomer")
    board.ask("test.connection", account=flood, keys=["1", "2", "3"])
    board.ask("test.fails", account=newcomer)
    board.ask("test.connection", account=newcomer)
    board.ask("test.dies", account=newcomer)
    told = run_worker(board, redis_url, tmp_path / "seen")
    processes = list(dict.fromkeys(process for process, _, _ in told))
    # What broke off ends its child, which would else have gone on with all of them.
    assert [(processes.index(process), account) for process, _, account in told] == [
        (0, str(flood)),
        (0, str(newcomer)),
        (1, str(flood)),
        (1, str(newcomer)),
        (1, str(flood)),
        (1, str(newcomer)),
    ]
    connections = {(process, connection) for process, connection, _ in told}
    assert len(connections) == 2, "a child opens one connection for all its tasks"
    if not board.platform.db.is_sqlite:
        assert len({connection for _, connection in connections}) == 2
    # What killed the second child is lost with it until its lease ends, and nothing else.
    states = {(task.kind, task.state) for task in board.tasks()}
    assert states == {
        ("test.connection", TaskState.DONE),
        ("test.fails", TaskState.READY),
        ("test.dies", TaskState.RUNNING),
    }
    board.clock.advance_to(WallClock().now() + LEASE)
    assert board.tick().recovered == 1
    assert {task.kind: task.crashes for task in board.tasks()}["test.dies"] == 1
