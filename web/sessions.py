"""Who is signed in: each request looks up the session that its cookie names, see `is2_core.accounts.sessions.rows`."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flask import Flask, abort, current_app, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user

from is2_core.accounts.sessions import rows, stations
from is2_core.accounts.sessions.browsers import short_name
from is2_core.accounts.sessions.rows import Live
from is2_core.accounts.users import SignedIn
from is2_core.clock import Clock
from web.access import enter, platform, viewer
from web.accounts import station_gate
from web.kept_form import keep, keep_on, kept_for, page_of

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class Person(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
    """A signed-in user as Flask-Login wants one; its id carries the session's."""

    def __init__(self, user_id: int, token: str) -> None:
        self.user_id, self.token = user_id, token

    def get_id(self) -> str:
        return f"{self.user_id}:{self.token}"


def public(view: View) -> View:
    """Mark a page as open to anybody; every other page wants a sign-in."""
    view.is_public = True  # type: ignore[attr-defined]  # a mark on the function, read by require_sign_in
    return view


def init_app(app: Flask, clock: Clock) -> None:
    """Load the user at the beginning of each request and refuse strangers everywhere but on public pages."""
    app.extensions["is2_session_clock"] = clock
    manager = LoginManager(app)
    # Its fingerprint of address and browser signs people out who change networks; the session's row and its two limits
    # stay.
    manager.session_protection = None

    @manager.user_loader  # type: ignore[untyped-decorator]  # Flask-Login ships no types
    def load(text: str) -> Person | None:
        user_id, _, token = text.partition(":")
        live = rows.find(platform(), token, session_now())
        if live is None or str(live.signed_in.id) != user_id:
            return None
        g.live_session = live
        return Person(live.signed_in.id, token)

    @app.before_request
    def require_sign_in() -> ResponseReturnValue | None:
        view = app.view_functions.get(request.endpoint or "")
        if view is None or request.endpoint in ("static", "health.healthz", "health.readyz"):
            return None
        # Loaded here, before any page opens a unit of work of its own: those do not nest.
        if current_user.is_authenticated:
            rows.note_seen(platform(), live_session(), session_now())
            if live_session().station:
                return station_gate.refuse_or_enter(live_session(), session_now())
            enter(live_session().signed_in)
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
    end_session()
    keep_on(typed)
    caller = {"address": request.remote_addr or "", "browser": short_name(request.headers.get("User-Agent", ""))}
    _enter(signed_in, rows.begin(platform(), signed_in, now=session_now(), **caller))


def go_on(signed_in: SignedIn) -> None:
    """Go on, under a new id, with the session of a user whose other sessions have just been ended; its limits stay."""
    _enter(signed_in, rows.renew(platform(), current_user.token, signed_in.session_epoch))


def become_station(name: str) -> None:
    """Make this browser's session a packing station, under a new id."""
    live = live_session()
    token = stations.begin_station(platform(), live, name=name)
    session.clear()
    login_user(Person(live.signed_in.id, token))


def end_session() -> None:
    """End this browser's session, if it has one: its cookie, copied ones as well, is worth nothing afterwards."""
    if current_user.is_authenticated:
        rows.sign_out(platform(), live_session().id)
    session.clear()


def live_session() -> Live:
    """The session of whoever is signed in."""
    live: Live = g.live_session
    return live


def _enter(signed_in: SignedIn, token: str) -> None:
    login_user(Person(signed_in.id, token))
    enter(signed_in)


def browser() -> str:
    """A random name of this browser's session, which a trip to a cart's consent page is bound to."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(24)
    return str(session["browser"])


def is_signed_in() -> bool:
    """Whether somebody is signed in."""
    return viewer() is not None


def session_now() -> datetime:
    """The present on the clock that sign-ins age by."""
    clock: Clock = current_app.extensions["is2_session_clock"]
    return clock.now()
