"""Changing the roles of people on the platform and in accounts."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Account, Membership, User
from is2_core.accounts.people import to_change, who
from is2_core.accounts.states import MemberRole, Role
from is2_core.audit import Act, record
from is2_core.errors import BadInput
from is2_core.platform import Platform

_log = logging.getLogger(__name__)


def change_role(
    platform: Platform,
    *,
    user_id: int,
    role: str,
    account_id: int | None = None,
    member_role: str = MemberRole.MEMBER,
    by: int | None,
) -> None:
    """Make a user something else on the platform.

    A merchant belongs to accounts: whoever becomes one needs an account, and a merchant is given a place in one more,
    or another role there, the same way. Whoever becomes staff leaves every account.

    Raises:
        BadInput: there is no such role or account, or they do not go together.
        NotFound, Forbidden: there is no such user, or `by` is no administrator any more.
        Conflict: it is the administrator's own user, or the last administrator.
    """
    if role not in set(Role):
        raise BadInput(f"{role!r} is no role.", field="role")
    if member_role not in set(MemberRole):
        raise BadInput(f"{member_role!r} is no role in an account.", field="member_role")
    if role != Role.MERCHANT and account_id is not None:
        raise BadInput("A merchant's user belongs to an account, others to none.", field="account")
    with platform.db.write() as session:
        user = to_change(session, user_id, by, stays_admin=role == Role.ADMIN)
        before = _roles(session, user)
        if account_id is not None:
            _give_place(session, user_id, account_id, member_role)
        places = session.scalar(sa.select(sa.func.count()).select_from(Membership).where(Membership.user_id == user_id))
        if role == Role.MERCHANT and not places:
            raise BadInput("Choose the account the merchant's user is to belong to.", field="account")
        if role != Role.MERCHANT:
            session.execute(sa.delete(Membership).where(Membership.user_id == user_id))
        if role != user.role:
            user.role = role
            user.session_epoch += 1
        record(
            session,
            Act.ROLE_CHANGED,
            subject=f"user {user_id}",
            before=before,
            after=_roles(session, user),
            account_id=account_id,
        )
    _log.info("user %s was made %s by %s", user_id, role, who(by))


def _roles(session: Session, user: User) -> dict[str, str]:
    places = sa.select(Membership.account_id, Membership.role).where(Membership.user_id == user.id)
    return {"role": user.role, **{f"account {account}": role for account, role in session.execute(places)}}


def _give_place(session: Session, user_id: int, account_id: int, member_role: str) -> None:
    if session.get(Account, account_id) is None:
        raise BadInput("There is no such account.", field="account")
    place = session.scalar(
        sa.select(Membership).where(Membership.user_id == user_id, Membership.account_id == account_id)
    )
    if place is None:
        session.add(Membership(account_id=account_id, user_id=user_id, role=member_role))
    else:
        place.role = member_role
