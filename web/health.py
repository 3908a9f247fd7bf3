"""Is the panel alive, and does its database answer?"""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from web.scope import platform
from web.sessions import public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """200 where the database answers, 503 where it does not; says nothing else."""
    try:
        with platform().db.read() as db:
            db.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return jsonify(status="no database"), 503
    return jsonify(status="ok")
