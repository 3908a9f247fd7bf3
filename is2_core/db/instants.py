"""Instants, and a clock that is put back.

A clock that was ahead for a while leaves behind instants that nobody would reach for as long. So every future instant
stands beside the time it was set: where that lies in the future, the clock was put back, and the instant counts as due
now. A lease is cut to its length. Any other instant of our own clock has happened: one in the future, just now.

Each column of the type `UtcTime` says in its `info` which of these it is; without, it has happened. `mend_instants`
makes it so. Elsewhere instants are simply compared, by their indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.changes import rows_changed
from is2_core.db.locks import LOCK
from is2_core.db.types import UtcTime

# What two machines' clocks may be apart.
AHEAD: Final = timedelta(seconds=5)
NOW: Final = timedelta(0)
Info = dict[str, Any]
_INSTANT = "instant"


@dataclass(frozen=True)
class Instant:
    """The kind of instant a column holds.

    Args:
        set_at: of a future instant, the column that tells when it was set.
        lasts: of a lease, how long it is at most.
        told: whether somebody else's clock told it: it is left alone.
        back: how far before now one that has happened is moved; more than nothing where what happened since then is
            looked for again.
        is_watched: whether the dispatcher looks for it at each tick. That needs an index.
        where: the rows it matters in, SQL; "" for all.
    """

    set_at: str = ""
    lasts: timedelta | None = None
    told: bool = False
    back: timedelta = timedelta(0)
    is_watched: bool = False
    where: str = ""

    def is_ahead(self, column: sa.Column[Any], after: Callable[[timedelta], Any]) -> sa.ColumnElement[bool]:
        """Whether a row's instant is of a clock that was put back since.

        Args:
            after: gives the instant that is so long after now, or a parameter for it.
        """
        if self.set_at:
            # By the index of `set_at`: by one of its own the column would give all that is ahead, rightly or not.
            found = sa.and_(column.table.c[self.set_at] > after(AHEAD), sa.func.coalesce(column, column) > after(NOW))
        else:
            found = column > after(AHEAD + (self.lasts or NOW))
        return sa.and_(found, sa.text(self.where)) if self.where else found

    def mended(self, column: sa.Column[Any], now: datetime) -> Mapping[str, datetime]:
        """Return what such a row is set to."""
        if self.set_at:
            return {column.name: now, self.set_at: now}
        return {column.name: now + self.lasts if self.lasts else now - self.back}


def future(*, is_watched: bool = False, where: str = "") -> Info:
    """Describe the future instant of a table; whoever sets it sets the column `set_at` beside it to the present."""
    return {_INSTANT: Instant(set_at="set_at", is_watched=is_watched, where=where)}


def lease(lasts: timedelta, *, is_watched: bool = False, where: str = "") -> Info:
    """Describe the end of a lease."""
    return {_INSTANT: Instant(lasts=lasts, is_watched=is_watched, where=where)}


def past(*, back: timedelta = timedelta(0), is_watched: bool = False) -> Info:
    """Describe an instant that has happened, where there is more to say of it."""
    return {_INSTANT: Instant(back=back, is_watched=is_watched)}


def told() -> Info:
    """Describe an instant of somebody else's clock: a cart's, a person's."""
    return {_INSTANT: Instant(told=True)}


def instants(metadata: sa.MetaData, *, watched: bool = False) -> Iterator[tuple[sa.Column[Any], Instant]]:
    """Find the columns with instants of our own clock, or those of them that are watched."""
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, UtcTime)]
        found = {column: column.info.get(_INSTANT, Instant()) for column in columns}
        others = {instant.set_at for instant in found.values()}
        for column, instant in found.items():
            if not instant.told and column.name not in others and instant.is_watched >= watched:
                yield column, instant


def any_ahead(session: Session, metadata: sa.MetaData, now: datetime) -> bool:
    """Whether a watched instant is of a clock that was put back since."""
    statement, used = _look_ahead(metadata)
    return bool(session.scalar(statement, {name: now + more for name, more in used.items()}))


@cache
def _look_ahead(metadata: sa.MetaData) -> tuple[sa.Select[bool], Mapping[str, timedelta]]:
    """Build, once, the question of every tick; returns it and how long after now each of its parameters is."""
    used: dict[str, timedelta] = {}

    def after(more: timedelta) -> sa.BindParameter[datetime]:
        name = f"in_{more.total_seconds():.0f}_s"
        used[name] = more
        return sa.bindparam(name, type_=UtcTime())

    found = [
        sa.select(sa.literal(1)).select_from(column.table).where(instant.is_ahead(column, after)).exists()
        for column, instant in instants(metadata, watched=True)
    ]
    return sa.select(sa.or_(*found)), used


def mend_instants(session: Session, column: sa.Column[Any], instant: Instant, now: datetime) -> int:
    """Mend one column's instants of a clock that was put back since, but for rows others have locked; returns how many.
    It waits for nobody."""
    table = column.table
    assert isinstance(table, sa.Table)
    row_key = list(table.primary_key.columns)
    free = sa.select(*row_key).where(instant.is_ahead(column, lambda more: now + more)).order_by(*row_key)
    return rows_changed(
        session,
        sa.update(table)
        .where(sa.tuple_(*row_key).in_(free.with_for_update(skip_locked=True, **LOCK)))
        .values(**instant.mended(column, now)),
    )
