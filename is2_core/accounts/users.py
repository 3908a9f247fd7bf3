"""Accounts, users and signing in."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from is2_core.accounts import passwords
from is2_core.accounts.codes import new_code
from is2_core.accounts.models import Account, Membership, User
from is2_core.accounts.signing_in.lockout import Visitor, may_go_on
from is2_core.accounts.signing_in.steps import arrive, still_asked
from is2_core.accounts.states import MemberRole, Role, Step
from is2_core.audit import Act, Actor, acting, current_actor, record
from is2_core.errors import BadInput, Conflict
from is2_core.platform import Platform
from is2_core.text_limits import EMAIL, NAME

NOBODY_KNOWN = Visitor()
_ADDRESS = re.compile(r"[a-z0-9._+'-]+@([a-z0-9-]+\.)+[a-z]{2,}")
_LONGEST_ADDRESS = 254
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AccountRef:
    """An account a user belongs to, and as what."""

    id: int
    name: str
    role: str


@dataclass(frozen=True)
class SignedIn:
    """A user as the panel knows them; `step` is what is asked of them before they are signed in."""

    id: int
    email: str
    name: str
    role: str
    session_epoch: int
    accounts: tuple[AccountRef, ...]
    device_epoch: int = 1
    step: Step | None = None


def create_account(platform: Platform, name: str) -> int:
    """Make a merchant company; returns its id."""
    name = NAME.checked(name, "name")
    if not name:
        raise BadInput("Give the account a name.", field="name")
    with platform.db.write() as session:
        if session.scalar(sa.select(Account.id).where(Account.name == name)):
            raise Conflict(f"There is an account named {name} already.", field="name")
        # Locks nothing: of two made at the same moment with the same code, the second fails as a whole.
        code = new_code(name, set(session.scalars(sa.select(Account.code))))
        account = Account(name=name, code=code, created_at=platform.clock.now())
        session.add(account)
        session.flush()
        record(session, Act.ACCOUNT_CREATED, subject=f"account {account.id}", account_id=account.id)
        return account.id


def create_user(
    platform: Platform,
    *,
    email: str,
    name: str,
    password: str | None,
    role: str = Role.MERCHANT,
    account_id: int | None = None,
    member_role: str = MemberRole.OWNER,
) -> int:
    """Make a user, for merchants with a place in an account; returns its id.

    Args:
        password: None for somebody who is to choose one by a link.
    """
    email = EMAIL.checked(email, "email").lower()
    if "@" not in email or not email.isprintable():
        raise BadInput("Give an e-mail address.", field="email")
    if role not in set(Role):
        raise BadInput(f"{role!r} is no role.", field="role")
    if (role == Role.MERCHANT) != (account_id is not None):
        raise BadInput("A merchant's user belongs to an account, others to none.", field="account")
    name = NAME.checked(name, "name") or email
    with platform.db.read() as session:
        account = session.get(Account, account_id) if account_id is not None else None
    if account_id is not None and account is None:
        raise BadInput("There is no such account.", field="account")
    # Before the transaction: others wait for it to end.
    known = (account.name,) if account else ()
    password_hash = passwords.hash_new(password, known, names=(email, name)) if password is not None else ""
    try:
        with platform.db.write() as session:
            if session.scalar(sa.select(User.id).where(User.email == email)):
                raise Conflict(f"There is a user {email} already.", field="email")
            now = platform.clock.now()
            user = User(email=email, name=name, password_hash=password_hash, role=role, created_at=now)
            user.password_set_at = now
            session.add(user)
            session.flush()
            if account_id is not None:
                session.add(Membership(account_id=account_id, user_id=user.id, role=member_role))
            user_id = user.id
            after = {"role": role, "role in account": member_role} if account_id is not None else {"role": role}
            record(session, Act.USER_CREATED, subject=f"user {user_id}", after=after, account_id=account_id)
    except IntegrityError as error:
        raise Conflict(f"There is a user {email} already, made a moment ago.", field="email") from error
    _log.info("user %s was made as %s", user_id, role)
    return user_id


def sign_in(platform: Platform, email: str, password: str, visitor: Visitor = NOBODY_KNOWN) -> SignedIn | None:
    """The user, or None: unknown, wrong password, disabled and locked look the same from outside. They are signed in
    only where no `step` is left.

    Raises:
        PasswordsBusy: another password is being checked; nothing is known of this one.
    """
    email = email.strip().lower()
    with platform.db.read() as session:
        # A database refuses some of what a browser can send.
        user = session.scalar(sa.select(User).where(User.email == email)) if email.isprintable() else None
    found = passwords.check(user.password_hash if user else None, password)
    now = platform.clock.now()
    with platform.db.write() as session:
        person = session.get(User, user.id if user else 0, with_for_update=True)
        # Whoever waited here may have had the password of before.
        fits = found.fits and person is not None and user is not None and person.password_hash == user.password_hash
        if not may_go_on(session, now, person, fits, visitor) or person is None:
            tried = f"user {person.id}" if person else _who_was_tried(email)
            record(session, Act.SIGN_IN_REFUSED, subject=tried)
            _log.warning("a sign-in of %s from %s was refused", tried, current_actor().address)
            return None
        if found.new_hash:
            person.password_hash = found.new_hash
        return next_step(platform, session, person, visitor)


def _who_was_tried(typed: str) -> str:
    """Name somebody who is no user. People type passwords there by mistake: only an address is kept."""
    return typed if len(typed) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(typed) else "no e-mail address"


def next_step(
    platform: Platform, session: Session, user: User, visitor: Visitor, *, second_given: bool = False
) -> SignedIn:
    """Return a user who has given what was asked so far, with what is asked next; without that they are in.

    Args:
        user: the row, locked.
        second_given: whether the second factor is given.
    """
    now = platform.clock.now()
    step = still_asked(platform.config, user, now, second_given=second_given)
    if step is None:
        arrive(session, user, visitor, now)
        with acting(Actor(user.id, user.email, user.role, current_actor().address)):
            record(session, Act.SIGNED_IN, subject=f"user {user.id}")
    return replace(signed_in(session, user), step=step)


def signed_in(session: Session, user: User) -> SignedIn:
    """A user as the panel knows them, with the accounts of their memberships."""
    places = session.execute(
        sa.select(Account.id, Account.name, Membership.role)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.user_id == user.id)
        .order_by(Account.name)
    ).all()
    return SignedIn(
        user.id,
        user.email,
        user.name,
        user.role,
        user.session_epoch,
        tuple(AccountRef(*place) for place in places),
        user.device_epoch,
    )
