"""Accounts as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from is2_core.accounts.models import Account, Integration
from is2_core.platform import Platform


@dataclass(frozen=True)
class Company:
    """A merchant account and how many integrations it has."""

    name: str
    created_at: datetime
    integrations: int


def companies(platform: Platform) -> Sequence[Company]:
    """All merchant accounts, by name."""
    query = (
        sa.select(Account.name, Account.created_at, sa.func.count(Integration.id))
        .outerjoin(Integration, Integration.account_id == Account.id)
        .group_by(Account.id)
        .order_by(Account.name)
    )
    with platform.db.read() as session:
        return [Company(name, created_at, count) for name, created_at, count in session.execute(query)]
