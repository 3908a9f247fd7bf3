"""On PostgreSQL no two units of work wait crosswise for each other's task rows (A7)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.jobs import KEEP_DONE, KEEP_SETTLED, clean_up
from is2_core.platform import Platform
from is2_core.submissions.models import Submission, SubmissionLine
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.queue import enqueue, pause_tasks, release_tasks
from is2_core.tasks.run import LEASE, TaskRun
from is2_core.tasks.runner import run_task
from is2_core.tasks.states import TaskState
from tests.tasks.conftest import KIND, Board

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


def at_once(*works: Callable[[], None]) -> list[BaseException]:
    """Do these things at once; returns what they raised."""
    raised: list[BaseException] = []

    def do(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    return raised


@pytest.mark.parametrize("end_first", [True, False])
def test_scenario_F53_two_runs_that_ask_for_each_other(board: Board, end_first: bool) -> None:
    store = board.store(board.account("Northwind"))
    for kind in ("test.check", "test.push"):
        board.ask(kind, store=store)
    check, push = (task.id for task in board.tasks())
    both = threading.Barrier(2)

    def run(task_id: int, other: str) -> None:
        def handle(platform: Platform, run: TaskRun) -> None:
            with run.write() as session:
                integration = session.get_one(Integration, store)
                if end_first:
                    run.finish(session)
                else:
                    enqueue(session, kind=other, integration=integration, now=board.clock.now())
                both.wait(timeout=30)
                if end_first:
                    enqueue(session, kind=other, integration=integration, now=board.clock.now())
                else:
                    run.finish(session)

        run_task(board.platform, task_id, {"test.check": handle, "test.push": handle})

    assert at_once(lambda: run(check, "test.push"), lambda: run(push, "test.check")) == []
    assert all(task.error_code == "" for task in board.tasks())
    # Who ended first was asked again afterwards.
    assert TaskState.READY in {task.state for task in board.tasks()}


@pytest.mark.parametrize("open_already", [True, False])
def test_two_pages_that_ask_in_different_orders(board: Board, open_already: bool) -> None:
    store = board.store(board.account("Northwind"))
    kinds = ["test.first", "test.second"]
    if open_already:
        for kind in kinds:
            board.ask(kind, store=store)
    both = threading.Barrier(2)

    def page(first: str, second: str) -> None:
        with board.platform.db.write() as session:
            integration = session.get_one(Integration, store)
            enqueue(session, kind=first, integration=integration, now=board.clock.now())
            both.wait(timeout=30)
            enqueue(session, kind=second, integration=integration, now=board.clock.now())

    assert at_once(lambda: page(*kinds), lambda: page(*reversed(kinds))) == []
    assert [task.wanted for task in board.tasks()] == [2 + open_already] * 2


def test_a_clean_up_passes_over_what_another_deletes(board: Board) -> None:
    account = board.account("Northwind")
    store = board.store(account)
    board.ask(store=store, keys=["locked", "free"])
    long_ago = board.clock.now()
    board.clock.advance(KEEP_DONE + KEEP_SETTLED + timedelta(seconds=1))
    with board.platform.db.write() as session:
        session.execute(sa.update(Task).values(state=TaskState.DONE, finished_at=long_ago))
        for handle in ("locked", "free"):
            times = {"sent_at": long_ago, "ask_at": long_ago, "closed_at": long_ago}
            lines = [SubmissionLine(key="1", result="APPLIED")]
            owner = {"account_id": account, "integration_id": store}
            session.add(Submission(**owner, kind="push_inventory", handle=handle, **times, lines=lines))
    with board.platform.db.engine.connect() as other:
        for table in (Submission, Task):
            first = sa.select(sa.func.min(table.id)).scalar_subquery()
            other.execute(sa.select(table.id).where(table.id == first).with_for_update())
        assert clean_up(board.platform) == 1
    with board.platform.db.read() as session:
        assert session.scalars(sa.select(Submission.handle)).all() == ["locked"]
        assert session.scalar(sa.select(sa.func.count()).select_from(SubmissionLine)) == 1
    assert clean_up(board.platform) == 1
    assert board.tasks() == []


def test_field_A7_a_page_that_asks_for_what_the_dispatchers_schedules_ask_for(board: Board) -> None:
    store = board.store(board.account("Northwind"))
    kinds = ("test.first", "test.second")
    for kind in kinds:
        board.ask(kind, store=store)
    with board.platform.db.write() as session:
        for kind in kinds:
            session.add(Schedule(integration_id=store, kind=kind, every_s=60, next_at=board.clock.now()))
    ticked = threading.Event()
    asked = threading.Event()

    def page() -> None:
        with board.platform.db.write() as session:
            integration = session.get_one(Integration, store)
            enqueue(session, kind="test.second", integration=integration, now=board.clock.now())
            asked.set()
            # Until the dispatcher is done, or waits for this unit.
            deadline = time.monotonic() + 30
            waits = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            while not ticked.is_set() and not session.scalar(waits) and time.monotonic() < deadline:
                time.sleep(0.01)
            enqueue(session, kind="test.first", integration=integration, now=board.clock.now())

    def dispatch() -> None:
        asked.wait(timeout=30)
        board.tick()
        ticked.set()

    assert at_once(page, dispatch) == []
    assert [task.wanted for task in board.tasks()] == [3, 3]


def test_what_others_have_locked_is_swept_and_woken_by_a_later_tick(board: Board) -> None:
    store = board.store(board.account("Northwind"))
    board.ask(store=store, keys=["expired and locked", "expired", "waits and locked", "waits"])
    first, second, third, fourth = (task.id for task in board.tasks())
    for task_id in (first, second):
        board.change(task_id, state=TaskState.RUNNING, lease_until=board.clock.now() - LEASE)
    for task_id in (third, fourth):
        board.change(task_id, state=TaskState.WAITING, run_at=board.clock.now() + timedelta(hours=1))
    with board.platform.db.engine.connect() as other:
        other.execute(sa.select(Task.id).where(Task.id.in_((first, third))).with_for_update())
        other.execute(sa.select(sa.text("1")))
        assert board.tick().recovered == 1
        states = [task.state for task in board.tasks()]
        assert states == [TaskState.RUNNING, TaskState.READY, TaskState.WAITING, TaskState.READY]
    assert board.tick().recovered == 1
    assert {task.state for task in board.tasks()} == {TaskState.READY}


def test_a_store_is_paused_and_released_past_what_others_have_locked(board: Board) -> None:
    store = board.store(board.account("Northwind"))
    board.ask(KIND, store=store, keys=["locked", "free"])
    locked = board.tasks()[0].id
    with board.platform.db.engine.connect() as other:
        other.execute(sa.select(Task.id).where(Task.id == locked).with_for_update())
        with board.platform.db.write() as session:
            session.execute(sa.update(Integration).values(state=IntegrationState.PAUSED))
            pause_tasks(session, store)
        assert [task.state for task in board.tasks()] == [TaskState.READY, TaskState.WAITING]
    # The one that was locked is due and finds its store paused.
    board.run(lambda *_: pytest.fail("a task of a paused store ran"), locked)
    with board.platform.db.engine.connect() as other:
        other.execute(sa.select(Task.id).where(Task.id == locked).with_for_update())
        with board.platform.db.write() as session:
            session.execute(sa.update(Integration).values(state=IntegrationState.ACTIVE))
            release_tasks(session, store, board.clock.now())
    board.tick()
    assert {task.state for task in board.tasks()} == {TaskState.READY}
