"""Alembic's entry: run migrations on the engine of the configured address."""

from __future__ import annotations

from typing import Any

from alembic import context

from is2_core.db.engine import Database
from is2_core.db.types import Sealed, UtcTime
from is2_core.models import Base


def render_type(kind: str, column_type: Any, _context: object) -> str | bool:
    """Write our column types as what the database stores, so that a migration outlives them."""
    if kind == "type" and isinstance(column_type, UtcTime):
        return "sa.DateTime()"
    if kind == "type" and isinstance(column_type, Sealed):
        return "sa.Text()"
    return False


database = Database(context.config.get_main_option("sqlalchemy.url") or "")
with database.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=database.is_sqlite,
        render_item=render_type,
    )
    with context.begin_transaction():
        context.run_migrations()
database.dispose()
