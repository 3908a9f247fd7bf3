"""Rows of schedules, made from what `jobs.py` says of each kind, by any number of processes at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.calls.carts import CartRegistry
from is2_core.jobs import HANDLERS, JOBS, KEEP_DONE, SCHEDULES, Job, clean_up
from is2_core.platform import Platform
from is2_core.tasks.dispatcher import KindSchedules
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.runner import run_task
from is2_core.tasks.schedule import Slots
from is2_core.tasks.states import TaskState
from tests.tasks.conftest import Board

MINUTE = Slots(every_s=60)


def stores(board: Board, count: int = 2) -> list[int]:
    """Stores whose setup is finished, as a release before left them: with nothing scheduled."""
    account = board.account("Northwind")
    ids = [board.store(account, f"SELLER {number}") for number in range(count)]
    with board.platform.db.write() as session:
        session.execute(sa.update(Integration).values(finished_at=board.clock.now()))
    return ids


def kinds(**slots: Slots | None) -> KindSchedules:
    """Kinds of integrations, by the name of their member."""
    return KindSchedules({TaskKind[name]: lambda platform, row, each=each: each for name, each in slots.items()}, {})


def rows(board: Board) -> dict[tuple[int | None, str], tuple[int, str]]:
    with board.platform.db.read() as session:
        found = session.scalars(sa.select(Schedule))
        return {(row.integration_id, row.kind): (row.every_s, row.daily_at) for row in found}


def next_at(board: Board, kind: str) -> list[timedelta]:
    """How far from now the slots of a kind are, the nearest first."""
    with board.platform.db.read() as session:
        found = session.scalars(sa.select(Schedule.next_at).where(Schedule.kind == kind).order_by(Schedule.next_at))
        return [at - board.clock.now() for at in found]


def test_every_kind_has_its_one_entry() -> None:
    assert set(JOBS) == set(TaskKind)


def test_a_kind_that_a_release_adds_gets_its_rows_without_a_migration(board: Board) -> None:
    first, second = stores(board)
    setup = board.store(board.account("Other"), "SELLER 9")
    kinds(ORDERS_CHECK=MINUTE).ensure_all(board.platform)
    added = kinds(ORDERS_CHECK=MINUTE, ORDERS_REVIEW=Slots(every_s=3600), ORDERS_STOP=Slots(daily_at="02:30"))
    added.ensure_all(board.platform)
    there = rows(board)
    assert {owner for owner, _ in there} == {first, second}, f"{setup} is not set up yet"
    assert there[second, "orders.review"] == (3600, "")
    assert there[second, "orders.stop"] == (86_400, "02:30")
    # Not all integrations at one time.
    assert next_at(board, "orders.review") == [timedelta(seconds=first), timedelta(seconds=second)]
    assert board.tick().scheduled == 0
    board.clock.advance(timedelta(seconds=60))
    assert board.tick().scheduled == 4


def test_what_is_as_it_should_be_is_left_alone(board: Board) -> None:
    stores(board)
    SCHEDULES.ensure_all(board.platform)
    with board.platform.db.read() as session:
        before = session.execute(sa.select(Schedule.id, Schedule.next_at).order_by(Schedule.id)).all()
    written: list[str] = []

    def note(*about: object) -> None:
        written.append(str(about[2]))

    sa.event.listen(board.platform.db.engine, "before_cursor_execute", note)
    SCHEDULES.ensure_all(board.platform)
    sa.event.remove(board.platform.db.engine, "before_cursor_execute", note)
    assert [statement for statement in written if not statement.startswith(("SELECT", "BEGIN", "PRAGMA", "SET"))] == []
    with board.platform.db.read() as session:
        assert session.execute(sa.select(Schedule.id, Schedule.next_at).order_by(Schedule.id)).all() == before


def test_a_release_that_wants_another_rhythm_or_none_gets_it(board: Board) -> None:
    stores(board)
    kinds(ORDERS_CHECK=Slots(every_s=7200), ORDERS_REVIEW=MINUTE, ORDERS_STOP=MINUTE).ensure_all(board.platform)
    with board.platform.db.write() as session:
        session.execute(sa.update(Schedule).values(next_at=board.clock.now() + timedelta(seconds=7200)))
    kinds(ORDERS_CHECK=Slots(every_s=600), ORDERS_REVIEW=Slots(daily_at="13:00"), ORDERS_STOP=None).ensure_all(
        board.platform
    )
    assert set(rows(board).values()) == {(600, ""), (86_400, "13:00")}
    assert next_at(board, "orders.check") == [timedelta(seconds=600)] * 2
    assert next_at(board, "orders.review") == [timedelta(hours=1)] * 2


def test_the_rows_of_a_cart_that_is_not_installed_stay(board: Board) -> None:
    stores(board)
    kinds(ORDERS_CHECK=MINUTE).ensure_all(board.platform)
    without = replace(board.platform, carts=CartRegistry())
    kinds(ORDERS_CHECK=None, ORDERS_REVIEW=MINUTE).ensure_all(without)
    assert {kind for _, kind in rows(board)} == {"orders.check"}


def test_processes_that_start_at_once_make_each_row_once(board: Board) -> None:
    stores(board, 5)
    wanted = replace(kinds(ORDERS_CHECK=MINUTE, ORDERS_REVIEW=MINUTE), of_platform={TaskKind.CLEAN_UP: MINUTE})
    start, failures = threading.Barrier(4), []

    def begin() -> None:
        start.wait(timeout=30)
        try:
            wanted.ensure_all(board.platform)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    with board.platform.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Schedule)) == 5 * 2 + 1


def test_the_platforms_own_work_comes_due_and_runs(board: Board) -> None:
    KindSchedules({}, {TaskKind.CLEAN_UP: SCHEDULES.of_platform[TaskKind.CLEAN_UP]}).ensure_all(board.platform)
    assert rows(board) == {(None, "platform.clean_up"): (600, "")}
    assert board.tick().scheduled == 1
    task = board.only()
    assert (task.account_id, task.integration_id) == (None, None)
    assert run_task(board.platform, task.id, HANDLERS)
    assert board.only().state == TaskState.DONE
    board.clock.advance(timedelta(seconds=600))
    assert board.tick().scheduled == 1


def test_a_kind_says_how_long_its_done_tasks_stay(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(platform: Platform, run: object) -> None:
        """Do nothing."""

    monkeypatch.setitem(JOBS, TaskKind.ORDERS_STOP, Job(nothing, keep=timedelta(hours=1)))
    for kind in ("orders.stop", "orders.check", "kind.of.tomorrow"):
        board.ask(kind)
    with board.platform.db.write() as session:
        session.execute(sa.update(Task).values(state=TaskState.DONE, finished_at=board.clock.now()))
    board.clock.advance(timedelta(hours=2))
    assert clean_up(board.platform) == 1
    assert {task.kind for task in board.tasks()} == {"orders.check", "kind.of.tomorrow"}
    board.clock.advance(KEEP_DONE)
    assert clean_up(board.platform) == 2
