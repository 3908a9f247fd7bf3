"""Integration > View Integrations, and what can be done with one store."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.models import Integration
from is2_core.accounts.states import CONNECTED, IntegrationState
from is2_core.carts.cart_settings import is_enabled
from is2_core.comparison import actions as comparing
from is2_core.comparison.queries import last_comparisons
from is2_core.errors import FlowError
from is2_core.install import disconnect as disconnecting
from is2_core.integrations import connection_test, legacy_authorization
from is2_core.orders import actions
from is2_core.orders.importing.fetch_order import can_fetch
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import NOT_COMPLETE, TO_PLACE
from web import access
from web.access import platform
from web.accounts.fresh import fresh
from web.actions import run_action
from web.integrations.notices import notices_of
from web.integrations.rows import integration_rows

blueprint = Blueprint("integrations", __name__, template_folder="templates")


@blueprint.get("/integrations")
def view_integrations() -> ResponseReturnValue:
    """Show the list of integrations."""
    return _list()


def _list(error: str = "", test_failed: int = 0) -> str:
    account = access.account()
    with platform().db.read() as db:
        rows = integration_rows(db, account.id)
    for row in rows:
        row.notices = notices_of(row.integration)
        row.can_fetch = can_fetch(platform(), row.integration)
        row.test_failed = row.test_failed or row.integration.id == test_failed
    return render_template(
        "integrations/list.html",
        rows=rows,
        states=IntegrationState,
        comparisons=last_comparisons(platform(), account.id),
        error=error,
    )


@blueprint.get("/integrations/add")
@access.owner_only
def add() -> ResponseReturnValue:
    """Pick a cart to connect."""
    access.account()
    carts = [platform().carts.manifest(name) for name in platform().carts.names() if is_enabled(platform(), name)]
    return render_template("integrations/add.html", carts=carts)


@blueprint.post("/integrations/<int:integration_id>/check")
def check_now(integration_id: int) -> ResponseReturnValue:
    """Ask for new orders now rather than at the next slot."""
    integration = access.owned_integration(integration_id)
    try:
        message = actions.check_now(platform(), integration_id=integration.id, scope=access.change_scope())
    except FlowError as error:
        return _list(error.message), error.status
    flash(message, "success")
    return redirect(url_for(".view_integrations"), 303)


@blueprint.post("/integrations/<int:integration_id>/compare")
def compare_now(integration_id: int) -> ResponseReturnValue:
    """Compare what is open here with what the cart shows, now."""
    integration = access.owned_integration(integration_id)
    ids = {"integration_id": integration.id, "user_id": access.user().id}
    return run_action(
        lambda: comparing.compare_now(platform(), **ids, scope=access.change_scope()),
        done=str,
        to=url_for(".view_integrations"),
        draw=lambda error: _list(error.message),
    )


@blueprint.post("/integrations/<int:integration_id>/test")
def test_connection(integration_id: int) -> ResponseReturnValue:
    """Ask the cart who the seller is."""
    integration = access.owned_integration(integration_id)
    try:
        message = connection_test.test_connection(
            platform(), integration_id=integration.id, scope=access.change_scope()
        )
    except FlowError as error:
        return _list(error.message, integration.id), error.status
    flash(message, "success")
    return redirect(url_for(".view_integrations"), 303)


@blueprint.route("/integrations/<int:integration_id>/disconnect", methods=["GET", "POST"])
@fresh
@access.owner_only
def disconnect(integration_id: int) -> ResponseReturnValue:
    """Show the consequences of disconnecting, and disconnect."""
    integration = access.owned_integration(integration_id)
    error: FlowError | None = None
    if request.method == "POST":
        ids = {"integration_id": integration.id, "user_id": access.user().id}
        try:
            message = disconnecting.disconnect(platform(), **ids, scope=access.change_scope())
        except FlowError as refusal:
            error = refusal
        else:
            flash(message, "success")
            return redirect(url_for(".view_integrations"), 303)
    elif integration.state not in CONNECTED:
        return redirect(url_for(".view_integrations"))
    page = render_template(
        "integrations/disconnect.html",
        integration=integration,
        consequences=_consequences(integration),
        error=error and error.message,
    )
    return page, error.status if error else 200


def _consequences(integration: Integration) -> list[str]:
    """Describe what disconnecting means for the orders there are."""
    label = platform().carts.manifest(integration.cart).label
    own = ReceivedOrder.integration_id == integration.id
    with platform().db.read() as db:
        waiting = db.scalar(
            sa.select(sa.func.count()).where(
                own, ReceivedOrder.state.in_(TO_PLACE), ReceivedOrder.placing_since.is_(None)
            )
        )
        placed = db.scalar(sa.select(sa.func.count()).where(own, ReceivedOrder.state.in_(NOT_COMPLETE)))
    lines = []
    if waiting:
        orders_are = "1 order that is" if waiting == 1 else f"{waiting} orders that are"
        lines.append(f"{orders_are} not in the warehouse yet will not be shipped, unless you reconnect the store.")
    if placed:
        orders_are = "1 order" if placed == 1 else f"{placed} orders"
        lines.append(
            f"The warehouse goes on to pack and ship {orders_are} it already has. {label} is told the tracking only "
            "after you reconnect the store; otherwise confirm those shipments there yourself."
        )
    return lines


@blueprint.post("/integrations/<int:integration_id>/older-notice/hide")
@access.owner_only
def hide_legacy_notice(integration_id: int) -> ResponseReturnValue:
    """The merchant has done what the last notice about the older authorization says."""
    integration = access.owned_integration(integration_id)
    try:
        legacy_authorization.hide_legacy_notice(platform(), integration_id=integration.id, scope=access.change_scope())
    except FlowError as error:
        return _list(error.message), error.status
    flash("The notice about the older authorization is hidden.", "success")
    return redirect(url_for(".view_integrations"), 303)
