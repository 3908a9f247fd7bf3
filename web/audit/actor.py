"""Telling the audit log who a request comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from is2_core.audit import Actor, acting

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def init_app(app: Flask) -> None:
    """Have each request act as a stranger from its address, until `web.access.enter` knows who it is."""
    answer = app.wsgi_app

    def act(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with acting(Actor(address=environ.get("REMOTE_ADDR", ""))):
            return answer(environ, start_response)

    app.wsgi_app = act  # type: ignore[method-assign]  # the place Flask names for what stands around the application
