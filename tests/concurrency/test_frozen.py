"""A worker process that really stands still (SIGSTOP) beyond its lease, and is woken: what it does outside then.

The lease is made to end by the clock, which only the test moves; the process that stands still has the one of before.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.calls.carts import CartRegistry
from is2_core.calls.transport import RequestsTransport
from is2_core.embedded_warehouse import packing
from is2_core.items.models import ShippingMapping
from is2_core.items.shipping_mappings import remove_shipping_mapping
from is2_core.jobs import HANDLERS
from is2_core.orders.states import AckState, ReceivedState
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import LEASE
from is2_core.tasks.queue import enqueue
from is2_core.tasks.runner import run_next, run_task
from is2_core.tasks.states import TaskState
from is2_core.warehouses.calls import Warehouse
from tests.shipments.test_tracking import Dock
from tests.support.parcels import confirming
from tests.support.world import World

PROCESSES = multiprocessing.get_context("fork")
Patch = tuple[type[Any], str]
OTHERS = {kind: HANDLERS[kind] for kind in HANDLERS if kind not in (TaskKind.ORDERS_PLACE, TaskKind.ORDERS_STOP)}
# Between the commit that says "asked" and the proof of ownership; and behind it, where nothing could keep it any more.
BEFORE: Patch = (Warehouse, "place_orders")
BEHIND: Patch = (Warehouse, "_call")


def is_placing(*args: Any, **_: Any) -> bool:
    """Whether a method of BEFORE, or of BEHIND for this hook, is called."""
    return args[1] == "place_orders" or not isinstance(args[1], str)


class Sleeper:
    """A process that claims a task and stands still in a method, right before it does what that is for.

    Args:
        dies: whether it is killed right after that.
    """

    def __init__(
        self,
        world: World,
        kind: str,
        where: Patch,
        *,
        when: Callable[..., bool] = is_placing,
        dies: bool = False,
    ) -> None:
        (task,) = [task for task in world.tasks(kind) if task.state == TaskState.READY]
        self._ends_with = -signal.SIGKILL if dies else 0
        platform = replace(world.platform, transport=RequestsTransport())
        self._process = PROCESSES.Process(target=self._run, args=(platform, task.id, where, when, dies))
        self._process.start()
        assert self._process.pid is not None
        self._pid = self._process.pid
        _, status = os.waitpid(self._pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "it has ended before it came there"

    @staticmethod
    def _run(platform: Platform, task_id: int, where: Patch, when: Callable[..., bool], dies: bool) -> None:
        place, name = where
        original = getattr(place, name)
        slept = []

        def sleep_first(*args: Any, **kwargs: Any) -> Any:
            sleeps = not slept and when(*args, **kwargs)
            if sleeps:
                slept.append(True)
                os.kill(os.getpid(), signal.SIGSTOP)
            answer = original(*args, **kwargs)
            if sleeps and dies:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        setattr(place, name, sleep_first)
        run_task(platform, task_id, HANDLERS)

    def wake(self) -> None:
        """Let it go on to its end."""
        os.kill(self._pid, signal.SIGCONT)
        self._process.join(60)
        assert self._process.exitcode == self._ends_with

    def end(self) -> None:
        """Leave nothing behind, whatever the test came to."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


@pytest.fixture
def until_end() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def run_others(world: World) -> None:
    """Run what is due, but for the placing and the stopping of orders."""
    while run_next(world.platform, OTHERS):
        pass


def about_to_be_placed(world: World) -> tuple[str, int]:
    """A store with one order that waits to be placed, read just now; its cart's id and the store's."""
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD")
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.post(f"orders/{order_id}", {"set": {"fulfillment": {"fulfillmentServiceLevel": "STANDARD"}}})
    world.finish(store)
    run_others(world)
    assert world.orders()[order_id].state == ReceivedState.STAGED
    return order_id, store


def states_in_warehouse(world: World) -> list[str]:
    return [row.state for row in world.warehouse_orders().values()]


