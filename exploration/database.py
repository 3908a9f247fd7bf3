"""The in-memory database of the explorer: one for all runs of a process, empty again before each.

One, because an engine keeps the statements it has compiled; compiling them anew was half of a run's time.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.pool import PoolProxiedConnection

from is2_core.db.base import Base
from is2_core.db.engine import Database, _begin_sqlite


def empty_database() -> Database:
    """The process's database with all tables and no rows; whatever an earlier run left there is gone."""
    database, pristine = _made()
    _copy(pristine, database.engine)
    return database


def as_text(statement: sa.Select[*tuple[Any, ...]]) -> str:
    """Return a statement, its values in it, for `glance`."""
    compiled = statement.compile(dialect=dialect(), compile_kwargs={"literal_binds": True})
    return str(compiled)


def glance(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Read between two units of work, as SQLite stores it: the explorer looks so often whether there is something to do
    that the way through SQLAlchemy would be a tenth of a run."""
    connection = database.engine.raw_connection()
    rows = _sqlite(connection).execute(statement, values).fetchall()
    connection.close()
    return rows


@cache
def _made() -> tuple[Database, sqlite3.Connection]:
    database = Database("sqlite://")
    _without_listeners(database.engine)
    Base.metadata.create_all(database.engine)
    pristine = sqlite3.connect(":memory:", check_same_thread=False)
    connection = database.engine.raw_connection()
    _sqlite(connection).backup(pristine)
    connection.close()
    return database, pristine


def _without_listeners(engine: sa.Engine) -> None:
    """Begin in the dialect instead of by a listener: as long as an engine has one, SQLAlchemy looks for others around
    every statement. Who alone has a database need not say whether he is going to write."""
    sa.event.remove(engine, "begin", _begin_sqlite)
    vars(engine)["_has_events"] = False
    vars(engine.dialect)["do_begin"] = _begin


def _begin(connection: PoolProxiedConnection) -> None:
    _sqlite(connection).execute("BEGIN")


def _copy(pristine: sqlite3.Connection, engine: sa.Engine) -> None:
    connection = engine.raw_connection()
    pristine.backup(_sqlite(connection))
    connection.close()


def _sqlite(connection: sa.PoolProxiedConnection) -> sqlite3.Connection:
    driver = connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
