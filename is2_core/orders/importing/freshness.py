"""Up to when a store's orders have been received. Who needs newer ones has them listed and waits, but not for ever:
what was bought and not listed yet is in no number of ours."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.orders.models import ImportCursor
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import SOON, enqueue
from is2_core.tasks.states import OPEN_STATES

LOOK_AGAIN = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
# Where orders cannot be read for so long, whoever waits goes on without them.
WAIT_FOR_ORDERS = timedelta(hours=6)
# Longer than any pause between two tries of a listing. Without a try there was no outage: the store was paused.
_TRIED = timedelta(hours=1)


def imported_until(session: Session, integration: Integration) -> datetime | None:
    """The time on our clock up to which the store's orders have been received."""
    watermark = session.scalar(
        sa.select(ImportCursor.watermark).where(
            ImportCursor.integration_id == integration.id, ImportCursor.kind == "routine"
        )
    )
    return watermark - timedelta(seconds=integration.server_skew_s) if watermark else None


def known(session: Session, integration: Integration, until: datetime) -> bool:
    """Whether all orders up to this time on our clock have been received."""
    known_until = imported_until(session, integration)
    return known_until is not None and known_until >= until


def worth_waiting(platform: Platform, session: Session, integration: Integration, since: datetime) -> bool:
    """Whether orders that are missing since then can still be expected."""
    if not platform.carts.has(integration.cart, "fetch_orders"):
        return False
    now = platform.clock.now()
    tried = session.scalar(
        sa.select(sa.func.max(Task.finished_at)).where(
            Task.integration_id == integration.id, Task.kind == TaskKind.ORDERS_CHECK
        )
    )
    return now < since + WAIT_FOR_ORDERS or tried is None or tried < now - _TRIED


def list_until(platform: Platform, session: Session, integration: Integration, until: datetime) -> datetime:
    """Have the orders up to this time listed, unless a listing is open: it has a pace of its own where it fails.
    Returns when to look again."""
    now = platform.clock.now()
    is_open = sa.select(Task.id).where(
        Task.integration_id == integration.id, Task.kind == TaskKind.ORDERS_CHECK, Task.state.in_(OPEN_STATES)
    )
    if session.scalar(is_open) is not None:
        return now + LOOK_AGAIN
    possible = max(now, until + platform.carts.manifest(integration.cart).read_lag + MINUTE)
    enqueue(session, kind=TaskKind.ORDERS_CHECK, integration=integration, now=now, run_at=possible, priority=SOON)
    return possible + MINUTE
