"""A person's answer, given at an order, that one of its SKUs is not shipped from here."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.accounts.access import owned
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.errors import NotFound
from is2_core.items.states import UnknownSku
from is2_core.items.unknown_skus import answer_sent_sku
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.platform import Platform


def ship_not_from_here(platform: Platform, *, order_id: int, scope: ChangeScope, sku: str) -> None:
    """List a SKU of an order as one that is not shipped from here, for this order and all others of its integration.

    Raises:
        NotFound: the order has no line of this SKU.
        Conflict: it is mapped.
    """
    with platform.db.write() as session:
        order = owned(session, ReceivedOrder, order_id, scope)
        line = sa.select(ReceivedLine.id).where(ReceivedLine.order_id == order.id, ReceivedLine.sku == sku)
        if not sku or session.scalar(line.limit(1)) is None:
            raise NotFound("This order has no line of this SKU.")
        integration = session.get_one(Integration, order.integration_id)
        answer_sent_sku(platform, session, integration, sku, UnknownSku.NOT_FROM_HERE)
