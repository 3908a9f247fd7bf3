"""The embedded warehouse: stock with its ledger, and the orders to pack.

Warehouse staff, support and admins see every account; a merchant sees the own stock and orders and changes neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from is2_core.flows import stock as flows
from is2_core.flows.errors import FlowError
from is2_core.models import Account, Recipient, Role, StockMovement, User, WarehouseOrder, WarehouseSku, WarehouseState
from is2_core.warehouse.embedded import OPEN
from is2_core.warehouse.interface import Stock
from web import scope
from web.paging import Page, paged
from web.recipients import shown_recipient
from web.scope import platform

blueprint = Blueprint("warehouse", __name__, url_prefix="/warehouse")

_SEES_ALL = (Role.WAREHOUSE, Role.SUPPORT, Role.ADMIN)
_CHANGES = (Role.WAREHOUSE, Role.ADMIN)


@dataclass(frozen=True)
class StockRow:
    """A SKU of the stock list with its committed units."""

    sku: WarehouseSku
    committed: int

    @property
    def available(self) -> int:
        """Units that are promised to nobody; below zero where more is promised than there is."""
        return self.sku.on_hand - self.committed


def _only_visible(query: sa.Select[Any], table: type[WarehouseSku] | type[WarehouseOrder]) -> sa.Select[Any]:
    if scope.has_role(*_SEES_ALL):
        chosen = request.args.get("account", 0, type=int)
        return query.where(table.account_id == chosen) if chosen else query
    return query.where(table.account_id == scope.account().id)


def _visible(db: Session, table: type[Any], row_id: int) -> Any:
    if not scope.has_role(*_SEES_ALL):
        return scope.owned(db, table, row_id)
    return db.get(table, row_id) or abort(404)


def _account_names(db: Session) -> dict[int, str]:
    if not scope.has_role(*_SEES_ALL):
        return {scope.account().id: scope.account().name}
    rows = db.execute(sa.select(Account.id, Account.name).order_by(Account.name)).all()
    return {row.id: row.name for row in rows}


@blueprint.get("/stock")
def stock() -> ResponseReturnValue:
    """What lies in the warehouse, and what of it is promised."""
    return _stock_page({})


def _stock_page(values: dict[str, str], error: FlowError | None = None) -> str:
    query = sa.select(WarehouseSku).order_by(WarehouseSku.account_id, WarehouseSku.sku)
    q = request.args.get("q", "").strip()
    if q:
        query = query.where(
            sa.or_(WarehouseSku.sku.icontains(q, autoescape=True), WarehouseSku.name.icontains(q, autoescape=True))
        )
    with platform().db.read() as db:
        page = paged(db, _only_visible(query, WarehouseSku))
        names = _account_names(db)
    return render_template(
        "warehouse/stock.html",
        page=page,
        rows=_with_committed(page),
        names=names,
        may_book=scope.has_role(*_CHANGES),
        chosen=request.args.get("account", 0, type=int),
        q=q,
        values=values,
        error=error,
    )


def _with_committed(page: Page) -> list[StockRow]:
    wanted: dict[int, list[str]] = {}
    for row in page.rows:
        wanted.setdefault(row.account_id, []).append(row.sku)
    stocks: dict[tuple[int, str], Stock] = {
        (account_id, entry.sku): entry
        for account_id, skus in wanted.items()
        for entry in platform().warehouse("embedded").stock(account_id, skus)
    }
    return [StockRow(row, stocks[row.account_id, row.sku].committed) for row in page.rows]


@blueprint.post("/receive")
@scope.require_role(*_CHANGES)
def receive() -> ResponseReturnValue:
    """Book units that arrived."""
    values = {key: request.form.get(key, "") for key in ("account_id", "sku", "name", "quantity")}
    account_id = request.form.get("account_id", 0, type=int)
    try:
        _require_account(account_id)
        on_hand = flows.receive(
            platform(),
            account_id=account_id,
            sku=values["sku"],
            name=values["name"],
            quantity=values["quantity"],
            user_id=scope.user().id,
        )
    except FlowError as error:
        return _stock_page(values, error), error.status
    flash(f"Received. {values['sku'].strip()} now has {on_hand} on hand.", "success")
    return redirect(url_for(".stock", account=account_id), 303)


def _require_account(account_id: int) -> None:
    with platform().db.read() as db:
        if db.get(Account, account_id) is None:
            raise FlowError("Choose the account the units belong to.", field="account_id")


@blueprint.get("/stock/<int:sku_id>")
def ledger(sku_id: int) -> ResponseReturnValue:
    """One SKU: every change of its units, by whom and why."""
    with platform().db.read() as db:
        row = _visible(db, WarehouseSku, sku_id)
    return _ledger_page(row, {})


def _ledger_page(row: WarehouseSku, values: dict[str, str], error: FlowError | None = None) -> str:
    query = (
        sa.select(StockMovement)
        .where(StockMovement.warehouse_sku_id == row.id)
        .order_by(StockMovement.at.desc(), StockMovement.id.desc())
    )
    with platform().db.read() as db:
        page = paged(db, query)
        by = {movement.user_id for movement in page.rows if movement.user_id}
        people = dict(db.execute(sa.select(User.id, User.name).where(User.id.in_(by))).all())
        account = db.get_one(Account, row.account_id)
    committed = platform().warehouse("embedded").stock(row.account_id, [row.sku])[0].committed
    return render_template(
        "warehouse/ledger.html",
        row=StockRow(row, committed),
        owner=account,
        page=page,
        people=people,
        may_book=scope.has_role(*_CHANGES),
        values=values,
        error=error,
    )


@blueprint.post("/stock/<int:sku_id>/adjust")
@scope.require_role(*_CHANGES)
def adjust(sku_id: int) -> ResponseReturnValue:
    """Correct the count of a SKU, with a reason."""
    with platform().db.read() as db:
        row = _visible(db, WarehouseSku, sku_id)
    values = {key: request.form.get(key, "") for key in ("delta", "reason")}
    try:
        on_hand = flows.adjust(
            platform(),
            account_id=row.account_id,
            sku=row.sku,
            delta=values["delta"],
            reason=values["reason"],
            user_id=scope.user().id,
        )
    except FlowError as error:
        return _ledger_page(row, values, error), error.status
    flash(f"Adjusted. {row.sku} now has {on_hand} on hand.", "success")
    return redirect(url_for(".ledger", sku_id=row.id), 303)


@blueprint.get("/orders")
def orders() -> ResponseReturnValue:
    """The orders to pack, the most urgent first."""
    state, q = request.args.get("state", ""), request.args.get("q", "").strip()
    query = sa.select(WarehouseOrder).order_by(
        sa.case((WarehouseOrder.state.in_(OPEN), 0), else_=1),
        WarehouseOrder.ship_by.is_(None),
        WarehouseOrder.ship_by,
        WarehouseOrder.id,
    )
    if state:
        query = query.where(WarehouseOrder.state == state)
    if q:
        query = query.where(WarehouseOrder.number.icontains(q, autoescape=True))
    with platform().db.read() as db:
        page = paged(db, _only_visible(query, WarehouseOrder))
        names = _account_names(db)
    return render_template(
        "warehouse/orders.html",
        page=page,
        names=names,
        states=list(WarehouseState),
        state=state,
        q=q,
        chosen=request.args.get("account", 0, type=int),
    )


@blueprint.get("/orders/<int:order_id>")
def order(order_id: int) -> ResponseReturnValue:
    """One order to pack: what, for whom, by which service."""
    with platform().db.read() as db:
        row = _visible(db, WarehouseOrder, order_id)
        owner = db.get_one(Account, row.account_id)
        received = db.get_one(Recipient, row.recipient_id).order_id
        names = dict(
            db.execute(
                sa.select(WarehouseSku.sku, WarehouseSku.name).where(
                    WarehouseSku.account_id == row.account_id,
                    WarehouseSku.sku.in_([line.sku for line in row.lines]),
                )
            ).all()
        )
    services = {service.code: service.label for service in platform().warehouse("embedded").services(row.account_id)}
    return render_template(
        "warehouse/order.html",
        row=row,
        owner=owner,
        names=names,
        state=WarehouseState(row.state),
        service=services.get(row.service, row.service),
        recipient=shown_recipient(received, row.account_id),
    )
