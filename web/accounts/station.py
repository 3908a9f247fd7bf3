"""The packing station: signing it in, changing people on it, ending it; and everybody's own PIN."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.people import person
from is2_core.accounts.sessions import pins, stations
from is2_core.accounts.states import WORKS_IN_WAREHOUSE, Role
from is2_core.errors import FlowError
from web import access
from web.access import platform
from web.accounts.auth import local_path
from web.accounts.fresh import fresh
from web.accounts.station_gate import ask
from web.actions import run_action
from web.sessions import become_station, end_session, live_session, session_now

blueprint = Blueprint("station", __name__, template_folder="templates")


@blueprint.get("/station")
def show() -> ResponseReturnValue:
    """At a station, ask who is there; elsewhere, how a browser becomes one."""
    if g.get("station"):
        return ask(action=url_for(".identify"), target=local_path(request.args.get("next")) or "")
    return _own_page()


@access.require_role(*WORKS_IN_WAREHOUSE)
def _own_page(error: FlowError | None = None) -> str:
    return render_template("auth/station.html", error=error, has_pin=pins.has_pin(platform(), access.user().id))


@blueprint.post("/station/pin")
@access.require_role(*WORKS_IN_WAREHOUSE)
@fresh
def set_pin() -> ResponseReturnValue:
    """Set the own PIN."""
    return run_action(
        lambda: pins.set_pin(platform(), user_id=access.user().id, pin=request.form.get("pin", "")),
        done="Your PIN was set.",
        to=url_for(".show"),
        draw=_own_page,
    )


@blueprint.post("/station/begin")
@access.require_role(*WORKS_IN_WAREHOUSE)
@fresh
def begin() -> ResponseReturnValue:
    """Make this browser a packing station."""
    return run_action(
        lambda: become_station(request.form.get("name", "")),
        done="This browser is a packing station now. Whoever packs types a PIN.",
        to=url_for(".show"),
        draw=_own_page,
    )


@blueprint.post("/station/person")
def identify() -> ResponseReturnValue:
    """Work at this station from now on."""
    _require_station()
    who = request.form.get("station_person", 0, type=int)
    target = local_path(request.form.get("next")) or ""
    pin = request.form.get("station_pin", "")
    return run_action(
        lambda: pins.identify(platform(), live_session(), person_id=who, pin=pin, now=session_now()),
        done=lambda found: f"{found.name} packs here now.",
        to=target or url_for("warehouse.orders"),
        draw=lambda error: ask(action=url_for(".identify"), error=error.message, chosen=who, target=target),
    )


@blueprint.post("/station/leave")
def leave() -> ResponseReturnValue:
    """Have nobody work at this station, until a PIN is typed."""
    _require_station()
    stations.leave(platform(), live_session())
    return redirect(url_for(".show"), 303)


@blueprint.post("/station/end")
def end() -> ResponseReturnValue:
    """Make this browser one like any other, in which nobody is signed in."""
    _require_station()
    end_session()
    flash("The packing station was ended.", "success")
    return redirect(url_for("auth.sign_in"), 303)


@blueprint.post("/admin/people/<int:user_id>/pin/reset")
@access.require_role(Role.ADMIN)
@fresh
def reset_pin(user_id: int) -> ResponseReturnValue:
    """Take a person's PIN away."""
    whose = person(platform(), user_id)
    pins.reset_pin(platform(), user_id=user_id, by=access.user().id)
    flash(f"The PIN of {whose.email} was taken away.", "success")
    return redirect(url_for("people.show", user_id=user_id), 303)


def _require_station() -> None:
    if not g.get("station"):
        abort(404)
