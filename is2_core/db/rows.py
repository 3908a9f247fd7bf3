"""Writing many rows of a model with one statement, built once: building one takes longer than most databases to run it.

Statements are of the tables, not of their classes: nobody holds a row that a session would have to keep up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

T = TypeVar("T")
Insert = sqlite.Insert | postgresql.Insert
_built: Final[dict[tuple[object, ...], Any]] = {}


def insert_rows(
    session: Session, model: type[Any], rows: Iterable[Mapping[str, Any]], *, returning: Sequence[str] = ()
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Insert rows, the columns not given at their defaults; one statement, and none for no rows.

    Args:
        model: a mapped class.
        rows: values by the model's attributes.
        returning: attributes to read back.
    """
    return write_rows(session, built(_insert, model, tuple(returning)), model, rows)


def write_rows(
    session: Session, statement: sa.Insert, model: type[Any], rows: Iterable[Mapping[str, Any]]
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Run an insert of a model's table with these rows as `insert_rows` does; returns what it returns."""
    values = _whole(model, rows)
    if not values:
        return []
    # What the session holds back may be what these rows refer to.
    session.flush()
    result = session.execute(statement, values)
    assert isinstance(result, sa.CursorResult), statement
    return result.all() if result.returns_rows else []


def built(build: Callable[..., T], *of: object) -> T:
    """Return what `build` makes of these arguments, built once in this process (`functools.cache` takes no classes for
    mypy)."""
    if (build, *of) not in _built:
        _built[(build, *of)] = build(*of)
    found: T = _built[(build, *of)]
    return found


def insert_of(dialect: str, model: type[Any]) -> Insert:
    """Begin an insert that may have a clause for conflicts."""
    table = table_of(model)
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def dialect_of(session: Session) -> str:
    """Return the name of a session's dialect, for statements that differ by it and are built once for each."""
    return session.get_bind().dialect.name


def table_of(model: type[Any]) -> sa.Table:
    """Return the table of a mapped class."""
    return cast(sa.Table, model.__table__)


def columns_of(model: type[Any], names: Iterable[str]) -> list[sa.Column[Any]]:
    """Return the columns of attributes of a mapped class."""
    columns = sa.inspect(model).columns
    return [columns[name] for name in names]


def _insert(model: type[Any], returning: tuple[str, ...]) -> sa.Insert:
    statement = sa.insert(table_of(model))
    return statement.returning(*columns_of(model, returning)) if returning else statement


def _whole(model: type[Any], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Name the columns instead of the attributes, and give each column that is missing its default, or None where it
    has none and may be empty."""
    blank, renamed = built(_shape, model)
    if renamed:
        rows = [{renamed.get(name, name): value for name, value in row.items()} for row in rows]
    return [{**blank, **row} for row in rows]


def _shape(model: type[Any]) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return a row of defaults, and the columns named otherwise than their attributes."""
    blank: dict[str, Any] = {}
    for column in table_of(model).columns:
        default = cast(Any, column.default)
        if default is not None and default.is_scalar:
            blank[column.name] = default.arg
        elif default is not None and default.is_callable:
            # An empty collection; any other is made for each row anew.
            if not (made := default.arg(None)):
                blank[column.name] = made
        elif column.nullable:
            blank[column.name] = None
    columns = sa.inspect(model).columns
    return blank, {name: column.name for name, column in columns.items() if name != column.name}
