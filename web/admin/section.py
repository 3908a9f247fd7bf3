"""The administrators' section of the panel."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.states import Role
from web import access

blueprint = Blueprint("admin", __name__, template_folder="templates", url_prefix="/admin")


@blueprint.get("")
@access.require_role(Role.ADMIN)
def home() -> ResponseReturnValue:
    """The first admin page."""
    return redirect(url_for(".plugins"))
