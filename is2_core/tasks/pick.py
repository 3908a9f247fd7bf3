"""Whose turn it is: accounts take turns, within an account whoever waits longest at the highest priority."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.changes import rows_changed
from is2_core.db.rows import dialect_of, insert_of
from is2_core.tasks.models import Task, TaskTurn
from is2_core.tasks.queue import NOW
from is2_core.tasks.states import TaskState

_TASK, _TURN = cast(sa.Table, Task.__table__), cast(sa.Table, TaskTurn.__table__)
# Tasks of no account take turns like those of an account of their own.
_account_of: sa.ColumnElement[int] = sa.func.coalesce(_TASK.c.account_id, 0)


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
        last_ahead: whether the last turn of all was given because a person waited.
    """

    account: int
    due: int
    running: int
    person: bool
    turn: int
    last_ahead: bool


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

    def ahead(standing: _Standing) -> bool:
        return standing.person and not standing.last_ahead

    first = _first_due(None if kinds is None else frozenset(kinds))
    for standing in sorted(standings, key=lambda each: (not ahead(each), each.turn, each.account)):
        task_id = session.scalar(first, {"account": standing.account, "now": now})
        if task_id is not None:
            _note_turn(session, standing.account, ahead=ahead(standing))
            return task_id
    return None


def _standings(session: Session, now: datetime, kinds: Collection[str] | None) -> list[_Standing]:
    rows = session.execute(_standings_of(None if kinds is None else frozenset(kinds)), {"now": now})
    return [
        _Standing(account, due, running, bool(person), turn, bool(last))
        for account, due, running, person, turn, last in rows
    ]


# Statements are built once, and of tables instead of classes: a session would take longer to look at them than the
# database to do what an empty task needs.
@cache
def _standings_of(kinds: frozenset[str] | None) -> sa.Select[int, int, int, int, int, bool | None]:
    due = sa.and_(*_is_due(kinds))
    is_running = _TASK.c.state == TaskState.RUNNING
    turn = sa.func.coalesce(_TURN.c.turn, 0)
    newest = _TURN.alias()
    return (
        sa.select(
            _account_of,
            sa.func.sum(sa.case((due, 1), else_=0)),
            sa.func.sum(sa.case((is_running, 1), else_=0)),
            sa.func.max(sa.case((sa.and_(due, _TASK.c.priority == NOW), 1), else_=0)),
            turn,
            sa.select(newest.c.ahead).order_by(newest.c.turn.desc()).limit(1).scalar_subquery(),
        )
        .select_from(_TASK.outerjoin(_TURN, _TURN.c.account_id == _account_of))
        .where(sa.or_(due, is_running))
        .group_by(_account_of, turn)
    )


@cache
def _first_due(kinds: frozenset[str] | None) -> sa.Select[int]:
    return (
        sa.select(_TASK.c.id)
        .where(_account_of == sa.bindparam("account"), *_is_due(kinds))
        .order_by(_TASK.c.priority, _TASK.c.run_at, _TASK.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _is_due(kinds: frozenset[str] | None) -> list[sa.ColumnElement[bool]]:
    # As text: SQLAlchemy would put a list of parameters into the statement anew each time.
    known = [] if kinds is None else [_TASK.c.kind.in_([sa.literal_column(f"'{kind}'") for kind in sorted(kinds)])]
    return [_TASK.c.state == TaskState.READY, _TASK.c.run_at <= sa.bindparam("now", type_=_TASK.c.run_at.type), *known]


def _note_turn(session: Session, account: int, *, ahead: bool) -> None:
    """Give an account the newest turn. Nobody waits for anybody: who finds the row locked is as new as its holder."""
    values = {"account_": account, "ahead_": ahead}
    if rows_changed(session, _GIVE_TURN, values) == 0:
        session.execute(_first_turn(dialect_of(session)), values)


_NEWEST = sa.select(sa.func.coalesce(sa.func.max(_TURN.c.turn), 0) + 1).scalar_subquery()
_FREE = sa.select(_TURN.c.account_id).where(_TURN.c.account_id == sa.bindparam("account_"))
_GIVE_TURN = (
    sa.update(_TURN)
    .where(_TURN.c.account_id.in_(_FREE.with_for_update(skip_locked=True)))
    .values(turn=_NEWEST, ahead=sa.bindparam("ahead_"))
)


@cache
def _first_turn(dialect: str) -> sa.Insert:
    insert = insert_of(dialect, TaskTurn)
    values = {"account_id": sa.bindparam("account_"), "turn": _NEWEST, "ahead": sa.bindparam("ahead_")}
    statement: sa.Insert = insert.values(values).on_conflict_do_nothing()
    return statement
