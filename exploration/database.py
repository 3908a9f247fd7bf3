"""The in-memory database of the explorer: one for all runs of a process, empty again before each.

One, because an engine keeps the statements it has compiled; compiling them anew was half of a run's time.
"""

from __future__ import annotations

import sqlite3
from functools import cache

import sqlalchemy as sa

from is2_core.db.base import Base
from is2_core.db.engine import Database


def empty_database() -> Database:
    """The process's database with all tables and no rows; whatever an earlier run left there is gone."""
    database, pristine = _made()
    _copy(pristine, database.engine)
    return database


@cache
def _made() -> tuple[Database, sqlite3.Connection]:
    database = Database("sqlite://")
    Base.metadata.create_all(database.engine)
    pristine = sqlite3.connect(":memory:", check_same_thread=False)
    connection = database.engine.raw_connection()
    _sqlite(connection).backup(pristine)
    connection.close()
    return database, pristine


def _copy(pristine: sqlite3.Connection, engine: sa.Engine) -> None:
    connection = engine.raw_connection()
    pristine.backup(_sqlite(connection))
    connection.close()


def _sqlite(connection: sa.PoolProxiedConnection) -> sqlite3.Connection:
    driver = connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
