"""The embedded warehouse behind the contract: own tables, unique order number, a ledger under every change of stock."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Account
from is2_core.db.chunks import chunks
from is2_core.db.engine import Database
from is2_core.db.ownership import Erased, blanked, buyers_columns
from is2_core.db.rows import insert_rows, table_of
from is2_core.db.types import seal
from is2_core.embedded_warehouse import feed
from is2_core.embedded_warehouse.feed import NAME, next_position, note_moved
from is2_core.embedded_warehouse.ledger import free_units, open_units, stock_of
from is2_core.embedded_warehouse.models import WarehouseFile, WarehouseOrder, WarehouseOrderLine
from is2_core.embedded_warehouse.requirements import to_json
from is2_core.embedded_warehouse.shipping import end_order
from is2_core.embedded_warehouse.states import OPEN, WarehouseState
from is2_core.tracking_numbers import CARRIERS
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
    WarehouseContext,
    WarehouseManifest,
    hookimpl,
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
    """See `plugins.warehouse`."""

    def __init__(self, db: Database, page: int = feed.PAGE) -> None:
        """`page` is how many changes it tells of in one answer."""
        self._db = db
        self._page = page

    @hookimpl
    def warehouse_manifest(self) -> WarehouseManifest:
        return WarehouseManifest(NAME, "Embedded warehouse", "1.0")

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        with self._db.write() as session:
            account_id = _account(session, ctx)
            position = next_position(session, account_id)
            known = _known_numbers(session, [order.number for order in orders])
            free = free_units(session, account_id, {line.sku for order in orders for line in order.lines})
            answers: list[PlaceAnswer] = []
            placed: list[tuple[NewOrder, WarehouseState]] = []
            for order in orders:
                answer, state = _answer_to(order, known, free)
                answers.append(answer)
                if state is not None:
                    known.add(order.number)
                    placed.append((order, state))
            _store(session, ctx, account_id, position, placed)
            note_moved(session, account_id, position, {line.sku for order, _ in placed for line in order.lines})
            return answers

    @hookimpl
    def find_order(self, ctx: WarehouseContext, number: str) -> list[FoundOrder]:
        with self._db.read() as session:
            row = _order(session, _account(session, ctx), number)
            if row is None:
                return []
            return [
                FoundOrder(
                    number=row.number,
                    open=tuple(OrderLine(line.sku, line.quantity - line.shipped) for line in row.lines),
                    shipped=tuple(OrderLine(line.sku, line.shipped) for line in row.lines if line.shipped),
                )
            ]

    @hookimpl
    def cancel_order(self, ctx: WarehouseContext, number: str) -> CancelAnswer:
        with self._db.write() as session:
            account_id = _account(session, ctx)
            position = next_position(session, account_id)
            row = _order(session, account_id, number)
            if row is None:
                return Cancelled()
            if row.state in OPEN:
                released = open_units(row)
                end_order(session, row, position, "It was cancelled before all of it was shipped.")
                note_moved(session, account_id, position, released)
            shipped = tuple(OrderLine(line.sku, line.shipped) for line in row.lines if line.shipped)
            # It stays stopped: asked a second time, after a lost answer, the warehouse says the same.
            if shipped and not row.stopped:
                return TooLate("The warehouse has already shipped the order.")
            return PartlyCancelled(shipped) if shipped else Cancelled()

    @hookimpl
    def skus(self, ctx: WarehouseContext, cursor: str) -> KnownSkus:
        with self._db.read() as session:
            return feed.skus_since(session, _account(session, ctx), cursor, self._page)

    @hookimpl
    def stock(self, ctx: WarehouseContext, skus: Sequence[str] | None) -> list[Stock]:
        now = ctx.clock.now()
        with self._db.read() as session:
            return stock_of(session, _account(session, ctx), skus, now)

    @hookimpl
    def activity_since(self, ctx: WarehouseContext, cursor: str) -> Activity:
        with self._db.read() as session:
            return feed.activity_since(session, _account(session, ctx), cursor, self._page)

    @hookimpl
    def shipments_since(self, ctx: WarehouseContext, cursor: str) -> Shipments:
        with self._db.read() as session:
            return feed.shipments_since(session, _account(session, ctx), cursor, self._page)

    @hookimpl
    def services(self, ctx: WarehouseContext) -> list[Service]:
        return list(SERVICES)

    @hookimpl
    def carriers(self, ctx: WarehouseContext) -> list[str]:
        return list(CARRIERS)

    @hookimpl
    def forget(self, ctx: WarehouseContext, number: str) -> None:
        with self._db.write() as session:
            row = _order(session, _account(session, ctx), number)
            if row is not None and row.erased_at is None:
                row.erased_at = ctx.clock.now()
                for model, of_order in ((WarehouseOrder, WarehouseOrder.id), (WarehouseFile, WarehouseFile.order_id)):
                    blank = blanked(buyers_columns(table_of(model), Erased.AT_WAREHOUSE))
                    session.execute(sa.update(table_of(model)).where(of_order == row.id).values(blank))


def _account(session: Session, ctx: WarehouseContext) -> int:
    return session.scalars(_BY_CODE, {"code": ctx.account}).one()


_BY_CODE = sa.select(Account.id).where(Account.code == sa.bindparam("code"))


def _order(session: Session, account_id: int, number: str) -> WarehouseOrder | None:
    return session.scalar(
        sa.select(WarehouseOrder).where(WarehouseOrder.account_id == account_id, WarehouseOrder.number == number)
    )


_NUMBER = table_of(WarehouseOrder).c.number
_KNOWN = sa.select(_NUMBER).where(_NUMBER.in_(sa.bindparam("numbers_", expanding=True)))


def _known_numbers(session: Session, numbers: Sequence[str]) -> set[str]:
    return {number for part in chunks(numbers) for number in session.scalars(_KNOWN, {"numbers_": part})}


def _answer_to(order: NewOrder, known: set[str], free: dict[str, int]) -> tuple[PlaceAnswer, WarehouseState | None]:
    """The answer and, where the order is taken, its state; units that it is covered with are taken off `free`."""
    if order.number in known:
        return Already(), None
    missing = [line.sku for line in order.lines if line.sku not in free]
    if missing:
        return Refused(f"The warehouse has no SKU {', '.join(repr(sku) for sku in missing)}."), None
    if not order.lines:
        return Refused("The order has nothing to ship."), None
    covered = all(free[line.sku] >= line.quantity for line in order.lines)
    if not covered:
        return Placed(), WarehouseState.BACK_ORDER
    for line in order.lines:
        free[line.sku] -= line.quantity
    return Placed(), WarehouseState.PENDING


def _store(
    session: Session,
    ctx: WarehouseContext,
    account_id: int,
    position: int,
    placed: Sequence[tuple[NewOrder, WarehouseState]],
) -> None:
    """One statement a table, however many orders."""
    if not placed:
        return
    now = ctx.clock.now()
    rows = [_row(order, state, account_id, position) | {"created_at": now} for order, state in placed]
    inserted = insert_rows(session, WarehouseOrder, rows, returning=["number", "id"])
    ids = {row.number: row.id for row in inserted}
    lines = [
        {
            "order_id": ids[order.number],
            "sku": line.sku,
            "quantity": line.quantity,
            "items": list(line.items),
        }
        for order, _ in placed
        for line in order.lines
    ]
    insert_rows(session, WarehouseOrderLine, lines)
    files = [
        {
            "account_id": account_id,
            "order_id": ids[order.number],
            "item": file.item,
            "skus": list(file.skus),
            "sealed_name": seal(WarehouseFile.sealed_name, file.name, order.number, file.item),
            "sealed": seal(WarehouseFile.sealed, base64.b64encode(file.content).decode(), order.number, file.item),
        }
        for order, _ in placed
        for file in order.customizations
    ]
    insert_rows(session, WarehouseFile, files)


def _row(order: NewOrder, state: WarehouseState, account_id: int, position: int) -> dict[str, object]:
    messages = [{"item": each.item, "skus": list(each.skus), "text": each.text} for each in order.gift_messages]
    return {
        "account_id": account_id,
        "number": order.number,
        "source": order.source,
        "state": state,
        "state_position": position,
        "service": order.service,
        "sealed": seal(
            WarehouseOrder.sealed, {"address": vars(order.recipient), "gift_messages": messages}, order.number
        ),
        "ship_after": order.ship_after,
        "ship_by": order.ship_by,
        "deliver_after": order.deliver_after,
        "deliver_by": order.deliver_by,
        "requirements": to_json(order.requirements),
        "tags": list(order.tags),
    }
