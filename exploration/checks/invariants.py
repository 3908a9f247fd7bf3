"""Invariants that hold once everything has come to rest, whatever happened before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from exploration.checks.inventory import floor_kept, shown, versions
from exploration.checks.liveness import LIVENESS
from exploration.checks.outcomes import as_decided, as_packed
from exploration.checks.shipments import conserved, posted, posted_soon, reported
from exploration.database import as_text, glance
from exploration.world import World
from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.embedded_warehouse.order_queries import all_orders
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.inventory.models import InventoryPush
from is2_core.orders.holds.reasons import REASONS, Actor, HoldCode
from is2_core.orders.models import Hold, ImportCursor, OrderEvent, ReceivedLine, ReceivedOrder
from is2_core.orders.states import ACK_OPEN, EXPLAINED, CustomizationState, ReceivedState
from is2_core.submissions.models import Submission
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.states import OPEN_STATES, TaskState
from plugins.amazon.simulator.orders.order_book import BookedOrder
from plugins.interface import OrderState

Invariant = Callable[[World], Iterator[str]]
# Nobody heals these in a run: they wait for a person who looks at one order.
_RUNNING = as_text(sa.select(Task.kind, Task.lease_until).where(Task.state == TaskState.RUNNING))
LASTING = {code for code, reason in REASONS.items() if reason.actor in (Actor.MERCHANT, Actor.IS2)}


def check(world: World, which: Sequence[Invariant]) -> list[str]:
    """All breaches, as sentences that begin with the invariant's name.

    Args:
        which: `SOON`, or `AT_REST` once a day without faults has passed.
    """
    return [breach for invariant in which for breach in invariant(world)]


def one_of_each(world: World) -> Iterator[str]:
    """I1: one row and at most one warehouse order per cart order, and no warehouse order that IS2 does not know of."""
    with world.platform.db.read() as session:
        received = session.execute(
            sa.select(
                ReceivedOrder.integration_id, ReceivedOrder.remote_id, ReceivedOrder.number, ReceivedOrder.placed_at
            )
        ).all()
    warehouse = all_orders(world.platform)
    for (_, remote_id), count in Counter((row.integration_id, row.remote_id) for row in received).items():
        if count > 1:
            yield f"I1: {remote_id} is received {count} times"
    for number, count in Counter(row.number for row in warehouse).items():
        if count > 1:
            yield f"I1: the warehouse has {number} {count} times"
    placed = {row.number for row in received if row.placed_at is not None}
    for row in warehouse:
        # One that was stopped before IS2 had learned that it was taken does no harm.
        if row.number not in placed and row.state != WarehouseState.CANCELLED:
            yield f"I1: the warehouse has {row.number} {row.state}, which IS2 does not know as placed"
    for number in sorted(placed - {row.number for row in warehouse}):
        if world.taken_elsewhere(number):
            continue
        yield f"I1: {number} counts as placed, but the warehouse does not have it"


def all_accounted_for(world: World) -> Iterator[str]:
    """I2: every order Amazon shows in the window is imported, quarantined or excluded with a reason."""
    with world.platform.db.read() as session:
        rows = {row.remote_id: row for row in session.scalars(sa.select(ReceivedOrder))}
        held = set(session.scalars(sa.select(Hold.order_id)))
        open_units = dict(
            session.execute(
                sa.select(ReceivedLine.order_id, sa.func.sum(ReceivedLine.open)).group_by(ReceivedLine.order_id)
            ).all()
        )
    warehouse = {row.number: row for row in all_orders(world.platform)}
    boxed = {row.id for row in warehouse.values() if any(line.shipped for line in row.lines)}
    for booked in _orders(world):
        row = rows.get(booked.id)
        if row is None:
            yield f"I2: {booked.id} ({booked.branch}, {booked.status}) is missing"
            continue
        if row.state in EXPLAINED and not row.reason_code:
            yield f"I2: {booked.id} is {row.state} without a reason"
        if (row.state == ReceivedState.HELD) != (row.id in held):
            yield f"I2: {booked.id} is {row.state}, its holds say otherwise"
        if row.state == ReceivedState.STAGED and row.cart_state != OrderState.PENDING:
            yield f"I2: {booked.id} is ready and was never placed ({open_units.get(row.id, 0)} units open)"
        if row.state == ReceivedState.QUARANTINED and booked.branch != "bad":
            yield f"I2: {booked.id} ({booked.branch}) is quarantined: {row.reason_code}"
        cancelled = booked.status == "CANCELLED"
        if row.state != ReceivedState.QUARANTINED and cancelled != (row.cart_state == OrderState.CANCELLED):
            yield f"I2: Amazon says {booked.status} of {booked.id}, IS2 {row.cart_state}"
        order = warehouse.get(row.number)
        # What is in a box cannot be stopped; the rest of it can.
        if cancelled and order is not None and order.state != WarehouseState.CANCELLED and order.id not in boxed:
            yield f"I2: {booked.id} was cancelled at Amazon, the warehouse has it {order.state}"
    known = {booked.id for booked in _orders(world)}
    ours = {entry.integration.id for entry in world.further_carts}
    for order_id in sorted(order_id for order_id in rows.keys() - known if rows[order_id].integration_id not in ours):
        yield f"I2: {order_id} is in IS2, but not at Amazon"


def acknowledged(world: World) -> Iterator[str]:
    """I3: every placed order that is still alive is acknowledged, and no other (that none was acknowledged too
    early, the observer has seen)."""
    with world.platform.db.read() as session:
        placed = dict(
            session.execute(
                sa.select(ReceivedOrder.remote_id, ReceivedOrder.number).where(ReceivedOrder.placed_at.is_not(None))
            ).all()
        )
    # What was stopped, or ended by a person, before Amazon was told is not told of any more.
    stopped = {order.number for order in all_orders(world.platform) if order.state == WarehouseState.CANCELLED}
    yards = [yard.integration.id for yard in world.yards]
    with world.platform.db.read() as session:
        # A further warehouse tells itself whether that is right.
        there = sa.select(ReceivedOrder.number).where(ReceivedOrder.integration_id.in_(yards))
        stopped.update(session.scalars(there.where(ReceivedOrder.state == ReceivedState.CANCELLED)))
    for booked in _orders(world):
        ended = booked.id in world.deeds.ended or placed.get(booked.id) in stopped
        alive = booked.status != "CANCELLED" and not ended
        if booked.acknowledged_at is None and booked.id in placed and alive:
            yield f"I3: {booked.id} is placed, Amazon was never told"
        if booked.acknowledged_at is not None and booked.id not in placed:
            yield f"I3: {booked.id} is acknowledged, but was never placed"
        if booked.merchant_order_id not in (None, placed.get(booked.id)):
            yield f"I3: {booked.id} is linked to {booked.merchant_order_id}"


def made_as_wanted(world: World) -> Iterator[str]:
    """I2: no order was placed before what its buyer had made on it was here, unless a person said so."""
    with world.platform.db.read() as session:
        wanted = session.execute(
            sa.select(ReceivedOrder.id, ReceivedOrder.remote_id, ReceivedOrder.waived)
            .join(ReceivedLine, ReceivedLine.order_id == ReceivedOrder.id)
            .where(ReceivedOrder.placed_at.is_not(None), ReceivedLine.customization != CustomizationState.NONE)
            .order_by(ReceivedLine.id)
        ).all()
        # By the order of events: the clock often stands still meanwhile.
        first = {
            (order_id, code): event_id
            for order_id, code, event_id in session.execute(
                sa.select(OrderEvent.order_id, OrderEvent.code, sa.func.min(OrderEvent.id))
                .where(OrderEvent.code.in_(("INJECTED", "CUSTOMIZATION")))
                .group_by(OrderEvent.order_id, OrderEvent.code)
            )
        }
    for order_id, remote_id, waived in wanted:
        here = first.get((order_id, "CUSTOMIZATION"))
        late = here is None or here > first[order_id, "INJECTED"]
        if late and HoldCode.CUSTOMIZATION_MISSING not in waived:
            yield f"I2: {remote_id} was placed before what its buyer had made on it was here"


def at_rest(world: World) -> Iterator[str]:
    """Liveness: nothing is stuck, given up, paused or half-read."""
    now = world.clock.now()
    with world.platform.db.read() as session:
        for task in session.scalars(sa.select(Task).where(Task.state != TaskState.DONE).order_by(Task.id)):
            if task.state != TaskState.READY or task.run_at <= now:
                error = f"{task.error_code} {task.error_detail}".strip() or "no error"
                yield f"rest: task {task.kind} is {task.state}, {task.attempts} attempts, {error}"
        for order in session.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.ack_state.in_(ACK_OPEN))):
            yield f"rest: the acknowledgement of {order.remote_id} is still {order.ack_state}"
        for cursor in session.scalars(sa.select(ImportCursor).where(ImportCursor.start.is_not(None))):
            yield f"rest: the {cursor.kind} window of store {cursor.integration_id} is half-read"
        for integration in session.scalars(sa.select(Integration).where(Integration.state != IntegrationState.ACTIVE)):
            yield f"rest: store {integration.id} is {integration.state}: {integration.pause_message}"
        codes = set(session.scalars(sa.select(Hold.code)))
    yield from answered(world)
    yield from (f"rest: something still holds orders that was healed: {code}" for code in sorted(codes - LASTING))


def owned(world: World) -> Iterator[str]:
    """I6, right after a sweep: no task runs on whose lease is over."""
    for kind, lease_until in glance(world.platform.db, _RUNNING):
        if datetime.fromisoformat(lease_until).replace(tzinfo=UTC) < world.machine.now():
            yield f"I6: {kind} runs with its lease over"


def further_soon(world: World) -> Iterator[str]:
    """Yield what further carts and warehouses say themselves, ten minutes after the last fault."""
    return _further(world, at_rest=False)


def further_at_rest(world: World) -> Iterator[str]:
    """Yield what they say after a day."""
    return _further(world, at_rest=True)


def _further(world: World, *, at_rest: bool) -> Iterator[str]:
    for entry in world.further_carts:
        yield from entry.cart.breaches(world.platform, entry.integration, at_rest=at_rest)
    for yard in world.yards:
        yield from yard.warehouse.breaches(world.platform, yard.integration, at_rest=at_rest)


def answered(world: World) -> Iterator[str]:
    """I6: whatever Amazon still works on is asked about."""
    with world.platform.db.read() as session:
        asked = {
            task.payload["submission"]
            for task in session.scalars(
                sa.select(Task).where(Task.kind == TaskKind.SUBMISSIONS_POLL, Task.state.in_(OPEN_STATES))
            )
        }
        for row in session.scalars(sa.select(Submission).where(Submission.closed_at.is_(None))):
            if row.id not in asked:
                yield f"I6: nobody asks about submission {row.id} ({row.kind})"
        for push in session.scalars(
            sa.select(InventoryPush).where(InventoryPush.accepted_at.is_not(None), InventoryPush.closed_at.is_(None))
        ):
            yield f"I6: push {push.id} was accepted, and has no end"


SOON: Sequence[Invariant] = (
    *LIVENESS,
    one_of_each,
    posted_soon,
    reported,
    conserved,
    versions,
    floor_kept,
    made_as_wanted,
    further_soon,
)
AT_REST: Sequence[Invariant] = (
    *LIVENESS,
    one_of_each,
    all_accounted_for,
    acknowledged,
    posted,
    reported,
    conserved,
    shown,
    floor_kept,
    made_as_wanted,
    as_decided,
    as_packed,
    further_at_rest,
    at_rest,
)


def _orders(world: World) -> list[BookedOrder]:
    found = [world.simulator.state.book.get(order_id) for order_id in world.orders]
    return [booked for booked in found if booked is not None]
