"""Cart SKUs as a cart itself has sent them on its orders: taken exactly so, whatever holds for what people type."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.chunks import chunks
from is2_core.items.spoiled_cells import spoiled
from is2_core.items.typed_items import is_typed_sku
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.platform import Platform


def sent_skus(session: Session, integration_id: int, skus: Collection[str]) -> set[str]:
    """Those of these cart SKUs that nobody could type, and that stand exactly so on orders of an integration."""
    return _on_orders(session, integration_id, [sku for sku in skus if sku and not is_typed_sku(sku)])


def odd_skus(session: Session, integration_id: int, skus: Collection[str]) -> set[str]:
    """Those of these cart SKUs of which a table would not be believed, because nobody could type them or a spreadsheet
    might have left them, and that stand exactly so on orders of an integration."""
    odd = [sku for sku in skus if sku and (not is_typed_sku(sku) or spoiled(sku))]
    return _on_orders(session, integration_id, odd)


def _on_orders(session: Session, integration_id: int, skus: Collection[str]) -> set[str]:
    query = (
        sa.select(ReceivedLine.sku)
        .join(ReceivedOrder, ReceivedOrder.id == ReceivedLine.order_id)
        .where(ReceivedOrder.integration_id == integration_id)
        .distinct()
    )
    return {sku for some in chunks(skus) for sku in session.scalars(query.where(ReceivedLine.sku.in_(some)))}


def has_sent_sku(platform: Platform, *, integration_id: int, sku: str) -> bool:
    """Whether this is a cart SKU of an integration's orders that nobody could type."""
    with platform.db.read() as session:
        return bool(sent_skus(session, integration_id, [sku]))
