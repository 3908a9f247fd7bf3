"""The people of an account, whom its owners look after. An account that had an owner keeps one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owns
from is2_core.accounts.models import Membership, User
from is2_core.accounts.signing_in.links import Link, new_link
from is2_core.accounts.states import MemberRole
from is2_core.accounts.users import create_user
from is2_core.audit import Act, record
from is2_core.errors import BadInput, Conflict, Forbidden, NotFound
from is2_core.platform import Platform

_NO_OWNER: Final = "You are no owner of this account any more; nothing was changed."


@dataclass(frozen=True)
class Member:
    """One of an account's people."""

    user_id: int
    name: str
    email: str
    role: str
    last_sign_in_at: datetime | None
    disabled: bool


def members(platform: Platform, account_id: int) -> Sequence[Member]:
    """Return the people of an account, by name."""
    query = (
        sa.select(User, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.account_id == account_id)
        .order_by(User.name, User.id)
    )
    with platform.db.read() as session:
        rows = session.execute(query).all()
    return [Member(user.id, user.name, user.email, role, user.last_sign_in_at, user.disabled) for user, role in rows]


def invite(platform: Platform, *, account_id: int, email: str, name: str, role: str, by: int) -> Link:
    """Make a user who belongs to an account, and the link by which they choose their password.

    Raises:
        BadInput: there is no such role, or the address is none.
        Forbidden: `by` is no owner any more.
        Conflict: there is such a user already; an administrator can give them a place.
    """
    if role not in set(MemberRole):
        raise BadInput(f"{role!r} is no role in an account.", field="role")
    with platform.db.read() as session:
        if not owns(session, by, account_id):
            raise Forbidden(_NO_OWNER)
    place: dict[str, Any] = {"account_id": account_id, "member_role": role}
    user_id = create_user(platform, email=email, name=name, password=None, **place)
    with platform.db.write() as session:
        link = new_link(platform, session, session.get_one(User, user_id, with_for_update=True))
        record(session, Act.LINK_MADE, subject=f"user {user_id}", account_id=account_id)
    return link


def change_member(platform: Platform, *, account_id: int, user_id: int, role: str, by: int) -> None:
    """Give one of an account's people another role in it.

    Raises:
        BadInput: there is no such role.
        NotFound: there is no such person in the account.
        Forbidden: `by` is no owner any more.
        Conflict: it is the last owner.
    """
    if role not in set(MemberRole):
        raise BadInput(f"{role!r} is no role in an account.", field="role")
    with platform.db.write() as session:
        place = _place(session, account_id, user_id, by, stays_owner=role == MemberRole.OWNER)
        change = {"before": {"role": place.role}, "after": {"role": role}}
        place.role = role
        record(session, Act.MEMBER_ROLE_CHANGED, subject=f"user {user_id}", account_id=account_id, **change)


def remove_member(platform: Platform, *, account_id: int, user_id: int, by: int) -> None:
    """Take one of an account's people out of it, at once. What they did stays theirs.

    Raises:
        NotFound: there is no such person in the account.
        Forbidden: `by` is no owner any more.
        Conflict: it is the last owner.
    """
    with platform.db.write() as session:
        place = _place(session, account_id, user_id, by, stays_owner=False)
        session.delete(place)
        record(session, Act.MEMBER_REMOVED, subject=f"user {user_id}", account_id=account_id)


def _place(session: Session, account_id: int, user_id: int, by: int, *, stays_owner: bool) -> Membership:
    """Return a person's place; the places of all the account's people are locked before: of two owners who remove each
    other one is too late."""
    query = sa.select(Membership).where(Membership.account_id == account_id).order_by(Membership.id)
    places = {place.user_id: place for place in session.scalars(query.with_for_update())}
    enabled = set(session.scalars(sa.select(User.id).where(User.id.in_(places), User.disabled.is_(False))))
    owners = {place.user_id for place in places.values() if place.role == MemberRole.OWNER} & enabled
    if by not in owners:
        raise Forbidden(_NO_OWNER)
    if user_id not in places:
        raise NotFound("There is no such person in this account.")
    if not stays_owner and owners == {user_id}:
        raise Conflict("This is the only owner who can sign in. Make somebody else an owner first.")
    return places[user_id]
