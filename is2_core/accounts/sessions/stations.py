"""Packing stations: a browser that somebody signs in for a shift, and at which people change by PIN."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.accounts.models import BrowserSession
from is2_core.accounts.sessions.rows import Live, hashed, new_token
from is2_core.accounts.states import WORKS_IN_WAREHOUSE
from is2_core.audit import Act, record
from is2_core.errors import BadInput, Conflict, Forbidden
from is2_core.platform import Platform
from is2_core.text_limits import NAME


def begin_station(platform: Platform, live: Live, *, name: str) -> str:
    """Make a session a packing station until its twelve hours are over; returns its new id.

    Raises:
        Forbidden: who is signed in does not work in the warehouse.
        BadInput: the station has no name.
        Conflict: the session has ended meanwhile, or is a station already.
    """
    if live.signed_in.role not in WORKS_IN_WAREHOUSE:
        raise Forbidden("A packing station is signed in by somebody who works in the warehouse.")
    name = NAME.checked(name, "name")
    if not name:
        raise BadInput("Give the station a name, such as Bay 3.", field="name")
    token = new_token()
    with platform.db.write() as session:
        row = session.get(BrowserSession, live.id, with_for_update=True)
        if row is None or row.station:
            raise Conflict("This browser's session has ended, or is a packing station already.")
        row.station, row.token_hash = name, hashed(token)
        record(session, Act.STATION_BEGUN, subject=f"user {live.signed_in.id}", after={"station": name})
    return token


def leave(platform: Platform, station: Live) -> None:
    """Have nobody work at a station any more, until a PIN is typed."""
    with platform.db.write() as session:
        one = sa.update(BrowserSession).where(BrowserSession.id == station.id)
        session.execute(one.values(person_id=None, person_epoch=None))
