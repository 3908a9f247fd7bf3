"""The statements a piece of work sends to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from is2_core.platform import Platform

_BOOKKEEPING = ("PRAGMA", "BEGIN", "SET TRANSACTION", "SAVEPOINT", "RELEASE")


@contextmanager
def counted(platform: Platform) -> Iterator[list[str]]:
    """The texts of the statements sent meanwhile, in order, without those that only begin or end something. Of one
    that is sent with many rows the text counts once."""
    texts: list[str] = []

    def note(connection: sa.Connection, cursor: object, statement: str, *_: object) -> None:
        if not statement.lstrip().upper().startswith(_BOOKKEEPING):
            texts.append(statement)

    sa.event.listen(platform.db.engine, "before_cursor_execute", note)
    try:
        yield texts
    finally:
        sa.event.remove(platform.db.engine, "before_cursor_execute", note)
