"""Sealing again what is stored, in slices: by the present rule and key what an earlier one sealed, and whatever else a
release seals that lay open or elsewhere before.

Old values open as long as their key is there, so this goes on beside running processes, at any time after an upgrade.
A slice is one commit. Nothing is noted of how far it came: what is done is not found again, so a run that was killed is
simply begun again. Rows that others have locked are left to the next run; whoever writes them seals them anew anyway.

To add a step, write a `Step` in a module `resealing.py` of the slice whose table it is, and name it in the module's
constant `STEPS`: it is found there, and runs before the steps of the sealed columns, which need none of their own.
All run in `is2 db upgrade`, in `is2 keys reseal` and daily in the task `platform.reseal`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import is2_core
from is2_core.crypto import CannotOpen, UnknownKey
from is2_core.db.models import KeyCanary, UnsealedText
from is2_core.db.types import Sealed, SealedValue, seal, seal_mark

BATCH = 50
_log = logging.getLogger(__name__)

Place = int | str
Step = Callable[[Session, Place | None, int], tuple[Place | None, int]]
"""Does one slice, inside a unit of work that writes.

Args:
    after: the primary key of the last row of the slice before; None at first.
    most: at most so many rows are done.

Returns:
    The primary key of the last row that was looked at, None where there is none further, and how many were changed.
    Rows that are done already are not looked at, and those that cannot be done are passed over.
"""


def reseal(
    write: Callable[[], AbstractContextManager[Session]],
    steps: Sequence[Step],
    has_time: Callable[[], bool] = lambda: True,
    tell: Callable[[int], None] = lambda changed: None,
) -> int:
    """Run each step to its end; returns how many rows were changed.

    Args:
        write: opens the unit of work of one slice.
        has_time: whether there is time for one more slice; asked before each.
        tell: is told after each slice how many rows were changed until then.
    """
    changed = 0
    for step in steps:
        after: Place | None = None
        is_further = True
        while is_further and has_time():
            with write() as session:
                after, done = step(session, after, BATCH)
            changed += done
            tell(changed)
            is_further = after is not None
    return changed


def all_steps() -> list[Step]:
    """Return what the slices add, and a step for each sealed column there is."""
    # Imported here: it imports every slice's tables, some of which import this package.
    from is2_core.db.metadata import metadata

    # The canary last: until the rest is done, no process starts without the key of before.
    columns = sorted(sealed_columns(metadata), key=lambda column: column.table is KeyCanary.__table__)
    added: list[Step] = [_step_of_texts({str(column): column for column in columns})]
    for found in walk_packages(is2_core.__path__, "is2_core."):
        if found.name.endswith(".resealing"):
            added += import_module(found.name).STEPS
    return added + [_step_of(column) for column in columns]


def sealed_columns(metadata: sa.MetaData) -> Iterator[sa.Column[Any]]:
    """Find the columns that hold sealed values."""
    for table in metadata.sorted_tables:
        yield from (column for column in table.columns if isinstance(column.type, Sealed))


def _step_of_texts(columns: Mapping[str, sa.Column[Any]]) -> Step:
    """Seal what a revision has put into `UnsealedText`, unless it was erased or something newer stands there."""

    def step(session: Session, after: Place | None, most: int) -> tuple[Place | None, int]:
        texts = session.scalars(
            sa.select(UnsealedText).where(UnsealedText.id > (after or 0)).order_by(UnsealedText.id).limit(most)
        ).all()
        for name in sorted({each.column for each in texts}):
            column, of_row = (
                columns[name],
                {each.row_id: each.text for each in texts if each.column == name and each.text},
            )
            (row_key,) = column.table.primary_key.columns
            rows = session.execute(rows_with_keys(column).where(row_key.in_(of_row), column.is_(None))).all()
            for place, _, *key in rows:
                text = sa.update(column.table).values({column: seal(column, of_row[place], *key)})
                session.execute(text.where(row_key == place, column.is_(None)))
        session.execute(sa.delete(UnsealedText).where(UnsealedText.id.in_([each.id for each in texts])))
        return texts[-1].id if len(texts) == most else None, len(texts)

    return step


def _step_of(column: sa.Column[Any]) -> Step:
    table = column.table
    assert isinstance(table, sa.Table) and isinstance(column.type, Sealed)
    (row_key,) = table.primary_key.columns
    query = rows_with_keys(column)

    def step(session: Session, after: Place | None, most: int) -> tuple[Place | None, int]:
        text, mark = sa.type_coerce(column, sa.Text), seal_mark()
        old = query.where(column.is_not(None), sa.func.substr(text, 1, len(mark)) != mark)
        further = old if after is None else old.where(row_key > after)
        rows = session.execute(
            further.order_by(row_key).limit(most).with_for_update(of=table, skip_locked=True, key_share=True)
        ).all()
        done = sum(_seal_again(session, column, row_key, *row) for row in rows)
        return rows[-1][0] if len(rows) == most else None, done

    return step


def rows_with_keys(column: sa.Column[Any]) -> sa.Select[*tuple[Any, ...]]:
    """Select of a sealed column's table the primary key, the value, and what it is bound to."""
    table, kind = column.table, column.type
    assert isinstance(table, sa.Table) and isinstance(kind, Sealed)
    (row_key,) = table.primary_key.columns
    names = [name.split(".") for name in kind.key]
    joined: list[sa.Table] = [table]
    source: sa.FromClause = table
    missing = {name for name, _ in names} - {table.name}
    while missing:
        # The next table that one of those joined refers to.
        link = next(
            key for known in joined for key in sorted(known.foreign_keys, key=str) if key.column.table.name in missing
        )
        joined.append(link.column.table)
        missing.discard(link.column.table.name)
        source = source.join(link.column.table, link.parent == link.column)
    keys = [table.metadata.tables[name].c[part] for name, part in names]
    return sa.select(row_key, column, *keys).select_from(source)


def _seal_again(
    session: Session, column: sa.Column[Any], row_key: sa.Column[Any], place: Place, value: SealedValue, *key: Place
) -> bool:
    try:
        anew = seal(column, value.open(*key), *key)
    except (CannotOpen, UnknownKey) as error:
        _log.error("%s of row %s stays as it is: %s", column, place, error)
        return False
    session.execute(sa.update(column.table).where(row_key == place).values({column: anew}))
    return True
