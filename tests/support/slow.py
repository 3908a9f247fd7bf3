"""A store of the Tiny cart whose every outside call takes time on the virtual clock, and workers with a job timeout."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from is2_tiny import plugin
from is2_tiny.shop import Shop, create_shop

from is2_core.accounts import users
from is2_core.accounts.models import Credential, Integration
from is2_core.accounts.states import IntegrationState
from is2_core.admin import cart_setup
from is2_core.calls.carts import CartRegistry
from is2_core.calls.transport import Request
from is2_core.calls.warehouses import WarehouseRegistry
from is2_core.clock import VirtualClock
from is2_core.db.types import seal
from is2_core.embedded_warehouse import receiving
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.items.known_skus import learn_missing
from is2_core.items.models import CartItem, ShippingMapping
from is2_core.jobs import HANDLERS
from is2_core.orders.fulfillment.models import Package, PackageContent, PackageUnits
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import PlacedComponent, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.states import AckState, ReceivedState
from is2_core.platform import Platform
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import LEASE
from is2_core.tasks.runner import run_task
from is2_core.tasks.states import TaskState
from is2_core.tasks.wakeups import JOB_TIMEOUT_S
from plugins.interface import Customization, Reply, hookimpl
from plugins.warehouse import (
    Activity,
    CancelAnswer,
    FoundOrder,
    NewOrder,
    PlaceAnswer,
    Shipments,
    WarehouseContext,
    WarehouseManifest,
    hookimpl as warehouse_hook,
)

CALL_S = 6.0
ADDRESS = "https://shop.example.com"
SKU = "TENT-2P"


class JobTimeout(BaseException):
    """The worker's alarm, or its end: nothing after this happens in it."""


class Timer:
    """Lets each call take its time, and ends the worker after the job timeout or at a chosen call."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.calls = 0
        self.dies_at: int | None = None
        self.alarm: datetime | None = None

    def spend(self, calls: int = 1) -> None:
        for _ in range(calls):
            self.calls += 1
            if self.calls == self.dies_at:
                raise JobTimeout
            self.clock.advance(timedelta(seconds=CALL_S))
            if self.alarm is not None and self.clock.now() >= self.alarm:
                raise JobTimeout


class ShopTransport:
    """Carries requests to the Tiny shop's own application."""

    def __init__(self, shop: Shop, timer: Timer) -> None:
        self._client = create_shop(shop).test_client()
        self._timer = timer
        self.sent: list[tuple[str, str]] = []

    def send(self, request: Request) -> Reply:
        self._timer.spend()
        answer = self._client.open(
            request.url.removeprefix(ADDRESS),
            method=request.method,
            headers=dict(request.headers or {}),
            query_string=dict(request.params or {}),
            json=request.json,
        )
        self.sent.append((request.method, request.url.removeprefix(ADDRESS)))
        headers = {name.lower(): value for name, value in answer.headers}
        return Reply(answer.status_code, headers, answer.data, None)


class SlowWarehouse(EmbeddedWarehouse):
    """The embedded warehouse behind a slow line: each order of a batch is a call of its own."""

    def __init__(self, platform: Platform, timer: Timer) -> None:
        super().__init__(platform.db, page=1)
        self._timer = timer
        self.slow = True

    def _spend(self, calls: int = 1) -> None:
        if self.slow:
            self._timer.spend(calls)

    @warehouse_hook
    def warehouse_manifest(self) -> WarehouseManifest:
        # What names no host can make no calls, and is given whole batches.
        return replace(super().warehouse_manifest(), hosts=("slow.example.com",))

    @warehouse_hook
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        answers = []
        for order in orders:
            self._spend()
            answers += super().place_orders(ctx, [order])
        return answers

    @warehouse_hook
    def find_order(self, ctx: WarehouseContext, number: str) -> list[FoundOrder]:
        self._spend()
        return super().find_order(ctx, number)

    @warehouse_hook
    def cancel_order(self, ctx: WarehouseContext, number: str) -> CancelAnswer:
        self._spend()
        return super().cancel_order(ctx, number)

    @warehouse_hook
    def activity_since(self, ctx: WarehouseContext, cursor: str) -> Activity:
        self._spend()
        return super().activity_since(ctx, cursor)

    @warehouse_hook
    def shipments_since(self, ctx: WarehouseContext, cursor: str) -> Shipments:
        self._spend()
        return super().shipments_since(ctx, cursor)


