"""Proving again, in a session that goes on, who sits in front of it: what is sensitive wants it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from is2_core.accounts import passwords
from is2_core.accounts.models import BrowserSession, User
from is2_core.accounts.sessions.rows import Live
from is2_core.accounts.signing_in.lockout import Visitor, may_go_on
from is2_core.accounts.signing_in.second_factor import Now, may_take
from is2_core.audit import Act, record
from is2_core.errors import BadInput
from is2_core.platform import Platform

GOOD_FOR: Final = timedelta(minutes=10)


def is_proved(live: Live, now: datetime) -> bool:
    """Whether the person of a session has proved lately who they are, at the sign-in or since."""
    return abs(now - live.proved_at) <= GOOD_FOR


@dataclass(frozen=True)
class Given:
    """A proof somebody gives: the password, and a code where they have a second factor."""

    password: str = field(repr=False)
    code: str = field(repr=False)


def prove(platform: Platform, live: Live, given: Given, *, now: datetime, visitor: Visitor) -> None:
    """Take the password of the person of a session, and a code where they have a second factor; which proves for
    `GOOD_FOR` that it is they.

    Args:
        now: on the clock that sign-ins age by.

    Raises:
        BadInput: it is another, or signing in is locked; a wrong one counts as one at sign-in.
        PasswordsBusy: another password is being checked.
    """
    user_id = live.signed_in.id
    with platform.db.read() as session:
        stored = session.get_one(User, user_id).password_hash
    fits = passwords.check(stored, given.password).fits
    with platform.db.write() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        present = platform.clock.now()
        is_right = may_go_on(session, present, user, fits, visitor)
        if is_right and user.totp_secret is not None:
            is_right = may_take(session, user, given.code, visitor, Now(now, present))
        if is_right:
            session.execute(sa.update(BrowserSession).where(BrowserSession.id == live.id).values(proved_at=now))
        record(session, Act.PROVED if is_right else Act.PROOF_REFUSED, subject=f"user {user_id}")
    if not is_right:
        raise BadInput("This does not prove that it is you, or signing in is locked for a while. Nothing was changed.")
