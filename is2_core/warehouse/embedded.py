"""The embedded warehouse: own tables, unique order number, a ledger under every change of stock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.clock import Clock
from is2_core.db import Database
from is2_core.models import StockMovement, WarehouseOrder, WarehouseOrderLine, WarehouseSku, WarehouseState
from is2_core.warehouse.interface import (
    Already,
    CancelAnswer,
    Cancelled,
    FoundOrder,
    NewOrder,
    OrderLine,
    PartlyCancelled,
    PlaceAnswer,
    Placed,
    Refused,
    Service,
    Stock,
    TooLate,
)

OPEN = (WarehouseState.PENDING, WarehouseState.IN_PROCESS, WarehouseState.BACK_ORDER, WarehouseState.ON_HOLD)
SERVICES = (
    Service("GROUND", "Ground (3 to 5 business days)"),
    Service("ECONOMY", "Economy (5 to 8 business days)"),
    Service("TWO_DAY", "Two Day"),
    Service("OVERNIGHT", "Overnight"),
    Service("INTL_STANDARD", "International Standard"),
    Service("BEST_RATE", "Best rate within the promised date"),
)


class EmbeddedWarehouse:
    """See `is2_core.warehouse.interface.Warehouse`."""

    unique_external_id = True
    settle_s = 0

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def place_orders(self, batch: Sequence[NewOrder]) -> list[PlaceAnswer]:
        with self._db.write() as session:
            numbers = [order.number for order in batch]
            known = set(session.scalars(sa.select(WarehouseOrder.number).where(WarehouseOrder.number.in_(numbers))))
            free = self._free_units(session, batch)
            return [self._place(session, order, known, free) for order in batch]

    def _place(
        self, session: Session, order: NewOrder, known: set[str], free: dict[tuple[int, str], int]
    ) -> PlaceAnswer:
        if order.number in known:
            return Already()
        missing = [line.sku for line in order.lines if (order.account_id, line.sku) not in free]
        if missing:
            return Refused(f"The warehouse has no SKU {', '.join(repr(sku) for sku in missing)}.")
        if not order.lines:
            return Refused("The order has nothing to ship.")
        short = any(free[order.account_id, line.sku] < line.quantity for line in order.lines)
        for line in order.lines:
            free[order.account_id, line.sku] -= line.quantity
        session.add(
            WarehouseOrder(
                account_id=order.account_id,
                number=order.number,
                source=order.source,
                state=WarehouseState.BACK_ORDER if short else WarehouseState.PENDING,
                service=order.service,
                recipient_id=order.recipient_ref,
                ship_by=order.ship_by,
                created_at=self._clock.now(),
                lines=[WarehouseOrderLine(sku=line.sku, quantity=line.quantity, shipped=0) for line in order.lines],
            )
        )
        known.add(order.number)
        return Placed()

    def _free_units(self, session: Session, batch: Sequence[NewOrder]) -> dict[tuple[int, str], int]:
        wanted = {
            account: {line.sku for order in batch if order.account_id == account for line in order.lines}
            for account in {order.account_id for order in batch}
        }
        return {
            (account, row.sku): row.on_hand - row.committed
            for account, skus in wanted.items()
            for row in _stock(session, account, sorted(skus))
        }

    def find_order(self, account_id: int, number: str) -> list[FoundOrder]:
        with self._db.read() as session:
            rows = session.scalars(
                sa.select(WarehouseOrder).where(
                    WarehouseOrder.account_id == account_id, WarehouseOrder.number == number
                )
            ).all()
            return [
                FoundOrder(
                    number=row.number,
                    state=row.state,
                    open=tuple(OrderLine(line.sku, line.quantity - line.shipped) for line in row.lines),
                    shipped=tuple(OrderLine(line.sku, line.shipped) for line in row.lines if line.shipped),
                )
                for row in rows
            ]

    def cancel_order(self, account_id: int, number: str) -> CancelAnswer:
        with self._db.write() as session:
            row = session.scalar(
                sa.select(WarehouseOrder).where(
                    WarehouseOrder.account_id == account_id, WarehouseOrder.number == number
                )
            )
            if row is None or row.state == WarehouseState.CANCELLED:
                return Cancelled()
            if row.state not in OPEN:
                return TooLate("The warehouse has already shipped the order.")
            shipped = tuple(OrderLine(line.sku, line.shipped) for line in row.lines if line.shipped)
            row.state = WarehouseState.COMPLETED if shipped else WarehouseState.CANCELLED
            for line in row.lines:
                line.quantity = line.shipped
            return PartlyCancelled(shipped) if shipped else Cancelled()

    def stock(self, account_id: int, skus: Sequence[str] | None = None) -> list[Stock]:
        with self._db.read() as session:
            return _stock(session, account_id, skus)

    def services(self, account_id: int) -> list[Service]:
        return list(SERVICES)


def _stock(session: Session, account_id: int, skus: Sequence[str] | None) -> list[Stock]:
    committed: Counter[str] = Counter()
    open_lines = (
        sa.select(WarehouseOrderLine.sku, sa.func.sum(WarehouseOrderLine.quantity - WarehouseOrderLine.shipped))
        .join(WarehouseOrder, WarehouseOrder.id == WarehouseOrderLine.order_id)
        .where(WarehouseOrder.account_id == account_id, WarehouseOrder.state.in_(OPEN))
        .group_by(WarehouseOrderLine.sku)
    )
    known = sa.select(WarehouseSku).where(WarehouseSku.account_id == account_id).order_by(WarehouseSku.sku)
    if skus is not None:
        open_lines = open_lines.where(WarehouseOrderLine.sku.in_(skus))
        known = known.where(WarehouseSku.sku.in_(skus))
    # Committed before on hand: a shipment in between is then counted twice, never forgotten.
    for sku, units in session.execute(open_lines):
        committed[sku] = int(units)
    return [Stock(row.sku, row.on_hand, committed[row.sku]) for row in session.scalars(known)]


def move_stock(
    session: Session,
    clock: Clock,
    *,
    account_id: int,
    sku: str,
    name: str,
    quantity: int,
    reason: str,
    user_id: int | None,
) -> int:
    """Change what lies in the warehouse, with its ledger line; makes the SKU where it is new.

    Returns:
        The units on hand afterwards.

    Raises:
        ValueError: there are fewer units on hand than would be taken away.
    """
    row = session.scalar(
        sa.select(WarehouseSku).where(WarehouseSku.account_id == account_id, WarehouseSku.sku == sku).with_for_update()
    )
    if row is None:
        row = WarehouseSku(account_id=account_id, sku=sku, name=name, on_hand=0)
        session.add(row)
    if row.on_hand + quantity < 0:
        raise ValueError(f"only {row.on_hand} units of {sku} are on hand")
    row.on_hand += quantity
    if name:
        row.name = name
    session.flush()
    session.add(
        StockMovement(warehouse_sku_id=row.id, quantity=quantity, reason=reason, at=clock.now(), user_id=user_id)
    )
    return row.on_hand
