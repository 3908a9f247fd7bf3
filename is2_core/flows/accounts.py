"""Accounts, users and signing in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy.orm import Session

from is2_core.flows.errors import BadInput, Conflict
from is2_core.models import Account, MemberRole, Membership, Role, User
from is2_core.platform import Platform

MAX_FAILED_LOGINS = 10
LOCK = timedelta(minutes=15)
MIN_PASSWORD = 15
_hasher = PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1)


@dataclass(frozen=True)
class AccountRef:
    """An account a user belongs to, and as what."""

    id: int
    name: str
    role: str


@dataclass(frozen=True)
class SignedIn:
    """A user as the panel knows them."""

    id: int
    email: str
    name: str
    role: str
    session_epoch: int
    accounts: tuple[AccountRef, ...]


def create_account(platform: Platform, name: str) -> int:
    """Make a merchant company; returns its id."""
    name = name.strip()
    if not name:
        raise BadInput("Give the account a name.", field="name")
    with platform.db.write() as session:
        if session.scalar(sa.select(Account.id).where(Account.name == name)):
            raise Conflict(f"There is an account named {name} already.", field="name")
        account = Account(name=name, created_at=platform.clock.now())
        session.add(account)
        session.flush()
        return account.id


def create_user(
    platform: Platform,
    *,
    email: str,
    name: str,
    password: str,
    role: str = Role.MERCHANT,
    account_id: int | None = None,
    member_role: str = MemberRole.OWNER,
) -> int:
    """Make a user, for merchants with a place in an account; returns its id."""
    email = email.strip().lower()
    if "@" not in email:
        raise BadInput("Give an e-mail address.", field="email")
    if role not in set(Role):
        raise BadInput(f"{role!r} is no role.", field="role")
    if (role == Role.MERCHANT) != (account_id is not None):
        raise BadInput("A merchant's user belongs to an account, others to none.", field="account")
    _check_password(password, email)
    with platform.db.write() as session:
        if session.scalar(sa.select(User.id).where(User.email == email)):
            raise Conflict(f"There is a user {email} already.", field="email")
        user = User(
            email=email,
            name=name.strip() or email,
            password_hash=_hasher.hash(password),
            role=role,
            created_at=platform.clock.now(),
        )
        session.add(user)
        session.flush()
        if account_id is not None:
            if session.get(Account, account_id) is None:
                raise BadInput("There is no such account.", field="account")
            session.add(Membership(account_id=account_id, user_id=user.id, role=member_role))
        return user.id


def _check_password(password: str, email: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise BadInput(f"A password needs at least {MIN_PASSWORD} characters.", field="password")
    if email.partition("@")[0] in password.lower():
        raise BadInput("A password must not contain the user's name.", field="password")


def sign_in(platform: Platform, email: str, password: str) -> SignedIn | None:
    """The user, or None: unknown, wrong password, disabled and locked look the same from outside."""
    email = email.strip().lower()
    with platform.db.read() as session:
        user = session.scalar(sa.select(User).where(User.email == email))
    fits = _fits(user.password_hash if user else _nobodys_hash(), password)
    if user is None:
        return None
    now = platform.clock.now()
    with platform.db.write() as session:
        user = session.get_one(User, user.id, with_for_update=True)
        if user.disabled or (user.locked_until and user.locked_until > now):
            return None
        if not fits:
            user.failed_logins += 1
            if user.failed_logins >= MAX_FAILED_LOGINS:
                user.failed_logins, user.locked_until = 0, now + LOCK
            return None
        user.failed_logins, user.locked_until = 0, None
        if _hasher.check_needs_rehash(user.password_hash):
            user.password_hash = _hasher.hash(password)
        return _signed_in(session, user)


@cache
def _nobodys_hash() -> str:
    """What an unknown user's password is checked against, so that the answer takes as long."""
    return _hasher.hash("nobody has this password")


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except VerificationError:
        return False


def load_user(platform: Platform, user_id: int, session_epoch: int) -> SignedIn | None:
    """The user of a running session; None once it was ended or the user disabled."""
    with platform.db.read() as session:
        user = session.get(User, user_id)
        if user is None or user.disabled or user.session_epoch != session_epoch:
            return None
        return _signed_in(session, user)


def end_sessions(platform: Platform, user_id: int) -> None:
    """End every session of a user at once."""
    with platform.db.write() as session:
        session.execute(sa.update(User).where(User.id == user_id).values(session_epoch=User.session_epoch + 1))


def _signed_in(session: Session, user: User) -> SignedIn:
    places = session.execute(
        sa.select(Account.id, Account.name, Membership.role)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.user_id == user.id)
        .order_by(Account.name)
    ).all()
    return SignedIn(
        user.id, user.email, user.name, user.role, user.session_epoch, tuple(AccountRef(*place) for place in places)
    )
