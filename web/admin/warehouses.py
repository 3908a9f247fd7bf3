"""Warehouse plugins: which there are, who is shipped from them, and their settings."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.names import integrations_by_target
from is2_core.accounts.states import Role
from is2_core.admin import warehouse_setup
from is2_core.errors import FlowError
from is2_core.warehouses.settings import stored_settings
from plugins.warehouse import WarehouseManifest
from web import access
from web.access import platform
from web.admin.section import blueprint
from web.forms import draw, stray, typed


@dataclass(frozen=True)
class WarehouseRow:
    """A warehouse plugin as the plugins page shows it; `integrations` are those shipped from it."""

    manifest: WarehouseManifest
    hooks: list[str]
    integrations: int


def warehouse_rows() -> list[WarehouseRow]:
    """The working warehouses, by label."""
    registry = platform().warehouses
    counts = integrations_by_target(platform())
    return [
        WarehouseRow(registry.manifest(name), registry.hooks(name), counts.get(name, 0)) for name in registry.names()
    ]


@blueprint.route("/warehouses/<warehouse>/settings", methods=["GET", "POST"])
@access.require_role(Role.ADMIN)
def warehouse_settings(warehouse: str) -> ResponseReturnValue:
    """The settings of a warehouse. A secret is never shown again."""
    manifest = warehouse_setup.known_warehouse(platform(), warehouse)
    stored = stored_settings(platform(), warehouse)
    values = {field.key: stored.values.get(field.key, field.default) for field in manifest.settings}
    error: FlowError | None = None
    if request.method == "POST":
        values = typed(manifest.settings, request.form)
        try:
            warehouse_setup.save_warehouse_settings(platform(), warehouse, values)
        except FlowError as refusal:
            error = refusal
        else:
            flash(f"The settings of {manifest.label} were saved.", "success")
            return redirect(url_for(".plugins"), 303)
    fields = draw(manifest.settings, values, error=error, secrets_set=stored.secrets_set)
    page = render_template(
        "admin/warehouse_settings.html", manifest=manifest, fields=fields, error=error, stray=stray(fields, error)
    )
    return page, error.status if error else 200
