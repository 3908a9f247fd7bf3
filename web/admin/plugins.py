"""Cart plugins: enabled or not, environment, platform-wide settings."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts import queries
from is2_core.accounts.states import Role
from is2_core.admin import cart_setup
from is2_core.carts import cart_settings
from is2_core.carts.cart_settings import StoredSettings
from is2_core.errors import FlowError
from is2_core.integrations import legacy_authorization
from is2_core.privacy.queries import periods_of_cart
from plugins.interface import CartManifest
from web import access
from web.access import platform
from web.accounts.fresh import fresh
from web.actions import run_action
from web.admin.section import blueprint
from web.admin.warehouses import warehouse_rows
from web.forms import DeclaredForm, form_class, sent


@dataclass(frozen=True)
class CartRow:
    """A cart plugin as the plugins page shows it."""

    manifest: CartManifest
    hooks: list[str]
    stored: StoredSettings
    integrations: int
    migration: str

    @property
    def environment(self) -> str:
        """The label of the endpoints in use, "" before one was chosen."""
        return next((e.label for e in self.manifest.environments if e.code == self.stored.environment), "")


@blueprint.get("/plugins")
@access.require_role(Role.ADMIN)
def plugins() -> ResponseReturnValue:
    """Every cart and warehouse plugin: what it can do, who uses it, whether it is enabled; the broken ones with the
    reason."""
    return _plugins_page()


def _plugins_page(error: str = "") -> str:
    carts = platform().carts
    integrations = queries.integrations_by_cart(platform())
    rows = [
        CartRow(
            carts.manifest(name),
            carts.hooks(name),
            cart_settings.stored_settings(platform(), name),
            integrations.get(name, 0),
            legacy_authorization.migration_of(platform(), name),
        )
        for name in carts.names()
    ]
    broken = [*carts.broken, *platform().warehouses.broken]
    return render_template("admin/plugins.html", rows=rows, warehouses=warehouse_rows(), broken=broken, error=error)


@blueprint.post("/plugins/<cart>/enable")
@access.require_role(Role.ADMIN)
def enable(cart: str) -> ResponseReturnValue:
    """Let merchants connect this cart."""
    return _switch(cart, True)


@blueprint.post("/plugins/<cart>/disable")
@access.require_role(Role.ADMIN)
def disable(cart: str) -> ResponseReturnValue:
    """Stop installs and imports of this cart."""
    return _switch(cart, False)


def _switch(cart: str, enabled: bool) -> ResponseReturnValue:
    manifest = manifest_of(cart)
    change = cart_setup.enable_cart if enabled else cart_setup.disable_cart
    return run_action(
        lambda: change(platform(), cart),
        done=f"{manifest.label} is {'enabled' if enabled else 'disabled'}.",
        to=url_for(".plugins"),
        draw=lambda error: _plugins_page(error.message),
    )


def manifest_of(cart: str) -> CartManifest:
    return platform().carts.manifest(cart) if cart in platform().carts.names() else abort(404)


@blueprint.route("/plugins/<cart>/settings", methods=["GET", "POST"])
@access.require_role(Role.ADMIN)
@fresh
def cart_platform_settings(cart: str) -> ResponseReturnValue:
    """The settings of a cart that hold for all its stores. A secret is never shown again."""
    manifest = manifest_of(cart)
    stored = cart_settings.stored_settings(platform(), cart)
    form = form_class(manifest.platform_fields, secrets_set=stored.secrets_set)(stored.values, sent())
    if request.method == "GET":
        return _settings_page(manifest, stored, form, stored.environment)
    environment = request.form.get("environment", "")
    return run_action(
        lambda: cart_setup.save_cart_settings(platform(), cart, environment, form.checked()),
        done=f"The settings of {manifest.label} were saved.",
        to=url_for(".plugins"),
        draw=lambda error: _settings_page(manifest, stored, form, environment, error),
    )


def _settings_page(
    manifest: CartManifest, stored: StoredSettings, form: DeclaredForm, chosen: str, error: FlowError | None = None
) -> str:
    # The endpoints are no declared field.
    endpoints_error = error.message if error is not None and error.field == "environment" else ""
    if error is not None and not endpoints_error:
        form.refuse(error)
    return render_template(
        "admin/cart_settings.html",
        manifest=manifest,
        stored=stored,
        form=form,
        chosen=chosen,
        endpoints_error=endpoints_error,
        kept=periods_of_cart(platform(), manifest.name),
    )


@blueprint.post("/plugins/<cart>/former-secrets/forget")
@access.require_role(Role.ADMIN)
@fresh
def forget_former(cart: str) -> ResponseReturnValue:
    """Erase what a cart's secrets were before, ahead of their time."""
    manifest = manifest_of(cart)
    cart_setup.forget_former(platform(), cart)
    flash(f"The former secret of {manifest.label} was forgotten.", "success")
    return redirect(url_for(".cart_platform_settings", cart=cart), 303)


@blueprint.post("/plugins/<cart>/migration")
@access.require_role(Role.ADMIN)
def migration(cart: str) -> ResponseReturnValue:
    """Begin or end the move from the cart's older API generation."""
    manifest = manifest_of(cart)
    running = request.form.get("running") == "yes"
    return run_action(
        lambda: legacy_authorization.set_migration(platform(), cart=cart, running=running),
        done=f"The migration of {manifest.label} {'runs' if running else 'has ended'}; its stores are told so.",
        to=url_for(".plugins"),
        draw=lambda error: _plugins_page(error.message),
    )
