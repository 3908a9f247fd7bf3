"""Who is signed in, and for how long: a sign-in ends after 30 minutes without a page and after 12 hours in any case."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from flask import Flask, abort, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user

from is2_core.accounts.users import SignedIn, load_user
from is2_core.clock import Clock
from web.access import enter, platform, viewer
from web.kept_form import keep, keep_on, kept_for, page_of

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
# How old the noted time of the last page may be, so that not every answer carries a new cookie.
_NOTED_EVERY_S = 60

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class Person(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
    """A signed-in user as Flask-Login wants one; its id carries the session epoch."""

    def __init__(self, signed_in: SignedIn) -> None:
        self.signed_in = signed_in

    def get_id(self) -> str:
        return f"{self.signed_in.id}:{self.signed_in.session_epoch}"


def public(view: View) -> View:
    """Mark a page as open to anybody; every other page wants a sign-in."""
    view.is_public = True  # type: ignore[attr-defined]  # a mark on the function, read by require_sign_in
    return view


def init_app(app: Flask, clock: Clock) -> None:
    """Load the user at the beginning of each request and refuse strangers everywhere but on public pages."""
    app.extensions["is2_session_clock"] = clock
    manager = LoginManager(app)
    # Its fingerprint of address and browser signs people out who change networks; the epoch and the two limits stay.
    manager.session_protection = None

    @manager.user_loader  # type: ignore[untyped-decorator]  # Flask-Login ships no types
    def load(text: str) -> Person | None:
        user_id, _, epoch = text.partition(":")
        if not (user_id.isdigit() and epoch.isdigit()) or _is_over():
            return None
        signed_in = load_user(platform(), int(user_id), int(epoch))
        return Person(signed_in) if signed_in else None

    @app.before_request
    def require_sign_in() -> ResponseReturnValue | None:
        view = app.view_functions.get(request.endpoint or "")
        if view is None or request.endpoint in ("static", "health.healthz", "health.readyz"):
            return None
        # Loaded here, before any page opens a unit of work of its own: those do not nest.
        if current_user.is_authenticated:
            _note_seen()
            enter(current_user.signed_in)
            return None
        if getattr(view, "is_public", False):
            return None
        if request.path.startswith("/api/"):
            abort(401)
        if request.method != "GET":
            flash("Your sign-in has ended. Sign in and do it again; nothing was changed.", "warning")
            page = page_of(request.path)
            keep(page)
            return redirect(url_for("auth.sign_in", next=page), 303)
        return redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")))


def begin_session(signed_in: SignedIn) -> None:
    """A new session for a user who has just proved who they are; nothing of the old one is kept but what
    they had typed into a form."""
    typed = kept_for(signed_in.id)
    session.clear()
    keep_on(typed)
    now = int(_clock().now().timestamp())
    session["began"] = session["seen"] = now
    login_user(Person(signed_in))
    enter(signed_in)


def go_on(signed_in: SignedIn) -> None:
    """Go on with the session of a user whose other sessions have just been ended; its limits stay."""
    login_user(Person(signed_in))
    enter(signed_in)


def browser() -> str:
    """A random name of this browser's session, which a trip to a cart's consent page is bound to."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(24)
    return str(session["browser"])


def is_signed_in() -> bool:
    """Whether somebody is signed in."""
    return viewer() is not None


def _clock() -> Clock:
    clock: Clock = current_app.extensions["is2_session_clock"]
    return clock


def _is_over() -> bool:
    now = _clock().now().timestamp()
    began, seen = session.get("began", 0), session.get("seen", 0)
    return bool(now - began > ABSOLUTE.total_seconds() or now - seen > IDLE.total_seconds())


def _note_seen() -> None:
    now = int(_clock().now().timestamp())
    # What lies in the future was noted before the clock was put back, and has just happened.
    if session.get("began", 0) > now + _NOTED_EVERY_S:
        session["began"] = now
    if abs(now - session.get("seen", 0)) >= _NOTED_EVERY_S:
        session["seen"] = now
