"""Schedules, sweep, and who is rung for first."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.models import Integration, IntegrationState, Schedule, TaskState
from is2_core.tasks.dispatcher import KEEP_DONE, RING, Limits, clean_up, tick
from is2_core.tasks.run import LEASE
from tests.tasks.conftest import KIND, Board, Killed, ListBell, dies, does_nothing


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


def test_two_dispatchers_turn_one_slot_into_one_task(board: Board) -> None:
    schedule(board, board.store(board.account("Northwind")))
    start = threading.Barrier(2)
    done = []

    def dispatch() -> None:
        bell = ListBell()
        start.wait(timeout=30)
        done.append((tick(board.platform, bell), bell.rung))

    threads = [threading.Thread(target=dispatch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(each.scheduled for each, _ in done) == [0, 1]
    assert sorted(len(rung) for _, rung in done) == [0, 1]
    assert board.only().wanted == 1


def test_a_paused_store_has_no_slots(board: Board) -> None:
    store = board.store(board.account("Northwind"))
    schedule(board, store)
    with board.platform.db.write() as session:
        session.execute(sa.update(Integration).values(state=IntegrationState.PAUSED))
    assert board.tick().scheduled == 0


def test_a_ring_that_is_lost_is_repeated(board: Board) -> None:
    board.ask()
    assert [board.tick().rung, board.tick().rung] == [1, 0]
    board.clock.advance(RING + timedelta(seconds=1))
    assert board.tick().rung == 1
    # Each ring has a job id of its own: RQ would not take the same one twice.
    assert len(set(board.bell.rung)) == 2


def test_nothing_is_swept_before_its_lease_ends(board: Board) -> None:
    board.ask()
    with pytest.raises(Killed):
        board.run(dies)
    board.clock.advance(LEASE)
    assert board.tick().recovered == 0
    board.clock.advance(timedelta(seconds=1))
    done = board.tick()
    assert (done.recovered, done.rung) == (1, 1)
    assert (board.only().state, board.only().crashes) == (TaskState.READY, 1)


def test_one_task_of_a_newcomer_is_rung_in_the_first_tick(board: Board) -> None:
    flood, newcomer = board.account("Flood"), board.account("Newcomer")
    board.flood(flood, 10_000)
    board.ask(account=newcomer)
    last = board.tasks()[-1].id
    board.tick()
    assert last in [task_id for task_id, _ in board.bell.rung[:2]]
    assert len(board.bell.rung) == Limits().per_account + 1


def test_accounts_take_turns(board: Board) -> None:
    for name in ("A", "B", "C"):
        board.ask(account=board.account(name), keys=["1", "2", "3"])
    board.tick()
    owners = {task.id: task.account_id for task in board.tasks()}
    turns = [owners[task_id] for task_id, _ in board.bell.rung]
    assert [sorted(turns[start : start + 3]) for start in (0, 3, 6)] == [sorted(set(owners.values()))] * 3


def test_no_account_has_more_than_its_share_in_flight(board: Board) -> None:
    account = board.account("Flood")
    board.ask(account=account, keys=[str(number) for number in range(10)])
    limits = Limits(per_account=3, in_flight=100)
    assert board.tick(limits).rung == 3
    assert board.tick(limits).rung == 0
    board.run(does_nothing, board.bell.rung[0][0])
    assert board.tick(limits).rung == 1


def test_the_queue_is_kept_short(board: Board) -> None:
    for number in range(6):
        board.ask(account=board.account(str(number)), keys=["1", "2", "3"])
    limits = Limits(per_account=3, in_flight=4)
    assert board.tick(limits).rung == 4
    assert board.tick(limits).rung == 0


def test_within_an_account_a_waiting_person_comes_first(board: Board) -> None:
    account = board.account("Northwind")
    board.ask(account=account, keys=["routine", "urgent"])
    urgent = board.tasks()[1].id
    board.change(urgent, priority=0)
    board.tick(Limits(per_account=1))
    assert [task_id for task_id, _ in board.bell.rung] == [urgent]


def test_done_tasks_are_deleted_after_a_while(board: Board) -> None:
    board.ask()
    board.run(does_nothing)
    board.ask()
    board.clock.advance(KEEP_DONE + timedelta(seconds=1))
    assert clean_up(board.platform) == 1
    assert board.only().state == TaskState.READY
