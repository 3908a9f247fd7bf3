"""Units of a warehouse SKU that are kept back from every cart of an account."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.scope import ChangeScope
from is2_core.errors import BadInput
from is2_core.inventory.models import StockBuffer
from is2_core.items.activity import mark_due
from is2_core.items.known_skus import known_among
from is2_core.platform import Platform
from is2_core.whole_numbers import whole_number

MAX_BUFFER = 1_000_000


def buffers_of(session: Session, account_id: int) -> dict[str, int]:
    """Warehouse SKU -> units kept back."""
    return {
        row.warehouse_sku: row.units
        for row in session.scalars(sa.select(StockBuffer).where(StockBuffer.account_id == account_id))
    }


def set_buffers(platform: Platform, session: Session, account_id: int, typed: Mapping[str, str]) -> None:
    """Set several buffers; items that hold one of the SKUs become due.

    Raises:
        BadInput: a number is none, or the account's warehouse has no such SKU.
    """
    known = known_among(session, account_id, typed)
    before = buffers_of(session, account_id)
    changed: dict[str, int] = {}
    for sku, text in sorted(typed.items()):
        if sku not in known:
            raise BadInput(f"The warehouse has no SKU {sku} in this account.", field=sku)
        units = whole_number(text)
        if units is None or not 0 <= units <= MAX_BUFFER:
            raise BadInput(f"The buffer of {sku} must be a whole number from 0 to {MAX_BUFFER}.", field=sku)
        if units != before.get(sku, 0):
            changed[sku] = units
    rows = [{"account_id": account_id, "warehouse_sku": sku, "units": units} for sku, units in changed.items()]
    platform.db.upsert(session, StockBuffer, rows, key=["account_id", "warehouse_sku"], update=["units"])
    mark_due(session, account_id, changed)


def set_buffer(platform: Platform, *, scope: ChangeScope, account_id: int, warehouse_sku: str, units: str) -> None:
    """Set one buffer of an account, see `set_buffers`.

    Raises:
        NotFound: the account is out of scope.
    """
    scope.check(account_id)
    with platform.db.write() as session:
        set_buffers(platform, session, account_id, {warehouse_sku: units})
