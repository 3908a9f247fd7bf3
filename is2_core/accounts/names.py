"""Names of accounts and people, for pages."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from is2_core.accounts.models import Account, Membership, User
from is2_core.errors import NotFound
from is2_core.platform import Platform


def account_names(platform: Platform) -> dict[int, str]:
    """Account.id -> name, by name."""
    with platform.db.read() as session:
        rows = session.execute(sa.select(Account.id, Account.name).order_by(Account.name)).all()
    return {row.id: row.name for row in rows}


def person_names(platform: Platform, user_ids: Collection[int]) -> dict[int, str]:
    """User.id -> name, for these."""
    with platform.db.read() as session:
        rows = session.execute(sa.select(User.id, User.name).where(User.id.in_(user_ids))).all()
    return {row.id: row.name for row in rows}


def account_named(platform: Platform, name: str) -> int:
    """Return the id of the account of a name.

    Raises:
        NotFound: there is none.
    """
    with platform.db.read() as session:
        found = session.scalar(sa.select(Account.id).where(Account.name == name))
    if found is None:
        raise NotFound(f"There is no account named {name}.")
    return found


def people_of(platform: Platform, account_id: int) -> list[int]:
    """Return the ids of those who belong to an account."""
    with platform.db.read() as session:
        return list(session.scalars(sa.select(Membership.user_id).where(Membership.account_id == account_id)))
