"""Giving somebody another password: what is asked of it, and what ends with the one before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts import passwords
from is2_core.accounts.models import Account, Membership, User
from is2_core.accounts.signing_in import lockout
from is2_core.accounts.signing_in.models import AccessLink, PastPassword
from is2_core.accounts.signing_in.password_rules import LAST_KEPT
from is2_core.audit import Act, Actor, acting, current_actor, record
from is2_core.errors import Conflict, NotFound
from is2_core.platform import Platform


@dataclass(frozen=True)
class NewPassword:
    """A password that was found good for a user, hashed, and the hash of the one that it is to replace."""

    hashed: str = field(repr=False)
    replaces: str = field(repr=False)


def hash_for(platform: Platform, user_id: int, password: str) -> NewPassword:
    """Hash another password for a user, outside of any transaction: others would wait for it to end.

    Raises:
        NotFound: there is no such user.
        BadInput, PasswordsBusy: see `passwords.hash_new`.
    """
    with platform.db.read() as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFound("There is no such user.")
        accounts = session.scalars(
            sa.select(Account.name)
            .join(Membership, Membership.account_id == Account.id)
            .where(Membership.user_id == user_id)
        ).all()
        past = session.scalars(
            sa.select(PastPassword.password_hash)
            .where(PastPassword.user_id == user_id)
            .order_by(PastPassword.id.desc())
            .limit(LAST_KEPT - 1)
        ).all()
    earlier = [*filter(None, [user.password_hash]), *past]
    hashed = passwords.hash_new(password, accounts, names=(user.name, user.email), earlier=earlier)
    return NewPassword(hashed, user.password_hash)


def set_new(session: Session, user: User, new: NewPassword, now: datetime, *, by_owner: bool) -> None:
    """Put a password in place of the one before: locks after wrong ones, links and all sessions end with it.

    Args:
        user: the row, locked.
        by_owner: whether the person chose it, who is the only one to know it.

    Raises:
        Conflict: another one was set meanwhile.
    """
    if user.password_hash != new.replaces:
        raise Conflict("The password was changed elsewhere a moment ago. Sign in with the new one.")
    if user.password_hash:
        session.add(PastPassword(user_id=user.id, password_hash=user.password_hash))
        session.flush()
        kept = sa.select(PastPassword.id).where(PastPassword.user_id == user.id).order_by(PastPassword.id.desc())
        oldest = session.scalar(kept.offset(LAST_KEPT - 1).limit(1))
        if oldest is not None:
            session.execute(sa.delete(PastPassword).where(PastPassword.user_id == user.id, PastPassword.id <= oldest))
    user.password_hash = new.hashed
    user.password_set_at = now
    user.password_chosen_at = now if by_owner else None
    user.session_epoch += 1
    lockout.unlock(session, user)
    session.execute(sa.delete(AccessLink).where(AccessLink.user_id == user.id))
    # By a link or on the way in, nobody is signed in who could be named otherwise.
    actor = current_actor()
    own = Actor(user.id, user.email, user.role, actor.address)
    with acting(own if by_owner else actor):
        record(session, Act.PASSWORD_CHANGED, subject=f"user {user.id}")
