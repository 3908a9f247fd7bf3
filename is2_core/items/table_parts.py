"""An uploaded table in parts: which lines are written together, and writing what was planned of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.db.locks import lock_rows
from is2_core.db.rows import insert_rows
from is2_core.items.activity import make_due
from is2_core.items.models import CartItem, Mapping
from is2_core.items.states import SeenInCart, UnknownSku
from is2_core.items.table_csv import Line
from is2_core.items.table_plan import PreviewRow, What
from is2_core.items.unknown_skus import leave_out

PART = 500
"""Items written in one transaction: SQLite has one write lock, and nobody is to wait for it longer than a moment."""

Items = tuple[tuple[Line, ...], ...]


def items_of(lines: Iterable[Line]) -> Items:
    """The lines of each item, which may stand anywhere in a file, in the file's order."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.sku.strip(), []).append(line)
    return tuple(tuple(item) for item in found.values())


def write_rows(session: Session, integration: Integration, rows: Sequence[PreviewRow], now: datetime) -> None:
    """Add what is new of these rows to the item list, and change what is changed."""
    _add(session, integration, [row for row in rows if row.what is What.NEW], now)
    _change(session, [row for row in rows if row.what is What.CHANGED])


def _add(session: Session, integration: Integration, rows: Sequence[PreviewRow], now: datetime) -> None:
    made = insert_rows(
        session,
        CartItem,
        [
            {
                "account_id": integration.account_id,
                "integration_id": integration.id,
                "sku": row.sku,
                "title": row.title,
                "custom": True,
                "active": row.active,
                "unknown_sku": row.unknown_sku,
                "seen_in_cart": SeenInCart.CANNOT_CHECK,
                "created_at": now,
            }
            for row in rows
        ],
        returning=["id", "sku"],
    )
    ids = {sku: item_id for item_id, sku in made}
    _map(session, [(ids[row.sku], row) for row in rows])


def _change(session: Session, rows: Sequence[PreviewRow]) -> None:
    if not rows:
        return
    lock_rows(session, CartItem.id, [row.item_id for row in rows if row.item_id is not None])
    known = [(row.item_id, row) for row in rows if row.item_id is not None]
    session.execute(
        sa.update(CartItem),
        [
            {"id": item_id, "title": row.title, "active": row.active, "unknown_sku": row.unknown_sku}
            for item_id, row in known
        ],
    )
    leave_out(session, [item_id for item_id, row in known if row.unknown_sku == UnknownSku.NOT_FROM_HERE])
    session.execute(sa.delete(Mapping).where(Mapping.cart_item_id.in_([item_id for item_id, _ in known])))
    _map(session, known)
    make_due(session, [item_id for item_id, row in known if row.stock_changes])


def _map(session: Session, rows: Sequence[tuple[int, PreviewRow]]) -> None:
    mappings = [
        {"cart_item_id": item_id, "warehouse_sku": sku, "quantity": quantity}
        for item_id, row in rows
        for sku, quantity in row.mappings
    ]
    insert_rows(session, Mapping, mappings)
