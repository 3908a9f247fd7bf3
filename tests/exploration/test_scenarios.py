"""Histories worth keeping: each was found by the explorer or follows from a rule it rests on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from exploration.actions import Actions
from exploration.checks import invariants
from exploration.plan import Plan
from exploration.scheduler import Crash, Scheduler
from exploration.trace import Trace
from exploration.world import START, World
from is2_core import faultpoints
from is2_core.calls.carts import CartRegistry
from is2_core.clock import VirtualClock
from is2_core.jobs import HANDLERS
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.models import Task
from is2_core.tasks.runner import run_task
from is2_core.tasks.states import TaskState


class Scenario:
    """One integration, one order, step by step."""

    def __init__(self, carts: CartRegistry) -> None:
        plan = replace(Plan.draw(1), stores=1, page_size=100, order_minutes=30)
        self.world = World.build(plan, carts)
        Actions(self.world, plan, random.Random(1)).merchants.set_right()
        self.world.new_order(self.world.integrations[0], "plain", random.Random(1), late=False)
        (self.order,) = self.world.orders

    def due(self) -> list[tuple[int, str]]:
        """Return the tasks due after a tick, as (task id, kind)."""
        tick(self.world.platform, self.world.wakeups)
        due = sa.select(Task.id, Task.kind).where(Task.state == TaskState.READY, Task.run_at <= self.world.clock.now())
        with self.world.platform.db.read() as session:
            rows = session.execute(due.order_by(Task.priority, Task.run_at, Task.id)).all()
        return [(row.id, row.kind) for row in rows]

    def run(self, task_id: int, doom: tuple[str, int] | None = None) -> None:
        """Run one task to its end, natural or not."""
        scheduler = self.world.scheduler
        scheduler.start(f"t{task_id}", lambda: run_task(self.world.platform, task_id, HANDLERS), doom)
        while scheduler.pieces:
            scheduler.resume(scheduler.pieces[0])

    def settle(self, dooms: dict[str, tuple[str, int]] | None = None) -> None:
        """Run everything that is due, and what follows."""
        while due := self.due():
            for task_id, kind in due:
                self.run(task_id, (dooms or {}).get(kind))

    def pass_minutes(self, minutes: float) -> None:
        """Let time go by."""
        self.world.clock.advance(timedelta(minutes=minutes))


@pytest.fixture
def scenario(carts: CartRegistry) -> Iterator[Scenario]:
    made = Scenario(carts)
    faultpoints.listen(made.world.scheduler.at_faultpoint)
    yield made
    faultpoints.listen(None)
    made.world.close()


def test_a_quiet_story_ends_well(scenario: Scenario) -> None:
    scenario.pass_minutes(31)
    for _ in range(3):
        scenario.settle()
        scenario.pass_minutes(10)
    assert invariants.check(scenario.world, invariants.AT_REST) == []
    assert scenario.world.simulator.state.book.get(scenario.order).acknowledged_at is not None


@pytest.mark.parametrize(
    "change",
    ["cancel", "request_cancel"],
)
def test_news_of_an_order_the_warehouse_took_just_before_a_crash(scenario: Scenario, change: str) -> None:
    # Third commit of the task: the warehouse's own. IS2 does not know yet that it has the order.
    scenario.pass_minutes(31)
    scenario.settle({"orders.place": ("commit.after", 3)})
    assert scenario.world.scheduler.crashes == 1
    scenario.world.steer("POST", f"orders/{scenario.order}", {change: True})
    scenario.pass_minutes(31)
    # The news is read before the place task has its second run.
    for task_id, _ in sorted(scenario.due(), key=lambda each: each[1] != "orders.check"):
        scenario.run(task_id)
    for _ in range(3):
        scenario.pass_minutes(31)
        scenario.settle()
    # Beyond the time between two pushes of stock, and the answer to the second.
    for minutes in (13 * 60, 5, 5):
        scenario.pass_minutes(minutes)
        scenario.settle()
    assert invariants.check(scenario.world, invariants.AT_REST) == []


def test_a_dead_piece_commits_nothing_more() -> None:
    clock = VirtualClock(START)
    scheduler = Scheduler(clock, Trace(clock))
    reached = []

    def work() -> None:
        try:
            scheduler.pause("a call")
        finally:
            scheduler.at_faultpoint("commit.before")
            reached.append("committed")

    scheduler.start("piece", work)
    scheduler.kill(scheduler.pieces[0])
    assert (reached, scheduler.pieces, scheduler.escaped) == ([], [], [])


def test_a_pause_with_a_unit_of_work_open_is_a_finding(scenario: Scenario) -> None:
    world = scenario.world

    def work() -> None:
        with world.platform.db.read():
            world.scheduler.pause("inside a unit of work")

    world.scheduler.start("piece", work)
    assert len(world.scheduler.escaped) == 1
    assert "with a unit of work open" in world.scheduler.escaped[0]


def test_nothing_catches_a_crash() -> None:
    assert not issubclass(Crash, Exception)
