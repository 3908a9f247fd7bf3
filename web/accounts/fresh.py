"""Sensitive acts want a person who has proved lately who they are: a browser left alone, or a cookie that was stolen,
is not enough.

Whoever has not is asked for the password in between. What was typed waits in that very page, not in the cookie, so that
it may be long and secret; nothing is done with it before the password was right.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ImmutableMultiDict

from is2_core.accounts.sessions import proof
from is2_core.errors import FlowError
from web.access import platform
from web.accounts.visitor import visitor
from web.kept_form import page_of
from web.sessions import live_session, session_now

Asked = ParamSpec("Asked")
_PASSWORD = "proof_password"


def fresh(view: Callable[Asked, ResponseReturnValue]) -> Callable[Asked, ResponseReturnValue]:
    """Have whoever sends the form of this view prove who they are, unless they did so lately. Looking needs none."""

    @wraps(view)
    def guarded(*args: Asked.args, **kwargs: Asked.kwargs) -> ResponseReturnValue:
        if request.method in ("GET", "HEAD"):
            return view(*args, **kwargs)
        typed = request.form.get(_PASSWORD)
        request.form = ImmutableMultiDict(each for each in request.form.items(multi=True) if each[0] != _PASSWORD)
        if not proof.is_proved(live_session(), session_now()):
            if typed is None:
                return _ask(), 403
            try:
                proof.prove(platform(), live_session(), password=typed, now=session_now(), visitor=visitor())
            except FlowError as error:
                return _ask(error.message), error.status
        return view(*args, **kwargs)

    return guarded


def _ask(error: str = "") -> str:
    kept = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    back = page_of(request.path)
    return render_template("auth/proof.html", kept=kept, error=error, action=request.full_path.rstrip("?"), back=back)
