"""A forked child takes task after task: until none is due, for a minute, and never with what one has left behind."""

from __future__ import annotations

import decimal
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

import pytest
import redis

import worker
from is2_core import process_state
from is2_core.db.unit import open_unit
from is2_core.tasks.wakeups import CHILD_S, JOB_TIMEOUT_S, RqWakeup, wakeup_queue
from tests.tasks.conftest import forking_worker


@pytest.fixture
def connection(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url)


class Tasks:
    """A number of tasks that forked children take; each writes down which process ran it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, connection: redis.Redis) -> None:
        self._path, self._connection = path, connection
        self.count = 3
        self.work: Callable[[int], object] = lambda number: None
        monkeypatch.setattr(worker, "perform", self._perform)

    def _perform(self) -> bool:
        number = len(self.lines())
        if number == self.count:
            return False
        self.note(str(os.getpid()))
        self.work(number)
        return True

    def note(self, text: str) -> None:
        """Write a line."""
        with self._path.open("a") as file:
            file.write(f"{text}\n")

    def lines(self) -> list[str]:
        """All lines so far."""
        return self._path.read_text().splitlines() if self._path.exists() else []

    def run(self, wakeups: int = 2) -> list[int]:
        """Have a worker work until no wake-up is left; returns by task how many children had begun before it."""
        queue = wakeup_queue(self._connection)
        wakeup = RqWakeup(self._connection)
        for _ in range(wakeups):
            wakeup.notify(queue.count + 1)
            forking_worker(self._connection).work(burst=True, logging_level="CRITICAL")
        processes = self.lines()
        return [list(dict.fromkeys(processes)).index(process) for process in processes]


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connection: redis.Redis) -> Tasks:
    return Tasks(tmp_path / "lines", monkeypatch, connection)


def test_one_wakeup_is_enough_for_all_that_is_due(tasks: Tasks) -> None:
    assert tasks.run(wakeups=1) == [0, 0, 0]


def test_a_child_whose_time_is_over_takes_no_further_task(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CHILD_S", 0)
    assert tasks.run() == [0, 1]


def test_each_task_has_the_whole_alarm(tasks: Tasks) -> None:
    def look(number: int) -> None:
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        # A twentieth of a second is gone where one alarm is over all of them.
        assert JOB_TIMEOUT_S - 0.05 < left <= JOB_TIMEOUT_S
        time.sleep(0.05)

    tasks.work = look
    assert tasks.run(wakeups=1) == [0, 0, 0]


def test_the_parent_waits_for_the_last_task_of_a_child(connection: redis.Redis) -> None:
    RqWakeup(connection).notify(1)
    queue = wakeup_queue(connection)
    taken = type(queue).dequeue_any([queue], None, connection)
    assert taken is not None
    assert taken[0].timeout == CHILD_S + JOB_TIMEOUT_S


def test_a_child_that_dies_loses_the_task_it_had_and_no_other(tasks: Tasks) -> None:
    tasks.work = lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == 1 else None
    assert tasks.run() == [0, 0, 1]


def _change_a_handler() -> None:
    signal.signal(signal.SIGUSR1, lambda *_: None)


def _keep_a_timer() -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, 1000)


def _start_a_thread() -> None:
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def _open_a_unit() -> None:
    # Never left, and not ended by the collector either.
    unit = open_unit()
    unit.__enter__()
    _KEPT.append(unit)


def _grow() -> None:
    _KEPT.append(b"x" * 1024 * (process_state.GROWTH_MAX_KB + 10_000))


_KEPT: list[object] = []
LEFT_BEHIND: dict[str, Callable[[], object]] = {
    "signal handler": _change_a_handler,
    "no way to stop": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "blocked signals": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
    "timer": _keep_a_timer,
    "thread": _start_a_thread,
    "unit of work": _open_a_unit,
    "memory": _grow,
    "environment": lambda: os.environ.update(TZ="Asia/Tokyo"),
    "time zone": time.tzset,
    "folder": lambda: os.chdir("/"),
    "file mode": lambda: os.umask(0o777),
    "import path": lambda: sys.path.insert(0, "/"),
    "decimals": lambda: setattr(decimal.getcontext(), "prec", 3),
    "output": lambda: setattr(sys, "stderr", None),
}


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_what_a_task_leaves_behind_ends_with_its_child(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(process_state, "GROWTH_MAX_KB", 20_000)
    if what == "time zone":
        monkeypatch.setenv("TZ", "Asia/Tokyo")
    tasks.work = lambda number: LEFT_BEHIND[what]() if number == 0 else None
    assert tasks.run() == [0, 1, 1]


def test_what_belongs_to_a_tasks_flow_of_control_ends_with_it(tasks: Tasks) -> None:
    mine: ContextVar[int] = ContextVar("mine")

    def look(number: int) -> None:
        assert mine.get(None) is None
        mine.set(number)

    tasks.work = look
    assert tasks.run(wakeups=1) == [0, 0, 0]


@pytest.mark.parametrize("to", ["the worker", "both"])
def test_scenario_F48_a_worker_told_to_stop_ends_its_task_and_takes_no_further_one(
    tasks: Tasks, connection: redis.Redis, tmp_path: Path, to: str
) -> None:
    release = tmp_path / "release"

    def wait(number: int) -> None:
        while not release.exists():
            time.sleep(0.01)
        tasks.note("ended well")

    tasks.work, tasks.count = wait, 99
    RqWakeup(connection).notify(2)
    process = multiprocessing.get_context("fork").Process(
        target=lambda: forking_worker(connection).work(logging_level="CRITICAL")
    )
    process.start()
    try:
        while not tasks.lines():
            time.sleep(0.01)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGTERM)
        if to == "both":
            os.kill(int(tasks.lines()[0]), signal.SIGTERM)
        # The worker has told its child before it says so.
        while not any(connection.hexists(key, "shutdown_requested_date") for key in connection.keys("rq:worker:*")):
            time.sleep(0.01)
        release.touch()
        process.join(30)
        assert process.exitcode == 0
    finally:
        process.kill()
    assert tasks.lines()[1:] == ["ended well"]
