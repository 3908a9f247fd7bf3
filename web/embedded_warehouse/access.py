"""Who sees and changes what in the warehouse's pages.

Warehouse staff, support and admins see every account; a merchant sees the own stock and orders and changes neither.
"""

from __future__ import annotations

import logging

from flask import abort, request

from is2_core.accounts import names
from is2_core.accounts.states import SEES_WAREHOUSE, WORKS_IN_WAREHOUSE
from is2_core.embedded_warehouse import order_queries, queries
from is2_core.embedded_warehouse.order_queries import Order
from is2_core.embedded_warehouse.queries import Sku
from web import access
from web.access import platform

_log = logging.getLogger(__name__)


def may_change() -> bool:
    """Whether the viewer works in the warehouse."""
    return access.has_role(*WORKS_IN_WAREHOUSE)


def require_staff() -> None:
    """403 where the viewer does not work in the warehouse."""
    if not may_change():
        _log.warning("user %s (%s) was refused %s", access.user().id, access.user().role, request.endpoint)
        abort(403)


def seen_accounts() -> list[int] | None:
    """The accounts whose rows a list shows, the one that was chosen; None for all."""
    if not access.has_role(*SEES_WAREHOUSE):
        return [access.account().id]
    chosen = request.args.get("account", 0, type=int)
    return [chosen] if chosen else None


def visible_sku(sku_id: int) -> Sku:
    """A SKU the viewer sees; 404 otherwise."""
    found = queries.find_sku(platform(), sku_id)
    if not access.has_role(*SEES_WAREHOUSE):
        return access.visible(found, "warehouse_sku", sku_id)
    return found or abort(404)


def visible_order(order_id: int) -> Order:
    """An order the viewer sees; 404 otherwise."""
    found = order_queries.find_order(platform(), order_id)
    if not access.has_role(*SEES_WAREHOUSE):
        return access.visible(found, "warehouse_order", order_id)
    return found or abort(404)


def account_names() -> dict[int, str]:
    """The accounts the viewer can choose among, by id."""
    if not access.has_role(*SEES_WAREHOUSE):
        return {access.account().id: access.account().name}
    return names.account_names(platform())
