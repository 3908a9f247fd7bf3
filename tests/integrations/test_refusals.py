"""Refusals of an integration: how often, over what time, and what they hold up meanwhile; without a cart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.clock import VirtualClock
from is2_core.integrations.pausing import resume
from is2_core.integrations.refusals import TRIED_AGAIN_EVERY, judged
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import release_tasks
from is2_core.tasks.run import TaskRun
from is2_core.tasks.states import TaskState
from plugins.interface import AuthorizationLost, SettingsError
from tests.tasks.conftest import KIND, Board

ROLE = SettingsError("The role is missing.", code="ROLE_MISSING")
LOST = AuthorizationLost("Please reconnect.", code="INVALID_GRANT")
CERTAIN = SettingsError("Nothing is set up.", may_pass=False)


@pytest.fixture
def board(platform: Platform, clock: VirtualClock) -> Board:
    return Board(platform, clock)


class Shop:
    """A task of a store whose shop gives these errors, None for a good answer."""

    def __init__(self, board: Board) -> None:
        self.board, self.store = board, board.store(board.account("Northwind"))
        self.asked = 0
        board.ask(store=self.store)

    def run(self, error: Exception | None) -> None:
        """Run the task once, when it is due."""

        def handler(platform: Platform, run: TaskRun) -> None:
            self.asked += 1
            if error is not None:
                raise error

        task = self.task()
        self.board.clock.advance_to(max(task.run_at, self.board.clock.now()))
        self.board.run(judged(handler), task.id)

    def task(self) -> Task:
        return next(task for task in reversed(self.board.tasks()) if task.kind == KIND)

    @property
    def row(self) -> Integration:
        with self.board.platform.db.read() as session:
            return session.get_one(Integration, self.store)

    def resume(self, *, on_trial: bool) -> None:
        with self.board.platform.db.write() as session:
            resume(session, session.get_one(Integration, self.store), self.board.platform, on_trial=on_trial)


@pytest.mark.parametrize(("error", "minutes"), [(ROLE, 60), (LOST, 15)])
def test_a_refusal_is_believed_after_three_answers_over_its_time(
    board: Board, error: AuthorizationLost | SettingsError, minutes: int
) -> None:
    shop = Shop(board)
    begun = board.clock.now()
    while shop.row.state == IntegrationState.ACTIVE:
        assert shop.row.pause_message == ""
        shop.run(error)
        task = shop.task()
        assert (task.error_code, task.attempts) == (error.code, 0)
        # Pages show a task's message: nobody is told while it may pass.
        told = shop.row.state == IntegrationState.PAUSED
        assert (error.message in task.error_message, error.message in task.error_detail) == (told, not told)
        assert task.run_at - board.clock.now() <= timedelta(minutes=2)
    took = board.clock.now() - begun
    assert timedelta(minutes=minutes) <= took <= timedelta(minutes=minutes + 2)
    assert 3 <= shop.asked < 45
    assert (shop.row.state, shop.row.pause_message) == (IntegrationState.PAUSED, error.message)
    assert shop.task().state == TaskState.WAITING
    retry = board.tasks()[-1]
    assert (retry.kind, retry.run_at) == (TaskKind.INTEGRATIONS_RETRY, board.clock.now() + TRIED_AGAIN_EVERY)


def test_three_answers_at_once_are_not_enough_and_neither_are_two_over_long(board: Board) -> None:
    shop = Shop(board)
    for _ in range(5):
        shop.run(ROLE)
    assert shop.row.state == IntegrationState.ACTIVE
    shop.run(None)
    board.ask(store=shop.store)
    shop.run(ROLE)
    board.clock.advance(timedelta(minutes=61))
    shop.run(ROLE)
    assert shop.row.state == IntegrationState.ACTIVE


def test_a_good_answer_ends_the_count(board: Board) -> None:
    shop = Shop(board)
    shop.run(ROLE)
    board.clock.advance(timedelta(minutes=59))
    shop.run(ROLE)
    shop.run(None)
    assert shop.task().state == TaskState.DONE
    for _ in range(3):
        board.ask(store=shop.store)
        shop.run(ROLE)
        board.clock.advance(timedelta(minutes=1))
    assert shop.row.state == IntegrationState.ACTIVE


def test_what_a_cart_knows_without_asking_is_believed_at_once(board: Board) -> None:
    shop = Shop(board)
    shop.run(CERTAIN)
    assert (shop.row.state, shop.row.pause_message) == (IntegrationState.PAUSED, CERTAIN.message)


def test_an_integration_on_trial_is_paused_by_one_more_refusal_and_a_mended_one_is_not(board: Board) -> None:
    shop = Shop(board)
    while shop.row.state == IntegrationState.ACTIVE:
        shop.run(ROLE)
    shop.resume(on_trial=True)
    assert shop.row.state == IntegrationState.ACTIVE
    shop.run(ROLE)
    assert shop.row.state == IntegrationState.PAUSED
    shop.resume(on_trial=False)
    shop.run(ROLE)
    assert shop.row.state == IntegrationState.ACTIVE


def test_a_paused_integration_holds_up_no_other_and_all_of_it_goes_on(board: Board) -> None:
    shop = Shop(board)
    other = board.store(board.account("Contoso"), "TWO")
    board.ask(store=shop.store, keys=["bystander"])
    board.ask(store=other)
    board.run(judged(lambda platform, run: _raise(CERTAIN)), board.tasks()[0].id)
    states = {task.business_key: task.state for task in board.tasks() if task.kind == KIND}
    assert list(states.values()) == [TaskState.WAITING, TaskState.WAITING, TaskState.READY]
    board.ask(store=shop.store, keys=["newcomer"])
    assert board.tasks()[-1].state == TaskState.WAITING
    with board.platform.db.write() as session:
        release_tasks(session, shop.store, board.clock.now())
    assert {task.state for task in board.tasks()} == {TaskState.READY}


def _raise(error: Exception) -> None:
    raise error
