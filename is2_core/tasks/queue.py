"""Asking for background work, inside the business transaction that makes it needed.

Task rows are changed as the last of a unit of work, once all it must wait for is locked in one order for all units: so
no two of them wait for each other. What is left for the end happens in the order in which it was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import WAITS_FOR_A_PERSON
from is2_core.db.changes import rows_changed
from is2_core.db.locks import LOCK
from is2_core.db.rows import dialect_of, insert_of
from is2_core.db.unit import at_end
from is2_core.tasks.models import Task
from is2_core.tasks.states import OPEN_SQL, OPEN_STATES, TaskState

NOW = 0
SOON = 3
ROUTINE = 5


@dataclass(frozen=True)
class _Change:
    """A change of task rows, and the row it waits for: the open one of a business key, or the one of this id."""

    make: Callable[[Session], object]
    key: str | None
    task_id: int | None


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
    """Ask for a task; while one of the same business key is open, that one is asked again instead. Done at
    the end of the unit of work: until then the unit itself does not see it.

    Args:
        key: what distinguishes tasks of the same kind and integration, "" where there is one only.
        run_at: not before; now where None. Asking for one that waits for a limit of the cart does not shorten that.
        priority: NOW where a person waits, SOON, ROUTINE.
    """
    paused = integration is not None and integration.state in WAITS_FOR_A_PERSON
    owner = str(integration.id) if integration else f"account {account_id}" if account_id else ""
    business_key = f"{kind}:{owner}:{key}"
    row = {
        "kind": kind,
        "business_key": business_key,
        "integration_id": integration.id if integration else None,
        "account_id": integration.account_id if integration else account_id,
        "payload": payload or {},
        "priority": priority,
        "state": TaskState.WAITING if paused else TaskState.READY,
        "run_at": run_at or now,
        "set_at": now,
        "keeps_pause": False,
        "wanted": 1,
        "attempts": 0,
        "crashes": 0,
        "fence": 0,
        "error_code": "",
        "error_message": "",
        "error_detail": "",
        "created_at": now,
    }
    statement = _insert_or_ask_again(dialect_of(session))
    change_at_end(session, lambda session: session.execute(statement, row), key=business_key)


@cache
def _insert_or_ask_again(dialect: str) -> sa.Insert:
    """Build, once, the statement that inserts a task or asks for the open one of its key again."""
    insert = insert_of(dialect, Task)
    old, new = insert.table.c, insert.excluded
    # A limit's pause is kept: whoever asks meanwhile would only be refused once more.
    sooner = sa.and_(new.run_at < old.run_at, ~old.keeps_pause)
    statement: sa.Insert = insert.on_conflict_do_update(
        index_elements=["business_key"],
        index_where=sa.text(OPEN_SQL),
        set_={
            "wanted": old.wanted + 1,
            "run_at": sa.case((sooner, new.run_at), else_=old.run_at),
            "set_at": sa.case((sooner, new.set_at), else_=old.set_at),
            "priority": sa.case((new.priority < old.priority, new.priority), else_=old.priority),
        },
    )
    return statement


def pause_tasks(session: Session, integration_id: int) -> None:
    """Let everything due of a store wait until a person has acted. What somebody is just claiming looks itself."""
    due = sa.and_(Task.integration_id == integration_id, Task.state == TaskState.READY)
    change_at_end(session, lambda session: move_tasks(session, due, {"state": TaskState.WAITING}))


def release_tasks(session: Session, integration_id: int, now: datetime) -> None:
    """Make what waited due again. What somebody is just asking for again is woken by the dispatcher's next tick."""
    waiting = sa.and_(Task.integration_id == integration_id, Task.state == TaskState.WAITING)
    due = {"state": TaskState.READY, "run_at": now, "set_at": now}
    change_at_end(session, lambda session: move_tasks(session, waiting, due))


def move_tasks(session: Session, where: sa.ColumnElement[bool], values: Mapping[str, Any]) -> int:
    """Change task rows, by id, but for those that others have locked; returns how many. A unit of work that calls this
    itself waits for no task row afterwards."""
    return rows_changed(session, moving(where, values))


def moving(where: sa.ColumnElement[bool], values: Mapping[str, Any]) -> sa.Update:
    """Build what `move_tasks` does."""
    free = sa.select(Task.id).where(where).order_by(Task.id).with_for_update(skip_locked=True)
    return sa.update(cast(sa.Table, Task.__table__)).where(Task.id.in_(free)).values(**values)


def change_at_end(
    session: Session, make: Callable[[Session], object], *, key: str | None = None, task_id: int | None = None
) -> None:
    """Leave a change of task rows for the end of the unit of work.

    Args:
        make: makes the change.
        key, task_id: the business key, or the id, of the row it waits for; None where it waits for none.
    """
    at_end(session, _change_all, _Change(make, key, task_id))


def _change_all(session: Session, changes: list[_Change]) -> None:
    keys = {change.key for change in changes if change.key is not None}
    if keys and dialect_of(session) != "sqlite":
        _lock(session, keys, {change.task_id for change in changes if change.task_id is not None})
    for change in changes:
        change.make(session)


def _lock(session: Session, keys: Iterable[str], ids: Iterable[int]) -> None:
    """Lock what a unit changes: first the business keys, since a row that somebody just inserts cannot be locked by
    its id, then the rows there are."""
    numbers = sorted({int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], signed=True) for key in keys})
    for number in numbers:
        session.execute(_LOCK_KEY, {"number": number})
    session.execute(_LOCK_ROWS, {"ids": list(ids), "keys": list(keys)}).all()


_TASK = cast(sa.Table, Task.__table__)
_LOCK_KEY = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("number", type_=sa.BigInteger)))
_IS_ASKED = _TASK.c.business_key.in_(sa.bindparam("keys", expanding=True)) & _TASK.c.state.in_(OPEN_STATES)
_IS_ENDED = _TASK.c.id.in_(sa.bindparam("ids", expanding=True))
_LOCK_ROWS = sa.select(_TASK.c.id).where(_IS_ENDED | _IS_ASKED).order_by(_TASK.c.id).with_for_update(**LOCK)
