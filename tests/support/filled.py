"""A database with two rows in every table, made from the metadata: a table or column that is added joins by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from is2_core.db.engine import Database
from is2_core.db.metadata import metadata
from is2_core.db.types import Sealed, seal

ROWS = (1, 2)
LONG_AGO = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def plain(column: sa.Column[Any], number: int) -> Any:
    """A value for a column of row `number`, another one in each row."""
    if column.foreign_keys or isinstance(column.type, sa.Integer | sa.BigInteger):
        return number
    if isinstance(column.type, sa.Text):
        return f"{column.name} {number}"
    if isinstance(column.type, sa.JSON):
        return []
    return False if isinstance(column.type, sa.Boolean) else LONG_AGO


def key_of(column: sa.Column[Any], number: int) -> list[Any]:
    """Return the key the sealed column of row `number` is bound to."""
    assert isinstance(column.type, Sealed)
    tables = (name.split(".") for name in column.type.key)
    return [plain(metadata.tables[table].c[name], number) for table, name in tables]


def value_of(column: sa.Column[Any], number: int) -> dict[str, str]:
    """Return the value sealed in row `number`."""
    return {"of": f"{column} {number}"}


def fill(db: Database) -> None:
    """Insert the rows; what they refer to is row 1 for row 1 and row 2 for row 2."""
    with db.engine.connect() as connection:
        off = "PRAGMA foreign_keys = OFF" if db.is_sqlite else "SET session_replication_role = replica"
        connection.exec_driver_sql(off)
        for table in metadata.sorted_tables:
            if table.name == "unsealed_text":
                continue
            rows = [{column.name: plain(column, number) for column in table.columns} for number in ROWS]
            if table.name == "warehouse_order":
                rows = [{**row, "recipient_id": None} for row in rows]
            for row, number in zip(rows, ROWS, strict=True):
                for column in table.columns:
                    if isinstance(column.type, Sealed):
                        row[column.name] = seal(column, value_of(column, number), *key_of(column, number))
            connection.execute(sa.insert(table), rows)
        connection.commit()
        # The connection goes back to the pool.
        connection.exec_driver_sql(
            "PRAGMA foreign_keys = ON" if db.is_sqlite else "SET session_replication_role = origin"
        )
        connection.commit()
