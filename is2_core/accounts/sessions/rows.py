"""Beginning, finding and ending the sessions of signed-in browsers.

A session is over as soon as its row is gone, the user is disabled or their `session_epoch` has risen (another password
or role), without a page for `IDLE` unless it is a packing station, and after `ABSOLUTE` in any case. Nothing of that is
up to the cookie, which holds nothing but a random id.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import BrowserSession, User
from is2_core.accounts.users import SignedIn, signed_in
from is2_core.audit import Act, record
from is2_core.db.changes import rows_changed
from is2_core.errors import NotFound
from is2_core.platform import Platform

IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
# How old the noted time of the last page may be, so that not every page writes.
NOTED_EVERY: Final = timedelta(minutes=1)
# How long nobody need have done anything at a packing station for the PIN to be asked again.
PIN_IDLE: Final = timedelta(minutes=5)
_ID_BYTES: Final = 32
# A browser may call itself anything.
_LONGEST_ADDRESS: Final = 64


@dataclass(frozen=True)
class Live:
    """A session that goes on, and whose it is.

    Args:
        station: the name of a packing station, which `signed_in` signed in for the shift; "" for any other browser.
        person: who typed the PIN there and has not been away since.
    """

    id: int
    signed_in: SignedIn
    began_at: datetime
    seen_at: datetime
    proved_at: datetime
    station: str = ""
    person: SignedIn | None = None


@dataclass(frozen=True)
class Listed:
    """A session as the person it belongs to and administrators see it."""

    id: int
    began_at: datetime
    seen_at: datetime
    address: str
    browser: str
    station: str


def begin(platform: Platform, person: SignedIn, *, now: datetime, address: str, browser: str) -> str:
    """Store a session of somebody who has just proved who they are; returns the id for the cookie.

    Args:
        address: where the browser calls from.
        browser: which one it is, see `browsers.short_name`.
    """
    token = new_token()
    with platform.db.write() as session:
        session.add(
            BrowserSession(
                token_hash=hashed(token),
                user_id=person.id,
                epoch=person.session_epoch,
                began_at=now,
                seen_at=now,
                proved_at=now,
                address=address[:_LONGEST_ADDRESS],
                browser=browser,
            )
        )
    return token


def find(platform: Platform, token: str, now: datetime) -> Live | None:
    """Return the session of a cookie, None where it is over."""
    with platform.db.read() as session:
        found = session.execute(
            sa.select(BrowserSession, User)
            .join(User, User.id == BrowserSession.user_id)
            .where(BrowserSession.token_hash == hashed(token), *_going_on(now))
        ).one_or_none()
        if found is None:
            return None
        row, user = found
        person = _at_station(session, row, now)
        return Live(row.id, signed_in(session, user), row.began_at, row.seen_at, row.proved_at, row.station, person)


def _at_station(session: Session, row: BrowserSession, now: datetime) -> SignedIn | None:
    """Whoever typed the PIN last, unless they have been away since or may not pack any more."""
    if row.person_id is None or now - row.seen_at > PIN_IDLE:
        return None
    person = session.get_one(User, row.person_id)
    is_same = person.session_epoch == row.person_epoch and person.pin_hash is not None
    return signed_in(session, person) if is_same and not person.disabled else None


def note_seen(platform: Platform, live: Live, now: datetime) -> None:
    """Note that a page was asked for just now, if that was last noted some time ago."""
    # What lies in the future was noted before the clock was put back, and has just happened.
    if abs(now - live.seen_at) < NOTED_EVERY and live.began_at <= now + NOTED_EVERY:
        return
    changed: dict[str, Any] = {
        "seen_at": now,
        "began_at": min(live.began_at, now),
        "proved_at": min(live.proved_at, now),
    }
    if live.person is None:
        # Whoever was away too long would be back by this page otherwise, without a PIN.
        changed |= {"person_id": None, "person_epoch": None}
    with platform.db.write() as session:
        session.execute(sa.update(BrowserSession).where(BrowserSession.id == live.id).values(**changed))


def renew(platform: Platform, token: str, epoch: int) -> str:
    """Give a session another id and let it outlive the user's other ones, which a new epoch has just ended; returns the
    id. Its limits stay."""
    fresh = new_token()
    changed = {"token_hash": hashed(fresh), "epoch": epoch}
    with platform.db.write() as session:
        session.execute(sa.update(BrowserSession).where(BrowserSession.token_hash == hashed(token)).values(**changed))
    return fresh


def sessions_of(platform: Platform, user_id: int, now: datetime) -> Sequence[Listed]:
    """Return the sessions of a user that go on, the newest first."""
    query = (
        sa.select(BrowserSession)
        .join(User, User.id == BrowserSession.user_id)
        .where(BrowserSession.user_id == user_id, *_going_on(now))
        .order_by(BrowserSession.began_at.desc(), BrowserSession.id.desc())
    )
    with platform.db.read() as session:
        return [
            Listed(row.id, row.began_at, row.seen_at, row.address, row.browser, row.station)
            for row in session.scalars(query)
        ]


def end(platform: Platform, *, user_id: int, session_id: int) -> None:
    """End one session of a user, wherever it is.

    Raises:
        NotFound: there is no such session, or it is another user's.
    """
    one = (BrowserSession.id == session_id, BrowserSession.user_id == user_id)
    with platform.db.write() as session:
        if not rows_changed(session, sa.delete(BrowserSession).where(*one)):
            raise NotFound("There is no such session any more.")


def sign_out(platform: Platform, session_id: int) -> None:
    """End the session of the browser that asks for it; it may have been ended elsewhere a moment ago."""
    with platform.db.write() as session:
        session.execute(sa.delete(BrowserSession).where(BrowserSession.id == session_id))
        record(session, Act.SIGNED_OUT)


def end_others(platform: Platform, *, user_id: int, session_id: int) -> int:
    """End all sessions of a user but one; returns how many."""
    others = (BrowserSession.user_id == user_id, BrowserSession.id != session_id)
    with platform.db.write() as session:
        return rows_changed(session, sa.delete(BrowserSession).where(*others))


def forget_ended(session: Session, now: datetime) -> None:
    """Delete what is over, but for rows that somebody has locked.

    Args:
        now: real time.
    """
    over = sa.or_(
        BrowserSession.began_at < now - ABSOLUTE,
        sa.and_(BrowserSession.seen_at < now - IDLE, BrowserSession.station == ""),
        BrowserSession.user_id.in_(sa.select(User.id).where(User.disabled)),
    )
    free = sa.select(BrowserSession.id).where(over).order_by(BrowserSession.id).with_for_update(skip_locked=True)
    session.execute(sa.delete(BrowserSession).where(BrowserSession.id.in_(session.scalars(free).all())))


def _going_on(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        BrowserSession.began_at >= now - ABSOLUTE,
        sa.or_(BrowserSession.seen_at >= now - IDLE, BrowserSession.station != ""),
        BrowserSession.epoch == User.session_epoch,
        User.disabled.is_(False),
    )


def new_token() -> str:
    """Make up the id for a cookie."""
    return secrets.token_urlsafe(_ID_BYTES)


def hashed(token: str) -> str:
    """Return what is stored of the id in a cookie."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()
