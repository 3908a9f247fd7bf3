"""The platform's page: heartbeat, workers, queue and database, for who keeps them running."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from is2_core.accounts.states import Role
from is2_core.admin.platform_status import ago, platform_status
from is2_core.integrations.secret_ages import secret_ages
from web import access
from web.access import platform

blueprint = Blueprint("platform_status", __name__, template_folder="templates", url_prefix="/admin/platform")


@blueprint.get("")
@access.require_role(Role.ADMIN)
def show() -> ResponseReturnValue:
    """Show whether the platform itself is well, and where to look if it is not."""
    status, secrets = platform_status(platform()), secret_ages(platform())
    return render_template("admin/platform.html", status=status, secrets=secrets, ago=ago)
