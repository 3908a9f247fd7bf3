"""Background work asked for once per integration of an account."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue


def review_account(platform: Platform, session: Session, account_id: int) -> None:
    """Ask for a review of every store of an account, inside the transaction that makes it needed."""
    stores = session.scalars(
        sa.select(Integration).where(Integration.account_id == account_id, Integration.state != IntegrationState.SETUP)
    )
    for integration in stores.all():
        enqueue(session, kind=TaskKind.ORDERS_REVIEW, integration=integration, now=platform.clock.now(), priority=NOW)
