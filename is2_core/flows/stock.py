"""Receiving and adjusting stock in the embedded warehouse."""

from __future__ import annotations

from is2_core.flows.errors import BadInput
from is2_core.flows.review import review_account
from is2_core.platform import Platform
from is2_core.warehouse.embedded import move_stock

MAX_UNITS = 1_000_000


def receive(platform: Platform, *, account_id: int, sku: str, name: str, quantity: str, user_id: int | None) -> int:
    """Book units that arrived, under a new or known SKU; returns the units on hand."""
    return _move(platform, account_id, sku, name, _units(quantity, least=1), "received", user_id)


def adjust(platform: Platform, *, account_id: int, sku: str, delta: str, reason: str, user_id: int | None) -> int:
    """Correct the count by a positive or negative number, with a reason; returns the units on hand."""
    if not reason.strip():
        raise BadInput("Say why the count is corrected.", field="reason")
    units = _units(delta, least=-MAX_UNITS)
    if units == 0:
        raise BadInput("A correction of 0 changes nothing.", field="delta")
    return _move(platform, account_id, sku, "", units, f"adjusted: {reason.strip()}", user_id)


def _move(
    platform: Platform, account_id: int, sku: str, name: str, units: int, reason: str, user_id: int | None
) -> int:
    sku = sku.strip()
    if not sku or len(sku) > 100 or not sku.isprintable():
        raise BadInput("Give the warehouse SKU (at most 100 printable characters).", field="sku")
    with platform.db.write() as session:
        try:
            on_hand = move_stock(
                session,
                platform.clock,
                account_id=account_id,
                sku=sku,
                name=name.strip(),
                quantity=units,
                reason=reason,
                user_id=user_id,
            )
        except ValueError as error:
            raise BadInput(f"This is not possible: {error}.", field="delta") from error
        review_account(platform, session, account_id)
        return on_hand


def _units(text: str, *, least: int) -> int:
    try:
        units = int(text.strip())
    except ValueError:
        raise BadInput("The quantity must be a whole number.", field="quantity") from None
    if not least <= units <= MAX_UNITS:
        raise BadInput(f"The quantity must be from {least} to {MAX_UNITS}.", field="quantity")
    return units
