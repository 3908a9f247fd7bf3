"""From what moved to which items are due: sold and released cart SKUs, and warehouse SKUs that moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import CONNECTED
from is2_core.db.chunks import chunks
from is2_core.db.locks import lock_rows
from is2_core.db.rows import insert_rows
from is2_core.items.known_skus import known_among, known_skus
from is2_core.items.models import CartItem, Mapping as SkuMapping, StockActivity
from is2_core.items.states import UnknownSku
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import SOON, enqueue


@dataclass(frozen=True)
class ItemComponents:
    """Return the components of one unit of an item in the warehouse; empty where that is unknown."""

    item_id: int
    integration_id: int
    active: bool
    units: Mapping[str, int]


def note_sold(session: Session, integration: Integration, cart_skus: Iterable[str], platform: Platform) -> None:
    """These cart SKUs of a store were sold or released: their stock is to be looked at, inside the transaction in
    which that happened. Only notes it: rows of other stores are not touched here."""
    rows = [
        {"account_id": integration.account_id, "integration_id": integration.id, "cart_sku": sku}
        for sku in sorted(set(cart_skus))
    ]
    if rows:
        insert_rows(session, StockActivity, rows)
        # A task of the account: other stores sell the same stock, whatever becomes of this one.
        enqueue(
            session,
            kind=TaskKind.INVENTORY_ACTIVITY,
            account_id=integration.account_id,
            now=platform.clock.now(),
            priority=SOON,
        )


def mark_due(session: Session, account_id: int, warehouse_skus: Iterable[str]) -> None:
    """Make due every listed item of the account that holds one of these warehouse SKUs, active or not: one that is
    activated later has then missed nothing."""
    mapped = sa.select(SkuMapping.cart_item_id)
    ids: set[int] = set()
    for skus in chunks(warehouse_skus):
        holds = sa.or_(
            CartItem.id.in_(mapped.where(SkuMapping.warehouse_sku.in_(skus))),
            sa.and_(CartItem.sku.in_(skus), CartItem.id.not_in(mapped)),
        )
        ids.update(session.scalars(sa.select(CartItem.id).where(CartItem.account_id == account_id, holds)))
    make_due(session, ids)


def make_due(session: Session, item_ids: Iterable[int]) -> None:
    """Raise the version of these items that is to be sent."""
    for ids in chunks(lock_rows(session, CartItem.id, item_ids)):
        session.execute(
            sa.update(CartItem)
            .where(CartItem.id.in_(ids))
            .values(due_version=CartItem.due_version + 1)
            .execution_options(synchronize_session=False)
        )


def components_of(
    session: Session, account_id: int, integration_id: int, cart_skus: Iterable[str]
) -> dict[str, dict[str, int]]:
    """Cart SKU -> warehouse SKU -> units, for a store's SKUs, listed or not; what is unknown is left out."""
    found: dict[str, dict[str, int]] = {}
    target = session.scalar(sa.select(Integration.wms_target).where(Integration.id == integration_id))
    for wanted in chunks(cart_skus):
        rows = session.execute(
            sa.select(CartItem.sku, SkuMapping.warehouse_sku, SkuMapping.quantity)
            .join(SkuMapping, SkuMapping.cart_item_id == CartItem.id)
            .where(CartItem.integration_id == integration_id, CartItem.sku.in_(wanted))
        )
        for cart_sku, warehouse_sku, quantity in rows:
            found.setdefault(cart_sku, {})[warehouse_sku] = quantity
        same = known_among(session, account_id, set(wanted) - found.keys(), target)
        found.update({sku: {sku: 1} for sku in same})
    return found


def listed_components(session: Session, account_id: int) -> list[ItemComponents]:
    """All listed items of the account's stores that are connected, or were and wait for a person; of those not shipped
    from here no components."""
    items = session.execute(
        sa.select(
            CartItem.id,
            CartItem.integration_id,
            CartItem.active,
            CartItem.unknown_sku,
            CartItem.sku,
            Integration.wms_target,
        )
        .join(Integration, Integration.id == CartItem.integration_id)
        .where(CartItem.account_id == account_id, Integration.state.in_(CONNECTED))
        .order_by(CartItem.id)
    ).all()
    targets = {row.wms_target for row in items}
    units: dict[int, dict[str, int]] = {}
    for item_id, warehouse_sku, quantity in session.execute(
        sa.select(SkuMapping.cart_item_id, SkuMapping.warehouse_sku, SkuMapping.quantity)
        .join(CartItem, CartItem.id == SkuMapping.cart_item_id)
        .where(CartItem.account_id == account_id)
    ):
        units.setdefault(item_id, {})[warehouse_sku] = quantity
    known = {target: set(session.scalars(known_skus(session, account_id, target))) for target in targets}
    same = [row.sku in known[row.wms_target] and row.unknown_sku != UnknownSku.NOT_FROM_HERE for row in items]
    return [
        ItemComponents(
            row.id,
            row.integration_id,
            row.active,
            units.get(row.id) or ({row.sku: 1} if has_same else {}),
        )
        for row, has_same in zip(items, same, strict=True)
    ]
