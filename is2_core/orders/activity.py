"""Stock that received orders take: their SKUs are looked at again, and the units that still wait."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.items.activity import components_of, note_sold
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import UNPLACED
from is2_core.platform import Platform


def note_order(session: Session, integration: Integration, order_id: int, platform: Platform) -> None:
    """`note_sold` for all lines of an order."""
    skus = session.scalars(sa.select(ReceivedLine.sku).where(ReceivedLine.order_id == order_id)).all()
    note_sold(session, integration, skus, platform)


def waiting_units(session: Session, account_id: int) -> dict[str, int]:
    """Units per warehouse SKU that received orders of all the account's stores need and the warehouse was not given
    yet; nothing for what is not shipped from here."""
    needed: dict[int, dict[str, int]] = {}
    for integration_id, cart_sku, units in session.execute(
        sa.select(ReceivedOrder.integration_id, ReceivedLine.sku, sa.func.sum(ReceivedLine.open))
        .join(ReceivedLine, ReceivedLine.order_id == ReceivedOrder.id)
        .join(Integration, Integration.id == ReceivedOrder.integration_id)
        .where(
            ReceivedOrder.account_id == account_id,
            ReceivedOrder.state.in_(UNPLACED),
            ReceivedOrder.placed_at.is_(None),
            ReceivedLine.not_from_here.is_(False),
            # What a disconnected store left behind goes nowhere, unless the warehouse was asked to take it.
            sa.or_(Integration.state != IntegrationState.DISCONNECTED, ReceivedOrder.placing_since.is_not(None)),
        )
        .group_by(ReceivedOrder.integration_id, ReceivedLine.sku)
    ):
        needed.setdefault(integration_id, {})[cart_sku] = int(units)
    total: dict[str, int] = {}
    for integration_id, sold in needed.items():
        components = components_of(session, account_id, integration_id, sold)
        for cart_sku, units in sold.items():
            for warehouse_sku, quantity in components.get(cart_sku, {}).items():
                total[warehouse_sku] = total.get(warehouse_sku, 0) + quantity * units
    return total
