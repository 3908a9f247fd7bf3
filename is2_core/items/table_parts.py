"""The item list as a table has it, and an uploaded one in parts: which lines are written together, and writing them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.db.chunks import chunks
from is2_core.db.locks import lock_rows
from is2_core.db.rows import insert_rows
from is2_core.items.activity import make_due
from is2_core.items.models import CartItem, ItemUpload, Mapping
from is2_core.items.states import SeenInCart, UnknownSku
from is2_core.items.table_csv import Line, TableItem
from is2_core.items.table_plan import Listed, PreviewRow, What
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


def lock_items(session: Session, integration_id: int, skus: Iterable[str]) -> None:
    """Lock the listed items of these SKUs, before they are read: what a file says nothing of stays as it is then."""
    ids: list[int] = []
    for some in chunks(skus):
        named = (CartItem.integration_id == integration_id, CartItem.sku.in_(some))
        ids.extend(session.scalars(sa.select(CartItem.id).where(*named)))
    lock_rows(session, CartItem.id, sorted(ids))


def write_rows(session: Session, integration: Integration, rows: Sequence[PreviewRow], now: datetime) -> None:
    """Add what is new of these rows to the item list, and change what is changed; its items are locked."""
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
                "latency": row.latency,
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
    known = [(row.item_id, row) for row in rows if row.item_id is not None]
    session.execute(
        sa.update(CartItem),
        [
            {
                "id": item_id,
                "title": row.title,
                "active": row.active,
                "unknown_sku": row.unknown_sku,
                "latency": row.latency,
            }
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


def listed_items(session: Session, integration_id: int, skus: Collection[str] | None = None) -> dict[str, Listed]:
    """The items of the list, or those of these SKUs."""
    if skus is not None:
        found: dict[str, Listed] = {}
        for some in chunks(skus):
            found |= _listed_where(session, CartItem.integration_id == integration_id, CartItem.sku.in_(some))
        return found
    return _listed_where(session, CartItem.integration_id == integration_id)


def _listed_where(session: Session, *which: sa.ColumnElement[bool]) -> dict[str, Listed]:
    mappings: dict[int, list[tuple[str, int]]] = {}
    for item_id, warehouse_sku, quantity in session.execute(
        sa.select(Mapping.cart_item_id, Mapping.warehouse_sku, Mapping.quantity)
        .join(CartItem, CartItem.id == Mapping.cart_item_id)
        .where(*which)
        .order_by(Mapping.id)
    ):
        mappings.setdefault(item_id, []).append((warehouse_sku, quantity))
    rows = session.execute(
        sa.select(CartItem.id, CartItem.sku, CartItem.title, CartItem.active, CartItem.unknown_sku, CartItem.latency)
        .where(*which)
        .order_by(CartItem.sku, CartItem.id)
    )
    return {row.sku: Listed(row.id, TableItem(*row[1:4], tuple(mappings.get(row.id, ())), *row[4:])) for row in rows}


def applied_message(upload: ItemUpload) -> str:
    """Tell what came of a kept file that was applied."""
    if not (upload.added or upload.changed):
        done = "Nothing was to be changed."
    else:
        parts = [
            f"{upload.added} item{'s' if upload.added != 1 else ''} added" if upload.added else "",
            f"{upload.changed} changed" if upload.changed else "",
        ]
        done = f"{', '.join(part for part in parts if part)}. Orders that waited for them are being looked at again."
    left_out = upload.left_out
    left = f" {left_out} with errors {'was' if left_out == 1 else 'were'} left out." if left_out else ""
    return done + left
