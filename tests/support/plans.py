"""Which tables statements read from end to end, by the database's own plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from is2_core.platform import Platform


def tables_read_whole(platform: Platform, work: Callable[[], object], tables: Collection[str]) -> list[str]:
    """Name those of the tables that the statements of a piece of work read whole. On PostgreSQL, which does so with
    small ones in any case, those for which no index would do."""
    scan = r"SCAN (\w+)" if platform.db.is_sqlite else r"Seq Scan on (\w+)"
    found = re.findall(scan, "\n".join(plans(platform, work, tables)))
    return sorted(set(found) & set(tables))


def plans(platform: Platform, work: Callable[[], object], tables: Collection[str]) -> list[str]:
    """Return the lines of the database's plans for the statements of a piece of work that name one of the tables."""
    statements: dict[str, Any] = {}

    def note(*about: Any) -> None:
        statements.setdefault(about[2], about[3])

    sa.event.listen(platform.db.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        sa.event.remove(platform.db.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if platform.db.is_sqlite else "EXPLAIN "
    lines: list[str] = []
    with platform.db.engine.connect() as connection, connection.begin() as unit:
        if not platform.db.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in statements.items():
            if re.match(r"SELECT|UPDATE|DELETE|WITH", statement) and re.search("|".join(tables), statement):
                lines += [str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters)]
        unit.rollback()
    return lines
