"""Whose turn it is, and that no two workers take one task."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
import sqlalchemy as sa

from is2_core.platform import Platform
from is2_core.tasks.models import Task
from is2_core.tasks.pick import LIMITS, Limits, next_due
from is2_core.tasks.run import TaskRun
from is2_core.tasks.runner import run_next
from is2_core.tasks.states import TaskState
from tests.support.statements import counted
from tests.tasks.conftest import KIND, Board, does_nothing


def owners(board: Board, taken: list[int | None]) -> list[int | None]:
    accounts = {task.id: task.account_id for task in board.tasks()}
    return [accounts[each] for each in taken if each is not None]


def test_scenario_F62_accounts_take_turns_however_long_the_others_list_is(board: Board) -> None:
    flood, newcomer, third = (board.account(name) for name in ("Flood", "Newcomer", "Third"))
    board.flood(flood, 2000)
    for account in (newcomer, third):
        board.ask(account=account, keys=["1", "2"])
    turns = owners(board, [board.run_next() for _ in range(6)])
    assert turns == [flood, newcomer, third, flood, newcomer, third]
    # Who comes later waits for one turn of each, not for those it has missed.
    board.ask(account=newcomer, keys=["3", "4"])
    assert owners(board, [board.run_next() for _ in range(4)]) in (
        [flood, newcomer, flood, newcomer],
        [newcomer, flood, newcomer, flood],
    )


def test_within_an_account_a_waiting_person_comes_first_then_who_waits_longest(board: Board) -> None:
    account = board.account("Northwind")
    board.ask(account=account, keys=["routine", "urgent", "older"])
    routine, urgent, older = (task.id for task in board.tasks())
    board.change(urgent, priority=0)
    board.change(older, run_at=board.clock.now().replace(year=2025))
    assert [board.run_next() for _ in range(4)] == [urgent, older, routine, None]


def test_every_second_turn_is_of_an_account_whose_person_waits(board: Board) -> None:
    routine = [board.account(name) for name in ("A", "B", "C")]
    clicker = board.account("Clicker")
    for account in routine:
        board.ask(account=account, keys=["1", "2", "3"])
    board.ask(account=clicker, keys=[str(number) for number in range(12)])
    with board.platform.db.write() as session:
        session.execute(sa.update(Task).where(Task.account_id == clicker).values(priority=0))
    turns = owners(board, [board.run_next() for _ in range(12)])
    assert turns[0] == clicker, "a person goes ahead"
    count = Counter(turns)
    assert 6 <= count[clicker] <= 8
    assert {count[account] for account in routine} <= {1, 2}, "and nobody starves"


def test_an_account_at_its_cap_is_passed_over(board: Board) -> None:
    busy, other = board.account("Busy"), board.account("Other")
    board.ask(account=busy, keys=["1", "2"])
    taken: list[int | None] = []

    def while_running(platform: Platform, run: TaskRun) -> None:
        taken.append(board.run_next(limits=Limits(per_account=1)))
        board.ask(account=other)
        assert board.tick(Limits(per_account=1)).due == 1
        taken.append(board.run_next(limits=Limits(per_account=1)))

    board.run_next(while_running)
    assert owners(board, taken) == [other]


def test_a_kind_nobody_here_knows_keeps_no_other_waiting(board: Board) -> None:
    account = board.account("Northwind")
    board.ask("kind.of.tomorrow", account=account)
    board.ask(account=account)
    unknown, known = (task.id for task in board.tasks())
    board.change(unknown, priority=0)
    assert [board.run_next(), board.run_next()] == [known, None]
    assert board.tasks()[0].state == TaskState.READY


def test_taking_and_ending_a_task_asks_the_database_five_things(board: Board) -> None:
    board.ask(store=board.store(board.account("Northwind")), keys=["1", "2"])
    board.run_next()
    with counted(board.platform) as asked:
        board.run_next()
    assert [text.split()[0] for text in asked] == ["SELECT", "SELECT", "UPDATE", "UPDATE", "UPDATE"]


@pytest.mark.parametrize("accounts", [1, 3])
def test_workers_at_once_run_each_task_once(board: Board, accounts: int) -> None:
    for number in range(accounts):
        board.ask(account=board.account(str(number)), keys=[str(key) for key in range(12 // accounts)])
    ran: list[int] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait(timeout=30)
        while run_next(board.platform, {KIND: lambda platform, run: ran.append(run.id)}):
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(ran) == [task.id for task in board.tasks()]


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_what_another_connection_has_locked_is_passed_over(board: Board) -> None:
    board.ask(account=board.account("Northwind"), keys=["locked", "free"])
    locked, free = (task.id for task in board.tasks())
    with board.platform.db.engine.connect() as other:
        other.execute(sa.select(Task.id).where(Task.id == locked).with_for_update())
        assert board.run_next(does_nothing) == free
        with board.platform.db.write() as session:
            assert next_due(session, board.clock.now(), None, LIMITS) is None
    assert board.run_next(does_nothing) == locked
