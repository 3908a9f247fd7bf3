"""Units of the embedded warehouse: the ledger, what is promised, and which orders the units suffice for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.chunks import chunks
from is2_core.db.types import seal
from is2_core.embedded_warehouse.models import StockMovement, WarehouseOrder, WarehouseOrderLine, WarehouseSku
from is2_core.embedded_warehouse.states import OPEN, RESERVING, WarehouseState
from plugins.warehouse import Stock

_URGENCY = (WarehouseOrder.ship_by.is_(None), WarehouseOrder.ship_by, WarehouseOrder.id)


class NotEnough(ValueError):
    """Fewer units are on hand than would be taken away."""


def stock_of(session: Session, account_id: int, skus: Sequence[str] | None, now: datetime) -> list[Stock]:
    """Stock of these SKUs, of all where None; one the warehouse does not know is left out."""
    # Committed before on hand: a shipment in between is then counted twice, never forgotten.
    committed = committed_units(session, account_id, skus)
    known = sa.select(WarehouseSku).where(WarehouseSku.account_id == account_id).order_by(WarehouseSku.sku)
    parts = [known] if skus is None else [known.where(WarehouseSku.sku.in_(part)) for part in chunks(skus)]
    return [Stock(row.sku, row.on_hand, committed[row.sku], now) for part in parts for row in session.scalars(part)]


def free_units(session: Session, account_id: int, skus: Iterable[str]) -> dict[str, int]:
    """Units on hand that are set aside neither for pending orders nor for orders being packed, of each of these SKUs
    that the warehouse knows; below zero where more are set aside than there are."""
    wanted = sorted(set(skus))
    reserved = _promised(session, account_id, wanted, RESERVING)
    known = sa.select(WarehouseSku.sku, WarehouseSku.on_hand).where(
        WarehouseSku.account_id == account_id, WarehouseSku.sku.in_(wanted)
    )
    return {sku: on_hand - reserved[sku] for sku, on_hand in session.execute(known)}


def committed_units(session: Session, account_id: int, skus: Sequence[str] | None) -> Counter[str]:
    """Units of these SKUs, of all where None, that open orders need."""
    return _promised(session, account_id, skus, OPEN)


def _promised(
    session: Session, account_id: int, skus: Sequence[str] | None, states: Sequence[WarehouseState]
) -> Counter[str]:
    lines = (
        sa.select(WarehouseOrderLine.sku, sa.func.sum(WarehouseOrderLine.quantity - WarehouseOrderLine.shipped))
        .join(WarehouseOrder, WarehouseOrder.id == WarehouseOrderLine.order_id)
        .where(WarehouseOrder.account_id == account_id, WarehouseOrder.state.in_(states))
        .group_by(WarehouseOrderLine.sku)
    )
    parts = [lines] if skus is None else [lines.where(WarehouseOrderLine.sku.in_(part)) for part in chunks(skus)]
    return Counter({sku: int(units) for part in parts for sku, units in session.execute(part)})


def move_stock(
    session: Session, *, sku: WarehouseSku, quantity: int, reason: str, user_id: int | None, now: datetime
) -> None:
    """Change what lies in the warehouse, with its ledger line.

    Raises:
        NotEnough: fewer units are on hand than would be taken away.
    """
    if sku.on_hand + quantity < 0:
        raise NotEnough(f"only {units_are(sku.on_hand, sku.sku)} on hand")
    sku.on_hand += quantity
    sealed = seal(StockMovement.sealed_reason, reason, sku.id)
    session.add(
        StockMovement(warehouse_sku_id=sku.id, quantity=quantity, sealed_reason=sealed, at=now, user_id=user_id)
    )


def units_are(quantity: int, sku: str) -> str:
    """The beginning of a sentence about units of a SKU."""
    return f"{quantity} unit of {sku} is" if quantity == 1 else f"{quantity} units of {sku} are"


def reconsider(session: Session, account_id: int, position: int, skus: Iterable[str]) -> None:
    """Put orders on back order, or take them off, after units of these SKUs came, went or were released.

    Where more is set aside than lies there, the least urgent pending orders wait; those being packed keep their
    units. Then the most urgent back orders that are covered become pending. One that is not covered
    does not keep a later, smaller one waiting.
    """
    moved = set(skus)
    free = free_units(session, account_id, moved)
    short = {sku: -units for sku, units in sorted(free.items()) if units < 0}
    for sku, units in short.items():
        moved |= _put_back(session, account_id, position, sku, units)
    if short:
        free = free_units(session, account_id, moved)
    _release(session, account_id, position, [sku for sku, units in free.items() if units > 0])


def _put_back(session: Session, account_id: int, position: int, sku: str, short: int) -> set[str]:
    touched: set[str] = set()
    least_urgent = (WarehouseOrder.ship_by.is_(None).desc(), WarehouseOrder.ship_by.desc(), WarehouseOrder.id.desc())
    for order in session.scalars(_orders_of(account_id, WarehouseState.PENDING, [sku]).order_by(*least_urgent)):
        if short <= 0:
            break
        order.turn(WarehouseState.BACK_ORDER, position)
        units = open_units(order)
        short -= units[sku]
        touched |= set(units)
    session.flush()
    return touched


def _release(session: Session, account_id: int, position: int, there: Sequence[str]) -> None:
    """Take off back order whatever can be packed, now that units of these SKUs are free."""
    if not there:
        return
    waiting = session.scalars(_orders_of(account_id, WarehouseState.BACK_ORDER, there).order_by(*_URGENCY)).all()
    if not waiting:
        return
    free = free_units(session, account_id, {line.sku for order in waiting for line in order.lines})
    for order in waiting:
        units = open_units(order)
        if all(free[sku] >= quantity for sku, quantity in units.items()):
            order.turn(WarehouseState.PENDING, position)
            for sku, quantity in units.items():
                free[sku] -= quantity


def _orders_of(account_id: int, state: WarehouseState, skus: Sequence[str]) -> sa.Select[WarehouseOrder]:
    needs_one = sa.select(WarehouseOrderLine.order_id).where(
        WarehouseOrderLine.sku.in_(skus), WarehouseOrderLine.quantity > WarehouseOrderLine.shipped
    )
    return sa.select(WarehouseOrder).where(
        WarehouseOrder.account_id == account_id, WarehouseOrder.state == state, WarehouseOrder.id.in_(needs_one)
    )


def open_units(order: WarehouseOrder) -> dict[str, int]:
    """Return the units left to ship of an order, by SKU; a SKU wholly shipped is left out."""
    return {line.sku: line.quantity - line.shipped for line in order.lines if line.quantity > line.shipped}