def _with_customizations(timer: Timer) -> object:
    @hookimpl
    def fetch_customization(ctx: object, url: str) -> Customization:
        timer.spend()
        return Customization("surface.zip", "application/zip", url.encode())

    made = ModuleType("slow_tiny")
    made.__dict__.update({name: value for name, value in vars(plugin).items() if not name.startswith("__")})
    made.__dict__["fetch_customization"] = fetch_customization
    return made


class SlowStore:
    """An account with one store of the Tiny cart; makes orders in any state and runs single tasks."""

    def __init__(self, platform: Platform, clock: VirtualClock) -> None:
        self.clock, self.timer, self.shop = clock, Timer(clock), Shop()
        carts = CartRegistry()
        carts.add("tiny", lambda: _with_customizations(self.timer))
        assert carts.broken == []
        self.transport = ShopTransport(self.shop, self.timer)
        self.platform = replace(platform, carts=carts, transport=self.transport, warehouses=WarehouseRegistry())
        self.warehouse = SlowWarehouse(platform, self.timer)
        self.platform.warehouses.replace("embedded", self.warehouse)
        self.account = users.create_account(self.platform, "Tiny Company")
        cart_setup.save_cart_settings(self.platform, "tiny", "live", {})
        cart_setup.enable_cart(self.platform, "tiny")
        with self.platform.db.write() as session:
            row = Integration(
                account_id=self.account,
                cart="tiny",
                wms_target="embedded",
                region="",
                seller_id=self.shop.id,
                state=IntegrationState.ACTIVE,
                settings={"shop_url": ADDRESS},
                sites=[],
                created_at=clock.now(),
            )
            session.add(row)
            session.flush()
            self.id = row.id
            token = seal(Credential.credentials, {"token": self.shop.key}, row.id)
            session.add(Credential(integration_id=row.id, credentials=token, authorized_at=clock.now()))
            session.add(
                ShippingMapping(
                    account_id=self.account,
                    integration_id=row.id,
                    method="standard",
                    method_key="standard",
                    service="GROUND",
                    created_at=clock.now(),
                )
            )
        receiving.receive(self.platform, account_id=self.account, sku=SKU, name="", quantity="1000", user_id=None)
        with self.platform.db.read() as session:
            integration = session.get_one(Integration, self.id)
        learn_missing(self.platform, integration, [SKU])
        with self.platform.db.write() as session:
            session.execute(sa.delete(Task))

    def orders(self, count: int, **columns: Any) -> list[int]:
        """Received orders of one tent each, which the shop has too; returns their ids."""
        now = self.clock.now()
        values = {
            "state": ReceivedState.INJECTED,
            "cart_state": "READY",
            "ack_state": AckState.NOT_NEEDED,
            "read_at": now,
            **columns,
        }
        ids = []
        with self.platform.db.write() as session:
            for number in range(1, count + 1):
                order_id = f"A-{number}"
                self.shop.add_order(order_id, (SKU, 1), created=now.isoformat(), updated=now.isoformat())
                order = ReceivedOrder(
                    account_id=self.account,
                    integration_id=self.id,
                    remote_id=order_id,
                    number=f"TI{self.id}-{order_id}",
                    shipping_method="standard",
                    has_address=True,
                    cart_created_at=now,
                    cart_updated_at=now,
                    staged_at=now,
                    lines=[ReceivedLine(remote_id=f"{order_id}-1", sku=SKU, ordered=1, cancelled=0, open=1, placed=1)],
                    **values,
                )
                session.add(order)
                session.flush()
                address = {"name": "Ada Simbuyer", "company": "", "lines": ["1 Main Street"], "city": "Springfield"}
                rest = {"region": "", "district": "", "postal_code": "12345", "country": "US", "phone": ""}
                more = {"kind": "", "instructions": ""}
                pii = {"address": {**address, **rest, **more}, "buyer": None, "lines": {}}
                sealed = seal(Recipient.sealed, pii, self.id, order_id)
                session.add(Recipient(account_id=self.account, order_id=order.id, sealed=sealed))
                session.add(PlacedComponent(line_id=order.lines[0].id, warehouse_sku=SKU, quantity=1))
                ids.append(order.id)
        return ids

    def place_in_warehouse(self) -> None:
        """Give every order to the warehouse at once."""
        self.warehouse.slow = False
        with self.platform.db.write() as session:
            session.execute(
                sa.update(ReceivedOrder).values(
                    state=ReceivedState.STAGED, placed_at=None, placing_since=None, read_at=self.clock.now()
                )
            )
        self.run_once("orders.place")
        self.warehouse.slow = True
        with self.platform.db.write() as session:
            session.execute(sa.delete(Task))
        self.timer.calls = 0

    def packages(self, count: int) -> None:
        """Packages that are to be posted, one for each of so many placed orders."""
        now = self.clock.now()
        ids = self.orders(count, placed_at=now, placing_since=now)
        with self.platform.db.write() as session:
            for number, order_id in enumerate(ids, start=1):
                line = session.scalars(sa.select(ReceivedLine).where(ReceivedLine.order_id == order_id)).one()
                session.add(
                    Package(
                        account_id=self.account,
                        integration_id=self.id,
                        order_id=order_id,
                        warehouse_ref=str(number),
                        revision=1,
                        reference="10001",
                        carrier="UPS",
                        tracking_number=f"1Z{number:016}",
                        shipped_at=now,
                        post_state=PostState.DUE,
                        seen_at=now,
                        contents=[PackageContent(warehouse_sku=SKU, quantity=1)],
                        units=[PackageUnits(line_id=line.id, quantity=1)],
                    )
                )

    def items(self, count: int, **columns: Any) -> None:
        """Active items that are one tent each, which the shop lists too."""
        now = self.clock.now()
        with self.platform.db.write() as session:
            for number in range(1, count + 1):
                listed = self.shop.add_item(f"SHIRT-{number}")
                row = CartItem(
                    account_id=self.account,
                    integration_id=self.id,
                    sku=f"SHIRT-{number}",
                    remote_id=listed["id"],
                    active=True,
                    created_at=now,
                    **columns,
                )
                session.add(row)
                session.flush()
                session.execute(
                    sa.text("INSERT INTO mapping (cart_item_id, warehouse_sku, quantity) VALUES (:item, :sku, 1)"),
                    {"item": row.id, "sku": SKU},
                )
            session.add(Schedule(integration_id=self.id, kind="inventory.push", every_s=3600, next_at=now))

    def run_once(self, kind: str) -> None:
        """Ask for a task and let a worker run it once; the worker is ended after the job timeout."""
        with self.platform.db.write() as session:
            integration = session.get_one(Integration, self.id)
            open_one = session.scalar(sa.select(Task.id).where(Task.kind == kind, Task.state == TaskState.READY))
            if open_one is None:
                enqueue(session, kind=kind, integration=integration, now=self.clock.now())
        with self.platform.db.read() as session:
            task_id = session.scalars(sa.select(Task.id).where(Task.kind == kind, Task.state == TaskState.READY)).one()
        self.timer.alarm = self.clock.now() + timedelta(seconds=JOB_TIMEOUT_S)
        run_task(self.platform, task_id, HANDLERS)

    def sweep(self) -> None:
        """The dispatcher's part after a worker's end: its task is due again once the lease is over."""
        self.clock.advance(LEASE)
        with self.platform.db.write() as session:
            session.execute(
                sa.update(Task)
                .where(Task.state == TaskState.RUNNING)
                .values(state=TaskState.READY, fence=Task.fence + 1, run_at=self.clock.now(), lease_until=None)
            )

    def run_until(self, kind: str, done: Callable[[], int], wanted: int) -> int:
        """Run a task, turn after turn, until so many are done; returns how many turns it took."""
        for turn in itertools.count(1):
            assert turn < 100, f"only {done()} of {wanted} were done"
            self.run_once(kind)
            if done() >= wanted:
                return turn
            with self.platform.db.read() as session:
                row = session.scalars(sa.select(Task).where(Task.kind == kind).order_by(Task.id.desc())).first()
            assert row is not None and row.state == TaskState.READY, "the rest has no turn"
            assert row.run_at <= self.clock.now(), "the rest's turn is not due at once"
        raise AssertionError

    def count(self, *where: sa.ColumnElement[bool]) -> int:
        """How many rows there are that fit."""
        with self.platform.db.read() as session:
            return session.scalar(sa.select(sa.func.count()).where(*where)) or 0
