"""A task of more than half a minute in the product's own processes: dispatcher and forking workers on PostgreSQL and
Redis, the simulated Amazon over HTTP, in real time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import WallClock
from is2_core.embedded_warehouse import packing
from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.tasks.models import Task
from is2_core.tasks.run import TIME_BUDGET
from is2_core.tasks.states import TaskState
from tests.concurrency.test_children import ROOT, worker_environment
from tests.conftest import Engines, empty_postgres, make_config
from tests.support.amazon import simulated_amazon
from tests.support.parcels import confirming, ups_number
from tests.support.postgres import PostgresServer
from tests.support.world import World

PACKAGES, CALL_S, WORKERS = 50, 0.8, 2
# A second turn comes at once, one that was put off a minute later at the soonest.
NO_PAUSE = timedelta(seconds=30)


@pytest.fixture
def world(postgres: PostgresServer, engines: Engines, redis_url: str, carts: CartRegistry) -> Iterator[World]:
    clock = WallClock()
    config = make_config(empty_postgres(postgres, engines), redis_url)
    platform = build_platform(config, clock=clock, buckets=MemoryBuckets(clock), carts=carts)
    with simulated_amazon(clock, feed_delay_s=0) as amazon:
        made = World(platform, clock, amazon)  # type: ignore[arg-type]
        made.stock_up()
        amazon.generate(plain=PACKAGES)
        store = made.connect()
        made.map_methods(store, "STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
        made.finish(store)
        made.settle()
        yield made
    platform.db.dispose()


def ship_everything(world: World) -> None:
    """Pack each order into one package."""
    with world.platform.db.read() as session:
        orders = [
            (row.id, {line.sku: str(line.quantity) for line in row.lines})
            for row in session.scalars(sa.select(WarehouseOrder))
        ]
    assert len(orders) == PACKAGES
    for order_id, lines in orders:
        values: dict[str, Any] = {"carrier": "UPS", "service": "Ground", "tracking_number": ups_number(order_id)}
        confirming(packing.ship, world.platform, order_id=order_id, lines=lines, user_id=None, **values)


@contextmanager
def processes(world: World, folder: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A dispatcher and forking workers, by name; nobody starts them again. Their output is in the folder."""
    environment = {
        **worker_environment(world.platform, world.platform.config.redis_url),
        "IS2_ALLOW_PRIVATE_HOSTS": "1",
        "IS2_LOG_LEVEL": "WARNING",
    }
    modes = {"dispatcher": ["--dispatcher"], **{f"worker-{number}": [] for number in range(1, WORKERS + 1)}}
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, mode in modes.items():
            with (folder / f"{name}.log").open("wb") as log:
                command = [sys.executable, "worker.py", *mode]
                running[name] = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        yield running
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(timeout=30)


def count_posted(world: World) -> int:
    with world.platform.db.read() as session:
        return session.scalar(sa.select(sa.func.count()).where(Package.post_state == PostState.DONE)) or 0


def look_until_posted(world: World, running: Mapping[str, subprocess.Popen[bytes]]) -> list[str]:
    """Wait until everything is posted or a process has ended; returns which did."""
    deadline = time.monotonic() + 240
    ended: list[str] = []
    while not ended and count_posted(world) < PACKAGES and time.monotonic() < deadline:
        time.sleep(0.2)
        ended = [name for name, process in running.items() if process.poll() is not None]
    return ended


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.postgres
def test_field_A1_fifty_packages_at_a_slow_amazon_are_posted_in_one_go(world: World, tmp_path: Path) -> None:
    """40 s of calls: more than the 30 s after which RQ's parent looks after its child, less than the time budget of a
    turn. Where the machine is so slow that the budget is used up, the rest follows at once in a second turn."""
    assert timedelta(seconds=PACKAGES * CALL_S) < TIME_BUDGET
    ship_everything(world)
    world.amazon.fault("confirmShipment", "delay", times=10 * PACKAGES, seconds=CALL_S)
    with processes(world, tmp_path) as running:
        ended = look_until_posted(world, running)
    logs = {path.stem: path.read_text() for path in tmp_path.glob("*.log")}

    assert (ended, count_posted(world)) == ([], PACKAGES), logs
    assert "a task broke off" not in str(logs)
    assert "had lost their worker" not in str(logs)
    calls = world.amazon.calls("confirmShipment")
    assert Counter((call["status"], call["fault"]) for call in calls) == {(204, "delay"): PACKAGES}
    assert len({call["path"] for call in calls}) == PACKAGES, "an order was confirmed twice"
    for order_id in world.orders():
        order = world.amazon.order(order_id)["order"]
        assert len(order["packages"]) == 1
        assert order["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    times = [datetime.fromisoformat(call["time"]) for call in calls]
    assert max(later - earlier for earlier, later in pairwise(times)) < NO_PAUSE
    with world.platform.db.read() as session:
        tasks = session.scalars(sa.select(Task).where(Task.kind == "tracking.post")).all()
        assert session.scalar(sa.select(sa.func.sum(Task.crashes))) == 0
    assert [task.state for task in tasks] == [TaskState.DONE] * len(tasks)
    assert world.quarantined() == []
