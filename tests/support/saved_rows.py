"""All rows of a database, saved to be put in the place of those it has later."""

from __future__ import annotations

import sqlite3
from typing import Protocol

import psycopg
import sqlalchemy as sa
from psycopg import sql

from tests.support.postgres import DELETE_ROWS


class Rows(Protocol):
    """The rows of one moment."""

    def restore(self, engine: sa.Engine, *, into_empty: bool = False) -> None:
        """Put them in the place of what the database has; nobody else may be at work in it.

        Args:
            into_empty: it has no rows, which is not looked at then.
        """
        ...


def save(engine: sa.Engine) -> Rows:
    """The committed rows of a database of either kind, with where its counters stand."""
    connection = engine.raw_connection()
    try:
        driver = connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            return _SqliteRows(driver)
        assert isinstance(driver, psycopg.Connection)
        return _PostgresRows(driver)
    finally:
        connection.close()


class _SqliteRows:
    def __init__(self, driver: sqlite3.Connection) -> None:
        self._pages = sqlite3.connect(":memory:", check_same_thread=False)
        driver.backup(self._pages)

    def restore(self, engine: sa.Engine, *, into_empty: bool = False) -> None:
        connection = engine.raw_connection()
        try:
            driver = connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            self._pages.backup(driver)
        finally:
            connection.close()


class _PostgresRows:
    def __init__(self, driver: psycopg.Connection) -> None:
        names = driver.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        self._tables: dict[str, bytes] = {}
        for (name,) in names:
            if name != "alembic_version" and driver.execute(_naming(name, "SELECT 1 FROM {} LIMIT 1")).fetchone():
                with driver.cursor().copy(_naming(name, "COPY {} TO STDOUT (FORMAT binary)")) as copy:
                    self._tables[name] = b"".join(bytes(part) for part in copy)
        self._counters = driver.execute(
            "SELECT quote_ident(sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL"
        ).fetchall()
        driver.rollback()

    def restore(self, engine: sa.Engine, *, into_empty: bool = False) -> None:
        connection = engine.raw_connection()
        try:
            driver = connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            if not into_empty:
                driver.execute(DELETE_ROWS)
            driver.execute("SET LOCAL session_replication_role = replica")
            for name, content in self._tables.items():
                with driver.cursor().copy(_naming(name, "COPY {} FROM STDIN (FORMAT binary)")) as copy:
                    copy.write(content)
            for name, last in self._counters:
                driver.execute("SELECT setval(%s::regclass, %s)", (name, last))
            driver.commit()
        finally:
            connection.close()


def _naming(table: str, statement: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(table))
