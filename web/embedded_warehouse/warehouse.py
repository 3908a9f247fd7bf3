"""The embedded warehouse's section: stock with its ledger, receiving and adjusting; its orders are in `packing`."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.names import person_names
from is2_core.accounts.states import WORKS_IN_WAREHOUSE
from is2_core.embedded_warehouse import queries, receiving
from is2_core.embedded_warehouse.queries import Sku
from is2_core.errors import FlowError
from web import access
from web.access import platform
from web.embedded_warehouse.access import account_names, may_change, seen_accounts, visible_sku
from web.paging import page_from

blueprint = Blueprint("warehouse", __name__, template_folder="templates", url_prefix="/warehouse")


@blueprint.get("/stock")
def stock() -> ResponseReturnValue:
    """Show what lies in the warehouse, and what of it is promised."""
    return _stock_page({})


def _stock_page(values: dict[str, str], error: FlowError | None = None) -> str:
    q = request.args.get("q", "").strip()
    accounts = seen_accounts()
    page = page_from(lambda first, most: queries.sku_list(platform(), accounts, text=q, first=first, most=most))
    return render_template(
        "warehouse/stock.html",
        page=page,
        names=account_names(),
        may_book=may_change(),
        chosen=request.args.get("account", 0, type=int),
        q=q,
        values=values,
        error=error,
    )


@blueprint.post("/receive")
@access.require_role(*WORKS_IN_WAREHOUSE)
def receive() -> ResponseReturnValue:
    """Book units that arrived."""
    values = {key: request.form.get(key, "") for key in ("account_id", "sku", "name", "quantity")}
    account_id = request.form.get("account_id", 0, type=int)
    try:
        if account_id not in account_names():
            raise FlowError("Choose the account the units belong to.", field="account_id")
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


@blueprint.get("/stock/<int:sku_id>")
def ledger(sku_id: int) -> ResponseReturnValue:
    """One SKU: every change of its units, by whom and why."""
    return _ledger_page(visible_sku(sku_id), {})


def _ledger_page(row: Sku, values: dict[str, str], error: FlowError | None = None) -> str:
    page = page_from(lambda first, most: queries.movements(platform(), row.id, first=first, most=most))
    return render_template(
        "warehouse/ledger.html",
        row=row,
        owner=account_names()[row.account_id],
        page=page,
        people=person_names(platform(), {movement.user_id for movement in page.rows if movement.user_id}),
        may_book=may_change(),
        values=values,
        error=error,
    )


@blueprint.post("/stock/<int:sku_id>/adjust")
@access.require_role(*WORKS_IN_WAREHOUSE)
def adjust(sku_id: int) -> ResponseReturnValue:
    """Correct the count of a SKU, with a reason."""
    row = visible_sku(sku_id)
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
