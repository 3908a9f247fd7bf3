"""The embedded warehouse with accounts, orders and packages, without any cart being spoken to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.clock import VirtualClock
from is2_core.embedded_warehouse import order_handling, packing, receiving
from is2_core.embedded_warehouse.models import StockMovement, WarehouseOrder, WarehousePackage, WarehouseSku
from is2_core.platform import Platform
from is2_core.tasks.models import Task
from is2_core.warehouses.calls import Warehouse, warehouse_of
from plugins.interface import Address
from plugins.warehouse import NewOrder, OrderLine, PlaceAnswer
from tests.support.parcels import confirming


class Depot:
    """An account "Northwind" with an active store, and helpers to act in its warehouse and look at it."""

    def __init__(self, platform: Platform, clock: VirtualClock) -> None:
        self.platform, self.clock = platform, clock
        self.account = self.open_account("Northwind")

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse through its port."""
        return self.warehouse_of(self.account)

    def warehouse_of(self, account: int) -> Warehouse:
        """The same of another account."""
        return warehouse_of(self.platform, "embedded", account)

    def open_account(self, name: str) -> int:
        """Another account with an active store."""
        account = users.create_account(self.platform, name)
        with self.platform.db.write() as session:
            session.add(
                Integration(
                    account_id=account,
                    cart="amazon",
                    wms_target="embedded",
                    region="na",
                    seller_id=f"A{account}",
                    state=IntegrationState.ACTIVE,
                    created_at=self.clock.now(),
                )
            )
        return account

    def receive(self, sku: str, units: int, account: int = 0) -> None:
        """Receive units of a SKU."""
        receiving.receive(
            self.platform, account_id=account or self.account, sku=sku, name="", quantity=str(units), user_id=None
        )

    def order(self, number: str, lines: dict[str, int], *, account: int = 0, ship_by: datetime | None = None) -> int:
        """Place an order and return its id in the warehouse."""
        self.warehouse_of(account or self.account).place_orders([self.new_order(number, lines, ship_by=ship_by)])
        with self.platform.db.read() as session:
            return session.scalars(sa.select(WarehouseOrder.id).where(WarehouseOrder.number == number)).one()

    def place(self, *orders: NewOrder) -> list[PlaceAnswer]:
        """Place orders of the first account together."""
        return self.warehouse.place_orders(orders)

    def new_order(self, number: str, lines: dict[str, int], *, ship_by: datetime | None = None) -> NewOrder:
        """An order to place."""
        units = tuple(OrderLine(sku, quantity) for sku, quantity in lines.items())
        return NewOrder(number, "Outdoor", "GROUND", Address(name="Ann"), units, ship_by=ship_by)

    def ship(self, order_id: int, lines: dict[str, str], **changes: Any) -> int:
        """Ship a package by UPS."""
        values = {"carrier": "UPS", "service": "Ground", "tracking_number": "1Z999", "user_id": None, **changes}
        return confirming(packing.ship, self.platform, order_id=order_id, lines=lines, **values)

    def correct(self, package_id: int, lines: dict[str, str], **changes: Any) -> None:
        """Correct a package; without changes it stays as `ship` made it."""
        values = {"carrier": "UPS", "service": "Ground", "tracking_number": "1Z999", "user_id": None, **changes}
        confirming(packing.correct_package, self.platform, package_id=package_id, lines=lines, **values)

    def void(self, package_id: int) -> None:
        """Void a package."""
        packing.void_package(self.platform, package_id=package_id, user_id=None, reason="came back")

    def stop(self, order_id: int, reason: str = "damaged") -> None:
        """Stop an order from the warehouse's side."""
        order_handling.stop_order(self.platform, order_id=order_id, reason=reason, user_id=None)

    def state(self, number: str) -> str:
        """The state of an order."""
        with self.platform.db.read() as session:
            return session.scalars(sa.select(WarehouseOrder.state).where(WarehouseOrder.number == number)).one()

    def lines(self, number: str) -> dict[str, tuple[int, int]]:
        """(quantity, shipped) of an order by SKU."""
        with self.platform.db.read() as session:
            row = session.scalars(sa.select(WarehouseOrder).where(WarehouseOrder.number == number)).one()
            return {line.sku: (line.quantity, line.shipped) for line in row.lines}

    def package(self, package_id: int) -> WarehousePackage:
        """A package as it is now."""
        with self.platform.db.read() as session:
            return session.get_one(WarehousePackage, package_id)

    def on_hand(self, sku: str) -> int:
        """Units on hand of a SKU."""
        with self.platform.db.read() as session:
            return session.scalars(
                sa.select(WarehouseSku.on_hand).where(WarehouseSku.account_id == self.account, WarehouseSku.sku == sku)
            ).one()

    def ledger(self, sku: str) -> list[tuple[int, str]]:
        """(units, reason) of every movement of a SKU, the oldest first."""
        with self.platform.db.read() as session:
            rows = session.scalars(
                sa.select(StockMovement)
                .join(WarehouseSku, WarehouseSku.id == StockMovement.warehouse_sku_id)
                .where(WarehouseSku.account_id == self.account, WarehouseSku.sku == sku)
                .order_by(StockMovement.id)
            )
            return [(row.quantity, row.reason) for row in rows]

    def asked_to_read(self) -> int:
        """How often the platform was asked to read the warehouse's news, counted in what the open task wants."""
        with self.platform.db.read() as session:
            return session.scalar(sa.select(sa.func.sum(Task.wanted)).where(Task.kind == "warehouse.read")) or 0
