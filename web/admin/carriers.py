"""A cart's names of carriers."""

from __future__ import annotations

import json

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.states import Role
from is2_core.errors import BadInput, FlowError
from is2_core.shipments import carrier_codes
from plugins.interface import CartManifest
from web import access, display
from web.access import platform
from web.admin.plugins import manifest_of
from web.admin.section import blueprint


@blueprint.get("/plugins/<cart>/carriers")
@access.require_role(Role.ADMIN)
def carriers(cart: str) -> ResponseReturnValue:
    """Show a cart's names of the warehouse's carriers."""
    return _carriers_page(manifest_of(cart), {})


def _carriers_page(manifest: CartManifest, values: dict[str, str], error: FlowError | None = None) -> str:
    without_code = carrier_codes.carriers_without_code(platform(), manifest.name)
    return render_template(
        "admin/carriers.html",
        manifest=manifest,
        entries=carrier_codes.list_codes(platform(), manifest.name),
        without_code=without_code,
        # As JSON, for a form changes line breaks.
        given={name: json.dumps(name) for name in without_code.names},
        values=values,
        error=error,
    )


@blueprint.post("/plugins/<cart>/carriers")
@access.require_role(Role.ADMIN)
def set_carrier(cart: str) -> ResponseReturnValue:
    """Set the code of a carrier that is typed, or exactly of one a warehouse names."""
    manifest = manifest_of(cart)
    values = {key: request.form.get(key, "") for key in ("carrier", "given", "code")}
    try:
        carrier = _given(values["given"]) if values["given"] else values["carrier"].strip()
        carrier_codes.set_code(
            platform(), cart=cart, carrier=carrier, code=values["code"], as_given=bool(values["given"])
        )
    except FlowError as error:
        return _carriers_page(manifest, values, error), error.status
    flash(f"{display.carrier(carrier)} is now {values['code'].strip()} at {manifest.label}.", "success")
    return redirect(url_for(".carriers", cart=cart), 303)


def _given(text: str) -> str:
    refused = BadInput("Choose one of the carriers without a code, or type one.")
    try:
        carrier = json.loads(text)
        if not isinstance(carrier, str) or "\0" in carrier:
            raise refused
        carrier.encode()
    except (ValueError, RecursionError):
        raise refused from None
    return carrier


@blueprint.post("/plugins/<cart>/carriers/remove")
@access.require_role(Role.ADMIN)
def remove_carrier(cart: str) -> ResponseReturnValue:
    """Take back the code an admin set for a carrier."""
    manifest = manifest_of(cart)
    carrier_codes.remove_code(platform(), cart=cart, code_id=request.form.get("code_id", 0, type=int))
    flash(f"The plugin's own code is in force again at {manifest.label}, where it has one.", "success")
    return redirect(url_for(".carriers", cart=cart), 303)
