"""From the listed page to the acknowledgement due: as many statements for many orders as for few."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from is2_core.accounts.models import Integration
from is2_core.clock import VirtualClock
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.items.models import KnownSku, ShippingMapping
from is2_core.jobs import HANDLERS
from is2_core.orders.importing.staging import stage
from is2_core.orders.models import OrderEvent, PlacedComponent, ReceivedLine, ReceivedOrder
from is2_core.orders.states import AckState, ReceivedState
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.runner import run_next
from plugins.interface import Address, FulfilledBy, Order, OrderLine, OrderState, ShippingMappingUI
from plugins.warehouse import (
    Field,
    FieldKind,
    NewOrder,
    PlaceAnswer,
    Refused,
    Retry,
    Unknown,
    WarehouseContext,
    WarehouseManifest,
    hookimpl,
)
from tests.support.depot import Depot
from tests.support.statements import counted

FEW, MANY = 50, 200
TABLES = ("received_order", "received_line", "placed_component", "hold", "order_event")


class Shop(Depot):
    """A store of a few SKUs; pages of its orders are staged, and placed in one batch."""

    def __init__(self, platform: Platform, clock: VirtualClock) -> None:
        super().__init__(platform, clock)
        with platform.db.write() as session:
            self.store = session.scalars(sa.select(Integration.id)).one()
            key = {"account_id": self.account, "integration_id": self.store, "created_at": clock.now()}
            session.add(ShippingMapping(**key, method="STANDARD", method_key="standard", service="GROUND", hold=False))
        for sku in ("TENT", "LAMP"):
            self.receive(sku, 10_000)
            with platform.db.write() as session:
                session.merge(KnownSku(account_id=self.account, wms_target="embedded", sku=sku))

    def orders(self, count: int, first: int = 0) -> list[Order]:
        now = self.clock.now()
        order = Order(
            remote_id="0",
            site="",
            state=OrderState.READY,
            fulfilled_by=FulfilledBy.MERCHANT,
            created_at=now - timedelta(hours=1),
            updated_at=now - timedelta(minutes=30),
            lines=(OrderLine("1", "TENT", "Tent", 1, 0, 1), OrderLine("2", "LAMP", "Lamp", 2, 0, 2)),
            shipping_method="STANDARD",
            recipient=Address(name="Ann", lines=("1 Main St",), city="Reno", postal_code="89501", country="US"),
        )
        return [replace(order, remote_id=f"{first + number:05}") for number in range(count)]

    def stage(self, orders: Sequence[Order]) -> None:
        with self.platform.db.write() as session:
            integration = session.get_one(Integration, self.store)
            stage(self.platform, session, integration, ShippingMappingUI(()), orders)

    def place(self, *orders: NewOrder) -> list[PlaceAnswer]:
        with self.platform.db.write() as session:
            session.execute(sa.delete(Task).where(Task.kind != TaskKind.ORDERS_PLACE))
        run_next(self.platform, HANDLERS)
        return []

    def stored(self) -> Mapping[str, ReceivedOrder]:
        with self.platform.db.read() as session:
            query = sa.select(ReceivedOrder).options(
                selectinload(ReceivedOrder.lines), selectinload(ReceivedOrder.holds)
            )
            return {order.remote_id: order for order in session.scalars(query)}

    def told(self) -> Counter[str]:
        with self.platform.db.read() as session:
            return Counter(session.scalars(sa.select(OrderEvent.code)))


def what(statement: str) -> str:
    """What a statement does to which table first; nothing for what the warehouse and the task's run do inside."""
    found = re.search(r"(INSERT INTO|UPDATE|DELETE FROM|FROM) (\w+)", statement)
    return " ".join(found.groups()) if found and not found[2].startswith(("warehouse_", "task")) else ""


@pytest.fixture
def shop(platform: Platform, clock: VirtualClock) -> Shop:
    return Shop(platform, clock)


def test_a_page_is_staged_with_as_many_statements_whatever_it_holds(shop: Shop) -> None:
    sent: list[list[list[str]]] = []
    for first, count in ((0, FEW), (1000, MANY)):
        orders = shop.orders(count, first)
        later = [replace(order, updated_at=order.updated_at + timedelta(minutes=1)) for order in orders]
        # A line that is gone, an order cancelled, one that cannot be shipped: as many statements for each.
        mixed = [
            replace(order, lines=order.lines[: 1 + number % 2])
            if number % 3
            else replace(order, state=OrderState.CANCELLED)
            for number, order in enumerate(later)
        ]
        again = [replace(order, updated_at=order.updated_at + timedelta(minutes=1)) for order in mixed]
        texts = []
        for page in (orders, later, again):
            with counted(shop.platform) as statements:
                shop.stage(page)
            texts.append(statements)
        sent.append(texts)
    few, many = sent
    assert [len(statements) for statements in few] == [len(statements) for statements in many]
    assert max(len(statements) for statements in many) < 40


