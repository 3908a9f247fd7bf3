"""Refusals: one frame, one plain message, and for `/api/` one JSON shape."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException

from is2_core.crypto import CannotOpen, UnknownKey
from is2_core.db.types import showing
from is2_core.errors import FlowError, trace_without_values

_log = logging.getLogger(__name__)

# What passes by itself within moments.
_TRY_AGAIN = (429, 503)
_RETRY_AFTER_S = 5

_CANNOT_OPEN = (
    "What is stored here is encrypted for another place or has been changed, so it cannot be shown or used. Nothing "
    "was changed; ask the platform's administrators."
)
_NO_KEY = "This server lacks a key that the data is encrypted with. Ask the platform's administrators."
_SENTENCES = {
    400: "The page you sent could not be read. Go back, reload it and try again.",
    401: "Sign in first.",
    403: "You are not allowed to do this.",
    404: "There is nothing at this address, or it is not yours to see.",
    405: "This address does not take that kind of request.",
    409: "Somebody else changed this meanwhile. Go back, reload the page and try again.",
    413: "That is too much at once. Send less.",
    503: "The database is busy. Nothing was changed; please try again in a moment.",
    500: "Something went wrong on our side. It has been written down; try again in a few minutes.",
}


def init_app(app: Flask) -> None:
    """Answer every kind of failure in the panel's own frame."""

    @app.errorhandler(CSRFError)
    def csrf(error: CSRFError) -> ResponseReturnValue:
        return answer(400, "This page was open for too long. Go back, reload it and send it again.")

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        own = error.description if error.description != type(error).description else None
        response = answer(status, own or _SENTENCES.get(status, error.name))
        if error.response is not None:
            return error.response
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(FlowError)
    def refused(error: FlowError) -> ResponseReturnValue:
        return answer(error.status, error.message)

    @app.errorhandler(OperationalError)
    def busy(error: OperationalError) -> ResponseReturnValue:
        _log.warning("%s %s: the database broke off (%s)", request.method, request.path, type(error.orig).__name__)
        return answer(503, _SENTENCES[503])

    @app.errorhandler(IntegrityError)
    def outrun(error: IntegrityError) -> ResponseReturnValue:
        # Somebody else stored the same, or took away what it refers to, between our look and our commit.
        _log.warning("%s %s: somebody was faster (%s)", request.method, request.path, type(error.orig).__name__)
        return answer(409, _SENTENCES[409])

    @app.errorhandler(CannotOpen)
    def closed(error: CannotOpen) -> ResponseReturnValue:
        _log.error("%s %s: %s", request.method, request.path, error)
        return answer(409, _CANNOT_OPEN)

    @app.errorhandler(UnknownKey)
    def keyless(error: UnknownKey) -> ResponseReturnValue:
        _log.error("%s %s: %s", request.method, request.path, error)
        return answer(503, _NO_KEY)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        # Where and which class, not the message: it may quote a buyer's data.
        _log.error("%s %s failed\n%s", request.method, request.path, trace_without_values(error))
        return answer(500, _SENTENCES[500])

    @app.before_request
    def show_what_opens() -> None:
        # What only shows something does so without what it lacks a key for; what changes something is refused.
        if request.method in ("GET", "HEAD"):
            g.shown = showing()
            g.unread = g.shown.__enter__()

    app.teardown_request(_end_showing)

    @app.after_request
    def say_what_is_missing(response: Response) -> Response:
        """Send a page with its gaps, which it names; anything else would be taken for whole."""
        unread = g.get("unread")
        if not unread:
            return response
        _log.error("%s %s: %s", request.method, request.path, unread[0])
        is_page = response.mimetype == "text/html" and response.status_code != 404
        return response if is_page else answer(503, _NO_KEY)

    app.jinja_env.globals["lacks_keys"] = lambda: bool(g.get("unread"))

    @app.after_request
    def say_when(response: Response) -> Response:
        if response.status_code in _TRY_AGAIN:
            response.headers.setdefault("Retry-After", str(_RETRY_AFTER_S))
        return response


def _end_showing(_error: BaseException | None) -> None:
    if (shown := g.pop("shown", None)) is not None:
        shown.__exit__(None, None, None)


def answer(status: int, message: str) -> Response:
    """A refusal in the panel's own frame, as JSON below `/api/`."""
    if request.path.startswith("/api/"):
        response = jsonify(error={"code": status, "message": message})
    else:
        response = Response(render_template("error.html", status=status, message=message), mimetype="text/html")
    response.status_code = status
    return response
