"""How many wake-ups lie in Redis, and a worker that really forks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

import worker
from cli.embedded_redis import EmbeddedRedis
from is2_core.clock import WallClock
from is2_core.tasks.models import Schedule
from is2_core.tasks.states import TaskState
from is2_core.tasks.wakeups import FUNCTION, WAKEUP_TTL_S, RqWakeup, wakeup_queue
from is2_core.tasks.workers import look_at_queue
from tests.tasks.conftest import Board, does_nothing, forking_worker


@pytest.fixture
def connection(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url)


@pytest.fixture
def marks(tmp_path: Path) -> Callable[[str], None]:
    """Writes marks from any process."""

    def mark(text: str) -> None:
        with (tmp_path / "marks").open("a") as file:
            file.write(f"{text}\n")

    return mark


def lines(tmp_path: Path) -> list[str]:
    path = tmp_path / "marks"
    return path.read_text().splitlines() if path.exists() else []


def test_field_A3_half_an_hour_without_workers_leaves_two_wakeups(board: Board, connection: redis.Redis) -> None:
    board.ask(account=board.account("Northwind"), keys=[str(number) for number in range(50)])
    board.wakeups = RqWakeup(connection)
    for _ in range(30):
        board.tick()
        board.clock.advance(timedelta(minutes=1))
        assert wakeup_queue(connection).count <= 2
    for key in [*connection.keys("rq:job:*"), wakeup_queue(connection).key]:
        assert 0 < connection.ttl(key) <= WAKEUP_TTL_S


def test_no_more_wakeups_than_due_tasks_nor_than_two_a_live_worker(connection: redis.Redis) -> None:
    wakeup = RqWakeup(connection)
    assert [wakeup.notify(1), wakeup.notify(1), wakeup.notify(2), wakeup.notify(99)] == [1, 0, 1, 0]
    workers = [forking_worker(connection) for _ in range(3)]
    for each in workers:
        each.register_birth()
    assert (wakeup.live_workers(), wakeup.notify(99), wakeup_queue(connection).count) == (3, 4, 6)
    # One ends, one was killed: its entry expires, and its name is left in the registry.
    workers[0].register_death()
    connection.delete(workers[1].key)
    assert wakeup.live_workers() == 1


def test_expired_wakeups_are_passed_over_without_a_fork(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, marks: Callable[[str], None], tmp_path: Path
) -> None:
    monkeypatch.setattr(worker, "perform", lambda: marks("ran"))
    wakeup = RqWakeup(connection)
    wakeup.notify(2)
    connection.delete(*connection.keys("rq:job:*"))
    forking_worker(connection).work(burst=True, logging_level="CRITICAL")
    assert (lines(tmp_path), wakeup_queue(connection).count) == ([], 0)
    wakeup.notify(2)
    forking_worker(connection).work(burst=True, logging_level="CRITICAL")
    assert lines(tmp_path) == ["ran", "ran"]


def test_field_A1_a_task_longer_than_the_parents_ticks_ends_well_and_its_worker_lives(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, marks: Callable[[str], None], tmp_path: Path
) -> None:
    def perform() -> None:
        marks("starts")
        if len(lines(tmp_path)) == 1:
            time.sleep(2.2)
        marks("ends")

    monkeypatch.setattr(worker, "perform", perform)
    RqWakeup(connection).notify(2)
    forking_worker(connection, job_monitoring_interval=1).work(burst=True, logging_level="CRITICAL")
    assert lines(tmp_path) == ["starts", "ends"] * 2


def test_scenario_F51_the_job_timeout_cannot_be_swallowed_and_ends_the_child_alone(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, marks: Callable[[str], None], tmp_path: Path
) -> None:
    def perform() -> None:
        marks("starts")
        if len(lines(tmp_path)) > 1:
            return
        try:
            time.sleep(30)
        except Exception:
            marks("swallowed")
        marks("went on")

    monkeypatch.setattr(worker, "perform", perform)
    monkeypatch.setattr(worker, "JOB_TIMEOUT_S", 1)
    RqWakeup(connection).notify(2)
    forking_worker(connection).work(burst=True, logging_level="CRITICAL")
    assert lines(tmp_path) == ["starts", "starts"]


def test_a_killed_child_does_not_end_its_worker(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, marks: Callable[[str], None], tmp_path: Path
) -> None:
    def perform() -> None:
        marks("starts")
        if len(lines(tmp_path)) == 1:
            raise MemoryError

    monkeypatch.setattr(worker, "perform", perform)
    RqWakeup(connection).notify(2)
    forking_worker(connection).work(burst=True, logging_level="CRITICAL")
    assert lines(tmp_path) == ["starts", "starts"]


def test_scenario_F45_an_emptied_redis_loses_no_task(board: Board, connection: redis.Redis) -> None:
    board.ask(keys=["1", "2"])
    board.wakeups = RqWakeup(connection)
    assert [board.tick().notified, board.tick().notified] == [2, 0]
    connection.flushall()
    assert board.tick().notified == 2
    assert [board.run_next(does_nothing) for _ in range(3)] == [*(task.id for task in board.tasks()), None]


def test_a_worker_that_redis_has_forgotten_is_known_again(connection: redis.Redis, redis_url: str) -> None:
    waits = forking_worker(connection)
    waits.register_birth()
    waits.set_state("idle")
    connection.flushall()
    waits.heartbeat()
    found = look_at_queue(redis_url, WallClock().now())
    assert found is not None
    assert (RqWakeup(connection).live_workers(), [worker.does for worker in found.workers]) == (1, ["idle"])


def test_scenario_F46_a_redis_that_goes_away_during_a_task_ends_no_worker(
    monkeypatch: pytest.MonkeyPatch, marks: Callable[[str], None], tmp_path: Path
) -> None:
    """It is away when a child ends well, and when one ends badly; then it comes back, empty."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = EmbeddedRedis(folder)
    server.start()
    connection = redis.Redis.from_url(server.url)

    def perform() -> None:
        marks("starts")
        if len(lines(tmp_path)) == 1:
            raise MemoryError

    monkeypatch.setattr(worker, "perform", perform)
    running = forking_worker(connection)
    running.register_birth()
    job, queue = wakeup_queue(connection).create_job(FUNCTION, timeout=5), wakeup_queue(connection)
    server.stop()
    running.execute_job(job, queue)
    running.execute_job(job, queue)
    running.heartbeat()
    running.run_maintenance_tasks()
    running.check_for_suspension(burst=False)
    running._shutdown_requested_date = WallClock().now()
    running.set_shutdown_requested_date()
    server.start()
    running.heartbeat()
    assert RqWakeup(connection).live_workers() == 1
    assert lines(tmp_path) == ["starts", "starts"]
    server.stop()


