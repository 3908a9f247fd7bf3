"""Whose turn it is: accounts take turns, within an account whoever waits longest at the highest priority."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from is2_core.db.changes import rows_changed
from is2_core.tasks.models import Task, TaskTurn
from is2_core.tasks.queue import NOW
from is2_core.tasks.states import TaskState

# Tasks of no account take turns like those of an account of their own.
_account_of: sa.ColumnElement[int] = sa.func.coalesce(Task.account_id, 0)


@dataclass(frozen=True)
class Limits:
    """How much runs at once: of one account."""

    per_account: int = 20


LIMITS = Limits()


@dataclass(frozen=True)
class _Standing:
    """Where an account stands.

    Args:
        due, running: how many of its tasks are.
        person: whether a person waits for one that is due.
        turn: number of its last turn; 0 for never.
    """

    account: int
    due: int
    running: int
    person: bool
    turn: int


def count_due(session: Session, now: datetime, kinds: Collection[str] | None, limits: Limits) -> int:
    """Count the tasks that could be taken now.

    Args:
        kinds: the kinds that count; None for all.
    """
    standings = _standings(session, now, kinds)
    return sum(max(0, min(each.due, limits.per_account - each.running)) for each in standings)


def next_due(session: Session, now: datetime, kinds: Collection[str] | None, limits: Limits) -> int | None:
    """Return the task whose turn it is; None where none is due. On PostgreSQL its row is locked, and what
    others have locked is passed over.

    Every second turn goes to an account for which a person waits, so that neither waits for the other's flood.

    Args:
        kinds: the kinds to choose from; None for all.
    """
    standings = [each for each in _standings(session, now, kinds) if each.due and each.running < limits.per_account]
    last_ahead = session.scalar(sa.select(TaskTurn.ahead).order_by(TaskTurn.turn.desc()).limit(1))
    persons_first = not last_ahead

    def order(standing: _Standing) -> tuple[bool, int, int]:
        return not (persons_first and standing.person), standing.turn, standing.account

    first = _first_due(None if kinds is None else frozenset(kinds))
    for standing in sorted(standings, key=order):
        task_id = session.scalar(first, {"account": standing.account, "now": now})
        if task_id is not None:
            _note_turn(session, standing.account, ahead=persons_first and standing.person)
            return task_id
    return None


def _standings(session: Session, now: datetime, kinds: Collection[str] | None) -> list[_Standing]:
    rows = session.execute(_standings_of(None if kinds is None else frozenset(kinds)), {"now": now})
    return [_Standing(account, due, running, bool(person), turn) for account, due, running, person, turn in rows]


# Built once: building them takes longer than what the database does for an empty task.
@cache
def _standings_of(kinds: frozenset[str] | None) -> sa.Select[int, int, int, int, int]:
    due = sa.and_(*_is_due(kinds))
    turn = sa.func.coalesce(TaskTurn.turn, 0)
    return (
        sa.select(
            _account_of,
            sa.func.sum(sa.case((due, 1), else_=0)),
            sa.func.sum(sa.case((Task.state == TaskState.RUNNING, 1), else_=0)),
            sa.func.max(sa.case((sa.and_(due, Task.priority == NOW), 1), else_=0)),
            turn,
        )
        .outerjoin(TaskTurn, TaskTurn.account_id == _account_of)
        .where(sa.or_(due, Task.state == TaskState.RUNNING))
        .group_by(_account_of, turn)
    )


@cache
def _first_due(kinds: frozenset[str] | None) -> sa.Select[int]:
    return (
        sa.select(Task.id)
        .where(_account_of == sa.bindparam("account"), *_is_due(kinds))
        .order_by(Task.priority, Task.run_at, Task.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _is_due(kinds: frozenset[str] | None) -> list[sa.ColumnElement[bool]]:
    known = [] if kinds is None else [Task.kind.in_(sorted(kinds))]
    return [Task.state == TaskState.READY, Task.run_at <= sa.bindparam("now", type_=Task.run_at.type), *known]


def _note_turn(session: Session, account: int, *, ahead: bool) -> None:
    """Give an account the newest turn. Nobody waits for anybody: who finds the row locked is as new as its holder."""
    newest = sa.select(sa.func.coalesce(sa.func.max(TaskTurn.turn), 0) + 1).scalar_subquery()
    free = sa.select(TaskTurn.account_id).where(TaskTurn.account_id == account).with_for_update(skip_locked=True)
    update = sa.update(TaskTurn).where(TaskTurn.account_id.in_(free)).values(turn=newest, ahead=ahead)
    if rows_changed(session, update.execution_options(synchronize_session=False)) == 0:
        insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(TaskTurn)
        session.execute(insert.values(account_id=account, turn=newest, ahead=ahead).on_conflict_do_nothing())
