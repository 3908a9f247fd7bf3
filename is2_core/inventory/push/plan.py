"""The numbers a store's items would have at the cart now, and which of them are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, lazyload

from is2_core.accounts.models import Integration
from is2_core.inventory.buffers import buffers_of
from is2_core.inventory.oversold import check_oversold
from is2_core.inventory.sellable import Sellable, SkuStock, sellable
from is2_core.items.activity import components_of, make_due
from is2_core.items.models import CartItem
from is2_core.orders.activity import waiting_units
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from is2_core.warehouses.calls import warehouse_of


@dataclass(frozen=True)
class Candidate:
    """A due item, the version it is due in, and what one unit of it is made of."""

    item: CartItem
    version: int
    components: Mapping[str, int]


@dataclass(frozen=True)
class Computed:
    """A candidate and its level."""

    candidate: Candidate
    sellable: Sellable


def due_condition(integration_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Whether an active item's stock is to be sent."""
    return (
        CartItem.integration_id == integration_id,
        CartItem.is_synced(),
        CartItem.pushed_version < CartItem.due_version,
    )


def due_items(session: Session, integration_id: int, most: int | None = None) -> Sequence[CartItem]:
    """Active items whose stock is to be sent and may be, at most so many: those first whose number is oldest, so that
    none waits for the same others time and again."""
    return session.scalars(
        sa.select(CartItem)
        .where(*due_condition(integration_id), CartItem.withheld == "")
        .order_by(CartItem.pushed_at.is_not(None), CartItem.pushed_at, CartItem.id)
        .limit(most)
        .options(lazyload(CartItem.mappings))
    ).all()


def candidates_of(session: Session, integration: Integration, items: Sequence[CartItem]) -> list[Candidate]:
    """Items with what they are made of; one the warehouse has nothing of is left out."""
    components = components_of(session, integration.account_id, integration.id, [item.sku for item in items])
    return [Candidate(item, item.due_version, components[item.sku]) for item in items if item.sku in components]


def sellable_of(platform: Platform, integration: Integration, candidates: Sequence[Candidate]) -> dict[int, Sellable]:
    """Item id -> level, for those the warehouse reports stock of.

    Our own orders are read first, the warehouse second: one that is placed in between is counted twice, never
    forgotten.
    """
    skus = sorted({sku for candidate in candidates for sku in candidate.components})
    if not skus:
        return {}
    with platform.db.read() as session:
        waiting = waiting_units(session, integration.account_id)
        buffers = buffers_of(session, integration.account_id)
    rows = warehouse_of(platform, integration.wms_target, integration.account_id).stock(skus)
    stock = {
        row.sku: SkuStock(row.on_hand, row.committed, waiting.get(row.sku, 0), buffers.get(row.sku, 0)) for row in rows
    }
    found = {candidate.item.id: sellable(candidate.components, stock) for candidate in candidates}
    return {item_id: found for item_id, found in found.items() if found is not None}


def compare_inventory(platform: Platform, run: TaskRun) -> None:
    """Task `inventory.compare`: once a day, make due what differs from the number last sent, whatever was missed."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        items = session.scalars(
            sa.select(CartItem)
            .where(CartItem.integration_id == integration.id, CartItem.is_synced())
            .order_by(CartItem.id)
            .options(lazyload(CartItem.mappings))
        ).all()
        candidates = candidates_of(session, integration, items)
    quantities = sellable_of(platform, integration, candidates)
    differing = [
        entry.item.id
        for entry in candidates
        if entry.item.id in quantities
        and entry.item.pushed_version >= entry.item.due_version
        and quantities[entry.item.id].quantity != entry.item.pushed_quantity
    ]
    with run.write() as session:
        make_due(session, differing)
    check_oversold(platform, run, integration.account_id, integration.wms_target, None)
