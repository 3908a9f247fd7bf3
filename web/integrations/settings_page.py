"""An integration's settings."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from is2_core.accounts.models import Integration, UnshippedLook
from is2_core.accounts.states import IntegrationState
from is2_core.carts.fields import LEAD_DAYS
from is2_core.errors import FlowError
from is2_core.install import settings as settings_flow, unshipped
from is2_core.install.settings_form import ORDERS_FROM
from is2_core.inventory.overview import inventory_view
from is2_core.inventory.promise import promise_text
from web import access
from web.access import platform
from web.actions import run_action
from web.forms import DeclaredForm, form_class, sent
from web.integrations.integrations import blueprint
from web.integrations.notices import notices_of
from web.inventory.inventory import promised_latency
from web.inventory.shared_stock import unconfirmed


@blueprint.route("/integrations/<int:integration_id>/settings", methods=["GET", "POST"])
@access.owners_change
def settings(integration_id: int) -> ResponseReturnValue:
    """Show and save an integration's settings after setup."""
    integration = access.owned_integration(integration_id)
    if integration.state == IntegrationState.SETUP:
        return redirect(url_for("install.finish", integration_id=integration.id))
    return settings_page(integration, setup=False)


def settings_page(integration: Integration, *, setup: bool) -> ResponseReturnValue:
    """Show the settings form of an integration, or save what was typed into it.

    Args:
        setup: the last step of an install (**Finish Setup**) rather than a later change.
    """
    number = integration.id
    found = unshipped.look(platform(), integration_id=number, scope=access.change_scope()) if setup else None
    entries = settings_flow.settings_form(platform(), integration_id=number, scope=access.read_scope(), found=found)
    values = {entry.field.key: entry.value for entry in entries}
    form = form_class(entry.field for entry in entries)(values, sent())
    if request.method == "GET":
        return _page(integration, form, found, setup)
    leave_out = request.form.get("leave_out", "")
    return run_action(
        lambda: settings_flow.finish_setup(
            platform(), integration_id=number, scope=access.change_scope(), values=form.checked(), leave_out=leave_out
        ),
        done=lambda saved: _with_guide(saved.message) if setup else saved.message,
        to=lambda _: _next_page(integration),
        draw=lambda error: _page(integration, form.refuse(error), found, setup, error),
        warnings=lambda saved: saved.warnings,
    )


def _page(
    integration: Integration,
    form: DeclaredForm,
    found: UnshippedLook | None,
    setup: bool,
    error: FlowError | None = None,
) -> str:
    manifest = platform().carts.manifest(integration.cart)
    notes = {ORDERS_FROM: unshipped.describe(platform(), found, manifest.label)} if found else {}
    return render_template(
        "integrations/settings.html",
        integration=integration,
        manifest=manifest,
        form=form,
        setup=setup,
        notices=notices_of(integration),
        notes=notes if setup else {LEAD_DAYS: _latency(integration)},
        leave_out=error.day if isinstance(error, unshipped.LeavesOut) else "",
    )


def _next_page(integration: Integration) -> str:
    if unconfirmed(integration):
        return url_for("shared_stock.confirm", integration_id=integration.id)
    return url_for("integrations.view_integrations")


def _latency(integration: Integration) -> str:
    view = inventory_view(platform(), integration_id=integration.id, scope=access.read_scope())
    manifest = platform().carts.manifest(integration.cart)
    texts = promised_latency(view, manifest), promise_text(view.latency, view.taken, manifest.manages_lead_days)
    return " ".join(filter(None, texts))


def _with_guide(message: str) -> Markup:
    guide = url_for("inventory.guide")
    return Markup('{} <a class="alert-link" href="{}">How inventory syncing works</a>').format(message, guide)
