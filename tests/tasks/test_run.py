"""One run of one task: claim, lease, fence, finish, and what becomes of errors."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from is2_core.accounts.models import Account, Integration
from is2_core.accounts.states import IntegrationState
from is2_core.db.unit import savepoint
from is2_core.platform import Platform
from is2_core.tasks.queue import enqueue, pause_tasks
from is2_core.tasks.run import HEARTBEAT, LEASE, LeaseLost, TaskRun
from is2_core.tasks.runner import MAX_CRASHES, MAX_ERRORS, run_task
from is2_core.tasks.states import TaskState
from plugins.interface import Permanent, RateLimited, Temporary
from tests.tasks.conftest import KIND, Board, Killed, dies, does_nothing


def test_a_claim_takes_the_lease_and_raises_the_fence(board: Board) -> None:
    board.ask()
    seen = []

    def look(platform: Platform, run: TaskRun) -> None:
        seen.append((board.only().state, board.only().lease_until, run.fence))

    board.run(look)
    assert seen == [(TaskState.RUNNING, board.clock.now() + LEASE, 1)]
    assert (board.only().state, board.only().lease_until) == (TaskState.DONE, None)


def test_a_claimed_task_is_not_claimed_again(board: Board) -> None:
    board.ask()
    runs = []

    def while_running(platform: Platform, run: TaskRun) -> None:
        runs.append(run.fence)
        board.run(lambda *_: runs.append(0), run.id)

    board.run(while_running)
    board.run(lambda *_: runs.append(0))
    assert runs == [1]


def test_a_task_that_is_not_due_is_not_claimed(board: Board) -> None:
    board.ask()
    board.change(board.only().id, run_at=board.clock.now() + timedelta(seconds=1))
    board.run(dies)
    assert board.only().state == TaskState.READY


def test_scenario_F54_ten_claims_of_one_task_have_one_effect(board: Board) -> None:
    board.ask()

    def book(platform: Platform, run: TaskRun) -> None:
        with run.write() as session:
            session.add(Account(name=f"effect {run.fence}", created_at=board.clock.now()))
            run.finish(session)

    for _ in range(10):
        board.run(book)
    with board.platform.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Account)) == 1


def test_scenario_F49_an_unknown_kind_is_left_for_a_newer_version(board: Board) -> None:
    board.ask("kind.of.tomorrow")
    board.run(dies)
    task = board.only()
    assert (task.state, task.fence, task.crashes, task.attempts) == (TaskState.READY, 0, 0, 0)


def test_asking_again_while_open_makes_no_second_task(board: Board) -> None:
    board.ask(keys=["a", "a", "b"])
    assert [(task.business_key, task.wanted) for task in board.tasks()] == [(f"{KIND}::a", 2), (f"{KIND}::b", 1)]


def test_what_is_asked_in_one_unit_is_asked_in_that_order(board: Board) -> None:
    store = board.store(board.account("Northwind"))
    now = board.clock.now()
    with board.platform.db.write() as session:
        about = {"integration": session.get_one(Integration, store), "now": now}
        enqueue(session, kind="test.b", **about, run_at=now + HEARTBEAT, payload={"first": 1})
        enqueue(session, kind="test.a", **about)
        enqueue(session, kind="test.b", **about, run_at=now + LEASE, priority=0, payload={"second": 2})
        pause_tasks(session, store)
        enqueue(session, kind="test.c", **about)
    asked, other, after_the_pause = board.tasks()
    assert (asked.kind, asked.wanted, asked.priority, asked.run_at) == ("test.b", 2, 0, now + HEARTBEAT)
    assert (asked.payload, other.kind) == ({"first": 1}, "test.a")
    assert (asked.state, other.state) == (TaskState.WAITING, TaskState.WAITING)
    assert (after_the_pause.kind, after_the_pause.state) == ("test.c", TaskState.READY)


def test_what_a_part_asked_for_that_failed_is_not_asked_for(board: Board) -> None:
    with board.platform.db.write() as session:
        enqueue(session, kind="test.before", now=board.clock.now())
        with pytest.raises(ZeroDivisionError), savepoint(session):
            enqueue(session, kind="test.in.the.part", now=board.clock.now())
            raise ZeroDivisionError
        enqueue(session, kind="test.after", now=board.clock.now())
    assert [task.kind for task in board.tasks()] == ["test.before", "test.after"]


def test_a_run_asks_for_its_own_kind_before_and_after_its_end(board: Board) -> None:
    board.ask()

    def asks_itself(platform: Platform, run: TaskRun) -> None:
        with run.write() as session:
            if first:
                enqueue(session, kind=KIND, now=board.clock.now())
            run.finish(session)
            if not first:
                enqueue(session, kind=KIND, now=board.clock.now())

    first = True
    board.run(asks_itself)
    assert (board.only().state, board.only().wanted) == (TaskState.READY, 2)
    first = False
    board.run(asks_itself)
    assert [task.state for task in board.tasks()] == [TaskState.DONE, TaskState.READY]


def test_asking_during_a_run_makes_it_run_again(board: Board) -> None:
    board.ask()
    runs = []

    def asked_meanwhile(platform: Platform, run: TaskRun) -> None:
        runs.append(run.fence)
        if len(runs) == 1:
            board.ask()

    board.run(asked_meanwhile)
    assert board.only().state == TaskState.READY
    board.run(asked_meanwhile)
    assert (len(runs), board.only().state) == (2, TaskState.DONE)


def test_asking_after_the_end_makes_a_new_task(board: Board) -> None:
    board.ask()
    board.run(does_nothing)
    board.ask()
    assert [task.state for task in board.tasks()] == [TaskState.DONE, TaskState.READY]


def test_effect_and_end_are_one_commit(board: Board) -> None:
    board.ask()

    def half(platform: Platform, run: TaskRun) -> None:
        with run.write() as session:
            session.add(Account(name="half", created_at=board.clock.now()))
            run.finish(session)
            raise Killed

    with pytest.raises(Killed):
        board.run(half)
    assert board.only().state == TaskState.RUNNING
    with board.platform.db.read() as session:
        assert session.scalar(sa.select(Account.id)) is None


def test_scenario_F17_a_run_that_lost_its_lease_commits_nothing(board: Board) -> None:
    board.ask()
    fates = []

    def sleeps_through_its_lease(platform: Platform, run: TaskRun) -> None:
        board.clock.advance(LEASE + timedelta(seconds=1))
        board.tick()
        board.run(lambda *_: fates.append("second run"), run.id)
        try:
            with run.write() as session:
                session.add(Account(name="too late", created_at=board.clock.now()))
        except LeaseLost:
            fates.append("lost")
            raise

    board.run(sleeps_through_its_lease)
    assert fates == ["second run", "lost"]
    assert (board.only().state, board.only().crashes) == (TaskState.DONE, 0)
    with board.platform.db.read() as session:
        assert session.scalar(sa.select(Account.id)) is None


def test_a_lost_lease_passes_through_broad_excepts(board: Board) -> None:
    # A cart may catch Exception around an HTTP call; the heartbeat before that call must still end the run.
    board.ask()
    after = []

    def swallows(platform: Platform, run: TaskRun) -> None:
        board.clock.advance(LEASE + timedelta(seconds=1))
        board.tick()
        try:
            run.heartbeat()
        except Exception:
            after.append("swallowed")
        after.append("went on")

    board.run(swallows)
    assert after == []
    assert board.only().state == TaskState.READY


def test_the_lease_is_renewed_by_heartbeats_and_commits(board: Board) -> None:
    board.ask()
    ends = []

    def long(platform: Platform, run: TaskRun) -> None:
        for _ in range(8):
            board.clock.advance(HEARTBEAT)
            run.heartbeat()
            ends.append(board.only().lease_until)
        board.tick()

    board.run(long)
    assert ends[-1] == board.clock.now() + LEASE
    assert (board.only().state, board.only().fence) == (TaskState.DONE, 1)


def test_heartbeats_in_quick_succession_do_not_write(board: Board) -> None:
    board.ask()

    def busy(platform: Platform, run: TaskRun) -> None:
        before = board.only().lease_until
        board.clock.advance(HEARTBEAT / 2)
        run.heartbeat()
        assert board.only().lease_until == before

    board.run(busy)
    assert board.only().state == TaskState.DONE


def test_scenario_F50_three_crashes_set_a_task_aside(board: Board) -> None:
    board.ask()
    for crash in range(1, MAX_CRASHES + 1):
        with pytest.raises(Killed):
            board.run(dies)
        board.clock.advance(LEASE + timedelta(seconds=1))
        assert board.tick().recovered == 1
        assert board.only().crashes == crash
    task = board.only()
    assert (task.state, task.error_code) == (TaskState.QUARANTINED, "CRASHED")
    assert task.error_message


def test_a_good_run_forgives_earlier_crashes(board: Board) -> None:
    board.ask()
    with pytest.raises(Killed):
        board.run(dies)
    board.clock.advance(LEASE + timedelta(seconds=1))
    board.tick()
    board.run(does_nothing)
    assert (board.only().state, board.only().crashes) == (TaskState.DONE, 0)


@pytest.mark.parametrize("error", [Permanent("That will never work."), ZeroDivisionError()])
def test_eight_errors_set_a_task_aside_and_each_waits_longer(board: Board, error: Exception) -> None:
    board.ask()

    def fails(platform: Platform, run: TaskRun) -> None:
        raise error

    pauses = []
    for attempt in range(1, MAX_ERRORS):
        board.run(fails)
        task = board.only()
        assert (task.state, task.attempts) == (TaskState.READY, attempt)
        pauses.append(task.run_at - board.clock.now())
        board.clock.advance_to(task.run_at)
    board.run(fails)
    assert (board.only().state, board.only().attempts) == (TaskState.QUARANTINED, MAX_ERRORS)
    for number, pause in enumerate(pauses):
        most = min(15 * 2**number, 1800)
        assert most / 2 <= pause.total_seconds() <= most


@pytest.mark.parametrize(
    ("error", "broke_off"),
    [
        (ZeroDivisionError(), True),
        (LeaseLost(), True),
        (OperationalError("", {}, Exception()), True),
        (Temporary("Later."), False),
        (Permanent("Never."), False),
        (None, False),
    ],
)
def test_a_run_says_whether_its_process_may_go_on(board: Board, error: BaseException | None, broke_off: bool) -> None:
    board.ask()

    def ends(platform: Platform, run: TaskRun) -> None:
        if error is not None:
            raise error

    run = run_task(board.platform, board.only().id, {KIND: ends})
    assert run is not None
    assert run.broke_off is broke_off


def test_an_outage_however_long_sets_nothing_aside(board: Board) -> None:
    board.ask()

    def fails(platform: Platform, run: TaskRun) -> None:
        raise Temporary("The shop is away.")

    for attempt in range(1, 4 * MAX_ERRORS):
        board.run(fails)
        task = board.only()
        assert (task.state, task.attempts) == (TaskState.READY, attempt)
        # Whenever the outage ends, the work is done within two minutes.
        assert task.run_at - board.clock.now() <= timedelta(seconds=90)
        board.clock.advance_to(task.run_at)
    board.run(does_nothing)
    assert board.only().state == TaskState.DONE


def test_an_unexpected_error_shows_no_message_to_the_merchant(board: Board) -> None:
    board.ask()

    def leaks(platform: Platform, run: TaskRun) -> None:
        raise ValueError("Erika Mustermann, Heidestr. 17")

    board.run(leaks)
    task = board.only()
    assert task.error_code == "BUG"
    assert "Erika" not in task.error_message + task.error_detail


def test_a_rate_limit_puts_a_task_back_without_counting(board: Board) -> None:
    board.ask()
    board.change(board.only().id, attempts=3)
    until = board.clock.now() + timedelta(minutes=3)

    def waits(platform: Platform, run: TaskRun) -> None:
        raise RateLimited("The budget is spent.", until=until)

    for _ in range(20):
        board.run(waits)
        assert (board.only().state, board.only().run_at, board.only().attempts) == (TaskState.READY, until, 3)
        board.change(board.only().id, run_at=board.clock.now())


def test_a_task_of_a_store_paused_meanwhile_waits(board: Board) -> None:
    store = board.store(board.account("Northwind"))
    board.ask(store=store)
    with board.platform.db.write() as session:
        session.execute(sa.update(Integration).values(state=IntegrationState.PAUSED))
    board.run(dies)
    assert board.only().state == TaskState.WAITING


def test_a_more_urgent_request_moves_an_open_task_forward(board: Board) -> None:
    with board.platform.db.write() as session:
        now = board.clock.now()
        enqueue(session, kind=KIND, now=now, run_at=now + timedelta(hours=1), priority=5)
        enqueue(session, kind=KIND, now=now, priority=0)
        enqueue(session, kind=KIND, now=now, run_at=now + timedelta(hours=2), priority=5)
    assert (board.only().run_at, board.only().priority, board.only().wanted) == (board.clock.now(), 0, 3)


def test_a_limits_pause_is_kept_whoever_asks_meanwhile(board: Board) -> None:
    board.ask()
    until = board.clock.now() + timedelta(minutes=5)

    def refused_while_asked(platform: Platform, run: TaskRun) -> None:
        board.ask()
        raise RateLimited("The shop asks for a pause.", until=until)

    board.run(refused_while_asked)
    with board.platform.db.write() as session:
        enqueue(session, kind=KIND, now=board.clock.now(), priority=0)
    task = board.only()
    assert (task.state, task.run_at, task.priority) == (TaskState.READY, until, 0)
    assert board.run_next() is None
    board.clock.advance_to(until)
    # What was asked for meanwhile is done by this run, and nothing is left of the pause.
    assert board.run_next() == task.id
    assert board.only().state == TaskState.DONE
    board.ask()
    assert board.tasks()[1].run_at == board.clock.now()


def test_a_pause_of_our_own_ends_where_somebody_asks(board: Board) -> None:
    board.ask()

    def fails(platform: Platform, run: TaskRun) -> None:
        raise Temporary("The shop is away.")

    board.run(fails)
    assert board.only().run_at > board.clock.now()
    board.ask()
    assert board.only().run_at == board.clock.now()


def test_a_handler_that_ends_its_run_itself_is_not_ended_twice(board: Board) -> None:
    board.ask()
    later = board.clock.now() + timedelta(minutes=5)

    def again(platform: Platform, run: TaskRun) -> None:
        with run.write() as session:
            run.finish(session, again_at=later)

    run_task(board.platform, board.only().id, {KIND: again})
    assert (board.only().state, board.only().run_at) == (TaskState.READY, later)
