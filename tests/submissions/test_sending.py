"""The one way of writing to a cart, for each kind of write: what is stored of every answer, and what is sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from is2_tiny import plugin

from is2_core.accounts.models import Integration
from is2_core.calls.carts import CartRegistry
from is2_core.clock import VirtualClock
from is2_core.jobs import HANDLERS
from is2_core.platform import Platform
from is2_core.submissions.models import Submission
from is2_core.submissions.sending import Keyed
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import TIME_BUDGET, TaskRun
from is2_core.tasks.runner import run_task
from is2_core.tasks.states import TaskState
from plugins.interface import (
    Applied,
    PendingSubmission,
    RateLimited,
    Rejected,
    Result,
    Retry,
    WriteReply,
    hookimpl,
)
from tests.concurrency.test_time_budget import CASES, Case
from tests.support.slow import SlowStore

COUNT = 9
Answer = Callable[[Sequence[str]], object]


def applied(keys: Sequence[str]) -> WriteReply:
    return WriteReply({key: Applied() for key in keys})


@dataclass
class Cart:
    """The Tiny cart, but for its writes: a test answers them. `sent` holds the keys of each call."""

    answer: Answer = applied
    polled: Answer = applied
    sent: list[list[str]] = field(default_factory=list)

    def registry(self) -> CartRegistry:
        """Return carts with this one as the only one."""

        def write(batch: Sequence[Keyed]) -> Any:
            self.sent.append([entry.key for entry in batch])
            return self.answer(self.sent[-1])

        @hookimpl
        def acknowledge_orders(ctx: object, acknowledgements: Sequence[Keyed]) -> Any:
            return write(acknowledgements)

        @hookimpl
        def push_inventory(ctx: object, quantities: Sequence[Keyed]) -> Any:
            return write(quantities)

        @hookimpl
        def post_tracking(ctx: object, packages: Sequence[Keyed]) -> Any:
            return write(packages)

        @hookimpl
        def poll_submission(ctx: object, submission: Any) -> Any:
            return self.polled(submission.keys)

        made = ModuleType("answering_tiny")
        made.__dict__.update({name: value for name, value in vars(plugin).items() if not name.startswith("__")})
        made.__dict__.update(
            acknowledge_orders=acknowledge_orders,
            push_inventory=push_inventory,
            post_tracking=post_tracking,
            poll_submission=poll_submission,
        )
        carts = CartRegistry()
        carts.add("tiny", lambda: made)
        assert carts.broken == []
        return carts


class Flow:
    """One kind of write with so many things to send."""

    def __init__(self, store: SlowStore, case: Case) -> None:
        self.cart = Cart()
        self.store, self.case, self.clock = store, case, store.clock
        case.prepare(store, COUNT)
        store.platform = replace(store.platform, carts=self.cart.registry())

    @property
    def fails_alone(self) -> bool:
        return self.case.kind == TaskKind.TRACKING_POST

    def run(self, before: Callable[[], None] = lambda: None) -> Task:
        """Let a worker run the flow once; returns its task as it is then."""

        def handle(platform: Platform, run: TaskRun) -> None:
            before()
            HANDLERS[self.case.kind](platform, run)

        run_task(self.store.platform, self.asked().id, {self.case.kind: handle})
        return self.task()

    def asked(self) -> Task:
        """Ask for the flow and return its open task."""
        with self.store.platform.db.write() as session:
            integration = session.get_one(Integration, self.store.id)
            enqueue(session, kind=self.case.kind, integration=integration, now=self.clock.now())
        return self.task()

    def task(self) -> Task:
        """Return the newest task of the flow."""
        with self.store.platform.db.read() as session:
            newest = sa.select(sa.func.max(Task.id)).where(Task.kind == self.case.kind).scalar_subquery()
            return session.scalars(sa.select(Task).where(Task.id == newest)).one()

    def done(self) -> int:
        """How many the cart has, as far as is stored."""
        return self.case.done(self.store)

    def twice(self) -> list[str]:
        """The keys that were sent more than once."""
        return [key for key, count in Counter(key for keys in self.cart.sent for key in keys).items() if count > 1]

    def lose(self) -> None:
        """Have another run take the task, as a dispatcher does once the lease is over."""
        with self.store.platform.db.write() as session:
            session.execute(
                sa.update(Task).where(Task.state == TaskState.RUNNING).values(fence=Task.fence + 1, state="READY")
            )


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture(params=["tracking", "acknowledgements", "inventory"])
def flow(request: pytest.FixtureRequest, platform: Platform, clock: VirtualClock) -> Flow:
    return Flow(SlowStore(platform, clock), CASES[request.param])


def test_everything_is_sent_once_in_growing_batches(flow: Flow) -> None:
    assert flow.run().state == TaskState.DONE
    assert flow.done() == COUNT
    assert [len(keys) for keys in flow.cart.sent] == [1, 4, 4]
    assert flow.twice() == []


def test_a_run_that_has_lost_its_task_sends_nothing(flow: Flow) -> None:
    flow.run(before=flow.lose)
    assert (flow.cart.sent, flow.done()) == ([], 0)


def test_an_answer_to_a_run_that_has_lost_its_task_meanwhile_is_not_stored(flow: Flow) -> None:
    def answer(keys: Sequence[str]) -> WriteReply:
        if len(flow.cart.sent) == 2:
            flow.lose()
        return applied(keys)

    flow.cart.answer = answer
    assert flow.run().state == TaskState.READY
    assert (flow.done(), len(flow.cart.sent)) == (1, 2)
    lost = flow.cart.sent[1]
    flow.cart.answer = applied
    # Of a stock level that was lost nobody knows: newer numbers follow, under new keys, after the floor.
    flow.clock.advance(timedelta(hours=2))
    flow.cart.sent.clear()
    flow.run()
    if flow.case.kind == TaskKind.INVENTORY_PUSH:
        flow.clock.advance(timedelta(hours=2))
        flow.run()
    else:
        assert set(lost) <= {key for keys in flow.cart.sent for key in keys}
    assert flow.done() == COUNT


def _leaves_one_out(keys: Sequence[str]) -> object:
    return applied(keys[1:])


def _names_another(keys: Sequence[str]) -> object:
    return applied([*keys, "1000-1"])


def _names_one_twice(keys: Sequence[str]) -> object:
    pending = PendingSubmission("handle", (keys[0],), datetime(2026, 11, 23, tzinfo=UTC))
    return WriteReply({key: Applied() for key in keys}, (pending,))


def _says_what_is_no_result(keys: Sequence[str]) -> object:
    return WriteReply(dict.fromkeys(keys, "fine"))  # type: ignore[misc]


def _is_no_reply(keys: Sequence[str]) -> object:
    return {key: Applied() for key in keys}


@pytest.mark.parametrize(
    "wrong", [_leaves_one_out, _names_another, _names_one_twice, _says_what_is_no_result, _is_no_reply]
)
def test_of_an_answer_that_does_not_fit_nothing_is_believed(flow: Flow, wrong: Answer) -> None:
    flow.cart.answer = lambda keys: applied(keys) if len(keys) == 1 else wrong(keys)
    task = flow.run()
    assert [len(keys) for keys in flow.cart.sent[:2]] == [1, 4]
    if flow.fails_alone:
        assert (flow.done(), task.state) == (COUNT, TaskState.DONE)
    else:
        assert (flow.done(), task.state, task.error_code) == (1, TaskState.READY, "BUG")


def test_a_time_budget_that_ends_in_the_middle_leaves_the_rest_to_the_next_turn(flow: Flow) -> None:
    def answer(keys: Sequence[str]) -> WriteReply:
        flow.clock.advance(TIME_BUDGET / 2)
        return applied(keys)

    flow.cart.answer = answer
    task = flow.run()
    assert (task.state, task.run_at) == (TaskState.READY, flow.clock.now())
    assert flow.done() == sum(len(keys) for keys in flow.cart.sent)
    assert 0 < flow.done() < COUNT
    flow.cart.answer = applied
    flow.run()
    assert (flow.done(), flow.twice()) == (COUNT, [])


def test_what_is_put_off_waits_for_the_first_time_the_cart_names(flow: Flow) -> None:
    first = flow.clock.now() + timedelta(minutes=5)
    results: dict[str, Result] = {}

    def answer(keys: Sequence[str]) -> WriteReply:
        results.update({key: Retry(first + timedelta(minutes=len(results) + at)) for at, key in enumerate(keys)})
        return WriteReply({key: results[key] for key in keys})

    flow.cart.answer = answer
    task = flow.run()
    assert len(flow.cart.sent) == 2, "a third call would only hear the same"
    assert (task.state, task.run_at, flow.done()) == (TaskState.READY, first, 0)
    flow.clock.advance(timedelta(hours=2))
    flow.cart.answer = applied
    for _ in range(3):
        flow.run()
    assert flow.done() == COUNT


def test_a_limit_ends_the_run_until_it_is_over(flow: Flow) -> None:
    until = flow.clock.now() + timedelta(minutes=7)

    def answer(keys: Sequence[str]) -> WriteReply:
        if len(flow.cart.sent) == 2:
            raise RateLimited("Later.", until=until)
        return applied(keys)

    flow.cart.answer = answer
    task = flow.run()
    assert (task.state, task.run_at, flow.done()) == (TaskState.READY, until, 1)
    flow.clock.advance_to(until)
    flow.run()
    assert flow.done() == COUNT


def test_what_the_cart_refuses_hinders_no_other(flow: Flow) -> None:
    def answer(keys: Sequence[str]) -> WriteReply:
        refused = Rejected("NO", "Not this one.")
        return WriteReply({key: refused if key == flow.cart.sent[0][0] else Applied() for key in keys})

    flow.cart.answer = answer
    flow.run()
    assert flow.done() == COUNT - 1
    assert flow.twice() == []


def test_what_the_cart_works_on_is_asked_about_and_settled(flow: Flow) -> None:
    ask_at = flow.clock.now() + timedelta(minutes=2)
    flow.cart.answer = lambda keys: WriteReply({}, (PendingSubmission("handle", tuple(keys), ask_at),))
    flow.run()
    sent = len(flow.cart.sent)
    with flow.store.platform.db.read() as session:
        submission = session.scalars(sa.select(Submission).order_by(Submission.id)).first()
        polls = session.scalars(sa.select(Task).where(Task.kind == TaskKind.SUBMISSIONS_POLL)).all()
    assert submission is not None
    assert [line.key for line in submission.lines] == flow.cart.sent[0]
    assert {(poll.state, poll.run_at) for poll in polls} == {(TaskState.READY, ask_at)}
    flow.cart.answer = applied
    flow.run()
    assert len(flow.cart.sent) == sent, "while the cart works on one, no newer one is sent"
    flow.clock.advance_to(ask_at)
    for poll in polls:
        run_task(flow.store.platform, poll.id, HANDLERS)
    assert flow.done() == sum(len(keys) for keys in flow.cart.sent)
    with flow.store.platform.db.read() as session:
        assert set(session.scalars(sa.select(Submission.closed_at))) == {ask_at}
    flow.run()
    assert (flow.done(), flow.twice()) == (COUNT, [])


@pytest.mark.parametrize("hook", ["acknowledge_orders", "push_inventory", "post_tracking"])
def test_a_cart_that_takes_whole_batches_gets_them_at_once(flow: Flow, hook: str) -> None:
    manifest = flow.store.platform.carts.manifest("tiny")
    flow.store.platform.carts._manifests["tiny"] = replace(manifest, whole_batches=frozenset({hook}))
    flow.run()
    whole = {
        TaskKind.ACKNOWLEDGEMENTS_SEND: "acknowledge_orders",
        TaskKind.INVENTORY_PUSH: "push_inventory",
        TaskKind.TRACKING_POST: "post_tracking",
    }[TaskKind(flow.case.kind)]
    assert [len(keys) for keys in flow.cart.sent] == ([COUNT] if whole == hook else [1, 4, 4])
