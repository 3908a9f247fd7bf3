"""The actions that can happen next in a run."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from exploration.actors.connectors import Connectors
from exploration.actors.merchants import Merchants
from exploration.actors.outsiders import Outsiders
from exploration.actors.packers import Packers
from exploration.actors.reviewers import Reviewers
from exploration.actors.sellers import Sellers
from exploration.checks import invariants
from exploration.plan import Plan
from exploration.scheduler import FROZEN, KILLED
from exploration.world import World
from is2_core.jobs import HANDLERS
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.models import Task
from is2_core.tasks.pick import Limits, next_due
from is2_core.tasks.runner import MAX_CRASHES, run_next
from is2_core.tasks.states import OPEN_STATES, TaskState

_ORDINARY = ("plain", "multi_line", "bundle", "partially_shipped", "customized")
_PAUSES = (1, 3, 30, 30)
_UNTIL_DUE, _LONGEST = 0.7, timedelta(hours=1)
_FATES = ((KILLED, "before"), (KILLED, "after"), (FROZEN, "after"))
_CHANGES = {"UNSHIPPED": ("cancel", "cancel", "request_cancel"), "PENDING": ("make_payable", "cancel")}


class Actions:
    """Draws actions from the seed's luck and does them."""

    def __init__(self, world: World, plan: Plan, rng: random.Random) -> None:
        self._world = world
        self._plan = plan
        self._rng = rng
        self.started = 0
        self.merchants = Merchants(world, rng)
        self.connectors = Connectors(world, rng)
        # Each does one thing and returns whether there was something to do.
        self._choices: list[tuple[int, Callable[[], bool]]] = [
            (30, self._resume),
            (30, self._start),
            (30, self._tick),
            (12, self._pass_time),
            (1 if plan.wait_h else 0, self._wait),
            (2, self._order),
            (plan.cancel_weight, self._change_order),
            (plan.pack_weight, Packers(world, rng).act),
            (1, self.merchants.act),
            (plan.seller_weight, Sellers(world, rng).act),
            (plan.review_weight, Reviewers(world, rng).act),
            (plan.connect_weight, self.connectors.act),
            (1, self._expire_tokens),
            (1 if plan.slow_feed_s else 0, self._slow_hours),
            (1 if plan.ahead_h else 0, self._shift_clock),
            (plan.pack_weight + 1 if world.further_carts or world.yards else 0, Outsiders(world, rng).act),
        ]
        world.tally.possible("redis", ("loses a wake-up", "doubles a wake-up"))
        world.tally.possible("worker", (f"{fate} commit.{when}" for fate, when in _FATES))
        world.tally.possible("clock", ("runs ahead", "is put back"))
        world.tally.possible("amazon", sorted({change for changes in _CHANGES.values() for change in changes}))

    def step(self) -> None:
        """Do one thing of those that can be done."""
        choices = [choice for choice in self._choices if choice[0]]
        while True:
            (choice,) = self._rng.choices(choices, [weight for weight, _ in choices])
            _, action = choice
            if action():
                return
            choices.remove(choice)

    def order_some(self, count: int) -> None:
        """Ordinary orders come in."""
        for _ in range(count):
            branch = self._rng.choice(_ORDINARY)
            self._world.new_order(self._rng.choice(self._world.integrations), branch, self._rng, late=True)

    def at_commit(self, point: str) -> str:
        """Draw the fate of a task at a commit."""
        if self._rng.random() < self._plan.kill_rate:
            return KILLED
        return FROZEN if point == "commit.after" and self._rng.random() < self._plan.freeze_rate else ""

    def start_work(self, *, mortal: bool) -> None:
        """A worker takes a wake-up from the queue, and with it the next task that is due, if one is."""
        world = self._world
        with world.platform.db.write() as session:
            task_id = next_due(session, world.machine.now(), None, Limits())
            task = session.get(Task, task_id) if task_id is not None else None
            # Only looked at: the turn is the worker's to take.
            session.expunge_all()
            session.rollback()
        world.wakeups.queued -= 1
        if task is None:
            return
        # Two crashes at most: the third would set the task aside, which is right but a person's business.
        mortal = mortal and task.crashes + self._risks(task.id) < MAX_CRASHES - 1
        self.started += 1
        name = f"{task.kind} t{task.id}-{task.fence}"
        world.scheduler.start(name, lambda: run_next(world.platform, HANDLERS), mortal=mortal)

    def release_quarantined(self) -> None:
        """An administrator has set-aside tasks tried once more."""
        with self._world.platform.db.write() as session:
            again = sa.select(Task).where(Task.state == TaskState.QUARANTINED).order_by(Task.id)
            for task in session.scalars(again).all():
                task_open = session.scalar(
                    sa.select(Task.id).where(
                        Task.business_key == task.business_key,
                        Task.state.in_(OPEN_STATES),
                    )
                )
                task.state = TaskState.DONE if task_open else TaskState.READY
                task.attempts = task.crashes = 0
                task.run_at = self._world.clock.now()
                session.flush()

    def _risks(self, task_id: int) -> int:
        return sum(piece.mortal and f" t{task_id}-" in piece.name for piece in self._world.scheduler.pieces)

    def _resume(self) -> bool:
        ready = self._world.scheduler.ready()
        if not ready:
            return False
        piece = self._rng.choice(ready)
        # Some way at a time, or little would ever be finished.
        for _ in range(self._rng.choice(_PAUSES)):
            if piece in self._world.scheduler.ready():
                self._world.scheduler.resume(piece)
        return True

    def _start(self) -> bool:
        wakeups, tally = self._world.wakeups, self._world.tally
        if not wakeups.queued or len(self._world.scheduler.pieces) >= self._plan.workers:
            return False
        if self._rng.random() < self._plan.lost_wakeup_rate:
            wakeups.queued -= 1
            self._world.trace.add("redis", "loses a wake-up")
            tally.acted("redis", "loses a wake-up")
            return True
        if self._rng.random() < self._plan.double_wakeup_rate:
            wakeups.queued += 1
            tally.acted("redis", "doubles a wake-up")
        self.start_work(mortal=True)
        return True

    def _tick(self) -> bool:
        # One that could wake nobody is not worth its time.
        if self._world.wakeups.room == 0 or self._world.next_instant() > self._world.clock.now():
            return False
        done = tick(self._world.platform, self._world.wakeups)
        self._world.violations += invariants.owned(self._world)
        self._world.trace.add("dispatcher", f"{done.scheduled} scheduled, {done.recovered} recovered, {done.due} due")
        return bool(done.scheduled or done.recovered or done.notified)

    def _pass_time(self) -> bool:
        """Time goes by, as a rule until something is due or an answer arrives."""
        clock = self._world.clock
        if self._rng.random() < _UNTIL_DUE:
            waits = [piece.wake_at for piece in self._world.scheduler.pieces if piece.wake_at is not None]
            until = min([self._world.next_instant(), *waits])
            if clock.now() < until < clock.now() + _LONGEST:
                clock.advance_to(until)
                return True
        clock.advance(timedelta(seconds=round(self._rng.uniform(0.01, self._plan.step_s), 3)))
        return True

    def _wait(self) -> bool:
        """Nobody does anything for hours."""
        self._world.clock.advance(timedelta(hours=round(self._rng.uniform(0.5, self._plan.wait_h), 2)))
        return True

    def _order(self) -> bool:
        # Most orders are ordinary: the others show little of what comes after them.
        branches = self._plan.branches if self._rng.random() < 0.5 else _ORDINARY
        integration, branch = self._rng.choice(self._world.integrations), self._rng.choice(branches)
        self._world.new_order(integration, branch, self._rng, late=self._rng.random() < self._plan.late_rate)
        return True

    def _change_order(self) -> bool:
        can: dict[str, list[str]] = {}
        for each in self._world.orders:
            booked = self._world.simulator.state.book.get(each)
            if booked is not None and booked.status in _CHANGES:
                can.setdefault(booked.status, []).append(each)
        if not can:
            return False
        # Few are pending, and not for long.
        status = self._rng.choice(sorted(can))
        order_id, change = self._rng.choice(can[status]), self._rng.choice(_CHANGES[status])
        self._world.steer("POST", f"orders/{order_id}", {change: True})
        self._world.trace.add("amazon", f"order {order_id} {change}")
        self._world.tally.acted("amazon", change)
        return True

    def _expire_tokens(self) -> bool:
        integration = self._rng.choice(self._world.integrations)
        self._world.steer("POST", "seller", {"seller": integration.seller, "expire_access_tokens": True})
        return True

    def _slow_hours(self) -> bool:
        """From now on Amazon takes its time with feeds, or does no longer."""
        self._world.set_feed_delay(self._rng.choice((self._plan.slow_feed_s, self._plan.feed_delay_s)))
        return True

    def _shift_clock(self) -> bool:
        """The clock of IS2's machine is wrong for a while, and then is put back."""
        machine = self._world.machine
        if machine.ahead:
            machine.put_back()
            # The next tick looks for what waits for a time that lay ahead.
            tick(self._world.platform, self._world.wakeups)
        elif self._world.scheduler.pieces:
            # Whoever runs would lose the lease, which befalls those who are frozen.
            return False
        else:
            machine.run_ahead(timedelta(hours=round(self._rng.uniform(0.02, self._plan.ahead_h), 2)))
        what = "runs ahead" if machine.ahead else "is put back"
        self._world.trace.add("clock", what)
        self._world.tally.acted("clock", what)
        return True
