"""Shipping mappings, behind the envelope icon of a store."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.models import Integration
from is2_core.carts import method_vocabulary
from is2_core.errors import BadInput, FlowError
from is2_core.items import queries, shipping_mappings
from is2_core.orders import seen_methods
from web import access
from web.access import platform
from web.actions import run_action

blueprint = Blueprint("shipping", __name__, template_folder="templates")


@dataclass(frozen=True)
class _Typed:
    """Values of the form that adds a mapping."""

    method: str
    service: str
    hold: bool
    no_method: bool = False


@blueprint.route("/integrations/<int:integration_id>/shipping", methods=["GET", "POST"])
def mappings(integration_id: int) -> ResponseReturnValue:
    """The mappings of a store, and the form that adds the next one."""
    integration = access.owned_integration(integration_id)
    if request.method == "GET":
        method = request.args.get("method", "")
        # The link of an order that came without one names none.
        return _page(integration, _Typed(method, "", False, no_method="method" in request.args and not method.strip()))
    no_method = "no_method" in request.form
    method = "" if no_method else request.form.get("method", "")
    values = _Typed(method, request.form.get("service", ""), "hold" in request.form, no_method)
    return run_action(
        lambda: _add(integration, values),
        done=f"The shipping mapping for {method_vocabulary.shown_method(method)} was added. You can add the next one.",
        to=url_for(".mappings", integration_id=integration.id),
        draw=lambda error: _page(integration, values, error),
    )


def _add(integration: Integration, values: _Typed) -> None:
    if not values.no_method and not values.method.strip():
        raise BadInput("Choose or type the cart's shipping method, or tick that none is given.", field="method")
    shipping_mappings.add_shipping_mapping(
        platform(),
        integration_id=integration.id,
        scope=access.change_scope(),
        method=values.method,
        service=values.service,
        hold=values.hold,
    )


def _page(integration: Integration, values: _Typed, error: FlowError | None = None) -> str:
    scope = access.read_scope()
    services = shipping_mappings.services(platform(), integration_id=integration.id, scope=access.read_scope())
    ui = shipping_mappings.shown_vocabulary(platform(), integration)
    methods = seen_methods.methods(platform(), integration_id=integration.id, scope=scope, ui=ui)
    return render_template(
        "shipping/list.html",
        integration=integration,
        rows=queries.mapped_methods(platform(), integration_id=integration.id),
        methods=methods,
        services=services,
        service_labels={service.code: service.label for service in services},
        shown_method=method_vocabulary.shown_method,
        method_labels={method_vocabulary.method_key(method.code): method for method in methods},
        help_text=ui.field_help,
        values=values,
        error=error,
    )


@blueprint.post("/shipping-mappings/<int:mapping_id>/remove")
def remove(mapping_id: int) -> ResponseReturnValue:
    """Take a mapping away."""
    row = access.visible(queries.mapped_method(platform(), mapping_id=mapping_id), "shipping_mapping", mapping_id)
    shipping_mappings.remove_shipping_mapping(platform(), mapping_id=row.id, scope=access.change_scope())
    flash(f"The shipping mapping for {method_vocabulary.shown_method(row.method)} was removed.", "success")
    return redirect(url_for(".mappings", integration_id=row.integration_id), 303)
