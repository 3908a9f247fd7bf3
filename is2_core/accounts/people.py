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

from is2_core.accounts.models import Account, Membership, User
from is2_core.accounts.signing_in.links import end_link
from is2_core.accounts.signing_in.lockout import unlock
from is2_core.accounts.signing_in.new_password import hash_for, set_new
from is2_core.accounts.states import Role
from is2_core.audit import Act, record
from is2_core.errors import Conflict, Forbidden, NotFound
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
    has_password: bool
    second_factor_at: datetime | None


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
            bool(user.password_hash),
            user.second_factor_at,
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
        unlock(session, user)
        # Else a cookie or a link of before would be good again once the user is enabled.
        user.session_epoch += 1
        user.device_epoch += 1
        end_link(session, user_id)
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
    new = hash_for(platform, user_id, password)
    with platform.db.write() as session:
        user = to_change(session, user_id, by, stays_admin=True)
        set_new(session, user, new, platform.clock.now(), by_owner=False)
    _log.info("the password of user %s was set by %s", user_id, who(by))


def end_sessions(platform: Platform, *, user_id: int, by: int | None) -> None:
    """Sign a user out everywhere.

    Raises:
        NotFound, Forbidden: there is no such user, or `by` is no administrator any more.
    """
    with platform.db.write() as session:
        user = to_change(session, user_id, by, stays_admin=True)
        user.session_epoch += 1
        user.device_epoch += 1
        record(session, Act.SESSIONS_ENDED, subject=f"user {user_id}")
    _log.info("the sessions of user %s were ended by %s", user_id, who(by))


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


def who(by: int | None) -> str:
    """Name in a log line whoever changed somebody."""
    return "the command line" if by is None else f"user {by}"
