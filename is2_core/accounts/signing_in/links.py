"""Links by which somebody chooses a password without having one: an invitation, or a reset.

A link holds 256 random bits, of which the database keeps a hash; a user has one at most, so that a new one ends the one
before. It is used by sending a password, not by opening it: programs that scan mail open links.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import User
from is2_core.accounts.signing_in.models import AccessLink
from is2_core.accounts.signing_in.new_password import NewPassword, hash_for, set_new
from is2_core.errors import NotFound
from is2_core.platform import Platform

INVITATION: Final = timedelta(hours=24)
RESET: Final = timedelta(hours=1)
_GONE = "This link does not work any more: it was used, a newer one was made, or its time is over."


@dataclass(frozen=True)
class Link:
    """A link that was just made; nobody can read its address again.

    Whoever hands it over (a page, a command, mail) is told all it takes: to whom, until when, and what it is.
    """

    email: str
    address: str = field(repr=False)
    expires_at: datetime
    is_invitation: bool


@dataclass(frozen=True)
class Used:
    """Whose password a link has set, for the device that it was done on."""

    user_id: int
    device_epoch: int


def new_link(platform: Platform, session: Session, user: User) -> Link:
    """Make the link of a user, an invitation where they have no password yet.

    Args:
        user: the row, locked.
    """
    now = platform.clock.now()
    token = secrets.token_urlsafe(32)
    is_invitation = not user.password_hash
    expires_at = now + (INVITATION if is_invitation else RESET)
    session.merge(AccessLink(user_id=user.id, token_hash=_hash(token), expires_at=expires_at, set_at=now))
    return Link(user.email, f"{platform.config.public_url}/links/{token}", expires_at, is_invitation)


def end_link(session: Session, user_id: int) -> None:
    """Have the link of a user work no more, if there is one."""
    session.execute(sa.delete(AccessLink).where(AccessLink.user_id == user_id))


def check_link(platform: Platform, token: str) -> int:
    """Return the id of the user a link is for.

    Raises:
        NotFound: it does not work, whatever the reason.
    """
    with platform.db.read() as session:
        return _user(session, token, platform.clock.now()).id


def use_link(platform: Platform, token: str, password: str) -> Used:
    """Set the password of the user a link is for. Their second factor stays; their sessions end, and so does the link.

    Raises:
        NotFound: it does not work (any more).
        BadInput, PasswordsBusy: see `passwords.hash_new`; the link goes on working.
    """
    return set_by_link(platform, token, hash_for(platform, check_link(platform, token), password))


def set_by_link(platform: Platform, token: str, new: NewPassword) -> Used:
    """Set a password that was found good for the user a link is for.

    Raises:
        NotFound: the link does not work (any more).
    """
    now = platform.clock.now()
    with platform.db.write() as session:
        user = _user(session, token, now, lock=True)
        set_new(session, user, new, now, by_owner=True)
        user.device_epoch += 1
        return Used(user.id, user.device_epoch)


def _user(session: Session, token: str, now: datetime, *, lock: bool = False) -> User:
    query = (
        sa.select(User)
        .join(AccessLink, AccessLink.user_id == User.id)
        .where(AccessLink.token_hash == _hash(token), AccessLink.expires_at > now, User.disabled.is_(False))
    )
    if lock:
        # The user's row first and alone, as everybody locks it: whoever waited for it asks for the link anew.
        found = session.scalar(query)
        if found is not None:
            session.get_one(User, found.id, with_for_update=True, populate_existing=True)
    user = session.scalar(query)
    if user is None:
        raise NotFound(_GONE)
    return user


def _hash(token: str) -> str:
    # A browser can send half of a character.
    return sha256(token.encode("utf-8", "replace")).hexdigest()
