"""The embedded warehouse: own tables, unique order number, a ledger under every change of stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.clock import Clock
from is2_core.db.engine import Database
from is2_core.embedded_warehouse import feed
from is2_core.embedded_warehouse.demands import to_json
from is2_core.embedded_warehouse.feed import next_position, note_moved
from is2_core.embedded_warehouse.ledger import free_units, open_units, stock_levels
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehouseOrderLine
from is2_core.embedded_warehouse.shipping import end_order
from is2_core.embedded_warehouse.states import OPEN, WarehouseState
from plugins.warehouse import (
    Activity,
    Already,
    CancelAnswer,
    Cancelled,
    FoundOrder,
    KnownSkus,
    NewOrder,
    OrderLine,
    PartlyCancelled,
    PlaceAnswer,
    Placed,
    Refused,
    Service,
    Shipments,
    Stock,
    TooLate,
)

SERVICES = (
    Service("GROUND", "Ground (3 to 5 business days)"),
    Service("ECONOMY", "Economy (5 to 8 business days)"),
    Service("TWO_DAY", "Two Day"),
    Service("OVERNIGHT", "Overnight"),
    Service("INTL_STANDARD", "International Standard"),
    Service("BEST_RATE", "Best rate within the promised date"),
)


class EmbeddedWarehouse:
    """See `plugins.warehouse.Warehouse`."""

    unique_external_id = True
    settle_s = 0

    def __init__(self, db: Database, clock: Clock, page: int = feed.PAGE) -> None:
        """`page` is how many changes it tells of in one answer."""
        self._db = db
        self._clock = clock
        self._page = page

    def place_orders(self, batch: Sequence[NewOrder]) -> list[PlaceAnswer]:
        with self._db.write() as session:
            wanted: defaultdict[int, set[str]] = defaultdict(set)
            for order in batch:
                wanted[order.account_id] |= {line.sku for line in order.lines}
            positions = {account: next_position(session, account) for account in sorted(wanted)}
            numbers = [order.number for order in batch]
            known = set(session.scalars(sa.select(WarehouseOrder.number).where(WarehouseOrder.number.in_(numbers))))
            free = {account: free_units(session, account, skus) for account, skus in wanted.items()}
            answers = [self._place(session, order, known, free[order.account_id]) for order in batch]
            placed = [order for order, answer in zip(batch, answers, strict=True) if isinstance(answer, Placed)]
            for account, position in positions.items():
                moved = {line.sku for order in placed if order.account_id == account for line in order.lines}
                note_moved(session, account, position, moved)
            return answers

    def _place(self, session: Session, order: NewOrder, known: set[str], free: dict[str, int]) -> PlaceAnswer:
        if order.number in known:
            return Already()
        missing = [line.sku for line in order.lines if line.sku not in free]
        if missing:
            return Refused(f"The warehouse has no SKU {', '.join(repr(sku) for sku in missing)}.")
        if not order.lines:
            return Refused("The order has nothing to ship.")
        covered = all(free[line.sku] >= line.quantity for line in order.lines)
        if covered:
            for line in order.lines:
                free[line.sku] -= line.quantity
        session.add(
            WarehouseOrder(
                account_id=order.account_id,
                number=order.number,
                source=order.source,
                state=WarehouseState.PENDING if covered else WarehouseState.BACK_ORDER,
                service=order.service,
                recipient_id=order.recipient_ref,
                ship_after=order.ship_after,
                ship_by=order.ship_by,
                deliver_after=order.deliver_after,
                deliver_by=order.deliver_by,
                demands=to_json(order.demands),
                marks=list(order.marks),
                created_at=self._clock.now(),
                lines=[WarehouseOrderLine(sku=line.sku, quantity=line.quantity, shipped=0) for line in order.lines],
            )
        )
        known.add(order.number)
        return Placed()

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
            position = next_position(session, account_id)
            row = session.scalar(
                sa.select(WarehouseOrder).where(
                    WarehouseOrder.account_id == account_id, WarehouseOrder.number == number
                )
            )
            if row is None:
                return Cancelled()
            if row.state in OPEN:
                released = open_units(row)
                end_order(session, row, "It was cancelled before all of it was shipped.")
                note_moved(session, account_id, position, released)
            shipped = tuple(OrderLine(line.sku, line.shipped) for line in row.lines if line.shipped)
            # The reason stands: asked a second time, after a lost answer, the warehouse says the same.
            if shipped and not row.stop_reason:
                return TooLate("The warehouse has already shipped the order.")
            return PartlyCancelled(shipped) if shipped else Cancelled()

    def skus(self, account_id: int, cursor: str) -> KnownSkus:
        with self._db.read() as session:
            return feed.skus_since(session, account_id, cursor, self._page)

    def stock(self, account_id: int, skus: Sequence[str] | None = None) -> list[Stock]:
        with self._db.read() as session:
            return stock_levels(session, account_id, skus)

    def activity_since(self, account_id: int, cursor: str) -> Activity:
        with self._db.read() as session:
            return feed.activity_since(session, account_id, cursor, self._page)

    def shipments_since(self, account_id: int, cursor: str) -> Shipments:
        with self._db.read() as session:
            return feed.shipments_since(session, account_id, cursor, self._page)

    def services(self, account_id: int) -> list[Service]:
        return list(SERVICES)
