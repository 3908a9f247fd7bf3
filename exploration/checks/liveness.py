"""Invariants ten minutes after the last fault: everything that was under way got through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from exploration.world import World
from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.embedded_warehouse import order_queries
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ImportCursor, ReceivedOrder
from is2_core.orders.states import ACK_OPEN, ReceivedState
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState
from plugins.interface import TO_SHIP

# When what came to nothing with a whole feed has been sent again and worked off at the latest.
_SENT_AGAIN = timedelta(minutes=45)
_WORKED_ON = ("IN_QUEUE", "IN_PROGRESS")


def imported(world: World) -> Iterator[str]:
    """Liveness: every order that Amazon listed is here, unless it has changed since so lately that it is for the next
    listing to show it."""
    with world.platform.db.read() as session:
        here = set(session.scalars(sa.select(ReceivedOrder.remote_id)))
        cursors = sa.select(Integration.seller_id, ImportCursor.watermark).join(
            Integration, Integration.id == ImportCursor.integration_id
        )
        read_until: dict[str | None, datetime | None] = dict(
            session.execute(cursors.where(ImportCursor.kind == "routine")).all()
        )
    for order_id in sorted(world.transport.listed - here):
        booked = world.simulator.state.book.get(order_id)
        assert booked is not None
        watermark = read_until.get(booked.seller)
        if watermark is None or booked.updated <= watermark:
            yield f"alive: {order_id} was listed and is not imported"


def placed_and_acknowledged(world: World) -> Iterator[str]:
    """Liveness: what may go to the warehouse is there, and Amazon was told, unless it still works on being told or has
    just refused a whole feed, which is not sent again at once."""
    waits = {
        feed["seller"]
        for feed in world.simulator.state.feeds.all()
        if feed["processingStatus"] in _WORKED_ON
        or (feed["processingStatus"] == "FATAL" and world.since(feed["processingEndTime"]) < _SENT_AGAIN)
    }
    of_seller = {integration.id: integration.seller for integration in world.integrations}
    with world.platform.db.read() as session:
        orders = session.scalars(
            sa.select(ReceivedOrder)
            .join(Integration, Integration.id == ReceivedOrder.integration_id)
            .where(Integration.state == IntegrationState.ACTIVE)
            .order_by(ReceivedOrder.id)
        ).all()
    for order in orders:
        if order.state == ReceivedState.STAGED and order.cart_state in TO_SHIP:
            yield f"alive: {order.remote_id} is ready and is not placed"
        if order.ack_state in ACK_OPEN and of_seller.get(order.integration_id) not in waits:
            yield f"alive: the acknowledgement of {order.remote_id} is still {order.ack_state}"


def posted(world: World) -> Iterator[str]:
    """Liveness: IS2 knows every package of the warehouse, and Amazon was told of each."""
    with world.platform.db.read() as session:
        known = {package.warehouse_ref: package for package in session.scalars(sa.select(Package))}
    for row in order_queries.packages_of(world.platform):
        package = known.get(str(row.id))
        if package is None and row.voided_at is None:
            yield f"alive: IS2 does not know package {row.id}"
        if package is not None and package.post_state == PostState.DUE:
            yield f"alive: package {package.reference} of order {package.order_id} is not posted"


def readable(world: World) -> Iterator[str]:
    """Liveness: no order is set aside as unreadable that can be read, whatever was answered about it once."""
    with world.platform.db.read() as session:
        aside = sa.select(ReceivedOrder).where(ReceivedOrder.state == ReceivedState.QUARANTINED)
        rows = session.scalars(aside.order_by(ReceivedOrder.id)).all()
    for row in rows:
        booked = world.simulator.state.book.get(row.remote_id)
        if booked is not None and booked.branch != "bad":
            yield f"alive: {row.remote_id} ({booked.branch}) is quarantined: {row.reason_code}"


def nothing_waits(world: World) -> Iterator[str]:
    """Liveness: no task is overdue, has lost its worker or was given up."""
    now = world.clock.now()
    with world.platform.db.read() as session:
        # Those of a paused store wait for a person.
        open_ones = sa.select(Task).where(Task.state != TaskState.DONE, Task.state != TaskState.WAITING)
        tasks = session.scalars(open_ones.order_by(Task.id)).all()
    for task in tasks:
        if task.state != TaskState.READY or task.run_at <= now:
            yield f"alive: task {task.kind} is {task.state}, {task.error_code} {task.error_detail}"


LIVENESS = (imported, placed_and_acknowledged, posted, readable, nothing_waits)
