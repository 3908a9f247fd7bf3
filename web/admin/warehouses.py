"""Warehouse plugins: which there are, who is shipped from them, and their settings."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts import queries
from is2_core.accounts.states import Role
from is2_core.admin import warehouse_setup
from is2_core.warehouses.settings import stored_settings
from plugins.warehouse import WarehouseManifest
from web import access
from web.access import platform
from web.accounts.fresh import fresh
from web.actions import run_action
from web.admin.section import blueprint
from web.forms import DeclaredForm, form_class, sent


@dataclass(frozen=True)
class WarehouseRow:
    """A warehouse plugin as the plugins page shows it; `integrations` are those shipped from it."""

    manifest: WarehouseManifest
    hooks: list[str]
    integrations: int


def warehouse_rows() -> list[WarehouseRow]:
    """The working warehouses, by label."""
    registry = platform().warehouses
    counts = queries.integrations_by_target(platform())
    return [
        WarehouseRow(registry.manifest(name), registry.hooks(name), counts.get(name, 0)) for name in registry.names()
    ]


@blueprint.route("/warehouses/<warehouse>/settings", methods=["GET", "POST"])
@access.require_role(Role.ADMIN)
@fresh
def warehouse_settings(warehouse: str) -> ResponseReturnValue:
    """The settings of a warehouse. A secret is never shown again."""
    manifest = warehouse_setup.known_warehouse(platform(), warehouse)
    stored = stored_settings(platform(), warehouse)
    form = form_class(manifest.settings, secrets_set=stored.secrets_set)(stored.values, sent())
    if request.method == "GET":
        return _settings_page(manifest, form)
    return run_action(
        lambda: warehouse_setup.save_warehouse_settings(platform(), warehouse, form.checked()),
        done=f"The settings of {manifest.label} were saved.",
        to=url_for(".plugins"),
        draw=lambda error: _settings_page(manifest, form.refuse(error)),
    )


def _settings_page(manifest: WarehouseManifest, form: DeclaredForm) -> str:
    return render_template("admin/warehouse_settings.html", manifest=manifest, form=form)
