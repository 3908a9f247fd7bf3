"""Kill sweep: the process that imports, places and acknowledges dies at a fault point; a new one must finish the work.

Real processes, a real database and the simulator over HTTP. Nobody waits for leases: they are made to end.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import WallClock
from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import AckState, ReceivedState
from is2_core.platform import Platform
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState
from tests.conftest import KEYS, make_config
from tests.support.amazon import simulated_amazon
from tests.support.run_due import main
from tests.support.world import World

PROCESSES = multiprocessing.get_context("forkserver")
MIX = {"plain": 3, "pending": 1, "amazon_fulfilled": 1, "unmapped_sku": 1}


@pytest.fixture
def world(sqlite_url: str, redis_url: str, carts: CartRegistry) -> Iterator[World]:
    clock = WallClock()
    platform = build_platform(
        make_config(sqlite_url, redis_url), clock=clock, buckets=MemoryBuckets(clock), carts=carts
    )
    with simulated_amazon(clock, feed_delay_s=0, rate_limits=False) as amazon:
        made = World(platform, clock, amazon)  # type: ignore[arg-type]
        made.stock_up()
        amazon.generate(**MIX)
        store = made.connect()
        made.map_methods(store, "STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
        made.finish(store)
        yield made
    platform.db.dispose()


@pytest.fixture(scope="module", autouse=True)
def _modules_loaded_once() -> None:
    """Each process is forked from one that has loaded the product: loading it anew took longer than what it is for."""
    PROCESSES.set_forkserver_preload(["tests.support.run_due"])


def run_due(platform: Platform, **more: str) -> int:
    """Run what is due in a process of its own; returns how it ended."""
    environment = {
        "IS2_DATABASE_URL": platform.config.database_url,
        "IS2_REDIS_URL": platform.config.redis_url,
        "IS2_ENCRYPTION_KEYS": KEYS,
        "IS2_SESSION_SECRET": platform.config.session_secret,
        "IS2_ALLOW_PRIVATE_HOSTS": "1",
        **more,
    }
    process = PROCESSES.Process(target=main, args=(environment,))
    process.start()
    process.join(100)
    assert process.exitcode in (0, -9), "it ended with an error, shown above, or not at all"
    return process.exitcode


def acknowledged_now(world: World) -> dict[str, bool]:
    """By order: whether Amazon has its acknowledgement."""
    orders = world.amazon.get("orders")["orders"]
    return {order["orderId"]: order["acknowledgedTime"] is not None for order in orders}


def check(world: World) -> None:
    """I1 to I3, and nothing left undone."""
    with world.platform.db.read() as session:
        received = {row.remote_id: row for row in session.scalars(sa.select(ReceivedOrder))}
        warehouse = list(session.scalars(sa.select(WarehouseOrder.number)))
        undone = list(session.scalars(sa.select(Task.kind).where(Task.state != TaskState.DONE)))
    at_amazon = acknowledged_now(world)
    assert received.keys() == at_amazon.keys()
    assert Counter(row.state for row in received.values()) == {
        ReceivedState.INJECTED: 3,
        ReceivedState.STAGED: 1,
        ReceivedState.HELD: 1,
        ReceivedState.EXCLUDED: 1,
    }
    placed = {row.remote_id: row.number for row in received.values() if row.state == ReceivedState.INJECTED}
    assert sorted(warehouse) == sorted(placed.values())
    assert {order_id for order_id, done in at_amazon.items() if done} == placed.keys()
    assert all(received[order_id].ack_state == AckState.DONE for order_id in placed)
    assert undone == []


# One hit is tried in every run of the tests, the whole sweep by make ci.
@pytest.mark.parametrize("hit", [4, *(pytest.param(hit, marks=pytest.mark.slow) for hit in (1, 2, 3, 5, 6, 7))])
@pytest.mark.parametrize("point", ["commit.before", "commit.after"])
def test_killed_around_a_commit(world: World, point: str, hit: int) -> None:
    # Hits 1 to 7 are ticks, claims, pages, the warehouse's commit and the one that makes acknowledgements due.
    assert run_due(world.platform, IS2_FAULT=f"{point}:{hit}") == -9
    not_placed = {order_id for order_id, row in world.orders().items() if row.placed_at is None}
    assert not any(done for order_id, done in acknowledged_now(world).items() if order_id in not_placed)
    assert run_due(world.platform, IS2_HURRY="1") == 0
    check(world)


@pytest.mark.parametrize("hit", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("point", ["http.before", "http.after"])
def test_killed_around_a_call(world: World, point: str, hit: int) -> None:
    assert run_due(world.platform, IS2_FAULT=f"{point}:{hit}") == -9
    assert world.orders() == {}
    assert run_due(world.platform, IS2_HURRY="1") == 0
    check(world)


def test_unharmed(world: World) -> None:
    assert run_due(world.platform, IS2_HURRY="1") == 0
    check(world)
