"""Changes to users after they were made: enabled or not, password, role; and the list of them.

A user who is disabled, or whose password or role changed, is signed out everywhere with the next request. One enabled
administrator always remains: who changes an administrator holds the rows of all of them until it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts import passwords
from is2_core.accounts.models import Account, Membership, User
from is2_core.accounts.states import Role
from is2_core.accounts.users import SignedIn, may_go_on, signed_in
from is2_core.audit import Act, record
from is2_core.errors import BadInput, Conflict, Forbidden, NotFound
from is2_core.platform import Platform

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Person:
    """A user as administrators see them; `places` are their accounts with the role in each."""

    id: int
    email: str
    name: str
    role: str
    disabled: bool
    locked_until: datetime | None
    last_sign_in_at: datetime | None
    created_at: datetime
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class People:
    """One page of the list: its rows, its number from 1, and how many rows there are in all."""

    rows: Sequence[Person]
    number: int
    total: int


def list_people(platform: Platform, *, search: str, number: int, per_page: int) -> People:
    """Return a page of the users whose name, address or company holds what is searched for; the last one where there
    are not so many."""
    query = sa.select(User)
    if search:
        in_account = (
            sa.select(Membership.user_id)
            .join(Account, Account.id == Membership.account_id)
            .where(Account.name.icontains(search, autoescape=True))
        )
        found = (User.name.icontains(search, autoescape=True), User.email.icontains(search, autoescape=True))
        query = query.where(sa.or_(*found, User.id.in_(in_account)))
    with platform.db.read() as session:
        total = session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        number = min(max(1, number), max(1, -(-total // per_page)))
        users = session.scalars(query.order_by(User.email).limit(per_page).offset((number - 1) * per_page)).all()
        return People(_people(session, users), number, total)


def person(platform: Platform, user_id: int) -> Person:
    """Return one user.

    Raises:
        NotFound: there is none of that id.
    """
    with platform.db.read() as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFound("There is no such user.")
        return _people(session, [user])[0]


def user_id_of(platform: Platform, email: str) -> int:
    """Return the id of the user with an e-mail address.

    Raises:
        NotFound: there is none.
    """
    email = email.strip().lower()
    with platform.db.read() as session:
        found = session.scalar(sa.select(User.id).where(User.email == email)) if email.isprintable() else None
    if found is None:
        raise NotFound(f"There is no user {email!r}.")
    return found


def _people(session: Session, users: Sequence[User]) -> list[Person]:
    rows = session.execute(
        sa.select(Membership.user_id, Account.name, Membership.role)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.user_id.in_([user.id for user in users]))
        .order_by(Account.name)
    )
    places: dict[int, list[tuple[str, str]]] = {}
    for user_id, name, role in rows:
        places.setdefault(user_id, []).append((name, role))
    return [
        Person(
            user.id,
            user.email,
            user.name,
            user.role,
            user.disabled,
            user.locked_until,
            user.last_sign_in_at,
            user.created_at,
            tuple(places.get(user.id, ())),
        )
        for user in users
    ]


def set_enabled(platform: Platform, *, user_id: int, enabled: bool, by: int | None) -> None:
    """Let a user sign in, or no more.

    Args:
        by: the administrator who does it; None from the command line.

    Raises:
        NotFound, Forbidden: there is no such user, or `by` is no administrator any more.
        Conflict: it is the administrator's own user, or the last administrator.
    """
    with platform.db.write() as session:
        user = to_change(session, user_id, by, stays_admin=enabled)
        if user.disabled != enabled:
            return
        user.disabled = not enabled
        user.failed_logins, user.locked_until = 0, None
        # Else a cookie of before would be good again once the user is enabled.
        user.session_epoch += 1
        record(session, Act.USER_ENABLED if enabled else Act.USER_DISABLED, subject=f"user {user_id}")
    _log.info("user %s was %s by %s", user_id, "enabled" if enabled else "disabled", who(by))


def set_password(platform: Platform, *, user_id: int, password: str, by: int | None) -> None:
    """Give a user another password, which also ends a lock after wrong ones.

    Raises:
        BadInput, PasswordsBusy: see `passwords.hash_new`.
        NotFound, Forbidden: there is no such user, or `by` is no administrator any more.
        Conflict: it is the administrator's own user, whose page asks for the current password.
    """
    if user_id == by:
        raise Conflict("Change your own password under your name at the top of the page.")
    password_hash = passwords.hash_new(password, _known_texts(person(platform, user_id)))
    with platform.db.write() as session:
        user = to_change(session, user_id, by, stays_admin=True)
        user.password_hash = password_hash
        user.failed_logins, user.locked_until = 0, None
        user.session_epoch += 1
        record(session, Act.PASSWORD_CHANGED, subject=f"user {user_id}")
    _log.info("the password of user %s was set by %s", user_id, who(by))


def end_sessions(platform: Platform, *, user_id: int, by: int | None) -> None:
    """Sign a user out everywhere.

    Raises:
        NotFound, Forbidden: there is no such user, or `by` is no administrator any more.
    """
    with platform.db.write() as session:
        to_change(session, user_id, by, stays_admin=True).session_epoch += 1
        record(session, Act.SESSIONS_ENDED, subject=f"user {user_id}")
    _log.info("the sessions of user %s were ended by %s", user_id, who(by))


def change_own_password(platform: Platform, *, user_id: int, current: str, new: str) -> SignedIn:
    """Change the password of whoever is signed in; every other session of theirs ends.

    Returns:
        The user, for the session that goes on.

    Raises:
        BadInput: the current password is another, or the new one is none; a wrong one counts as one at sign-in.
        PasswordsBusy: another password is being checked.
        Conflict: the password was changed elsewhere meanwhile.
    """
    with platform.db.read() as session:
        stored = session.get_one(User, user_id).password_hash
    fits = passwords.check(stored, current).fits
    with platform.db.write() as session:
        fits = may_go_on(platform, session.get_one(User, user_id, with_for_update=True), fits)
        if not fits:
            record(session, Act.PASSWORD_REFUSED, subject=f"user {user_id}")
    if not fits:
        raise BadInput("This is not your current password.", field="current")
    if new == current:
        raise BadInput("This is the password you have already.", field="password")
    password_hash = passwords.hash_new(new, _known_texts(person(platform, user_id)))
    with platform.db.write() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if user.disabled or user.password_hash != stored:
            raise Conflict("Your password was changed elsewhere a moment ago. Sign in with the new one.")
        user.password_hash = password_hash
        user.session_epoch += 1
        own = signed_in(session, user)
        record(session, Act.PASSWORD_CHANGED, subject=f"user {user_id}")
    _log.info("user %s changed the own password", user_id)
    return own


def to_change(session: Session, user_id: int, by: int | None, *, stays_admin: bool) -> User:
    """Return the user, locked; before it, those of all administrators who can sign in.

    Args:
        by: the administrator who changes them; None for the command line.
    """
    admins = set(
        session.scalars(
            sa.select(User.id)
            .where(User.role == Role.ADMIN, User.disabled.is_(False))
            .order_by(User.id)
            .with_for_update()
        )
    )
    if by is not None and by not in admins:
        raise Forbidden("You are no administrator any more; nothing was changed.")
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("There is no such user.")
    if not stays_admin:
        if user_id == by:
            raise Conflict(
                "You cannot disable yourself or change your own role: you would lock yourself out. Another "
                "administrator can do it."
            )
        if admins == {user_id}:
            raise Conflict(f"{user.email} is the only administrator who can sign in. Make another one first.")
    return user


def _known_texts(user: Person) -> tuple[str, ...]:
    return (user.email, user.name, *(account for account, _ in user.places))


def who(by: int | None) -> str:
    """Name in a log line whoever changed somebody."""
    return "the command line" if by is None else f"user {by}"
