"""The actions that can happen next in a run."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from exploration.actors.merchants import Merchants
from exploration.actors.packers import Packers
from exploration.checks import invariants
from exploration.plan import Plan
from exploration.world import World
from is2_core.jobs import HANDLERS
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.models import Task
from is2_core.tasks.pick import Limits, next_due
from is2_core.tasks.runner import MAX_CRASHES, run_next
from is2_core.tasks.states import OPEN_STATES, TaskState

_CHANGES = {"UNSHIPPED": ("cancel", "cancel", "request_cancel"), "PENDING": ("make_payable", "cancel")}


class Actions:
    """Draws actions from the seed's luck and does them."""

    def __init__(self, world: World, plan: Plan, rng: random.Random) -> None:
        self._world = world
        self._plan = plan
        self._rng = rng
        self.started = 0
        self.merchants = Merchants(world, rng)
        self._choices: list[tuple[int, Callable[[], None]]] = [
            (15, self._resume),
            (8, self._start),
            (4, self._tick),
            (3, self._pass_time),
            (1 if plan.wait_h else 0, self._wait),
            (3, self._order),
            (plan.cancel_weight, self._change_order),
            (plan.pack_weight, Packers(world, rng).act),
            (1, self.merchants.act),
            (1, self._expire_tokens),
            (1 if plan.slow_feed_s else 0, self._slow_hours),
        ]

    def step(self) -> None:
        """Do one thing."""
        if self._rng.random() < self._plan.fault_rate:
            self._fault()
        weights = [weight for weight, _ in self._choices]
        (action,) = self._rng.choices([action for _, action in self._choices], weights)
        action()

    def order_some(self, count: int) -> None:
        """Ordinary orders come in."""
        for _ in range(count):
            branch = self._rng.choice(("plain", "multi_line", "bundle", "partially_shipped"))
            self._world.new_order(self._rng.choice(self._world.integrations), branch, self._rng, late=True)

    def start_work(self, *, doomed: bool) -> None:
        """A worker takes a wake-up from the queue, and with it the next task that is due, if one is."""
        world = self._world
        with world.platform.db.write() as session:
            task_id = next_due(session, world.clock.now(), None, Limits())
            task = session.get(Task, task_id) if task_id is not None else None
            # Only looked at: the turn is the worker's to take.
            session.expunge_all()
            session.rollback()
        world.wakeups.queued -= 1
        if task is None:
            return
        doom = None
        # Two crashes at most: the third would set the task aside, which is right but a person's business.
        if doomed and task.crashes + self._dooms(task.id) < MAX_CRASHES - 1:
            doom = (self._rng.choice(self._plan.crash_points), self._rng.randint(1, 5))
        self.started += 1
        name = f"{task.kind} t{task.id}-{task.fence}"
        world.scheduler.start(name, lambda: run_next(world.platform, HANDLERS), doom)

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

    def _dooms(self, task_id: int) -> int:
        return sum(piece.doom is not None and f" t{task_id}-" in piece.name for piece in self._world.scheduler.pieces)

    def _resume(self) -> None:
        ready = self._world.scheduler.ready()
        if not ready:
            return
        piece = self._rng.choice(ready)
        # A kill that no fault point announces; as with `doom`, not a task's third.
        if piece.doom is not None and self._rng.random() < self._plan.crash_rate:
            self._world.scheduler.kill(piece)
            return
        # Some way at a time, or little would ever be finished.
        for _ in range(self._rng.randint(1, 4)):
            if piece in self._world.scheduler.ready():
                self._world.scheduler.resume(piece)

    def _start(self) -> None:
        wakeups = self._world.wakeups
        if not wakeups.queued or len(self._world.scheduler.pieces) >= self._plan.workers:
            return
        if self._rng.random() < self._plan.lost_wakeup_rate:
            wakeups.queued -= 1
            self._world.trace.add("redis", "loses a wake-up")
            return
        if self._rng.random() < self._plan.double_wakeup_rate:
            wakeups.queued += 1
        self.start_work(doomed=self._rng.random() < self._plan.crash_rate)

    def _tick(self) -> None:
        done = tick(self._world.platform, self._world.wakeups)
        self._world.violations += invariants.owned(self._world)
        self._world.trace.add("dispatcher", f"{done.scheduled} scheduled, {done.recovered} recovered, {done.due} due")

    def _pass_time(self) -> None:
        self._world.clock.advance(timedelta(seconds=round(self._rng.uniform(0.01, self._plan.step_s), 3)))

    def _wait(self) -> None:
        """Nobody does anything for hours."""
        self._world.clock.advance(timedelta(hours=round(self._rng.uniform(0.5, self._plan.wait_h), 2)))

    def _order(self) -> None:
        integration, branch = self._rng.choice(self._world.integrations), self._rng.choice(self._plan.branches)
        self._world.new_order(integration, branch, self._rng, late=self._rng.random() < self._plan.late_rate)

    def _change_order(self) -> None:
        if not self._world.orders:
            return
        order_id = self._rng.choice(self._world.orders)
        status = self._world.steer("GET", f"orders/{order_id}")["status"]
        if status in _CHANGES:
            change = self._rng.choice(_CHANGES[status])
            self._world.steer("POST", f"orders/{order_id}", {change: True})
            self._world.trace.add("amazon", f"order {order_id} {change}")

    def _expire_tokens(self) -> None:
        integration = self._rng.choice(self._world.integrations)
        self._world.steer("POST", "seller", {"seller": integration.seller, "expire_access_tokens": True})

    def _slow_hours(self) -> None:
        """From now on Amazon takes its time with feeds, or does no longer."""
        self._world.set_feed_delay(self._rng.choice((self._plan.slow_feed_s, self._plan.feed_delay_s)))

    def _fault(self) -> None:
        operation, kind = self._rng.choice(self._plan.faults)
        more: dict[str, object] = {}
        if kind == "delay":
            more["seconds"] = self._rng.choice((5, 25, 45))
        elif kind == "reject":
            more["sku"] = "LAMP-USB"
        times, skip = self._rng.randint(1, 3), self._rng.randint(0, 2)
        fault = {"operation": operation, "kind": kind, "times": times, "skip": skip, **more}
        self._world.steer("POST", "faults", fault)
        self._world.trace.add("amazon", f"fault {operation} {kind} {times} after {skip}")
