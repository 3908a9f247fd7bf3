"""The engine and the two units of work, `read()` and `write()`: the only places that begin or commit.

SQLite runs in WAL with synchronous FULL; a writer takes its lock at the start (BEGIN IMMEDIATE) and waits up to
30 s for it, so two writers queue instead of failing. `read()` cannot write on either database.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from is2_core.db.ownership import CartWritten, changes, within_limits
from is2_core.db.rows import built, columns_of, insert_of, write_rows
from is2_core.db.unit import do_what_is_left, open_unit
from is2_core.faultpoints import faultpoint

BUSY_TIMEOUT_MS = 30_000
RESTED_S = 1.0


class Database:
    """One database, opened lazily: a process that forks before first use shares no connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine: sa.Engine | None = None

    @property
    def engine(self) -> sa.Engine:
        """The engine, made at first use."""
        self.load()
        assert self._engine is not None
        return self._engine

    def load(self) -> None:
        """Load the driver and make the engine, without a connection: once for all that a process forks."""
        if self._engine is None:
            self._engine = _make_engine(self.url)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.url.startswith("sqlite")

    def scrub(self, tables: Iterable[str]) -> bool:
        """Have the database let go of what was erased and still lies in its files: in SQLite's write-ahead log, in dead
        rows of these tables on PostgreSQL. Returns whether it did; readers may keep it from that for a while."""
        if self.is_sqlite:
            # By the driver: in a transaction nothing could be checkpointed.
            with open_unit(), closing(self.engine.raw_connection()) as connection:
                busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
        engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with open_unit(), engine.connect() as connection:
            connection.exec_driver_sql(f"VACUUM {', '.join(sorted(tables))}")
        return True

    @property
    def _dialect(self) -> str:
        return "sqlite" if self.is_sqlite else "postgresql"

    def dispose(self) -> None:
        """Close all connections; the next use opens new ones."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A unit of work that only reads; the database refuses a write inside it."""
        with open_unit(), self._session(writes=False) as session:
            try:
                yield session
            finally:
                # Before the rollback, which would expire what was read: rows outlive the unit as plain values.
                session.expunge_all()
                session.rollback()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A unit of work that is committed at its end, or rolled back whole when anything is raised."""
        with open_unit(), self._session(writes=True) as session:
            try:
                yield session
                session.flush()
                do_what_is_left(session)
                faultpoint("commit.before")
                session.commit()
            except BaseException:
                session.rollback()
                raise
        faultpoint("commit.after")

    @contextmanager
    def _session(self, *, writes: bool) -> Iterator[Session]:
        # PostgreSQL's driver says the second with BEGIN, SQLite looks at the first.
        options = {"is2_writes": writes, "postgresql_readonly": not writes}
        with (
            self.engine.connect().execution_options(**options) as connection,
            Session(connection, expire_on_commit=False, autoflush=writes) as session,
        ):
            yield session

    def upsert(
        self,
        session: Session,
        table: type[Any],
        rows: Sequence[Mapping[str, Any]],
        *,
        key: Sequence[str],
        update: Sequence[str] = (),
        returning: Sequence[str] = (),
    ) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """Insert rows, or update the columns `update` of those whose `key` columns exist; one statement.

        Args:
            table: a mapped class.
            update: columns to overwrite; empty leaves existing rows as they are.
            returning: columns to read back (rows left as they were are not among them).
        """
        if issubclass(table, CartWritten):
            raise TypeError(f"{table.__name__} knows itself what a cart may write: upsert_from_cart")
        statement = built(_upsert, self._dialect, table, tuple(key), tuple(update), tuple(returning))
        return write_rows(session, statement, table, rows)

    def upsert_from_cart(
        self,
        session: Session,
        model: type[CartWritten],
        rows: Sequence[Mapping[str, Any]],
        *,
        returning: Sequence[str] = (),
    ) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """Insert rows that a cart tells of with all their columns, those not given at their defaults; where they exist,
        set the cart's columns and no other; texts that are longer than their columns say are cut. One statement.

        Args:
            returning: columns to read back (rows left as they were are not among them).
        """
        statement = built(upsert_of, self._dialect, model, tuple(returning))
        return write_rows(session, statement, model, within_limits(model, rows))


def _upsert(
    dialect: str, model: type[Any], key: tuple[str, ...], update: tuple[str, ...], returning: tuple[str, ...]
) -> sa.Insert:
    insert = insert_of(dialect, model)
    if update:
        changed = {name: insert.excluded[name] for name in update}
        statement = insert.on_conflict_do_update(index_elements=list(key), set_=changed)
    else:
        statement = insert.on_conflict_do_nothing(index_elements=list(key))
    return statement.returning(*columns_of(model, returning)) if returning else statement


def upsert_of(dialect: str, model: type[CartWritten], returning: tuple[str, ...] = ()) -> sa.Insert:
    """Build what `upsert_from_cart` runs."""
    insert = insert_of(dialect, model)
    values, where = changes(model, dict(insert.excluded.items()))
    statement = insert.on_conflict_do_update(index_elements=list(model.cart_key), set_=values, where=where)
    return statement.returning(*columns_of(model, returning)) if returning else statement


# Most lists and objects that are stored are empty.
_EMPTY: Final[Mapping[type[Any], str]] = {list: "[]", tuple: "[]", dict: "{}"}


def _dumps(value: Any) -> str:
    text = None if value else _EMPTY.get(type(value))
    return text or json.dumps(value)


def _loads(text: Any) -> Any:
    if text == "[]":
        return []
    return {} if text == "{}" else json.loads(text)


_JSON: Final[Mapping[str, Any]] = {"json_serializer": _dumps, "json_deserializer": _loads}


def _make_engine(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        # Nobody waits longer for a lock than on SQLite.
        options = f"-c timezone=UTC -c lock_timeout={BUSY_TIMEOUT_MS}"
        engine = sa.create_engine(url, **_JSON, hide_parameters=True, connect_args={"options": options})
        sa.event.listen(engine, "checkout", partial(_ping_after_rest, engine.dialect))
        return engine
    memory = sa.make_url(url).database in (None, "", ":memory:")
    engine = sa.create_engine(
        url,
        **_JSON,
        hide_parameters=True,
        # The pool hands a connection to one thread at a time, but not always to the thread that opened it.
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        **({"poolclass": StaticPool} if memory else {}),
    )
    sa.event.listen(engine, "connect", _configure_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # None: the sqlite3 module must not begin transactions of its own, _begin_sqlite does.
    connection.isolation_level = None
    # What is erased must not lie on in pages that are free.
    connection.execute("PRAGMA secure_delete=ON")
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("is2_writes", True)
    pooled = connection.connection
    if pooled.info.get("writes") is not writes:
        # By the driver: it waits for nobody, and so has no error to translate.
        pooled.cursor().execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        pooled.info["writes"] = writes
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _ping_after_rest(
    dialect: sa.Dialect, connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: object
) -> None:
    """Open another connection where this one has ended while nobody used it."""
    now = time.monotonic()
    # Not between the units of one task or page, where it would be every fifth thing that is asked of the database.
    if now - entry.info.get("used_at", now) > RESTED_S:
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error
    entry.info["used_at"] = now
