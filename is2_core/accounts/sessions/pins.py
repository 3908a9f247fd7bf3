"""PINs, by which people change on a packing station.

A PIN is short, so what it opens is little (a station that somebody signed in for this shift) and it is hard to guess
there: three tries in vain are free, and after each further one the next is taken later, up to an hour. That is counted
for each person and whoever signed the station in: a stranger has no station, a colleague who guesses at the own one
locks nobody out elsewhere, and signing it in anew wins nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts import passwords
from is2_core.accounts.models import BrowserSession, PinTries, User
from is2_core.accounts.people import to_change
from is2_core.accounts.sessions.rows import Live
from is2_core.accounts.states import WORKS_IN_WAREHOUSE
from is2_core.accounts.users import SignedIn, signed_in
from is2_core.audit import Act, record
from is2_core.errors import BadInput, Conflict, FlowError, Forbidden
from is2_core.platform import Platform

SHORTEST: Final = 4
LONGEST: Final = 8
FREE_TRIES: Final = 3
_FIRST_WAIT: Final = timedelta(seconds=30)
_LONGEST_WAIT: Final = timedelta(hours=1)
_WRONG: Final = "This is not the PIN of this person."
_log = logging.getLogger(__name__)


class TooSoon(FlowError):
    """Too many PINs were wrong lately."""

    status = 429


def set_pin(platform: Platform, *, user_id: int, pin: str) -> None:
    """Give the person who is signed in another PIN.

    Raises:
        BadInput: it is none, or one that everybody tries first.
        PasswordsBusy: a password is being checked.
        Forbidden: they do not work in the warehouse.
    """
    if not (SHORTEST <= len(pin) <= LONGEST and pin.isascii() and pin.isdigit()):
        raise BadInput(f"A PIN has {SHORTEST} to {LONGEST} digits.", field="pin")
    if _is_simple(pin):
        raise BadInput("This PIN is one that everybody tries first. Choose another.", field="pin")
    pin_hash = passwords.hash_pin(pin)
    with platform.db.write() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if user.disabled or user.role not in WORKS_IN_WAREHOUSE:
            raise Forbidden("PINs are for people who work in the warehouse.")
        user.pin_hash = pin_hash
        record(session, Act.PIN_SET, subject=f"user {user_id}")


def reset_pin(platform: Platform, *, user_id: int, by: int | None) -> None:
    """Take a person's PIN away: they leave every station at once, and set another under their own name.

    Raises:
        NotFound, Forbidden: there is no such user, or `by` is no administrator any more.
    """
    with platform.db.write() as session:
        to_change(session, user_id, by, stays_admin=True).pin_hash = None
        session.execute(sa.delete(PinTries).where(PinTries.user_id == user_id))
        record(session, Act.PIN_RESET, subject=f"user {user_id}")


def has_pin(platform: Platform, user_id: int) -> bool:
    """Whether a person has a PIN."""
    with platform.db.read() as session:
        return session.scalar(sa.select(User.pin_hash).where(User.id == user_id)) is not None


def people_with_pin(platform: Platform) -> dict[int, str]:
    """Who can work at a station: User.id -> name, by name."""
    can = (User.pin_hash.is_not(None), User.disabled.is_(False), User.role.in_(WORKS_IN_WAREHOUSE))
    with platform.db.read() as session:
        rows = session.execute(sa.select(User.id, User.name).where(*can).order_by(User.name)).all()
    return {row.id: row.name for row in rows}


def identify(platform: Platform, station: Live, *, person_id: int, pin: str, now: datetime) -> SignedIn:
    """Have a person work at a station, whose acts are theirs from now on; returns them.

    Args:
        now: on the clock that sign-ins age by.

    Raises:
        BadInput: the PIN is not theirs, or they have none; the try is counted.
        TooSoon: too many were tried in vain; this one was not looked at.
        Conflict: the station has ended meanwhile.
    """
    with platform.db.write() as session:
        person = session.get(User, person_id)
        may = person is not None and not person.disabled and person.role in WORKS_IN_WAREHOUSE
        stored = person.pin_hash if person is not None and may else None
        if stored is not None:
            # Counted before it is looked at: of several that come at the same moment, each counts.
            _count(platform, session, person_id, station.signed_in.id)
    # Whoever typed more than a PIN has not typed theirs.
    fits = stored is not None and len(pin) <= LONGEST and passwords.check(stored, pin).fits
    with platform.db.write() as session:
        person = session.get(User, person_id, with_for_update=True)
        if fits and person is not None and not person.disabled and person.pin_hash == stored:
            session.execute(sa.delete(PinTries).where(*_tries(person_id, station.signed_in.id)))
            row = session.get(BrowserSession, station.id, with_for_update=True)
            if row is None:
                raise Conflict("This station was ended. Sign it in again.")
            row.person_id, row.person_epoch, row.seen_at = person_id, person.session_epoch, now
            record(session, Act.STATION_PERSON, subject=f"user {person_id}", after={"station": station.station})
            return signed_in(session, person)
        record(session, Act.PIN_REFUSED, subject=f"user {person_id}")
    _log.warning("a PIN of user %s was refused at a station of user %s", person_id, station.signed_in.id)
    raise BadInput(_WRONG, field="pin")


def _count(platform: Platform, session: Session, person_id: int, station_user_id: int) -> None:
    key = {"user_id": person_id, "station_user_id": station_user_id}
    platform.db.upsert(session, PinTries, [{**key, "failures": 0}], key=list(key))
    tries = session.scalars(sa.select(PinTries).where(*_tries(person_id, station_user_id)).with_for_update()).one()
    now = platform.clock.now()
    if tries.next_try_at is not None and tries.next_try_at > now:
        seconds = ceil((tries.next_try_at - now).total_seconds())
        raise TooSoon(f"Too many PINs were wrong here. The next one is taken in {seconds} seconds.", field="pin")
    tries.failures += 1
    if tries.failures >= FREE_TRIES:
        tries.next_try_at, tries.set_at = now + wait_after(tries.failures), now


def wait_after(failures: int) -> timedelta:
    """Return how long nobody's PIN is looked at after so many wrong ones in a row."""
    doubled = min(failures - FREE_TRIES, 20)
    return min(_FIRST_WAIT * (1 << doubled), _LONGEST_WAIT)


def _tries(person_id: int, station_user_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return PinTries.user_id == person_id, PinTries.station_user_id == station_user_id


def _is_simple(pin: str) -> bool:
    steps = {int(after) - int(before) for before, after in pairwise(pin)}
    return steps in ({0}, {1}, {-1})
