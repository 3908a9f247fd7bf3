"""The way to a person: reachable from every page and every order."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from web.auth import local_path
from web.sessions import public

blueprint = Blueprint("help", __name__)


@blueprint.get("/help")
@public
def show() -> ResponseReturnValue:
    """How to ask for help, naming the page the reader came from."""
    came_from = local_path(request.args.get("from"))
    return render_template("help.html", came_from=came_from)
