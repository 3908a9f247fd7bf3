"""The heartbeat: asked for by dispatchers, stored by workers, in wall time."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
import redis
import sqlalchemy as sa
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from is2_core.admin.platform_status import what_is_not_ready
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.clock import OFFSET_ROW, ClockOffset, OffsetClock, WallClock
from is2_core.jobs import HANDLERS
from is2_core.platform import Platform
from is2_core.tasks.heartbeat import (
    EVERY,
    OLD_AFTER,
    HeartbeatState,
    ask_for_heartbeat,
    heartbeat_state,
)
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Heartbeat
from is2_core.tasks.runner import run_task
from is2_core.tasks.states import TaskState
from is2_core.tasks.wakeups import QUEUE
from is2_core.tasks.workers import SILENT_AFTER, is_reachable, look_at_queue
from tests.concurrency.test_children import ROOT, worker_environment
from tests.conftest import make_config
from tests.tasks.conftest import Board, forking_worker

A_DAY = timedelta(days=1)


def state(platform: Platform) -> HeartbeatState:
    with platform.db.read() as session:
        return heartbeat_state(platform, session)


def run_heartbeat(board: Board) -> None:
    """Do what a worker does with the heartbeat that is open."""
    (task,) = [task for task in board.tasks() if task.state == TaskState.READY]
    run_task(board.platform, task.id, HANDLERS)


def test_one_heartbeat_a_minute_however_many_dispatchers_ask(board: Board) -> None:
    assert [ask_for_heartbeat(board.platform) for _ in range(3)] == [True, False, False]
    task = board.only()
    assert (task.kind, task.priority, task.account_id, task.integration_id) == (TaskKind.HEARTBEAT, 0, None, None)
    board.clock.advance(EVERY)
    # Nobody took the first one: it is asked for again and stays one.
    assert [ask_for_heartbeat(board.platform), ask_for_heartbeat(board.platform)] == [True, False]
    assert board.only().wanted == 2


def test_a_worker_stores_it_and_leaves_no_trail_of_tasks(board: Board) -> None:
    assert state(board.platform).is_old
    for _ in range(3):
        ask_for_heartbeat(board.platform)
        run_heartbeat(board)
        assert (state(board.platform).stored_ago, state(board.platform).is_old) == (timedelta(0), False)
        board.clock.advance(EVERY)
    assert board.only().state == TaskState.DONE


def test_it_is_old_after_three_minutes_and_tells_whether_it_is_asked_for(board: Board) -> None:
    ask_for_heartbeat(board.platform)
    run_heartbeat(board)
    board.clock.advance(OLD_AFTER)
    assert not state(board.platform).is_old
    board.clock.advance(timedelta(seconds=1))
    found = state(board.platform)
    assert (found.is_old, found.is_asked_for) == (True, False)
    ask_for_heartbeat(board.platform)
    found = state(board.platform)
    assert (found.is_old, found.is_asked_for) == (True, True)


def test_a_heartbeat_of_the_future_hides_nothing(board: Board) -> None:
    """The wall clock was a day ahead and was put right; workers and dispatcher died with it, or the workers alone."""
    ask_for_heartbeat(board.platform)
    run_heartbeat(board)
    with board.platform.db.write() as session:
        ahead = board.clock.now() + A_DAY
        session.execute(sa.update(Heartbeat).values(asked_at=ahead, stored_at=ahead))
    assert (state(board.platform).is_old, state(board.platform).is_asked_for) == (True, False)
    assert "The clock was put back" in what_is_not_ready(board.platform)[1]
    assert ask_for_heartbeat(board.platform)
    assert (state(board.platform).stored_ago, state(board.platform).is_old) == (timedelta(0), False)
    board.clock.advance(OLD_AFTER + timedelta(seconds=1))
    assert state(board.platform).is_old


def test_a_moved_clock_neither_fakes_nor_delays_it(board: Board) -> None:
    """`is2 advance` moves what is due; the heartbeat stays as old as it is in real time."""
    db = board.platform.db
    moved = build_platform(board.platform.config, db=db, clock=OffsetClock(db), carts=board.platform.carts)
    ask_for_heartbeat(moved)
    run_task(moved, board.only().id, HANDLERS)
    with db.write() as session:
        session.add(ClockOffset(id=OFFSET_ROW, seconds=int(A_DAY.total_seconds())))
    assert not state(moved).is_old
    assert not ask_for_heartbeat(moved)
    with db.write() as session:
        long_ago = WallClock().database_now(session) - timedelta(minutes=4)
        session.execute(sa.update(Heartbeat).values(stored_at=long_ago))
    assert state(moved).is_old


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_dispatcher_redis_a_forked_worker_and_database_prove_that_they_work(
    database_url: str, redis_url: str, carts: CartRegistry
) -> None:
    platform = build_platform(make_config(database_url, redis_url), clock=WallClock(), carts=carts)
    (before,) = what_is_not_ready(platform)
    assert "no heartbeat yet" in before
    environment = worker_environment(platform, redis_url)
    with ExitStack() as running:
        for mode in (["--dispatcher"], []):
            process = subprocess.Popen([sys.executable, "worker.py", *mode], cwd=ROOT, env=environment)
            running.callback(process.wait, timeout=30)
            running.callback(process.terminate)
        deadline = time.monotonic() + 60
        while what_is_not_ready(platform) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert what_is_not_ready(platform) == []
        queue = look_at_queue(redis_url, WallClock().now())
        assert queue is not None
        assert (queue.live, [worker.does in ("idle", "busy") for worker in queue.workers]) == (1, [True])
    platform.db.dispose()


def test_a_worker_that_died_is_not_live_for_as_long_as_redis_remembers_it(redis_url: str) -> None:
    connection = redis.Redis.from_url(redis_url)
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
    for name in ("alive", "dead"):
        Worker([queue], name=name, connection=connection, serializer=JSONSerializer).register_birth()
    now = WallClock().now()
    long_ago = now - SILENT_AFTER - timedelta(seconds=5)
    connection.hset("rq:worker:dead", "last_heartbeat", long_ago.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    found = look_at_queue(redis_url, now)
    assert found is not None
    assert {worker.name: worker.is_live for worker in found.workers} == {"alive": True, "dead": False}


def test_what_no_worker_writes_is_no_worker(redis_url: str) -> None:
    connection = redis.Redis.from_url(redis_url)
    alive = forking_worker(connection, name="alive")
    alive.register_birth()
    alive.set_state("idle")
    for name in ("junk", "blank"):
        connection.hset(
            f"rq:worker:{name}", mapping={"birth": "junk", "state": b"\xff"} if name == "junk" else {"a": "b"}
        )
        connection.sadd("rq:workers:is2", f"rq:worker:{name}")
    connection.set("rq:worker:text", "no hash")
    connection.sadd("rq:workers:is2", "rq:worker:text", "rq:worker:nobody", "no worker's name", b"\xff\xfe")
    found = look_at_queue(redis_url, WallClock().now())
    assert found is not None
    assert [(worker.name, worker.does, worker.is_live) for worker in found.workers] == [("alive", "idle", True)]
    alive.run_maintenance_tasks()
    assert not connection.sismember("rq:workers:is2", b"\xff\xfe")
    assert connection.sismember("rq:workers:is2", alive.key)


def test_a_redis_that_is_away_is_noticed_within_a_second() -> None:
    began = time.monotonic()
    assert not is_reachable("redis://127.0.0.1:1")
    assert look_at_queue("redis://127.0.0.1:1", WallClock().now()) is None
    assert time.monotonic() - began < 1.5
