"""The explorer's own arithmetic of stock, from the tables alone: what the core computes is held against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.embedded_warehouse.queries import units_left
from is2_core.inventory.models import StockBuffer
from is2_core.items.models import CartItem, Mapping as SkuMapping
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import UNPLACED


def made_of(session: Session, account: int) -> dict[tuple[int, str], dict[str, int]]:
    """(integration id, cart SKU) -> warehouse SKU -> units, for all listed items of an account that are mapped."""
    found: dict[tuple[int, str], dict[str, int]] = {}
    for integration_id, sku, warehouse_sku, units in session.execute(
        sa.select(CartItem.integration_id, CartItem.sku, SkuMapping.warehouse_sku, SkuMapping.quantity)
        .join(SkuMapping, SkuMapping.cart_item_id == CartItem.id)
        .where(CartItem.account_id == account)
    ):
        found.setdefault((integration_id, sku), {})[warehouse_sku] = units
    return found


def kept_back(session: Session, account: int) -> Counter[str]:
    """Units per warehouse SKU that IS2 knows to be spoken for and the warehouse does not: orders not placed yet, and
    buffers."""
    total: Counter[str] = Counter()
    mapped = made_of(session, account)
    for integration_id, sku, units in session.execute(
        sa.select(ReceivedOrder.integration_id, ReceivedLine.sku, ReceivedLine.open)
        .join(ReceivedLine, ReceivedLine.order_id == ReceivedOrder.id)
        .where(
            ReceivedOrder.account_id == account,
            ReceivedOrder.state.in_(UNPLACED),
            ReceivedOrder.placed_at.is_(None),
            ReceivedLine.not_from_here.is_(False),
        )
    ):
        for warehouse_sku, each in mapped.get((integration_id, sku), {sku: 1}).items():
            total[warehouse_sku] += each * units
    buffers = sa.select(StockBuffer.warehouse_sku, StockBuffer.units).where(StockBuffer.account_id == account)
    for warehouse_sku, units in session.execute(buffers):
        total[warehouse_sku] += units
    return total


def not_promised(session: Session, account: int) -> dict[str, int]:
    """Units per SKU the warehouse stocks that none of its open orders needs; below 0 where they need more."""
    return dict(units_left(session, account))


@dataclass(frozen=True)
class Sellable:
    """The units of an account that could be sold at one moment.

    Args:
        parts: see `made_of`.
        free: units by warehouse SKU; below 0 where more is spoken for than there is.
    """

    parts: Mapping[tuple[int, str], Mapping[str, int]]
    free: Mapping[str, int]

    def most(self, integration_id: int, sku: str) -> int | None:
        """How many units of a cart SKU; None where the warehouse has nothing it could be made of."""
        components = self.parts.get((integration_id, sku), {sku: 1})
        if any(part not in self.free for part in components):
            return None
        return min(max(0, self.free[part]) // units for part, units in components.items())


def look(session: Session, account: int, not_promised: Mapping[str, int]) -> Sellable:
    """Return the units that can be sold now, of those that the warehouse has not promised to anybody."""
    kept = kept_back(session, account)
    free = {sku: units - kept[sku] for sku, units in not_promised.items()}
    return Sellable(made_of(session, account), free)
