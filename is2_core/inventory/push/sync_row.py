"""The row that holds how the stock of a store is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.db.locks import LOCK
from is2_core.db.rows import dialect_of, insert_of
from is2_core.inventory.models import InventorySync
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule
from is2_core.tasks.queue import SOON, enqueue

# The problem of a push that waits for the store's newest orders.
ORDERS = "ORDERS"


def sync_row(session: Session, integration_id: int) -> InventorySync:
    """The store's row, locked; made where there is none yet."""
    row = session.get(InventorySync, integration_id, with_for_update=LOCK)
    if row is None:
        # Perhaps by somebody else at this very moment.
        insert = insert_of(dialect_of(session), InventorySync)
        session.execute(insert.values(integration_id=integration_id).on_conflict_do_nothing())
        row = session.get_one(InventorySync, integration_id, with_for_update=LOCK)
    return row


def set_problem(
    session: Session, integration_id: int, now: datetime, *, code: str = "", message: str = "", skus: Sequence[str] = ()
) -> None:
    """Note why nothing is sent, or without a code that nothing keeps it back."""
    row = sync_row(session, integration_id)
    if row.problem_code != code:
        row.problem_at = now if code else None
    row.problem_code, row.problem_message, row.problem_skus = code, message, list(skus)


def interval_of(session: Session, integration_id: int) -> int | None:
    """Seconds between two runs of a store; None where its stock is not sent."""
    return session.scalar(
        sa.select(Schedule.every_s).where(
            Schedule.integration_id == integration_id, Schedule.kind == TaskKind.INVENTORY_PUSH
        )
    )


def orders_have_come(session: Session, integration: Integration, now: datetime) -> None:
    """A listing of the store's orders has ended: the push that waits for it looks again."""
    row = session.get(InventorySync, integration.id)
    if row is not None and row.problem_code == ORDERS:
        enqueue(session, kind=TaskKind.INVENTORY_PUSH, integration=integration, now=now, priority=SOON)
