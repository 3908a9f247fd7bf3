"""A story in chapters, each of them run once unharmed, and once more for every fault point it meets: killed there,
taken up by a new process, and compared with how it ends unharmed.

Real processes, a real database and the simulator over HTTP. Nobody waits for leases: they are made to end.
"""

from __future__ import annotations

import copy
import itertools
import multiprocessing
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Credential
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.cases.models import SupportCase
from is2_core.clock import OFFSET_ROW, ClockOffset, OffsetClock
from is2_core.db.engine import Database
from is2_core.embedded_warehouse import packing, receiving
from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.orders.states import AckState
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.states import TaskState
from tests.amazon.payloads import item, ready_order
from tests.conftest import KEYS, make_config
from tests.support.amazon import NORTHWIND, simulated_amazon
from tests.support.parcels import confirming, ups_number
from tests.support.run_due import HORIZON, main
from tests.support.saved_rows import Rows, save
from tests.support.world import World

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.run_due"])
MIX = {"plain": 4, "pending": 1, "amazon_fulfilled": 1, "unmapped_sku": 1}
Point = tuple[str, str]


class Story:
    """A store in the middle of its work, on one database."""

    def __init__(self, database_url: str, redis_url: str, carts: CartRegistry) -> None:
        self._urls = {"IS2_DATABASE_URL": database_url, "IS2_REDIS_URL": redis_url}
        self._sold = 0
        config = replace(make_config(database_url, redis_url), clock_offset=True)
        # Its children move the clock: it is read anew whenever it is asked.
        ticks = itertools.count(step=2)
        self._clock = OffsetClock(Database(database_url), monotonic=lambda: float(next(ticks)))
        self.platform = build_platform(config, clock=self._clock, buckets=MemoryBuckets(self._clock), carts=carts)

    @contextmanager
    def told(self) -> Iterator[Story]:
        """Have a simulated Amazon and a store connected to it."""
        with simulated_amazon(self._clock, feed_delay_s=0, rate_limits=False) as self.amazon:
            self.world = World(self.platform, self._clock, self.amazon)  # type: ignore[arg-type]
            self.world.stock_up()
            self.store = self.world.connect()
            self.world.map_methods(self.store, "STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
            self.world.finish(self.store)
            yield self
        self.platform.db.dispose()

    def run(self, **more: str) -> tuple[int, list[Point]]:
        """Run in a process of its own until nothing is left; returns how it ended, and the fault points it met."""
        with tempfile.NamedTemporaryFile() as trace:
            environment = {
                **self._urls,
                "IS2_ENCRYPTION_KEYS": KEYS,
                "IS2_SESSION_SECRET": self.platform.config.session_secret,
                "IS2_ALLOW_PRIVATE_HOSTS": "1",
                "IS2_CLOCK_OFFSET": "1",
                "IS2_TRACE": trace.name,
                **more,
            }
            process = PROCESSES.Process(target=main, args=(environment,), daemon=True)
            process.start()
            process.join(100)
            assert process.exitcode in (0, -9), "it ended with an error, shown above, or not at all"
            lines = Path(trace.name).read_text().splitlines()
        return process.exitcode, [(kind, name) for kind, _, name in (line.partition(" ") for line in lines)]

    def come_due(self, *kinds: TaskKind) -> None:
        """Make schedules of these kinds due, and the access token old."""
        with self.platform.db.write() as session:
            now = self.platform.clock.database_now(session)
            session.execute(sa.update(Schedule).values(next_at=now + timedelta(days=1)))
            session.execute(sa.update(Schedule).where(Schedule.kind.in_(kinds)).values(next_at=now))
            session.execute(sa.update(Credential).values(access_expires_at=now))

    def sell(self, *lines: tuple[str, int]) -> str:
        """Somebody buys; returns the order's id."""
        # Longer ago than a listing leaves out because it may not be complete yet.
        now = (self._clock.now() - timedelta(minutes=3)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        items = [
            item(
                orderItemId=str(11 + place), ordered=units, unfulfilled=units, product={"sellerSku": sku, "title": sku}
            )
            for place, (sku, units) in enumerate(lines)
        ]
        self._sold += 1
        number = f"111-2223334-{self._sold:07d}"
        order = ready_order(orderId=number, createdTime=now, lastUpdatedTime=now, orderItems=items)
        self.amazon.post("orders", [{**order, "seller": NORTHWIND}])
        return str(order["orderId"])

    def ship(self, order: WarehouseOrder, serial: int, lines: dict[str, int]) -> None:
        """Pack a package of a warehouse order."""
        confirming(
            packing.ship,
            self.platform,
            order_id=order.id,
            carrier="UPS",
            service="Ground",
            tracking_number=ups_number(serial),
            lines={sku: str(units) for sku, units in lines.items()},
            user_id=None,
        )

    def outcome(self) -> dict[str, Any]:
        """How things stand, in words that are the same whenever they happened."""
        with self.platform.db.read() as session:
            later = sa.and_(Task.state == TaskState.READY, Task.run_at > self._clock.now() + HORIZON / 2)
            tasks = session.execute(sa.select(Task.kind, Task.state).where(Task.state != TaskState.DONE, ~later)).all()
            cases = sorted(session.scalars(sa.select(SupportCase.kind)))
            warehouse = Counter(session.scalars(sa.select(WarehouseOrder.number)))
        received = self.world.orders()
        at_amazon = {entry["orderId"]: self.amazon.order(entry["orderId"]) for entry in self._orders()}
        return {
            "undone": [tuple(row) for row in tasks],
            "cases": cases,
            "twice in the warehouse": {number for number, times in warehouse.items() if times > 1},
            "in the warehouse": {row.remote_id for row in received.values() if row.number in warehouse},
            "here": {key: (row.state, row.ack_state) for key, row in received.items()},
            "packages at Amazon": {key: _packages(found) for key, found in at_amazon.items()},
            "acknowledged": self.acknowledged(),
            "offers": {offer["sku"]: offer["quantity"] for offer in self._offers()},
        }

    def acknowledged(self) -> set[str]:
        """The orders of which Amazon was told that they were received."""
        return {order["orderId"] for order in self._orders() if order["acknowledgedTime"] is not None}

    def check_order_of_things(self) -> None:
        """What holds in each moment, a process just killed included: no acknowledgement before a placing."""
        placed = {key for key, row in self.world.orders().items() if row.placed_at is not None}
        assert self.acknowledged() <= placed

    def keep(self) -> Callable[[], None]:
        """Keep this moment; returns what leads back to it, in time as well."""
        moment = self._clock.now()
        rows: Rows = save(self.platform.db.engine)
        simulator = self.amazon.stage.simulator
        assert simulator is not None
        known = {id(simulator.state.clock): simulator.state.clock, id(simulator.state.models): simulator.state.models}
        state = copy.deepcopy(simulator.state, dict(known))

        def back() -> None:
            rows.restore(self.platform.db.engine)
            simulator.begin(copy.deepcopy(state, dict(known)))
            with self.platform.db.write() as session:
                # Whole seconds, rounded up: what was due must be due again.
                seconds = -((self._clock.wall_now(session) - moment) // timedelta(seconds=1))
                row = [{"id": OFFSET_ROW, "seconds": seconds}]
                self.platform.db.upsert(session, ClockOffset, row, key=["id"], update=["seconds"])

        return back

    def _orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.amazon.get("orders")["orders"]
        return found

    def _offers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.amazon.get("listings", seller=NORTHWIND)["listings"]
        return found


def _packages(found: dict[str, Any]) -> list[tuple[str, str, tuple[tuple[str, int], ...]]]:
    return sorted(
        (entry["packageReferenceId"], entry["trackingNumber"], tuple(sorted(_units(entry).items())))
        for entry in found["packages"]
    )


def _units(package: dict[str, Any]) -> Counter[str]:
    units: Counter[str] = Counter()
    for entry in package["packageItems"]:
        units[entry["orderItemId"]] += entry["quantity"]
    return units


Chapter = Callable[[Story], None]


def first_orders(story: Story) -> None:
    """Orders of several kinds wait; the access token is old."""
    story.amazon.generate(**MIX)
    story.sell(("TENT-2P", 2), ("LAMP-USB", 1))
    story.come_due(TaskKind.ORDERS_CHECK)


def packages(story: Story) -> None:
    """An order is packed whole, another one in part; the second part is corrected before it was told."""
    story.come_due(TaskKind.WAREHOUSE_READ)
    whole, *_, parts = sorted(story.world.warehouse_orders().values(), key=lambda row: len(row.lines))
    story.ship(whole, 1, {line.sku: line.quantity for line in whole.lines})
    story.ship(parts, 2, {"TENT-2P": 1})
    story.ship(parts, 3, {"LAMP-USB": 1})


def stock(story: Story) -> None:
    """Stock of three SKUs goes out for the first time."""
    skus = ("TENT-2P", "LAMP-USB", "000123")
    story.amazon.post("listings", [{"seller": NORTHWIND, "sku": sku, "quantity": 7} for sku in skus])
    for sku in skus:
        story.world.add_item(story.store, sku)
    receiving.adjust(
        story.platform, account_id=story.world.account, sku="LAMP-USB", delta="-3", reason="counted", user_id=None
    )
    story.come_due(TaskKind.INVENTORY_ACTIVITY, TaskKind.INVENTORY_PUSH)


def stopped(story: Story) -> None:
    """Of two placed orders one is cancelled at Amazon, the other one confirmed there by hand."""
    story.come_due(TaskKind.ORDERS_CHECK)
    placed = sorted(key for key, row in story.world.orders().items() if row.ack_state == AckState.DONE)
    waiting = [key for key in placed if not story.amazon.order(key)["packages"]]
    story.amazon.post(f"orders/{waiting[0]}", {"cancel": True})
    story.amazon.post(f"orders/{waiting[1]}", {"ship": True})


def night(story: Story) -> None:
    """Everything that is done once a day comes due, and an order that no listing showed."""
    story.sell(("TENT-2P", 1), ("TENT-2P", 1))
    with story.platform.db.read() as session:
        kinds = set(session.scalars(sa.select(Schedule.kind)))
    story.come_due(*(TaskKind(kind) for kind in kinds))


# How often between two tasks it looks for more depends on how the seconds fall, by one or so.
_TELLINGS = 3
CHAPTERS: tuple[Chapter, ...] = (first_orders, packages, stock, stopped, night)


@dataclass(frozen=True)
class Coverage:
    """Of each kind of task, how many fault points its run meets, and at how many of them it was killed."""

    met: Counter[Point]
    killed: Counter[Point]

    def __str__(self) -> str:
        by_kind: dict[str, list[str]] = defaultdict(list)
        for point, times in sorted(self.met.items()):
            by_kind[point[0]].append(f"{point[1]} {self.killed[point]}/{times}")
        return "\n".join(f"{kind:24} {', '.join(points)}" for kind, points in by_kind.items())


def tell(story: Story, chapter: Chapter) -> tuple[Callable[[], None], list[Point], dict[str, Any]]:
    """Tell a story to the end of a chapter, unharmed; returns what leads back to its beginning, the fault points it
    met, and its outcome."""
    for earlier in CHAPTERS[: CHAPTERS.index(chapter)]:
        earlier(story)
        assert story.run()[0] == 0
    chapter(story)
    back = story.keep()
    code, points = story.run()
    assert code == 0
    outcome = story.outcome()
    assert outcome["undone"] == []
    return back, points, outcome


def check_outcome(story: Story, unharmed: dict[str, Any], where: str) -> None:
    """Run what is left; it must end as it did unharmed."""
    story.check_order_of_things()
    assert story.run()[0] == 0, where
    for name, value in story.outcome().items():
        assert value == unharmed[name], f"{where}: {name}"


def sweep(story: Story, chapter: Chapter, wanted: Callable[[list[Point]], Collection[int]]) -> Coverage:
    """Tell a story as far as a chapter, and that one once more for each of its fault points that is wanted.

    Args:
        wanted: picks places among the fault points of the chapter.
    """
    back, points, unharmed = tell(story, chapter)
    met: Counter[Point] = Counter()
    killed: Counter[Point] = Counter()
    nth: Counter[Point] = Counter()
    places = wanted(points)
    for place, point in enumerate(points):
        nth[point] += 1
        if place not in places:
            continue
        met[point] += 1
        where = f"{chapter.__name__}: killed at {' '.join(point)} {nth[point]}"
        for _ in range(_TELLINGS):
            back()
            code, seen = story.run(IS2_KILL=f"{' '.join(point)} {nth[point]}")
            if code == -9:
                break
        else:
            pytest.fail(f"{where}, which was not met again")
        killed[seen[-1]] += 1
        check_outcome(story, unharmed, where)
    return Coverage(met, killed)


def cut_commits(story: Story, chapter: Chapter, how: str, wanted: Callable[[int], bool]) -> int:
    """Tell a story as far as a chapter, and that one once more for each of its commits that is wanted, which is cut.

    Args:
        how: "lost" once it was carried out, "refused" before that.
        wanted: by its place among the commits of the chapter, from 1.

    Returns:
        How many were cut.
    """
    back, points, unharmed = tell(story, chapter)
    commits = [place for place in range(1, sum(name == "commit.before" for _, name in points) + 1) if wanted(place)]
    for place in commits:
        back()
        where = f"{chapter.__name__}: commit {place} {how}"
        assert story.run(IS2_COMMIT=f"{how}:{place}")[0] == 0, where
        check_outcome(story, unharmed, where)
    return len(commits)