def test_a_batch_is_placed_with_as_many_statements_whatever_it_holds(shop: Shop) -> None:
    sent: list[Counter[str]] = []
    for first, count in ((0, FEW), (1000, MANY)):
        shop.stage(shop.orders(count, first))
        with counted(shop.platform) as statements:
            shop.place()
        sent.append(Counter(filter(None, map(what, statements))))
    assert sent[0] == sent[1]
    assert sent[0].total() < 40
    assert max(sent[0][f"{verb} {table}"] for verb in ("INSERT INTO", "DELETE FROM") for table in TABLES) == 1
    stored = shop.stored()
    assert {(order.state, order.ack_state) for order in stored.values()} == {(ReceivedState.INJECTED, AckState.DUE)}
    assert {(line.placed, line.open) for order in stored.values() for line in order.lines} == {(1, 1), (2, 2)}
    assert shop.told() == {"STAGED": FEW + MANY, "INJECTED": FEW + MANY}
    with shop.platform.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(PlacedComponent)) == 2 * (FEW + MANY)


class Counting(EmbeddedWarehouse):
    """A warehouse that notes how many orders it was given at once."""

    def __init__(self, shop: Shop, manifest: WarehouseManifest) -> None:
        super().__init__(shop.platform.db)
        self._manifest = manifest
        self.batches: list[int] = []

    @hookimpl
    def warehouse_manifest(self) -> WarehouseManifest:
        return self._manifest

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        self.batches.append(len(orders))
        return super().place_orders(ctx, orders)


PLAIN = WarehouseManifest("embedded", "Embedded", "1.0")


@pytest.mark.parametrize(
    ("manifest", "batches"),
    [
        (PLAIN, [21]),
        (replace(PLAIN, hosts=("wms.example",)), [1, 4, 16]),
        (replace(PLAIN, settings=(Field("address", "Address", FieldKind.URL),)), [1, 4, 16]),
    ],
    ids=["it calls nobody", "it names a host", "it asks for an address"],
)
def test_only_a_warehouse_that_makes_calls_begins_with_one_order(
    shop: Shop, manifest: WarehouseManifest, batches: list[int]
) -> None:
    shop.stage(shop.orders(21))
    warehouse = Counting(shop, manifest)
    shop.platform.warehouses.replace("embedded", warehouse)
    shop.place()
    assert warehouse.batches == batches


class Moody(EmbeddedWarehouse):
    """A warehouse with an answer of every kind; meanwhile the cart cancels every sixth order."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop.platform.db)
        self._shop = shop

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        cancelled = [order for order in self._shop.orders(len(orders)) if int(order.remote_id) % 6 == 0]
        later = self._shop.clock.now()
        self._shop.stage([replace(order, state=OrderState.CANCELLED, updated_at=later) for order in cancelled])
        return [self._answer(ctx, order, number % 6) for number, order in enumerate(orders)]

    def _answer(self, ctx: WarehouseContext, order: NewOrder, mood: int) -> PlaceAnswer:
        if mood == 1:
            return Refused(f"No room for {order.number}.")
        if mood == 2:
            return Retry("Come back.")
        if mood == 3:
            return Unknown("Who knows.")
        return super().place_orders(ctx, [order])[0]


def test_every_answer_of_a_batch_is_stored_as_what_it_is(shop: Shop) -> None:
    shop.stage(shop.orders(60))
    shop.platform.warehouses.replace("embedded", Moody(shop))
    shop.place()
    found: dict[int, set[tuple[str, str, bool, bool]]] = {}
    stored = shop.stored()
    for remote_id, order in stored.items():
        facts = (order.state, order.ack_state, order.placing_since is not None, order.placed_at is not None)
        found.setdefault(int(remote_id) % 6, set()).add(facts)
    assert found == {
        0: {("CANCELLED", "NOT_NEEDED", True, True)},
        1: {("HELD", "NONE", False, False)},
        2: {("STAGED", "NONE", False, False)},
        3: {("STAGED", "NONE", True, False)},
        4: {("INJECTED", "DUE", True, True)},
        5: {("INJECTED", "DUE", True, True)},
    }
    assert [hold.code for hold in stored["00001"].holds] == ["WAREHOUSE_REFUSED"]
    assert {sum(line.placed for line in order.lines) for order in stored.values() if order.placing_since is None} == {0}
    told = shop.told()
    assert (told["INJECTED"], told["REFUSED"], told["CANCELLED"]) == (30, 10, 10)
    with shop.platform.db.read() as session:
        open_tasks = set(session.scalars(sa.select(Task.kind).where(Task.state == "READY")))
        lines = session.scalars(sa.select(ReceivedLine.order_id).where(ReceivedLine.placed > 0).distinct()).all()
    assert {"orders.stop", "acknowledgements.send", "orders.place"} <= open_tasks
    assert len(lines) == 40
