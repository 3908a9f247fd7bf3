"""The item list of a store as a table: downloaded, changed in a spreadsheet, previewed and applied.

A table adds and changes items; what it does not name stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned, owned_integration
from is2_core.accounts.models import Integration
from is2_core.db.locks import lock_rows
from is2_core.db.rows import insert_rows
from is2_core.errors import BadInput, Conflict
from is2_core.items import custom_items
from is2_core.items.activity import make_due
from is2_core.items.known_skus import known_skus, learn_missing
from is2_core.items.models import CartItem, ItemUpload, Mapping
from is2_core.items.states import SeenInCart
from is2_core.items.table_csv import Line, TableItem, decode, read_table, write_table
from is2_core.items.table_plan import Listed, PreviewRow, What, plan_items
from is2_core.platform import Platform

# Rows of one statement: far below the number of values a statement may carry on either database.
CHUNK = 2000
# Of an integration, those of these cart SKUs that the cart itself has sent on orders and nobody could type.
Sent = Callable[[Session, int, Collection[str]], set[str]]


def nothing_sent(session: Session, integration_id: int, skus: Collection[str]) -> set[str]:
    """Return none, for a file that holds what people type only."""
    return set()


@dataclass(frozen=True)
class Preview:
    """The effect an uploaded table would have on the list as it is now."""

    upload_id: int
    integration_id: int
    rows: tuple[PreviewRow, ...]

    def count(self, what: What) -> int:
        """How many rows are new, changed, the same or wrong."""
        return sum(row.what is what for row in self.rows)

    @property
    def new(self) -> int:
        """Items that would be added."""
        return self.count(What.NEW)

    @property
    def changed(self) -> int:
        """Items that would be changed."""
        return self.count(What.CHANGED)

    @property
    def same(self) -> int:
        """Items that are like that already."""
        return self.count(What.SAME)

    @property
    def errors(self) -> int:
        """Items that would be left out."""
        return self.count(What.ERROR)


def download(platform: Platform, *, integration_id: int, account_id: int) -> str:
    """The item list as CSV text, see `table_csv`."""
    with platform.db.read() as session:
        owned_integration(session, integration_id, account_id)
        listed = _listed(session, integration_id)
    return write_table(entry.item for entry in listed.values())


def preview(
    platform: Platform, *, integration_id: int, account_id: int, user_id: int, content: bytes, sent: Sent = nothing_sent
) -> Preview:
    """Keep an uploaded file and say what it would do; an earlier one of this user for this store is dropped.

    Args:
        sent: which SKUs the cart itself has sent; here and below.

    Raises:
        BadInput: the file as a whole cannot be read.
    """
    text = decode(content)
    lines = read_table(text)
    if not lines:
        raise BadInput("The file has a header but no items.", field="file")
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, account_id)
    learn_missing(platform, integration, {line.warehouse_sku or line.sku for line in lines})
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, account_id)
        upload = ItemUpload(
            account_id=account_id,
            integration_id=integration_id,
            user_id=user_id,
            content=text,
            at=platform.clock.now(),
        )
        session.add(upload)
        session.flush()
        # Only now, or SQLite gives the new one the number of the old, which another window may still show.
        session.execute(
            sa.delete(ItemUpload).where(
                ItemUpload.integration_id == integration_id, ItemUpload.user_id == user_id, ItemUpload.id != upload.id
            )
        )
        return Preview(upload.id, integration_id, _planned(session, integration, lines, sent))


def read_preview(platform: Platform, *, upload_id: int, account_id: int, sent: Sent = nothing_sent) -> Preview:
    """Return the effect a kept file would have now."""
    with platform.db.read() as session:
        upload = owned(session, ItemUpload, upload_id, account_id)
        integration = owned_integration(session, upload.integration_id, account_id)
        return Preview(upload.id, integration.id, _planned(session, integration, read_table(upload.content), sent))


def apply(platform: Platform, *, upload_id: int, account_id: int, sent: Sent = nothing_sent) -> str:
    """Write every row of a kept file that has no error, all of them or none; returns a message.

    Rows are checked again: what became wrong since the preview is left out and counted.

    Raises:
        Conflict: the list was changed at the very same moment.
    """
    try:
        with platform.db.write() as session:
            upload = owned(session, ItemUpload, upload_id, account_id, lock=True)
            integration = owned_integration(session, upload.integration_id, account_id)
            plan = Preview(upload.id, integration.id, _planned(session, integration, read_table(upload.content), sent))
            _add(platform, session, integration, [row for row in plan.rows if row.what is What.NEW])
            _change(session, [row for row in plan.rows if row.what is What.CHANGED])
            session.delete(upload)
            session.flush()
            if plan.new or plan.changed:
                custom_items.review(platform, session, integration)
    except IntegrityError as error:
        raise Conflict("Somebody changed the list at this moment. Look at the preview again.") from error
    return _message(plan)


def drop(platform: Platform, *, upload_id: int, account_id: int) -> None:
    """Forget a kept file; nothing of it is applied."""
    with platform.db.write() as session:
        session.delete(owned(session, ItemUpload, upload_id, account_id, lock=True))


def _listed(session: Session, integration_id: int) -> dict[str, Listed]:
    mappings: dict[int, list[tuple[str, int]]] = {}
    for item_id, warehouse_sku, quantity in session.execute(
        sa.select(Mapping.cart_item_id, Mapping.warehouse_sku, Mapping.quantity)
        .join(CartItem, CartItem.id == Mapping.cart_item_id)
        .where(CartItem.integration_id == integration_id)
        .order_by(Mapping.id)
    ):
        mappings.setdefault(item_id, []).append((warehouse_sku, quantity))
    rows = session.execute(
        sa.select(CartItem.id, CartItem.sku, CartItem.title, CartItem.active)
        .where(CartItem.integration_id == integration_id)
        .order_by(CartItem.sku, CartItem.id)
    )
    return {
        row.sku: Listed(row.id, TableItem(row.sku, row.title, row.active, tuple(mappings.get(row.id, ()))))
        for row in rows
    }


def _planned(session: Session, integration: Integration, lines: Sequence[Line], sent: Sent) -> tuple[PreviewRow, ...]:
    known = session.scalars(known_skus(session, integration.account_id, integration.wms_target))
    by_cart = sent(session, integration.id, {line.sku for line in lines})
    return plan_items(lines, _listed(session, integration.id), known, by_cart)


def _add(platform: Platform, session: Session, integration: Integration, rows: Sequence[PreviewRow]) -> None:
    now = platform.clock.now()
    for chunk in _chunks(rows):
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
                    "seen_in_cart": SeenInCart.CANNOT_CHECK,
                    "created_at": now,
                }
                for row in chunk
            ],
            returning=["id", "sku"],
        )
        ids = {sku: item_id for item_id, sku in made}
        _map(session, [(ids[row.sku], row) for row in chunk])


def _change(session: Session, rows: Sequence[PreviewRow]) -> None:
    # At once: the file has them in an order of its own.
    lock_rows(session, CartItem.id, [row.item_id for row in rows if row.item_id is not None])
    for chunk in _chunks(rows):
        known = [(row.item_id, row) for row in chunk if row.item_id is not None]
        session.execute(
            sa.update(CartItem), [{"id": item_id, "title": row.title, "active": row.active} for item_id, row in known]
        )
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


def _chunks(rows: Sequence[PreviewRow]) -> Iterator[Sequence[PreviewRow]]:
    return (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))


def _message(plan: Preview) -> str:
    if not (plan.new or plan.changed):
        done = "Nothing was to be changed."
    else:
        parts = [
            f"{plan.new} item{'s' if plan.new != 1 else ''} added" if plan.new else "",
            f"{plan.changed} changed" if plan.changed else "",
        ]
        done = f"{', '.join(part for part in parts if part)}. Orders that waited for them are being looked at again."
    left = f" {plan.errors} with errors {'was' if plan.errors == 1 else 'were'} left out." if plan.errors else ""
    return done + left
