"""Sensitive acts want a person who has proved lately who they are: a browser left alone, or a cookie that was stolen,
is not enough.

Whoever has not is asked for the password in between, and for a code where they have a second factor. What was typed
waits in that very page, not in the cookie, so that it may be long and secret; nothing is done with it before the proof.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ImmutableMultiDict

from is2_core.accounts.sessions import proof
from is2_core.accounts.signing_in.second_factor import second_factor
from is2_core.errors import FlowError
from web.access import platform
from web.accounts.visitor import visitor
from web.kept_form import page_of
from web.sessions import live_session, session_now

Asked = ParamSpec("Asked")
_PASSWORD, _CODE = "proof_password", "proof_code"


def fresh(view: Callable[Asked, ResponseReturnValue]) -> Callable[Asked, ResponseReturnValue]:
    """Have whoever sends the form of this view prove who they are, unless they did so lately. Looking needs none."""

    @wraps(view)
    def guarded(*args: Asked.args, **kwargs: Asked.kwargs) -> ResponseReturnValue:
        if request.method in ("GET", "HEAD"):
            return view(*args, **kwargs)
        typed, code = request.form.get(_PASSWORD), request.form.get(_CODE, "")
        rest = (each for each in request.form.items(multi=True) if each[0] not in (_PASSWORD, _CODE))
        request.form = ImmutableMultiDict(rest)
        if not proof.is_proved(live_session(), session_now()):
            if typed is None:
                return _ask(), 403
            try:
                given = proof.Given(typed, code)
                proof.prove(platform(), live_session(), given, now=session_now(), visitor=visitor())
            except FlowError as error:
                return _ask(error.message), error.status
        return view(*args, **kwargs)

    return guarded


def _ask(error: str = "") -> str:
    kept = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    return render_template(
        "auth/proof.html",
        kept=kept,
        error=error,
        action=request.full_path.rstrip("?"),
        back=page_of(request.path),
        wants_code=second_factor(platform(), live_session().signed_in.id).since is not None,
    )
