"""The embedded warehouse's section: stock with its ledger, receiving and adjusting; the orders are in `packing`."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.models import Account, User
from is2_core.accounts.states import WORKS_IN_WAREHOUSE
from is2_core.embedded_warehouse import receiving
from is2_core.embedded_warehouse.models import StockMovement, WarehouseSku
from is2_core.errors import FlowError
from plugins.warehouse import Stock
from web import access
from web.access import platform
from web.embedded_warehouse import packing
from web.embedded_warehouse.access import account_names, may_change, only_visible, visible
from web.paging import Page, paged

blueprint = Blueprint("warehouse", __name__, template_folder="templates", url_prefix="/warehouse")
packing.add_pages(blueprint)


@dataclass(frozen=True)
class StockRow:
    """A SKU of the stock list with its committed units."""

    sku: WarehouseSku
    committed: int

    @property
    def available(self) -> int:
        """Units that are promised to nobody; below zero where more is promised than there is."""
        return self.sku.on_hand - self.committed


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
        page = paged(db, only_visible(query, WarehouseSku))
        names = account_names(db)
    return render_template(
        "warehouse/stock.html",
        page=page,
        rows=_with_committed(page),
        names=names,
        may_book=may_change(),
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
@access.require_role(*WORKS_IN_WAREHOUSE)
def receive() -> ResponseReturnValue:
    """Book units that arrived."""
    values = {key: request.form.get(key, "") for key in ("account_id", "sku", "name", "quantity")}
    account_id = request.form.get("account_id", 0, type=int)
    try:
        _require_account(account_id)
        on_hand = receiving.receive(
            platform(),
            account_id=account_id,
            sku=values["sku"],
            name=values["name"],
            quantity=values["quantity"],
            user_id=access.user().id,
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
        row = visible(db, WarehouseSku, sku_id)
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
        may_book=may_change(),
        values=values,
        error=error,
    )


@blueprint.post("/stock/<int:sku_id>/adjust")
@access.require_role(*WORKS_IN_WAREHOUSE)
def adjust(sku_id: int) -> ResponseReturnValue:
    """Correct the count of a SKU, with a reason."""
    with platform().db.read() as db:
        row = visible(db, WarehouseSku, sku_id)
    values = {key: request.form.get(key, "") for key in ("delta", "reason")}
    try:
        on_hand = receiving.adjust(
            platform(),
            account_id=row.account_id,
            sku=row.sku,
            delta=values["delta"],
            reason=values["reason"],
            user_id=access.user().id,
        )
    except FlowError as error:
        return _ledger_page(row, values, error), error.status
    flash(f"Adjusted. {row.sku} now has {on_hand} on hand.", "success")
    return redirect(url_for(".ledger", sku_id=row.id), 303)