@pytest.mark.parametrize("where", [BEFORE, BEHIND], ids=["before the proof", "behind the proof"])
def test_field_A5_an_order_cancelled_meanwhile_is_not_left_in_the_warehouse(
    world: World, until_end: ExitStack, where: Patch
) -> None:
    order_id, store = about_to_be_placed(world)
    sleeper = Sleeper(world, TaskKind.ORDERS_PLACE, where)
    until_end.callback(sleeper.end)
    world.amazon.post(f"orders/{order_id}", {"cancel": True})
    world.clock.advance(timedelta(minutes=3))
    with world.platform.db.write() as session:
        integration = session.get_one(Integration, store)
        enqueue(session, kind=TaskKind.ORDERS_CHECK, integration=integration, now=world.clock.now())
    run_others(world)
    assert world.orders()[order_id].cart_state == "CANCELLED"
    # Its lease is over: another worker finds nothing at the warehouse, and the order counts as stopped.
    world.settle()
    assert (world.orders()[order_id].state, states_in_warehouse(world)) == (ReceivedState.CANCELLED, [])
    sleeper.wake()
    assert states_in_warehouse(world) == ([] if where is BEFORE else ["PENDING"])
    world.settle()
    world.pass_time(minutes=2)
    order = world.orders()[order_id]
    assert (order.state, order.absent_at) == (ReceivedState.CANCELLED, None)
    assert order.ack_state in (AckState.NONE, AckState.NOT_NEEDED)
    assert states_in_warehouse(world) == ([] if where is BEFORE else ["CANCELLED"])
    assert world.quarantined() == []


def test_field_A5_what_was_not_taken_is_looked_up_once_more_a_lease_later(world: World, until_end: ExitStack) -> None:
    """The one that stood still is killed right after the warehouse has heard it, and tells nobody."""
    order_id, _ = about_to_be_placed(world)
    sleeper = Sleeper(world, TaskKind.ORDERS_PLACE, BEHIND, dies=True)
    until_end.callback(sleeper.end)
    # Before another run places it, something holds it.
    with world.platform.db.read() as session:
        (mapping,) = session.scalars(sa.select(ShippingMapping.id))
    remove_shipping_mapping(world.platform, mapping_id=mapping, scope=account_scope(world.account))
    world.settle_later(seconds=LEASE.total_seconds() + 1)
    held = world.orders()[order_id]
    assert (held.state, held.placing_since, states_in_warehouse(world)) == (ReceivedState.HELD, None, [])
    sleeper.wake()
    assert states_in_warehouse(world) == ["PENDING"]
    world.pass_time(seconds=61)
    order = world.orders()[order_id]
    assert (order.state, order.holds, order.absent_at) == (ReceivedState.INJECTED, [], None)
    assert [line.placed for line in order.lines] == [line.open for line in order.lines]


@pytest.mark.parametrize("behind", [False, True], ids=["before the proof", "behind the proof"])
def test_field_A5_the_cart_keeps_the_corrected_number(world: World, until_end: ExitStack, behind: bool) -> None:
    dock = Dock(world)
    order_id = dock.order()
    package = confirming(
        packing.ship,
        world.platform,
        order_id=dock.warehouse_order(order_id).id,
        carrier="UPS",
        service="Ground",
        tracking_number="1Z0001",
        lines={sku: str(units) for sku, units in dock.left(order_id).items()},
        user_id=None,
    )
    run_next(world.platform, {TaskKind.WAREHOUSE_READ: HANDLERS[TaskKind.WAREHOUSE_READ]})

    def is_posting(*args: Any, **kwargs: Any) -> bool:
        return "shipmentConfirmation" in args[1].url if behind else args[2] == "post_tracking"

    where: Patch = (RequestsTransport, "send") if behind else (CartRegistry, "call")
    sleeper = Sleeper(world, TaskKind.TRACKING_POST, where, when=is_posting)
    until_end.callback(sleeper.end)
    dock.correct(package, "1Z0009")
    world.settle_later(seconds=LEASE.total_seconds() + 1)
    assert [shown[1] for shown in dock.shown(order_id).values()] == ["1Z0009"]
    sleeper.wake()
    assert [shown[1] for shown in dock.shown(order_id).values()] == ["1Z0001" if behind else "1Z0009"]
    world.settle()
    assert [shown[1] for shown in dock.shown(order_id).values()] == ["1Z0009"]
    assert dock.received(order_id).state == ReceivedState.COMPLETED
