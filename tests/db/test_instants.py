"""A clock that was ahead and is put back leaves nothing behind that waits for its time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import is2_core
from is2_core.clock import VirtualClock
from is2_core.crypto import Keyring
from is2_core.db.engine import Database
from is2_core.db.instants import any_ahead, instants, mend_instants
from is2_core.db.metadata import metadata
from is2_core.db.types import UtcTime, use_keyring
from tests.conftest import KEYS
from tests.support.filled import LONG_AGO, fill

OURS = list(instants(metadata))
AHEAD = timedelta(days=1)
FUTURE = ("_until", "next_at", "next_try_at", "run_at", "ask_at", "post_at", "expires_at")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    use_keyring(Keyring.parse(KEYS))
    made = Database(database_url)
    fill(made)
    with made.write() as session:
        # Row 1 of tasks waits, row 2 is run.
        for number, state in ((1, "READY"), (2, "RUNNING")):
            session.execute(sa.text("UPDATE task SET state = :state WHERE id = :id"), {"state": state, "id": number})
    yield made
    made.dispose()


def times(db: Database, column: sa.Column[Any]) -> list[datetime]:
    row_key = column.table.primary_key.columns  # type: ignore[attr-defined]
    with db.read() as session:
        return list(session.scalars(sa.select(column).order_by(*row_key)))


def test_everything_a_clock_that_was_ahead_has_left_is_put_right(db: Database, clock: VirtualClock) -> None:
    now = clock.now()
    with db.write() as session:
        for table in metadata.sorted_tables:
            own = {column.name: now + AHEAD for column in table.columns if isinstance(column.type, UtcTime)}
            # Rows of the audit log are never changed; the database refuses it.
            if own and table.name != "audit_entry":
                session.execute(sa.update(table).values(own))
    with db.read() as session:
        assert any_ahead(session, metadata, now)
        assert not any_ahead(session, metadata, now + AHEAD)
    for column, instant in OURS:
        with db.write() as session:
            mend_instants(session, column, instant, now)
        for number, at in enumerate(times(db, column), start=1):
            if column.table.name == "task" and (number == 1) == (column.name == "lease_until") and instant.where:
                # Neither when a task that waits is leased nor when one that is leased was due matters.
                continue
            assert at == now + (instant.lasts or timedelta(0)) - instant.back, column
        if instant.set_at and column.table.name != "task":
            assert set(times(db, column.table.c[instant.set_at])) == {now}
    with db.read() as session:
        assert not any_ahead(session, metadata, now)
    told = metadata.tables["received_order"].c.ship_by
    assert times(db, told) == [now + AHEAD, now + AHEAD], "a cart's own promise stays"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_planned_by_a_right_clock_stays(db: Database, clock: VirtualClock) -> None:
    now = clock.now()
    with db.write() as session:
        for column, instant in OURS:
            later = now + (instant.lasts or (AHEAD if instant.set_at else timedelta(seconds=5)))
            values = {column.name: later, **({instant.set_at: now + timedelta(seconds=5)} if instant.set_at else {})}
            session.execute(sa.update(column.table).values(values))
    with db.read() as session:
        assert not any_ahead(session, metadata, now)
    with db.write() as session:
        assert sum(mend_instants(session, column, instant, now) for column, instant in OURS) == 0
    assert LONG_AGO not in times(db, OURS[0][0])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_looking_for_it_reads_no_table_to_its_end(db: Database, clock: VirtualClock) -> None:
    seen: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
    with db.read() as session:
        any_ahead(session, metadata, clock.now())
        statement = seen[-1]
        count = statement.count("?")
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("2026-01-01",) * count)
        scanned = [row[3] for row in plan if row[3].startswith("SCAN") and "heartbeat" not in row[3]]
    assert [step for step in scanned if step != "SCAN CONSTANT ROW"] == []


def test_every_future_instant_is_declared() -> None:
    declared = {str(column) for column, instant in OURS if instant.set_at or instant.lasts}
    named = {str(column) for table in metadata.sorted_tables for column in table.columns if _looks_future(column)}
    assert named == declared


def _looks_future(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, UtcTime) and column.name.endswith(FUTURE)


def test_whoever_sets_a_future_instant_says_when() -> None:
    """No statement of ours sets one without the time it was set: the two stand in one call, dictionary or function."""
    beside = {column.name: instant.set_at for column, instant in OURS if instant.set_at}
    wrong = [
        f"{path.name}:{node.lineno} {name}"
        for path in Path(is2_core.__path__[0]).rglob("*.py")
        if "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        for names in [set(_names_set(node))]
        for name, set_at in beside.items()
        if name in names and set_at not in names
    ]
    assert not wrong, wrong


def _names_set(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id == "enqueue"):
            yield from (keyword.arg for keyword in node.keywords if keyword.arg and not _is_none(keyword.value))
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (str(key.value) for key, value in pairs if isinstance(key, ast.Constant) and not _is_none(value))
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _names_assigned(target, node.value)


def _names_assigned(target: ast.expr, value: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for part, its_value in zip(target.elts, value.elts, strict=True):
            yield from _names_assigned(part, its_value)
    elif isinstance(target, ast.Attribute) and not _is_none(value):
        yield target.attr
    elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant) and not _is_none(value):
        yield str(target.slice.value)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
