"""Is the panel alive, and is the installation ready to do its work?"""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from is2_core.admin.platform_status import what_is_not_ready
from web.access import platform
from web.sessions import public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """200 as long as this process answers; asks nobody, so that an outage elsewhere has no panel restarted."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """200 where database, Redis and background work are well; else 503 and what is wrong."""
    problems = what_is_not_ready(platform())
    if problems:
        return jsonify(status="not ready", problems=problems), 503
    return jsonify(status="ready")
