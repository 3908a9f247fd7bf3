"""Work that was due and is not done: the one place that decides whether a promised instant is late."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.states import OPEN_STATES, TaskState

LATE_AFTER = timedelta(minutes=2)


def is_late(promised_at: datetime | None, now: datetime) -> bool:
    """Tell whether what was promised for an instant should have happened by now; None promises nothing.

    Args:
        now: the platform's clock, by which schedules and tasks run.
    """
    return promised_at is not None and now - promised_at > LATE_AFTER


def is_running(task: Task, now: datetime) -> bool:
    """Tell whether a worker has the task, as opposed to one that died with it."""
    return task.state == TaskState.RUNNING and not is_late(task.lease_until, now)


def next_runs(
    session: Session, integration_ids: Collection[int], kinds: Collection[str], now: datetime
) -> dict[tuple[int, str], datetime]:
    """Return by integration and kind when work runs next: the earliest of its open tasks and its schedule.

    An integration that is not active has none: it waits for a person. Nor has a task that is being run.
    """
    plan = _planned(now)
    found = session.execute(
        sa.select(plan.c.integration_id, plan.c.kind, sa.func.min(plan.c.at))
        .where(plan.c.integration_id.in_(integration_ids), plan.c.kind.in_(kinds))
        .group_by(plan.c.integration_id, plan.c.kind)
    )
    return {(integration_id, kind): at for integration_id, kind, at in found}


def late_since(session: Session, now: datetime, account_id: int | None = None) -> dict[int, datetime]:
    """Return by integration since when work of it is late, of any kind; of one account's integrations where given."""
    plan = _planned(now)
    late = (
        sa.select(plan.c.integration_id, sa.func.min(plan.c.at))
        .where(plan.c.at < now - LATE_AFTER)
        .group_by(plan.c.integration_id)
    )
    if account_id is not None:
        late = late.where(plan.c.account_id == account_id)
    return dict(session.execute(late).all())


def _planned(now: datetime) -> sa.Subquery:
    """Build the rows (integration_id, account_id, kind, at) of all that is planned for active integrations."""
    running = Task.state == TaskState.RUNNING
    tasks = sa.select(
        Task.integration_id.label("integration_id"),
        Task.kind.label("kind"),
        # Whoever runs it renews the lease; when that has ended, the task is owed since then.
        sa.case((running, Task.lease_until), else_=Task.run_at).label("at"),
    ).where(Task.state.in_(OPEN_STATES), sa.or_(~running, Task.lease_until < now))
    slots = sa.select(Schedule.integration_id, Schedule.kind, Schedule.next_at)
    each = sa.union_all(tasks, slots).subquery()
    return (
        sa.select(each.c.integration_id, Integration.account_id, each.c.kind, each.c.at)
        .join(Integration, Integration.id == each.c.integration_id)
        .where(Integration.state == IntegrationState.ACTIVE)
        .subquery()
    )
