"""Parcels of the embedded warehouse: the rows that packing, correcting, voiding and ending an order change.

Whoever calls has raised the account's feed and checked that it can be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.types import seal
from is2_core.embedded_warehouse.feed import note_moved
from is2_core.embedded_warehouse.ledger import move_stock, open_units, reconsider
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehousePackage, WarehousePackageLine, WarehouseSku
from is2_core.embedded_warehouse.states import BEGUN_BY_A_PARCEL, WarehouseState


def packages_of(session: Session, order: WarehouseOrder) -> list[WarehousePackage]:
    """The parcels of an order in the order they were shipped, voided ones included: the first is package 1."""
    query = sa.select(WarehousePackage).where(WarehousePackage.order_id == order.id).order_by(WarehousePackage.id)
    return list(session.scalars(query))


def skus_of(session: Session, order: WarehouseOrder) -> dict[str, WarehouseSku]:
    """The stock rows of what an order is made of."""
    query = sa.select(WarehouseSku).where(
        WarehouseSku.account_id == order.account_id, WarehouseSku.sku.in_([line.sku for line in order.lines])
    )
    return {row.sku: row for row in session.scalars(query)}


def shift_units(
    session: Session,
    order: WarehouseOrder,
    position: int,
    changes: Mapping[str, int],
    *,
    reason: str,
    user_id: int | None,
    now: datetime,
) -> None:
    """Ship units of an order, or take them back where a change is negative: stock, ledger, lines, state, feed.

    Raises:
        NotEnough: fewer units are on hand.
    """
    skus = skus_of(session, order)
    for line in order.lines:
        units = changes.get(line.sku, 0)
        if units:
            move_stock(session, sku=skus[line.sku], quantity=-units, reason=reason, user_id=user_id, now=now)
            line.shipped += units
    _settle_state(order, position)
    session.flush()
    note_moved(session, order.account_id, position, changes)
    reconsider(session, order.account_id, position, changes)


def set_contents(session: Session, package: WarehousePackage, units: Mapping[str, int]) -> None:
    """Make a parcel hold exactly these units."""
    held = {line.sku: line for line in package.lines}
    for sku, line in held.items():
        if sku in units:
            line.quantity = units[sku]
        else:
            session.delete(line)
    session.add_all(
        WarehousePackageLine(package_id=package.id, sku=sku, quantity=quantity)
        for sku, quantity in units.items()
        if sku not in held
    )


def end_order(session: Session, order: WarehouseOrder, position: int, reason: str) -> None:
    """End an order: what has not been shipped will not be, and its units are free for others. Of an order whose buyer's
    data is erased, no reason is kept."""
    released = open_units(order)
    order.stopped = True
    if order.erased_at is None:
        order.sealed_stop_reason = seal(WarehouseOrder.sealed_stop_reason, reason, order.number)
    _settle_state(order, position)
    session.flush()
    reconsider(session, order.account_id, position, released)


def _settle_state(order: WarehouseOrder, position: int) -> None:
    """The state that follows from what is shipped of each line.

    An order that was ended early stays ended: units taken back from a parcel are not to be shipped again.
    """
    if order.stopped:
        for line in order.lines:
            line.quantity = line.shipped
        shipped = any(line.shipped for line in order.lines)
        order.turn(WarehouseState.COMPLETED if shipped else WarehouseState.CANCELLED, position)
    elif not open_units(order):
        order.turn(WarehouseState.COMPLETED, position)
    elif order.state in BEGUN_BY_A_PARCEL:
        order.turn(WarehouseState.IN_PROCESS, position)
