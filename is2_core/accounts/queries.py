"""Accounts as pages show them, and how many integrations there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from is2_core.accounts.models import Account, Integration
from is2_core.accounts.states import IntegrationState
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


def integrations_by_cart(platform: Platform) -> dict[str, int]:
    """How many integrations each cart has whose setup is finished."""
    finished = sa.select(Integration.cart, sa.func.count()).where(Integration.state != IntegrationState.SETUP)
    with platform.db.read() as session:
        return dict(session.execute(finished.group_by(Integration.cart)).all())


def integrations_by_target(platform: Platform) -> dict[str, int]:
    """How many integrations each warehouse ships for."""
    query = sa.select(Integration.wms_target, sa.func.count()).group_by(Integration.wms_target)
    with platform.db.read() as session:
        return dict(session.execute(query).all())
