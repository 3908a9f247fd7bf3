"""Receiving and adjusting stock in the embedded warehouse."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.embedded_warehouse.feed import ask_to_read, next_position, note_moved
from is2_core.embedded_warehouse.ledger import NotEnough, move_stock, reconsider
from is2_core.embedded_warehouse.models import WarehouseSku
from is2_core.errors import BadInput
from is2_core.platform import Platform
from is2_core.whole_numbers import whole_number

MAX_UNITS = 1_000_000


def receive(platform: Platform, *, account_id: int, sku: str, name: str, quantity: str, user_id: int | None) -> int:
    """Book units that arrived, under a new or known SKU; returns the units on hand."""
    units = _units(quantity, "quantity", least=1)
    label = name.strip()
    if len(label) > 200 or not label.isprintable():
        raise BadInput("The name can have at most 200 printable characters.", field="name")
    return _move(platform, account_id, sku, units, reason="received", user_id=user_id, name=label, may_be_new=True)


def adjust(platform: Platform, *, account_id: int, sku: str, delta: str, reason: str, user_id: int | None) -> int:
    """Correct the count by a positive or negative number, with a reason; returns the units on hand."""
    reason_given = reason.strip()
    if not reason_given:
        raise BadInput("Say why the count is corrected.", field="reason")
    if len(reason_given) > 500 or not reason_given.isprintable():
        raise BadInput("The reason can have at most 500 printable characters.", field="reason")
    units = _units(delta, "delta", least=-MAX_UNITS)
    if units == 0:
        raise BadInput("A correction of 0 changes nothing.", field="delta")
    return _move(platform, account_id, sku, units, reason=f"adjusted: {reason_given}", user_id=user_id)


def _move(
    platform: Platform,
    account_id: int,
    sku: str,
    units: int,
    *,
    reason: str,
    user_id: int | None,
    name: str = "",
    may_be_new: bool = False,
) -> int:
    sku = sku.strip()
    if not sku or len(sku) > 100 or not sku.isprintable():
        raise BadInput("Give the warehouse SKU (at most 100 printable characters).", field="sku")
    now = platform.clock.now()
    with platform.db.write() as session:
        position = next_position(session, account_id)
        row = session.scalar(
            sa.select(WarehouseSku).where(WarehouseSku.account_id == account_id, WarehouseSku.sku == sku)
        )
        if row is None and not may_be_new:
            raise BadInput(f"The warehouse has no SKU {sku}.", field="sku")
        new = row is None
        if row is None:
            row = WarehouseSku(account_id=account_id, sku=sku, on_hand=0)
            session.add(row)
            session.flush()
        named = name not in ("", row.name)
        if new or named:
            row.name, row.position = name or row.name, position
        if row.on_hand + units > MAX_UNITS:
            raise BadInput(f"The warehouse cannot hold more than {MAX_UNITS} units of a SKU.", field="quantity")
        try:
            move_stock(session, sku=row, quantity=units, reason=reason, user_id=user_id, now=now)
        except NotEnough as error:
            raise BadInput(f"This is not possible: {error}.", field="delta") from error
        session.flush()
        note_moved(session, account_id, position, [sku])
        reconsider(session, account_id, position, [sku])
        ask_to_read(session, account_id, now, person_waits=new)
        return row.on_hand


def _units(text: str, field: str, *, least: int) -> int:
    units = whole_number(text)
    if units is None:
        raise BadInput("The quantity must be a whole number.", field=field)
    if not least <= units <= MAX_UNITS:
        raise BadInput(f"The quantity must be from {least} to {MAX_UNITS}.", field=field)
    return units
