"""Background work asked for once per integration or warehouse of an account."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.accounts.warehouse_targets import targets_of
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, SOON, enqueue


def review_account(platform: Platform, session: Session, account_id: int) -> None:
    """Ask for a review of every store of an account, inside the transaction that makes it needed."""
    stores = session.scalars(
        sa.select(Integration).where(Integration.account_id == account_id, Integration.state != IntegrationState.SETUP)
    )
    for integration in stores.all():
        enqueue(session, kind=TaskKind.ORDERS_REVIEW, integration=integration, now=platform.clock.now(), priority=NOW)


def ask_to_read(session: Session, account_id: int, now: datetime) -> None:
    """Have the warehouses' news of an account read at once, inside the transaction that makes some. A task of the
    account: it needs no cart, so no paused store keeps it waiting."""
    for target in targets_of(session, account_id):
        payload = {"wms_target": target}
        enqueue(
            session,
            kind=TaskKind.WAREHOUSE_READ,
            account_id=account_id,
            now=now,
            priority=SOON,
            payload=payload,
            key=target,
        )