@pytest.mark.parametrize("is_due", [True, False], ids=["something due", "nothing due"])
def test_field_A8_a_dispatcher_says_that_redis_answers_when_it_does(
    board: Board, tmp_path: Path, caplog: pytest.LogCaptureFixture, is_due: bool
) -> None:
    """What a tick commits before it wakes workers is no sign that Redis lives."""
    caplog.set_level(logging.WARNING, logger="is2.worker")
    server = EmbeddedRedis(tmp_path / "redis")
    dispatching = worker.Dispatching(board.platform, redis.Redis.from_url(server.start()))
    dispatching.tick()
    for task in board.tasks():
        board.change(task.id, state=TaskState.DONE)
    with board.platform.db.write() as session:
        # Daily work of the platform may come due meanwhile.
        session.execute(sa.delete(Schedule))
    server.stop()
    board.ask("platform.heartbeat", keys=["due"])
    dispatching.tick()
    assert caplog.messages == ["no tick (ConnectionError); due tasks stay in the database"]
    if not is_due:
        for task in board.tasks():
            board.change(task.id, state=TaskState.DONE)
    for _ in range(3):
        dispatching.tick()
    assert len(caplog.messages) == 1
    server.start()
    dispatching.tick()
    assert caplog.messages[1:] == ["Redis and the database answer again"]
    server.stop()


def test_a_worker_waits_in_peace_for_a_wakeup(redis_url: str) -> None:
    """A socket that gives up sooner than the wait ends is taken for a Redis that is away: the worker sleeps."""
    waiting = worker.idle_worker(redis_url)
    connection = waiting.connection.connection_pool.get_connection()
    assert connection.socket_timeout > waiting.dequeue_timeout
    waiting.connection.close()
