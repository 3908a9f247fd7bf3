"""Where a person is signed in, and ending it; administrators do the same for others."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.people import person
from is2_core.accounts.sessions import rows
from is2_core.accounts.states import Role
from web import access
from web.access import platform
from web.sessions import live_session, session_now

blueprint = Blueprint("sessions", __name__, template_folder="templates")


@blueprint.get("/sessions")
def show() -> ResponseReturnValue:
    """The browsers in which the person is signed in."""
    found = rows.sessions_of(platform(), access.user().id, session_now())
    return render_template("auth/sessions.html", sessions=found, own=live_session().id, person=None)


@blueprint.post("/sessions/end")
def end() -> ResponseReturnValue:
    """End one of the own sessions."""
    rows.end(platform(), user_id=access.user().id, session_id=request.form.get("session_id", 0, type=int))
    flash("The session was ended: that browser is signed out.", "success")
    return redirect(url_for(".show"), 303)


@blueprint.post("/sessions/end-others")
def end_others() -> ResponseReturnValue:
    """End all of the own sessions but this one."""
    count = rows.end_others(platform(), user_id=access.user().id, session_id=live_session().id)
    flash(f"{count} other session{'s were' if count != 1 else ' was'} ended.", "success")
    return redirect(url_for(".show"), 303)


@blueprint.get("/admin/people/<int:user_id>/sessions")
@access.require_role(Role.ADMIN)
def of_person(user_id: int) -> ResponseReturnValue:
    """The browsers in which another person is signed in."""
    found = rows.sessions_of(platform(), user_id, session_now())
    whose = person(platform(), user_id)
    return render_template("auth/sessions.html", sessions=found, own=live_session().id, person=whose)


@blueprint.post("/admin/people/<int:user_id>/sessions/end")
@access.require_role(Role.ADMIN)
def end_of_person(user_id: int) -> ResponseReturnValue:
    """End one session of another person."""
    rows.end(platform(), user_id=user_id, session_id=request.form.get("session_id", 0, type=int))
    flash("The session was ended: that browser is signed out.", "success")
    return redirect(url_for(".of_person", user_id=user_id), 303)
