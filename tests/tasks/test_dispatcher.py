"""Schedules, sweep, and for how many tasks workers are woken."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.jobs import KEEP_DONE, clean_up
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.models import Schedule
from is2_core.tasks.pick import Limits
from is2_core.tasks.run import LEASE
from is2_core.tasks.states import TaskState
from tests.support.plans import plans, tables_read_whole
from tests.support.world import NotedWakeups
from tests.tasks.conftest import KIND, Board, Killed, dies, does_nothing


def schedule(board: Board, store: int, every_s: int = 1800) -> None:
    with board.platform.db.write() as session:
        session.add(Schedule(integration_id=store, kind=KIND, every_s=every_s, next_at=board.clock.now()))


def next_at(board: Board) -> object:
    with board.platform.db.read() as session:
        return session.scalar(sa.select(Schedule.next_at))


def test_a_due_slot_becomes_one_task_and_moves_on(board: Board) -> None:
    schedule(board, board.store(board.account("Northwind")))
    assert [board.tick().scheduled, board.tick().scheduled] == [1, 0]
    assert board.only().wanted == 1
    assert next_at(board) == board.clock.now() + timedelta(minutes=30)


def test_missed_slots_run_once_and_keep_their_rhythm(board: Board) -> None:
    schedule(board, board.store(board.account("Northwind")))
    start = board.clock.now()
    board.clock.advance(timedelta(minutes=100))
    assert board.tick().scheduled == 1
    assert board.only().wanted == 1
    assert next_at(board) == start + timedelta(minutes=120)


def test_scenario_F33_two_dispatchers_turn_one_slot_into_one_task(board: Board) -> None:
    schedule(board, board.store(board.account("Northwind")))
    start = threading.Barrier(2)
    done = []

    def dispatch() -> None:
        start.wait(timeout=30)
        done.append(tick(board.platform, NotedWakeups()))

    threads = [threading.Thread(target=dispatch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(each.scheduled for each in done) == [0, 1]
    assert board.only().wanted == 1


def test_a_paused_store_has_no_slots(board: Board) -> None:
    store = board.store(board.account("Northwind"))
    schedule(board, store)
    with board.platform.db.write() as session:
        session.execute(sa.update(Integration).values(state=IntegrationState.PAUSED))
    assert board.tick().scheduled == 0


def test_workers_are_woken_while_something_is_due(board: Board) -> None:
    board.ask(keys=["1", "2"])
    assert [board.tick().due, board.tick().due] == [2, 2]
    board.run_next()
    assert board.tick().due == 1
    board.run_next()
    assert (board.tick().due, board.tick().notified) == (0, 0)


def test_nobody_is_woken_for_what_nobody_here_can_do(board: Board) -> None:
    board.ask("kind.of.tomorrow")
    assert tick(board.platform, board.wakeups, kinds=[KIND]).due == 0


def test_nothing_is_swept_before_its_lease_ends(board: Board) -> None:
    board.ask()
    with pytest.raises(Killed):
        board.run(dies)
    board.clock.advance(LEASE)
    assert board.tick().recovered == 0
    board.clock.advance(timedelta(seconds=1))
    done = board.tick()
    assert (done.recovered, done.due) == (1, 1)
    assert (board.only().state, board.only().crashes) == (TaskState.READY, 1)


def test_no_more_than_an_accounts_share_is_counted_as_due(board: Board) -> None:
    for name in ("Flood", "Other"):
        board.ask(account=board.account(name), keys=[str(number) for number in range(10)])
    assert board.tick(Limits(per_account=3)).due == 6


def test_a_tick_reads_no_table_whole(board: Board) -> None:
    store = board.store(board.account("Northwind"))
    schedule(board, store)
    board.ask(store=store, keys=["1", "2"])
    assert tables_read_whole(board.platform, board.tick, ("schedule", "task", "integration")) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_tick_passes_over_what_is_due_later(board: Board) -> None:
    """SQLite chooses by the shape of a statement, PostgreSQL by what the tables hold."""
    lines = plans(board.platform, board.tick, ("task", "schedule"))
    assert [line for line in lines if "ix_task_due (state=? AND run_at>?)" in line] == []
    assert any("ix_task_set_at (set_at>?)" in line for line in lines)
    assert any("ix_schedule_set_at (set_at>?)" in line for line in lines)
    assert any("ix_task_due (state=? AND run_at<?)" in line for line in lines)


def test_done_tasks_are_deleted_after_a_while(board: Board) -> None:
    board.ask()
    board.run(does_nothing)
    board.ask()
    board.clock.advance(KEEP_DONE + timedelta(seconds=1))
    assert clean_up(board.platform) == 1
    assert board.only().state == TaskState.READY
