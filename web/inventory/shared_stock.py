"""Stock that several stores sell: what may go wrong with it, and the confirmation without which it is not sent."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.models import Integration
from is2_core.errors import BadInput, FlowError
from is2_core.inventory import shared_stock
from is2_core.inventory.push.sync_row import interval_of
from web import access
from web.access import platform

blueprint = Blueprint("shared_stock", __name__, template_folder="templates")


def unconfirmed(integration: Integration) -> tuple[str, ...]:
    """The warehouse SKUs that other stores sell too and whose stock this one is not sent before a person confirms;
    none where its stock is not sent at all."""
    takes_stock = platform().carts.has(integration.cart, "push_inventory")
    with platform().db.read() as db:
        if not takes_stock or interval_of(db, integration.id) is None:
            return ()
        return tuple(sorted(shared_stock.unconfirmed_skus(db, integration)))


@blueprint.route("/integrations/<int:integration_id>/shared-stock", methods=["GET", "POST"])
def confirm(integration_id: int) -> ResponseReturnValue:
    """Read about it, set a buffer for each SKU, and confirm."""
    integration = access.owned_integration(integration_id)
    if request.method == "GET":
        return _page(integration, {})
    buffers = dict(zip(request.form.getlist("warehouse_sku"), request.form.getlist("units"), strict=False))
    try:
        if "understood" not in request.form:
            raise BadInput("Tick the box to confirm that these SKUs may be sold by several stores.", field="understood")
        message = shared_stock.confirm_shared_stock(
            platform(),
            integration_id=integration.id,
            scope=access.change_scope(),
            user_id=access.user().id,
            buffers=buffers,
        )
    except FlowError as error:
        return _page(integration, buffers, error), error.status
    flash(message, "success")
    return redirect(url_for("inventory.stock", integration_id=integration.id), 303)


def _page(integration: Integration, typed: dict[str, str], error: FlowError | None = None) -> str:
    rows = shared_stock.shared_stock(platform(), integration_id=integration.id, scope=access.read_scope())
    return render_template(
        "inventory/shared_stock.html",
        integration=integration,
        rows=rows,
        confirmed=all(row.confirmed for row in rows),
        typed=typed,
        error=error,
    )
