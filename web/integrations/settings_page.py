"""An integration's settings."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.carts.fields import LEAD_DAYS
from is2_core.errors import FlowError
from is2_core.install import settings as store_settings, unshipped
from is2_core.install.settings_form import ORDERS_FROM
from is2_core.inventory.overview import inventory_view
from web import access
from web.access import platform
from web.forms import draw, stray, typed
from web.integrations.integrations import blueprint
from web.integrations.notices import notices_of
from web.inventory.inventory import latency_sentence
from web.inventory.shared_stock import unconfirmed


@blueprint.route("/integrations/<int:integration_id>/settings", methods=["GET", "POST"])
def settings(integration_id: int) -> ResponseReturnValue:
    """The store's settings after setup."""
    store = access.owned_integration(integration_id)
    if store.state == IntegrationState.SETUP:
        return redirect(url_for("install.finish", integration_id=store.id))
    return settings_page(store, setup=False)


def settings_page(store: Integration, *, setup: bool) -> ResponseReturnValue:
    """Show the settings form of a store, or save what was typed into it.

    Args:
        setup: the last step of an install (**Finish Setup**) rather than a later change.
    """
    ids = {"integration_id": store.id, "account_id": store.account_id}
    found = unshipped.look(platform(), **ids) if setup else None
    form = store_settings.settings_form(platform(), **ids, found=found)
    declared = [entry.field for entry in form]
    values = {entry.field.key: entry.value for entry in form}
    error: FlowError | None = None
    if request.method == "POST":
        values = typed(declared, request.form)
        try:
            leave_out = request.form.get("leave_out", "")
            saved = store_settings.finish_setup(platform(), **ids, values=values, leave_out=leave_out)
        except FlowError as refusal:
            error = refusal
        else:
            flash(_with_guide(saved.sentence) if setup else saved.sentence, "success")
            for warning in saved.warnings:
                flash(warning, "warning")
            if unconfirmed(store):
                return redirect(url_for("shared_stock.confirm", integration_id=store.id), 303)
            return redirect(url_for("integrations.view_integrations"), 303)
    fields = draw(declared, values, error=error)
    manifest = platform().carts.manifest(store.cart)
    notes = {ORDERS_FROM: unshipped.describe(platform(), found, manifest.label)} if found else {}
    page = render_template(
        "integrations/settings.html",
        store=store,
        manifest=manifest,
        fields=fields,
        setup=setup,
        notices=notices_of(store),
        notes=notes if setup else {LEAD_DAYS: _latency(store)},
        leave_out=error.day if isinstance(error, unshipped.LeavesOut) else "",
        error=stray(fields, error),
    )
    return page, error.status if error else 200


def _latency(store: Integration) -> str:
    view = inventory_view(platform(), integration_id=store.id, account_id=store.account_id)
    return latency_sentence(view.lead_days, view.with_lead, view.active)


def _with_guide(sentence: str) -> Markup:
    guide = url_for("inventory.guide")
    return Markup('{} <a class="alert-link" href="{}">How inventory syncing works</a>').format(sentence, guide)
