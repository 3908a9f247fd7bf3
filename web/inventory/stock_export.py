"""A store's stock as JSON, for scripts of a merchant: what was sent, when, and what waits."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.inventory.models import InventoryPush, InventoryPushLine
from is2_core.inventory.overview import ItemStock, inventory_view
from is2_core.inventory.states import PushResult
from is2_core.items.models import CartItem
from web import access
from web.access import platform
from web.audit.notes import note_export
from web.limits.kinds import EXPORT
from web.limits.limiter import limited

blueprint = Blueprint("stock_export", __name__, template_folder="templates")

MOST_PUSHES = 20


@blueprint.get("/integrations/<int:integration_id>/stock.json")
@limited(EXPORT)
def export(integration_id: int) -> ResponseReturnValue:
    """The store's items, the number last sent of each, and its last pushes that the cart accepted, newest first."""
    integration = access.owned_integration(integration_id)
    view = inventory_view(platform(), integration_id=integration.id, scope=access.read_scope())
    with platform().db.read() as db:
        pushes = _pushes(db, integration)
    note_export(f"stock of integration {integration.id}", len(view.rows), integration.account_id)
    return {
        "store": integration_name(integration),
        "every_s": view.every_s,
        "accepted_at": _time(view.accepted_at),
        "next_possible": _time(view.next_possible),
        "problem": {"code": view.problem.code, "sentence": view.problem.message} if view.problem else None,
        "items": [_item(row) for row in view.rows],
        "pushes": pushes,
    }


def _item(row: ItemStock) -> dict[str, object]:
    return {
        "sku": row.sku,
        "active": row.active,
        "not_from_here": row.not_from_here,
        "due": row.due,
        "withheld": row.withheld,
        "quantity": row.sent,
        "lead_days": row.lead_days_sent,
        "sent_at": _time(row.sent_at),
        "refused": row.message,
        "quantity_now": row.now.quantity if row.now else None,
    }


def _pushes(db: Session, integration: Integration) -> list[dict[str, object]]:
    accepted = db.scalars(
        sa.select(InventoryPush)
        .where(InventoryPush.integration_id == integration.id, InventoryPush.accepted_at.is_not(None))
        .order_by(InventoryPush.id.desc())
        .limit(MOST_PUSHES)
    ).all()
    skus: dict[int, list[str]] = {push.id: [] for push in accepted}
    for push_id, sku in db.execute(
        sa.select(InventoryPushLine.push_id, CartItem.sku)
        .join(CartItem, CartItem.id == InventoryPushLine.cart_item_id)
        .where(InventoryPushLine.push_id.in_(skus), InventoryPushLine.result == PushResult.APPLIED)
        .order_by(CartItem.sku)
    ):
        skus[push_id].append(sku)
    return [{"accepted_at": _time(push.accepted_at), "applied": skus[push.id]} for push in accepted]


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
