"""Alembic's entry: run migrations on the engine of the configured address."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from is2_core.db.engine import Database
from is2_core.db.metadata import metadata
from is2_core.db.types import Sealed, UtcTime


def render_type(kind: str, column_type: Any, _context: object) -> str | Literal[False]:
    """Write our column types as what the database stores, so that a migration outlives them."""
    if kind == "type" and isinstance(column_type, UtcTime):
        return "sa.DateTime()"
    if kind == "type" and isinstance(column_type, Sealed):
        return "sa.Text()"
    return False


def suspend_foreign_keys(connection: sa.Connection) -> None:
    """SQLite changes a table by making a new one and dropping the old one, which rows that refer to it would forbid.

    The pragma does nothing inside a transaction.
    """
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.execute("PRAGMA foreign_keys = OFF")


def check_foreign_keys(connection: sa.Connection) -> None:
    """Check what SQLite did not check meanwhile, before it is committed."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise RuntimeError(f"the migration would leave {len(broken)} rows that refer to nothing; nothing was changed")


database = Database(context.config.get_main_option("sqlalchemy.url") or "")
with database.engine.connect() as connection:
    if database.is_sqlite:
        suspend_foreign_keys(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=database.is_sqlite,
        render_item=render_type,
        # SQLite too: a migration that fails leaves the database as it was.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
        if database.is_sqlite:
            check_foreign_keys(connection)
database.dispose()
