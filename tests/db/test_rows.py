"""Rows that are written many at once, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from is2_core.db.engine import Database
from is2_core.db.rows import insert_rows
from is2_core.db.types import UtcTime
from is2_core.platform import Platform
from tests.support.statements import counted

NOON = datetime(2026, 11, 30, 12, 0, 0, 250, tzinfo=UTC)
_numbers = count(1)


class Tables(DeclarativeBase):
    type_annotation_map = {datetime: UtcTime(), list[str]: sa.JSON()}


class Shelf(Tables):
    __tablename__ = "rows_shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Box(Tables):
    __tablename__ = "rows_box"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int | None] = mapped_column(sa.ForeignKey("rows_shelf.id"))
    label: Mapped[str] = mapped_column("former_label")
    units: Mapped[int] = mapped_column(default=1)
    tags: Mapped[list[str]] = mapped_column(default=list)
    number: Mapped[int] = mapped_column(default=lambda: next(_numbers))
    packed_at: Mapped[datetime | None]


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    Tables.metadata.create_all(found.engine)
    yield found
    Tables.metadata.drop_all(found.engine)
    found.dispose()


def boxes(db: Database) -> dict[str, Any]:
    with db.read() as session:
        return {box.label: box for box in session.scalars(sa.select(Box))}


def test_rows_are_whole_whatever_is_given_of_them(db: Database) -> None:
    with db.write() as session:
        made = insert_rows(
            session,
            Box,
            [{"label": "a", "units": 3, "packed_at": NOON}, {"label": "b", "tags": ["new"]}],
            returning=["label", "id"],
        )
    stored = boxes(db)
    assert {row.former_label: row.id for row in made} == {label: box.id for label, box in stored.items()}
    assert (stored["a"].units, stored["a"].tags, stored["a"].packed_at) == (3, [], NOON)
    assert (stored["b"].units, stored["b"].tags, stored["b"].packed_at) == (1, ["new"], None)
    # What is made for each row is no default of all of them.
    assert stored["a"].number != stored["b"].number


def test_what_rows_refer_to_is_written_before_them(db: Database) -> None:
    with db.write() as session:
        session.add(Shelf(id=7, name="top"))
        insert_rows(session, Box, [{"label": "a", "shelf_id": 7}])
    assert boxes(db)["a"].shelf_id == 7


def test_no_rows_are_no_statement(platform: Platform) -> None:
    with platform.db.write() as session, counted(platform) as seen:
        assert insert_rows(session, Box, []) == []
    assert seen == []


def test_times_come_back_in_utc_and_a_naive_one_is_refused(db: Database) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-7)))
    with db.write() as session:
        insert_rows(session, Box, [{"label": "a", "packed_at": elsewhere}])
    packed = boxes(db)["a"].packed_at
    assert (packed, packed.tzinfo) == (NOON, UTC)
    with db.read() as session:
        # Compared by the database, and computed by it.
        assert session.scalar(sa.select(Box.label).where(Box.packed_at <= elsewhere)) == "a"
        assert session.scalar(sa.select(sa.func.max(Box.packed_at))) == NOON
    with pytest.raises(StatementError, match="naive"), db.write() as session:
        insert_rows(session, Box, [{"label": "b", "packed_at": NOON.replace(tzinfo=None)}])
