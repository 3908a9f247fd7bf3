"""The world of one run: a platform on an in-memory database, a simulated Amazon, merchants with stores."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from exploration import stores
from exploration.checks import expected
from exploration.checks.deeds import Deeds
from exploration.database import as_text, empty_database, glance
from exploration.further import NOTHING_FURTHER, CartInPlay, Further, FurtherCart, FurtherWarehouse, Yard
from exploration.observer import Observer
from exploration.plan import Plan
from exploration.ports.clock import MachineClock
from exploration.ports.faults import DECIDES_LATER, Faults
from exploration.ports.further_carts import FurtherTransport
from exploration.ports.transport import InProcessTransport
from exploration.ports.wakeups import Wakeups
from exploration.ports.warehouse import DecidingLater, UnreliableWarehouse
from exploration.scheduler import Scheduler
from exploration.stores import Connected
from exploration.tally import Tally
from exploration.trace import Trace
from is2_core.accounts import users as accounts
from is2_core.accounts.models import Account, Integration
from is2_core.accounts.states import IntegrationState
from is2_core.admin import cart_setup
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import VirtualClock
from is2_core.embedded_warehouse import receiving
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.errors import FlowError
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.states import TaskState
from plugins.amazon.simulator import Simulator
from plugins.amazon.simulator.clock import iso
from plugins.amazon.simulator.messages import Request
from plugins.amazon.simulator.orders.generate import SKUS

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
# When something is due: a task, the end of a lease, a slot.
_INSTANTS = tuple(
    as_text(statement)
    for statement in (
        sa.select(sa.func.min(Task.run_at)).where(Task.state == TaskState.READY),
        sa.select(sa.func.min(Task.lease_until)).where(Task.state == TaskState.RUNNING),
        sa.select(sa.func.min(Schedule.next_at))
        .join(Integration, Integration.id == Schedule.integration_id)
        .where(Integration.state == IntegrationState.ACTIVE),
    )
)


@dataclass
class World:
    """Everything a run has. Make it with `World.build`."""

    platform: Platform
    clock: VirtualClock
    machine: MachineClock
    transport: InProcessTransport
    simulator: Simulator
    scheduler: Scheduler
    trace: Trace
    wakeups: Wakeups
    faults: Faults
    tally: Tally
    observer: Observer
    accounts: list[int]
    integrations: list[Connected] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    shipped_before: dict[str, list[str]] = field(default_factory=dict)
    further_carts: list[CartInPlay] = field(default_factory=list)
    yards: list[Yard] = field(default_factory=list)
    deeds: Deeds = field(default_factory=Deeds)

    @staticmethod
    def build(plan: Plan, carts: CartRegistry | None = None, further: Further = NOTHING_FURTHER) -> World:
        """Accounts with stock, the cart's settings, and stores whose setup is finished. Of the plan only what seeds
        share is used, up to `begin`."""
        clock = VirtualClock(START)
        machine = MachineClock(clock)
        trace = Trace(clock)
        tally = Tally()
        scheduler = Scheduler(clock, trace, tally)
        faults = Faults(scheduler, trace, tally)
        simulator = Simulator(clock=clock.now, base_url=stores.SIMULATOR_URL, feed_delay_s=20)
        db = empty_database()
        embedded = EmbeddedWarehouse(db, plan.feed_page)
        warehouse = UnreliableWarehouse(
            embedded, db, scheduler, faults, free=lambda *of: expected.not_promised(*of[:2])
        )
        observer = Observer(
            db,
            warehouse.seen,
            lambda: scheduler.running,
            lambda: [feed["feedId"] for feed in simulator.state.feeds.all()],
        )
        transport = InProcessTransport(
            simulator, scheduler, clock, trace, page_size=100, observer=observer, faults=faults
        )
        further_carts = [make(clock) for make in further.carts] if plan.with_cart else []
        platform = build_platform(
            stores.CONFIG,
            clock=machine,
            transport=FurtherTransport(further_carts, transport, scheduler, faults, clock),
            buckets=MemoryBuckets(clock),
            carts=carts,
            db=db,
        )
        platform.warehouses.replace("embedded", warehouse)
        cart_setup.save_cart_settings(platform, "amazon", "simulator", stores.APPLICATION)
        cart_setup.enable_cart(platform, "amazon")
        holders = [accounts.create_account(platform, name) for name in ("Northwind", "Alpen")]
        world = World(
            platform,
            clock,
            machine,
            transport,
            simulator,
            scheduler,
            trace,
            Wakeups(2),
            faults,
            tally,
            observer,
            holders,
        )
        for account in holders:
            for sku in SKUS:
                receiving.receive(platform, account_id=account, sku=sku, name=sku, quantity="50", user_id=None)
        for number, (seller, region) in enumerate(stores.SELLERS[: plan.stores]):
            stores.list_items(world.steer, seller, plan.sites)
            account = holders[0 if plan.one_account or number != 1 else 1]
            integration = stores.connect(platform, world.steer, (seller, region), account)
            world.integrations.append(integration)
            stores.finish_setup(platform, integration, order_minutes=plan.order_minutes)
        for cart in further_carts:
            world._connect_further(cart)
        if plan.with_yard:
            for make, free in zip(further.warehouses, stores.SELLERS[plan.stores :], strict=False):
                world._open_yard(make(clock), free, plan)
        world.space_out(TaskKind.WAREHOUSE_READ, timedelta(minutes=plan.read_minutes))
        world.read_yards(timedelta(minutes=5))
        observer.taken_elsewhere = world.taken_elsewhere
        return world

    def _connect_further(self, cart: FurtherCart) -> None:
        """A store of a further cart sells from the first account's stock."""
        if cart.name not in self.platform.carts.names():
            self.platform.carts.add(cart.name, lambda: cart.plugin)
        cart_setup.save_cart_settings(self.platform, cart.name, cart.environment, {})
        cart_setup.enable_cart(self.platform, cart.name)
        self.faults.add(cart.name, cart.faults)
        integration = stores.connect_further(self.platform, cart, self.accounts[0])
        stores.finish_setup(self.platform, integration)
        self.further_carts.append(CartInPlay(cart, integration))

    def _open_yard(self, further: FurtherWarehouse, seller: tuple[str, str], plan: Plan) -> None:
        """An account of its own ships through a further warehouse."""
        account = accounts.create_account(self.platform, further.name)
        with self.platform.db.read() as session:
            code = session.get_one(Account, account).code
        warehouse = DecidingLater(
            further.plugin,
            self.platform.db,
            self.scheduler,
            self.faults,
            free=lambda _session, _account, code: further.free(code),
            who=further.name,
        )
        # Observed with the others.
        warehouse.seen = self.observer.seen
        self.faults.add(further.name, DECIDES_LATER)
        self.platform.warehouses.replace(further.name, warehouse)
        for sku in SKUS:
            further.receive(code, sku, 50)
        stores.list_items(self.steer, seller[0], plan.sites)
        ships = (further.name, further.service)
        integration = stores.connect(self.platform, self.steer, seller, account, ships=ships)
        self.integrations.append(integration)
        stores.finish_setup(self.platform, integration, order_minutes=plan.order_minutes)
        self.yards.append(Yard(further, code, integration))

    def begin(self, plan: Plan, seed: int) -> None:
        """From now on things go wrong."""
        self.faults.begin(plan.faults, plan.fault_rate, random.Random(f"{seed}/faults"))
        self.scheduler.counts = True
        self.set_feed_delay(plan.feed_delay_s)
        self.transport.page_size = plan.page_size
        self.wakeups.workers = plan.workers

    def heal(self, plan: Plan) -> None:
        """From now on nothing goes wrong any more."""
        self.faults.end()
        self.scheduler.at_commit = lambda point: ""
        self.machine.put_back()
        self.scheduler.counts = False
        self.steer("DELETE", "faults")
        for yard in self.yards:
            yard.warehouse.heal(yard.code)
        self.set_feed_delay(plan.feed_delay_s)
        # Pages of one order each, three minutes apart at Amazon's rate, would outlast the healing.
        self.transport.page_size = max(self.transport.page_size, 10)

    def close(self) -> None:
        """End what still runs."""
        for piece in list(self.scheduler.pieces):
            self.scheduler.kill(piece)

    def taken_elsewhere(self, number: str) -> bool:
        """Whether a further warehouse has said yes to an order."""
        return any(yard.warehouse.accepted(number) for yard in self.yards)

    def not_promised(self, session: Session, integration: Connected) -> Mapping[str, int]:
        """Units per SKU that the warehouse of an integration has not promised to anybody."""
        for yard in self.yards:
            if yard.integration == integration:
                return yard.warehouse.free(yard.code)
        return expected.not_promised(session, integration.account)

    def next_instant(self) -> datetime:
        """When the platform has something to do next, by the true clock."""
        found = [row[0] for statement in _INSTANTS for row in glance(self.platform.db, statement)]
        instants = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in found if text is not None]
        return min(instants) - self.machine.ahead if instants else NEVER

    def since(self, instant: str) -> timedelta:
        """How long ago an instant is that Amazon tells."""
        return self.clock.now() - datetime.fromisoformat(instant)

    def press(self, who: str, button: Callable[..., object], **fields: object) -> bool:
        """Do what a page's button does, and return whether it did; a refusal is a sentence for the page."""
        try:
            button(self.platform, **fields)
        except FlowError as refusal:
            self.trace.add(who, f"is told: {refusal}")
            return False
        return True

    def steer(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the simulator's `/_sim/`."""
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.simulator.handle(Request(method, f"/_sim/{path}", body=content))
        if answer.status != 200:
            raise AssertionError(f"{method} /_sim/{path}: {answer.body!r}")
        return answer.json()

    def set_feed_delay(self, seconds: int) -> None:
        """How long Amazon works on the feeds that come from now on."""
        self.steer("POST", "feeds", {"delay_s": seconds})
        self.trace.add("amazon", f"works {seconds} s on a feed")

    def new_order(self, integration: Connected, branch: str, rng: random.Random, *, late: bool) -> None:
        """An order is placed at Amazon; a late one has an age already when it first shows."""
        wanted = {"seller": integration.seller, "seed": rng.getrandbits(32), "mix": {branch: 1}}
        made = self.steer("POST", "orders/generate", wanted)
        (order_id,) = made["branches"][branch]
        if not late:
            now = iso(self.clock.now())
            self.steer("POST", f"orders/{order_id}", {"set": {"createdTime": now, "lastUpdatedTime": now}})
        booked = self.simulator.state.book.get(order_id)
        assert booked is not None, order_id
        self.shipped_before[order_id] = [package["trackingNumber"] for package in booked.summary()["packages"]]
        self.orders.append(order_id)
        self.trace.add("amazon", f"order {order_id} {branch}{' late' if late else ''}")

    def space_out(self, kind: str, every: timedelta) -> None:
        """Have the stores' routine work of a kind come due at other intervals."""
        self._reschedule(kind, every_s=int(every.total_seconds()))

    def read_yards(self, every: timedelta) -> None:
        """Have further warehouses, which wake nobody, read now, and so often."""
        for yard in self.yards:
            of_integration = Schedule.integration_id == yard.integration.id
            now, every_s = self.platform.clock.now(), int(every.total_seconds())
            self._reschedule(TaskKind.WAREHOUSE_READ, of_integration, every_s=every_s, next_at=now)

    def move_night(self, kind: str, to: datetime) -> None:
        """Have the stores' nightly work of a kind come due at another time of the day."""
        self._reschedule(kind, daily_at=f"{to:%H:%M}", next_at=to.replace(second=0, microsecond=0))

    def _reschedule(self, kind: str, *which: sa.ColumnElement[bool], **changes: object) -> None:
        with self.platform.db.write() as session:
            session.execute(sa.update(Schedule).where(Schedule.kind == kind, *which).values(changes))
