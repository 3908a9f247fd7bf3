"""Asking for background work, inside the business transaction that makes it needed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import WAITS_FOR_A_PERSON
from is2_core.db.changes import rows_changed
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState

NOW = 0
SOON = 3
ROUTINE = 5


def enqueue(
    session: Session,
    *,
    kind: str,
    now: datetime,
    integration: Integration | None = None,
    account_id: int | None = None,
    run_at: datetime | None = None,
    priority: int = ROUTINE,
    payload: dict[str, Any] | None = None,
    key: str = "",
) -> None:
    """Ask for a task; while one of the same business key is open, that one is asked again instead.

    Args:
        key: what distinguishes tasks of the same kind and integration, "" where there is one only.
        run_at: not before; now where None.
        priority: NOW where a person waits, SOON, ROUTINE.
    """
    insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(Task)
    new = insert.excluded
    paused = integration is not None and integration.state in WAITS_FOR_A_PERSON
    owner = str(integration.id) if integration else f"account {account_id}" if account_id else ""
    statement = insert.values(
        kind=kind,
        business_key=f"{kind}:{owner}:{key}",
        integration_id=integration.id if integration else None,
        account_id=integration.account_id if integration else account_id,
        payload=payload or {},
        priority=priority,
        state=TaskState.WAITING if paused else TaskState.READY,
        run_at=run_at or now,
        wanted=1,
        attempts=0,
        crashes=0,
        fence=0,
        error_code="",
        error_sentence="",
        error_detail="",
        created_at=now,
    ).on_conflict_do_update(
        index_elements=["business_key"],
        index_where=sa.text("state IN ('READY', 'RUNNING', 'WAITING')"),
        set_={
            "wanted": Task.wanted + 1,
            "run_at": sa.case((new.run_at < Task.run_at, new.run_at), else_=Task.run_at),
            "priority": sa.case((new.priority < Task.priority, new.priority), else_=Task.priority),
        },
    )
    session.execute(statement)


def pause_tasks(session: Session, integration_id: int) -> None:
    """Let everything due of a store wait until a person has acted. What somebody is just claiming looks itself."""
    move_tasks(
        session,
        sa.and_(Task.integration_id == integration_id, Task.state == TaskState.READY),
        {"state": TaskState.WAITING},
    )


def release_tasks(session: Session, integration_id: int, now: datetime) -> None:
    """Make what waited due again. What somebody is just asking for again is woken by the dispatcher's next tick."""
    move_tasks(
        session,
        sa.and_(Task.integration_id == integration_id, Task.state == TaskState.WAITING),
        {"state": TaskState.READY, "run_at": now},
    )


def move_tasks(session: Session, where: sa.ColumnElement[bool], values: Mapping[str, Any]) -> int:
    """Change task rows, by id, but for those that others have locked; returns how many."""
    free = sa.select(Task.id).where(where).order_by(Task.id).with_for_update(skip_locked=True)
    return rows_changed(
        session,
        sa.update(Task).where(Task.id.in_(free)).values(**values).execution_options(synchronize_session=False),
    )
