"""Names of accounts and people, and how many integrations there are, for pages."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from is2_core.accounts.models import Account, Integration, User
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


def integrations_by_target(platform: Platform) -> dict[str, int]:
    """How many integrations each warehouse ships for."""
    query = sa.select(Integration.wms_target, sa.func.count()).group_by(Integration.wms_target)
    with platform.db.read() as session:
        return dict(session.execute(query).all())
