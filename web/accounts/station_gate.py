"""Which pages a packing station reaches, and as whom: the one place that says so.

A station is a browser that stands where anybody passes. It reaches packing and nothing else, as the person who typed
the PIN, who is a packer there whatever they are elsewhere; whatever is not named here is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ImmutableMultiDict

from is2_core.accounts.sessions import pins
from is2_core.accounts.sessions.rows import Live
from is2_core.accounts.states import Role
from is2_core.accounts.users import SignedIn
from is2_core.audit import Actor, become
from is2_core.errors import FlowError
from web.access import enter, platform

PACKING: Final = frozenset(
    {
        "auth.home",
        "warehouse.orders",
        "warehouse.order",
        "warehouse.ship",
        "warehouse.correct",
        "warehouse.void",
        "warehouse.stop",
        "warehouse.start",
        "warehouse.hold",
        "warehouse.release",
        "customizations.of_warehouse",
    }
)
# By whoever stands there, before a PIN as well.
AT_THE_DOOR: Final = frozenset({"station.show", "station.identify", "station.leave", "station.end"})
_PERSON, _PIN = "station_person", "station_pin"
_log = logging.getLogger(__name__)


def refuse_or_enter(station: Live, now: datetime) -> ResponseReturnValue | None:
    """Let a request from a packing station go on as the person at it, ask for a PIN, or refuse it (403).

    What was typed goes on after the PIN: it waits in the page that asks for it.
    """
    g.station = station.station
    # Whoever signed the station in, until somebody has typed a PIN.
    owner = station.signed_in
    become(Actor(owner.id, owner.email, owner.role, request.remote_addr or ""))
    if request.endpoint not in PACKING | AT_THE_DOOR:
        _log.warning("a packing station of user %s was refused %s", owner.id, request.endpoint)
        abort(403, "This browser is a packing station: it shows orders to pack and nothing else.")
    if request.endpoint in AT_THE_DOOR:
        return None
    if station.person is not None:
        _enter(station.person)
        return None
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("station.show", next=request.full_path.rstrip("?")))
    return _take_pin(station, now)


def _take_pin(station: Live, now: datetime) -> ResponseReturnValue | None:
    typed = request.form.get(_PIN)
    who = request.form.get(_PERSON, 0, type=int)
    kept = [each for each in request.form.items(multi=True) if each[0] not in (_PIN, _PERSON)]
    request.form = ImmutableMultiDict(kept)
    if typed is None:
        return ask(action=request.full_path.rstrip("?"), kept=kept), 403
    try:
        person = pins.identify(platform(), station, person_id=who, pin=typed, now=now)
    except FlowError as error:
        return ask(action=request.full_path.rstrip("?"), kept=kept, error=error.message, chosen=who), error.status
    _enter(person)
    return None


def ask(
    *, action: str, kept: Iterable[tuple[str, str]] = (), error: str = "", chosen: int = 0, target: str = ""
) -> str:
    """Draw the page that asks for a PIN.

    Args:
        action: where the form leads.
        kept: what was typed before, which goes on after the PIN.
        chosen: the person to begin with.
        target: the page to open afterwards.
    """
    return render_template(
        "auth/station_pin.html",
        action=action,
        kept=[each for each in kept if each[0] != "csrf_token"],
        error=error,
        chosen=chosen,
        target=target,
        people=pins.people_with_pin(platform()),
    )


def _enter(person: SignedIn) -> None:
    enter(replace(person, role=Role.WAREHOUSE, accounts=()))
