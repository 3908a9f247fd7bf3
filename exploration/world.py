"""The world of one run: a platform on an in-memory database, a simulated Amazon, merchants with stores."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from exploration.plan import Plan
from exploration.scheduler import Scheduler
from exploration.trace import Trace
from exploration.transport import InProcessTransport
from is2_core.carts import CartRegistry
from is2_core.clock import VirtualClock
from is2_core.config import Config
from is2_core.crypto import Keyring
from is2_core.flows import accounts, cart_settings, stock, store_settings
from is2_core.models import Credential, Integration, IntegrationState, ReceivedOrder, WarehouseOrder
from is2_core.models.base import Base
from is2_core.platform import Platform, build_platform
from is2_core.ratelimit import MemoryBuckets
from plugins.amazon.simulator import Simulator
from plugins.amazon.simulator.clock import iso
from plugins.amazon.simulator.generate import SKUS
from plugins.amazon.simulator.messages import Request

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SIMULATOR_URL = "http://127.0.0.1:8765"
SELLERS = (("A2SIMNA0000001", "na"), ("A2SIMEU0000001", "eu"), ("A2SIMFE0000001", "fe"))
APPLICATION = {
    "application_id": "amzn1.sp.solution.is2-demo",
    "client_id": "amzn1.application-oa2-client.is2demo",
    "client_secret": "is2-demo-client-secret-0123456789",
    "draft": "no",
    "simulator_url": SIMULATOR_URL,
}
_ACKNOWLEDGED = re.compile(rb"<AmazonOrderID>([^<]+)</AmazonOrderID>")
# Guards nothing: the database lives and dies with the run.
_KEYS = Keyring({"explorer": base64.b64decode("A" * 43 + "=")}, "explorer")


class ListBell:
    """The bell port: rings become choices of the explorer."""

    def __init__(self) -> None:
        self.rung: list[tuple[int, int]] = []

    def ring(self, tasks: Sequence[tuple[int, int]]) -> None:
        self.rung += tasks


@dataclass(frozen=True)
class Shop:
    """A connected store."""

    id: int
    account: int
    seller: str


@dataclass
class World:
    """Everything a run has. Make it with `World.build`."""

    platform: Platform
    clock: VirtualClock
    transport: InProcessTransport
    simulator: Simulator
    scheduler: Scheduler
    trace: Trace
    bell: ListBell
    shops: list[Shop]
    orders: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @staticmethod
    def build(plan: Plan, seed: int, carts: CartRegistry | None = None) -> World:
        """Accounts with stock, the cart's settings, and stores whose setup is finished."""
        clock = VirtualClock(START)
        trace = Trace(clock)
        scheduler = Scheduler(clock, trace)
        simulator = Simulator(seed=seed, clock=clock.now, base_url=SIMULATOR_URL)
        world: World

        def watch(request: Request) -> None:
            world.watch_upload(request)

        transport = InProcessTransport(simulator, scheduler, clock, trace, plan.page_size, watch)
        platform = build_platform(
            Config("sqlite://", "redis://nobody.invalid", _KEYS, "the explorer shows no pages, so no cookies"),
            clock=clock,
            transport=transport,
            buckets=MemoryBuckets(clock),
            carts=carts,
        )
        world = World(platform, clock, transport, simulator, scheduler, trace, ListBell(), [])
        Base.metadata.create_all(platform.db.engine)
        cart_settings.save_cart_settings(platform, "amazon", "simulator", APPLICATION)
        cart_settings.enable_cart(platform, "amazon")
        first, second = (accounts.create_account(platform, name) for name in ("Northwind", "Alpen"))
        for account in (first, second):
            for sku in SKUS:
                stock.receive(platform, account_id=account, sku=sku, name=sku, quantity="50", user_id=None)
        for number, (seller, region) in enumerate(SELLERS[: plan.stores]):
            world._connect(seller, region, first if number != 1 else second, plan.order_minutes)
        return world

    def close(self) -> None:
        """Let go of the database."""
        self.platform.db.dispose()

    def steer(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the simulator's `/_sim/`."""
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.simulator.handle(Request(method, f"/_sim/{path}", body=content))
        if answer.status != 200:
            raise AssertionError(f"{method} /_sim/{path}: {answer.body!r}")
        return answer.json()

    def new_order(self, shop: Shop, branch: str, rng: random.Random, *, late: bool) -> None:
        """An order is placed at Amazon; a late one has an age already when it first shows."""
        made = self.steer(
            "POST",
            "orders/generate",
            {"seller": shop.seller, "seed": rng.getrandbits(32), "mix": {branch: 1}},
        )
        (order_id,) = made["branches"][branch]
        if not late:
            now = iso(self.clock.now())
            self.steer("POST", f"orders/{order_id}", {"set": {"createdTime": now, "lastUpdatedTime": now}})
        self.orders.append(order_id)
        self.trace.add("amazon", f"order {order_id} {branch}{' late' if late else ''}")

    def watch_upload(self, request: Request) -> None:
        """I3: whatever leaves for Amazon as an acknowledgement has its placing committed before."""
        if request.method != "PUT":
            return
        wanted = [found.decode() for found in _ACKNOWLEDGED.findall(request.body)]
        with self.platform.db.read() as session:
            placed = set(
                session.scalars(
                    sa.select(ReceivedOrder.remote_id)
                    .join(WarehouseOrder, WarehouseOrder.number == ReceivedOrder.number)
                    .where(ReceivedOrder.remote_id.in_(wanted), ReceivedOrder.placed_at.is_not(None))
                )
            )
        self.violations += [
            f"I3: {order_id} is acknowledged before its placing is committed"
            for order_id in wanted
            if order_id not in placed
        ]

    def _connect(self, seller: str, region: str, account: int, order_minutes: int) -> None:
        granted = self.steer("POST", "authorize", {"seller": seller})
        sellers = {entry["seller"]: entry for entry in self.steer("GET", "sellers")["sellers"]}
        now = self.clock.now()
        # What the consent pages end in; walking them is not what the explorer is after.
        with self.platform.db.write() as session:
            row = Integration(
                account_id=account,
                cart="amazon",
                region=region,
                seller_id=seller,
                seller_name=seller,
                sites=sellers[seller]["marketplaces"],
                settings={},
                state=IntegrationState.SETUP,
                created_at=now,
            )
            session.add(row)
            session.flush()
            credentials = {"refresh_token": granted["refresh_token"]}
            session.add(Credential(integration_id=row.id, credentials=credentials, authorized_at=now))
            shop = Shop(row.id, account, seller)
        form = store_settings.settings_form(self.platform, integration_id=shop.id, account_id=account)
        values = {entry.field.key: entry.value for entry in form}
        values["orders_from"] = (now - timedelta(days=3)).date().isoformat()
        values["orders_every"] = str(order_minutes * 60)
        store_settings.finish_setup(self.platform, integration_id=shop.id, account_id=account, values=values)
        self.shops.append(shop)
