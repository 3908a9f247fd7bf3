"""One run of one seed: a time of faults, a time of healing, and the verdict."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from exploration.actions import Actions
from exploration.checks import invariants
from exploration.further import NOTHING_FURTHER, Further
from exploration.plan import LAYOUTS, Plan
from exploration.tally import Tally
from exploration.world import World
from is2_core import faultpoints
from is2_core.calls.carts import CartRegistry
from is2_core.embedded_warehouse.order_queries import all_orders
from is2_core.orders.models import ReceivedOrder
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task

# So soon after the last fault all that was under way must have got through.
_SOON = timedelta(minutes=10)
# One seed in so many heals for more than a day: to the end of what was left over; the night's listing and comparison,
# moved to here, and the time between two pushes of stock; what the last of them asked. Its merchants look after it
# after each. No divisor of the layouts' number, so that each of them is healed wholly in some seeds.
_WHOLLY_EACH = 7
_HEALING = (timedelta(hours=1), timedelta(hours=15), timedelta(hours=16))
# What changed unseen is asked for once Amazon has not shown it for a day.
_UNSEEN = timedelta(hours=28)
_NIGHT = (
    (TaskKind.ORDERS_RECONCILE, timedelta(minutes=90)),
    (TaskKind.INVENTORY_COMPARE, timedelta(minutes=150)),
    (TaskKind.INVENTORY_DRIFT, timedelta(minutes=210)),
)
_WARM_UP = timedelta(minutes=4)
# Until what was checked for is placed, and not yet asked about.
_SENT = timedelta(seconds=5)
# While it heals the routine is seldom: it finds nothing new, and costs most of the run.
_SELDOM = timedelta(hours=24)
# But a warehouse that wakes nobody is read.
_READ_YARDS, _READ_YARDS_LATER = timedelta(minutes=2), timedelta(hours=2)
_MOST_ROUNDS = 3000


@dataclass(frozen=True)
class Outcome:
    """The result of a seed.

    Args:
        violations: empty where everything held.
        digest: over the events and the final state; the same seed gives the same digest.
    """

    seed: int
    plan: Plan
    violations: tuple[str, ...]
    digest: str
    trace: tuple[str, ...]
    orders: int
    tasks: int
    crashes: int
    tally: Tally


def explore(
    seed: int, carts: CartRegistry | None = None, further: Further = NOTHING_FURTHER, *, wholly: bool = False
) -> Outcome:
    """Run one seed from beginning to end.

    Args:
        wholly: heal for more than a day whatever the seed.
    """
    return finish(prepare(seed, carts, further), seed, wholly=wholly)


def prepare(seed: int, carts: CartRegistry | None = None, further: Further = NOTHING_FURTHER) -> World:
    """Make the world that this seed shares with others, with its first orders in the warehouse, which is where most of
    the rest begins."""
    plan = Plan.draw(seed)
    with _luck_of(seed % LAYOUTS), _listening() as errors:
        world = World.build(plan, carts, further)
        faultpoints.listen(world.scheduler.at_faultpoint)
        actions = Actions(world, plan, random.Random(seed % LAYOUTS))
        if plan.mapped_first or plan.warm:
            actions.merchants.set_right()
        if plan.warm:
            actions.order_some(plan.warm)
            _settle(world, actions, world.clock.now() + _WARM_UP)
        world.violations += [f"bug: {error}" for error in errors]
    return world


def finish(world: World, seed: int, *, wholly: bool = False) -> Outcome:
    """Run a seed in the world that was prepared for it, and close that; `wholly` as for `explore`."""
    plan = Plan.draw(seed)
    with _luck_of(seed), _listening() as errors:
        try:
            actions = Actions(world, plan, random.Random(seed))
            actions.order_some(plan.first)
            if plan.under_way:
                actions.merchants.check_all()
                _settle(world, actions, world.clock.now() + _SENT)
            world.begin(plan, seed)
            world.scheduler.at_commit = actions.at_commit
            for _ in range(plan.steps):
                actions.step()
            _heal(world, actions, plan, wholly=wholly or seed % _WHOLLY_EACH == 0)
            found = [*world.violations, *world.observer.violations, *world.scheduler.escaped]
            found += [f"bug: {error}" for error in errors]
            state = _final_state(world)
            return Outcome(
                seed,
                plan,
                tuple(found),
                world.trace.digest(*state),
                (*world.trace.lines, *state),
                orders=len(world.orders),
                tasks=actions.started,
                crashes=world.scheduler.crashes,
                tally=world.tally,
            )
        finally:
            world.close()
            faultpoints.listen(None)


def _heal(world: World, actions: Actions, plan: Plan, *, wholly: bool) -> None:
    """No more faults; what a person would do is done; then time passes until all has come to rest.

    Args:
        wholly: whether more than a day passes, and not ten minutes only.
    """
    world.trace.add("explorer", "heals")
    world.heal(plan)
    actions.connectors.mend_all()
    actions.merchants.set_right()
    actions.release_quarantined()
    start = world.clock.now()
    for kind in (TaskKind.ORDERS_CHECK, TaskKind.WAREHOUSE_READ):
        world.space_out(kind, _SELDOM)
    world.read_yards(_READ_YARDS)
    for kind, after in _NIGHT:
        world.move_night(kind, start + after)
    if not _settle(world, actions, start + _SOON):
        world.violations.append("rest: the world does not come to rest")
        return
    world.violations += invariants.check(world, invariants.SOON)
    if not wholly:
        return
    world.read_yards(_READ_YARDS_LATER)
    for length in (*_HEALING, _UNSEEN) if world.deeds.unseen else _HEALING:
        actions.merchants.look_after_all()
        if not _settle(world, actions, start + length):
            world.violations.append("rest: the world does not come to rest")
            return
    actions.merchants.look_after_all()
    world.violations += invariants.check(world, invariants.AT_REST)


def _settle(world: World, actions: Actions, end: datetime) -> bool:
    """Let the platform work until nothing is due before `end`; False where it finds no end."""
    for _ in range(_MOST_ROUNDS):
        while ready := world.scheduler.ready():
            world.scheduler.resume(ready[0])
        if world.wakeups.queued:
            actions.start_work(mortal=False)
            continue
        if world.scheduler.pieces:
            world.clock.advance_to(min(piece.wake_at or end for piece in world.scheduler.pieces))
            continue
        if tick(world.platform, world.wakeups).notified:
            continue
        following = world.next_instant()
        if following > end:
            world.clock.advance_to(end)
            return True
        world.clock.advance_to(max(following, world.clock.now() + timedelta(milliseconds=1)))
    return False


def _final_state(world: World) -> list[str]:
    """Return the state two runs of a seed must agree on: no tokens, nothing encrypted."""
    with world.platform.db.read() as session:
        received = session.execute(
            sa.select(
                ReceivedOrder.remote_id,
                ReceivedOrder.number,
                ReceivedOrder.state,
                ReceivedOrder.cart_state,
                ReceivedOrder.reason_code,
                ReceivedOrder.ack_state,
                ReceivedOrder.placed_at,
                ReceivedOrder.late_found,
            ).order_by(ReceivedOrder.remote_id)
        ).all()
        tasks = session.execute(
            sa.select(Task.business_key, Task.state, Task.fence, Task.crashes, Task.finished_at).order_by(Task.id)
        ).all()
    warehouse = sorted((row.number, row.state, row.created_at) for row in all_orders(world.platform))
    return [" ".join(map(str, row)) for row in (*received, *warehouse, *tasks)]


@contextmanager
def _luck_of(seed: int) -> Iterator[None]:
    """The core draws its jitter from the global generator."""
    before = random.getstate()
    random.seed(f"{seed}/jitter")
    try:
        yield
    finally:
        random.setstate(before)


class _Errors(logging.Handler):
    """Keeps what the core logs as an error: a task that fails for no reason of the cart's is a finding."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        self.found.append(record.getMessage() + (f": {type(cause).__name__}: {cause}" if cause else ""))


@contextmanager
def _listening() -> Iterator[list[str]]:
    handler = _Errors()
    loggers = [logging.getLogger(name) for name in ("is2_core", "is2")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield handler.found
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagate
