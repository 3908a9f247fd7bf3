"""Counts the calls that one day of one store costs at Amazon: `python benchmarks/amazon_calls.py --orders 1000`.

A platform on SQLite works against the simulated Amazon over HTTP, both on one virtual clock, so a day takes minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from is2_core.accounts.scope import account_scope
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import VirtualClock
from is2_core.config import Config
from is2_core.crypto import Keyring
from is2_core.db.schema import upgrade
from is2_core.embedded_warehouse import packing
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.items import item_table
from plugins.amazon.manifest import CREATE_LISTINGS_FEED, RATE_PLANS
from plugins.interface import RatePlan
from tests.support.amazon import NORTHWIND, simulated_amazon
from tests.support.world import SKUS, World

# After the nightly work (02:30 and 03:30), so that each day has it once.
MORNING = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
DAY = 48
FEED_TAKES_S = 300
METHODS = ("STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
LISTINGS_FEED = "JSON_LISTINGS_FEED"
ROUTINE, RECONCILE = "searchOrders, on schedule", "searchOrders, daily reconcile"


@dataclass(frozen=True)
class Line:
    """How often an operation was called, and the plan that limits it (None: Amazon publishes no limit)."""

    name: str
    calls: int
    plan: RatePlan | None

    @property
    def budget_s(self) -> float | None:
        """Seconds in which the published rate allows so many calls."""
        return None if self.plan is None else self.calls / self.plan.rate_per_s


@dataclass(frozen=True)
class Life:
    """The result. `refused` calls got a 429; `waiting` orders were not acknowledged and shipped by the end."""

    orders: int
    skus: int
    lines: tuple[Line, ...]
    refused: int
    waiting: int

    def calls(self, name: str) -> int:
        """The calls of one line; 0 where there is none."""
        return next((line.calls for line in self.lines if line.name == name), 0)


def measure(orders: int, *, skus: int, waves: int) -> Life:
    """A day on a platform of its own, see `live`."""
    with _world() as world:
        return live(world, orders, skus=skus, waves=waves, half_hours=DAY)


def live(world: World, orders: int, *, skus: int, waves: int, half_hours: int) -> Life:
    """Some half hours of a store: orders come, are placed, acknowledged, shipped in one package each and tracked;
    stock goes out every 12 hours, and what is nightly is done at night. Setting up is not counted.

    Args:
        skus: active SKUs besides those that are ordered; each of them receives units before each push.
        waves: the first half hours, in which equal parts of the orders come. An order takes up to two until it is
            tracked.
    """
    more = [f"SKU-{number:05d}" for number in range(skus)]
    store = world.connect()
    _list_items(world, store, more)
    world.finish(store)
    world.map_methods(store, *METHODS)
    world.pass_time(minutes=30)
    before = len(world.amazon.get("calls")["calls"])
    for half_hour in range(half_hours):
        count = orders * (half_hour + 1) // waves - orders * half_hour // waves if half_hour < waves else 0
        if count:
            world.amazon.touch(*world.amazon.generate(plain=count)["plain"])
        if half_hour % (DAY // 2) == 0:
            world.stock_up(more, units=1)
        world.pass_time(minutes=30)
        _ship_all(world)
    world.settle()
    return _summary(world, before, orders, len(SKUS) + skus)


@contextmanager
def _world() -> Iterator[World]:
    clock = VirtualClock(MORNING)
    with tempfile.TemporaryDirectory() as folder, simulated_amazon(clock, feed_delay_s=FEED_TAKES_S) as amazon:
        url = f"sqlite:///{Path(folder) / 'is2.db'}"
        upgrade(url)
        config = Config(
            database_url=url,
            redis_url="redis://nobody.invalid",
            keyring=Keyring.parse(Keyring.generate("benchmark")),
            session_secret="nobody signs in during a benchmark",
            allow_private_hosts=True,
        )
        platform = build_platform(config, clock=clock, buckets=MemoryBuckets(clock), carts=CartRegistry.load())
        try:
            yield World(platform, clock, amazon)
        finally:
            platform.db.dispose()


def _list_items(world: World, store: int, more: list[str]) -> None:
    world.stock_up(SKUS, units=100_000)
    world.stock_up(more)
    listings = [{"seller": NORTHWIND, "sku": sku, "quantity": 0} for sku in (*SKUS, *more)]
    world.amazon.post("listings", listings)
    rows = "".join(f"{sku},,yes,{sku},1\r\n" for sku in (*SKUS, *more))
    content = f"cart_sku,title,active,warehouse_sku,quantity\r\n{rows}".encode()
    fields = {"integration_id": store, "scope": account_scope(world.account)}
    preview = item_table.preview(world.platform, user_id=world.owner, content=content, **fields)
    item_table.apply(world.platform, upload_id=preview.upload_id, scope=account_scope(world.account))


def _ship_all(world: World) -> None:
    for order in world.warehouse_orders().values():
        if order.state == WarehouseState.PENDING:
            packing.ship(
                world.platform,
                order_id=order.id,
                carrier="UPS",
                service="Ground",
                tracking_number=f"{order.id:012d}",
                lines={line.sku: str(line.quantity) for line in order.lines},
                user_id=None,
            )


def _summary(world: World, before: int, orders: int, skus: int) -> Life:
    calls = [call for call in world.amazon.get("calls", since=str(before))["calls"] if call["method"]]
    feed_types = {feed["feedId"]: feed["feedType"] for feed in world.amazon.get("feeds")["feeds"]}
    counted = Counter(_name(call, feed_types) for call in calls)
    shown = world.amazon.get("orders")["orders"]
    return Life(
        orders=orders,
        skus=skus,
        lines=tuple(
            Line(name, count, RATE_PLANS.get(name.partition(",")[0])) for name, count in sorted(counted.items())
        ),
        refused=sum(call["status"] == 429 for call in calls),
        waiting=sum(order["status"] != "SHIPPED" or not order["merchantOrderId"] for order in shown),
    )


def _name(call: dict[str, Any], feed_types: dict[str, str]) -> str:
    """The operation, told apart where the same one serves two purposes or spends two budgets."""
    operation = str(call["operation"])
    if operation == "searchOrders":
        return ROUTINE if "fulfilledBy" in call["query"] else RECONCILE
    if operation == "createFeed" and feed_types.get(call["feed"]) == LISTINGS_FEED:
        return CREATE_LISTINGS_FEED
    return operation


def table(life: Life) -> str:
    """Return the result as a Markdown table."""
    rows = ["| Call | Calls | Per 1,000 orders | Budget at the published rate |", "| --- | --: | --: | --: |"]
    for line in life.lines:
        budget = "-" if line.budget_s is None else f"{line.budget_s:,.0f} s"
        rows.append(f"| {line.name} | {line.calls:,} | {1000 * line.calls / life.orders:,.0f} | {budget} |")
    return "\n".join(rows)


def main() -> None:
    """Measure a day as the command line says and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1000, help="orders of the day (1000)")
    parser.add_argument("--skus", type=int, default=195, help="active SKUs besides the five that are ordered (195)")
    parser.add_argument("--waves", type=int, default=46, help="in how many of the day's half hours they come (46)")
    chosen = parser.parse_args()
    if chosen.orders < 1 or chosen.skus < 0 or not 1 <= chosen.waves < DAY:
        parser.error("orders must be 1 or more, skus 0 or more, waves 1 to 47")
    day = measure(chosen.orders, skus=chosen.skus, waves=chosen.waves)
    print(f"One day: {day.orders:,} orders in {chosen.waves} of {DAY} half hours, {day.skus:,} SKUs with activity")
    print(table(day))
    print(f"Calls answered with 429: {day.refused}. Orders not acknowledged and shipped by the end: {day.waiting}.")


if __name__ == "__main__":
    main()
