"""Who sees and changes what in the warehouse's pages.

Warehouse staff, support and admins see every account; a merchant sees the own stock and orders and changes neither.
"""

from __future__ import annotations

import logging
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import abort, request
from sqlalchemy.orm import Session

from is2_core.accounts.models import Account
from is2_core.accounts.states import SEES_WAREHOUSE, WORKS_IN_WAREHOUSE
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehouseSku
from web import access

Row = TypeVar("Row", WarehouseSku, WarehouseOrder)
_log = logging.getLogger(__name__)


def may_change() -> bool:
    """Whether the viewer works in the warehouse."""
    return access.has_role(*WORKS_IN_WAREHOUSE)


def require_staff() -> None:
    """403 where the viewer does not work in the warehouse."""
    if not may_change():
        _log.warning("user %s (%s) was refused %s", access.user().id, access.user().role, request.endpoint)
        abort(403)


def only_visible(
    query: sa.Select[*tuple[Any, ...]], table: type[WarehouseSku] | type[WarehouseOrder]
) -> sa.Select[*tuple[Any, ...]]:
    """The rows of a list that the viewer sees, of one account where one was chosen."""
    if access.has_role(*SEES_WAREHOUSE):
        chosen = request.args.get("account", 0, type=int)
        return query.where(table.account_id == chosen) if chosen else query
    return query.where(table.account_id == access.account().id)


def visible(db: Session, table: type[Row], row_id: int) -> Row:
    """A row the viewer sees; 404 otherwise."""
    if not access.has_role(*SEES_WAREHOUSE):
        return access.owned(db, table, row_id)
    return db.get(table, row_id) or abort(404)


def account_names(db: Session) -> dict[int, str]:
    """The accounts the viewer can choose among, by id."""
    if not access.has_role(*SEES_WAREHOUSE):
        return {access.account().id: access.account().name}
    rows = db.execute(sa.select(Account.id, Account.name).order_by(Account.name)).all()
    return {row.id: row.name for row in rows}
