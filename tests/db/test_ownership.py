"""An upsert writes exactly what is the cart's: a column more is one line in its model."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from is2_core.db.engine import Database, upsert_of
from is2_core.db.ownership import CART, IS2, CartWritten, cart_columns, told
from is2_core.db.schema import upgrade
from is2_core.items.models import CartItem
from is2_core.orders.models import LineCustomization, ReceivedLine, ReceivedOrder, Recipient

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).replace(tzinfo=None)
ROOT = Path(__file__).resolve().parents[2]


class Tables(DeclarativeBase):
    """Tables of this test alone."""


class Letter(CartWritten, Tables):
    """A row of each kind of column."""

    __tablename__ = "ownership_letter"
    cart_key = ("number",)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True, info=CART)
    stamp: Mapped[str] = mapped_column(default="", info=CART)
    tags: Mapped[list[str]] = mapped_column(sa.JSON, default=list, info=CART)
    words: Mapped[str] = mapped_column(default="", info=CART | {"pii": "what somebody wrote"})
    opened: Mapped[bool] = mapped_column(default=False, info=IS2)
    note: Mapped[str | None] = mapped_column(info=IS2)
    erased_at: Mapped[datetime | None] = mapped_column(info=IS2)

    @classmethod
    def cart_may_write(cls) -> sa.ColumnElement[bool]:
        return cls.erased_at.is_(None)


class Person(CartWritten, Tables):
    """A row that is nothing but somebody's data."""

    __tablename__ = "ownership_person"
    cart_key = ("number",)
    all_pii = True
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True, info=CART)
    name: Mapped[str] = mapped_column(default="", info=CART | {"pii": "a name"})
    typed: Mapped[str] = mapped_column(default="", info=IS2 | {"pii": "a name somebody typed"})
    erased_at: Mapped[datetime | None] = mapped_column(info=IS2)

    @classmethod
    def cart_may_write(cls) -> sa.ColumnElement[bool]:
        return cls.erased_at.is_(None)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    Tables.metadata.create_all(found.engine)
    yield found
    Tables.metadata.drop_all(found.engine)
    found.dispose()


def stored(db: Database, model: type[Any]) -> dict[str, Any]:
    columns = [column for column in model.__table__.columns if column.name != "id"]
    with db.read() as session:
        return dict(session.execute(sa.select(*columns)).one()._mapping)


def take(db: Database, model: type[CartWritten], **row: object) -> None:
    with db.write() as session:
        db.upsert_from_cart(session, model, [row])


def test_a_row_is_inserted_whole_and_keeps_what_is_ours(db: Database) -> None:
    take(db, Letter, number="1", stamp="red", words="Hello")
    first = {"number": "1", "stamp": "red", "tags": [], "words": "Hello"}
    assert stored(db, Letter) == {**first, "opened": False, "note": None, "erased_at": None}
    with db.write() as session:
        session.execute(sa.update(Letter).values(opened=True, note="ours"))
    # A cart that tells of our columns changes nothing of them.
    take(db, Letter, number="1", stamp="blue", tags=["a"], words="Bye", opened=False, note="theirs")
    newer = {"number": "1", "stamp": "blue", "tags": ["a"], "words": "Bye"}
    assert stored(db, Letter) == {**newer, "opened": True, "note": "ours", "erased_at": None}


def test_what_was_erased_does_not_come_back_with_the_rest_of_its_row(db: Database) -> None:
    take(db, Letter, number="1", stamp="red", words="Hello")
    with db.write() as session:
        session.execute(sa.update(Letter).values(words="", erased_at=NOON))
    take(db, Letter, number="1", stamp="blue", words="Hello again")
    assert (stored(db, Letter)["stamp"], stored(db, Letter)["words"]) == ("blue", "")


def test_of_an_erased_person_the_cart_writes_nothing(db: Database) -> None:
    take(db, Person, number="1", name="Ann")
    with db.write() as session:
        session.execute(sa.update(Person).values(typed="Anne"))
    take(db, Person, number="1", name="Bea")
    assert (stored(db, Person)["name"], stored(db, Person)["typed"]) == ("Bea", "Anne")
    with db.write() as session:
        session.execute(sa.update(Person).values(name="", typed="", erased_at=NOON))
    take(db, Person, number="1", name="Cleo")
    assert (stored(db, Person)["name"], stored(db, Person)["typed"]) == ("", "")


def test_a_column_without_an_owner_fails_when_its_model_is_made() -> None:
    with pytest.raises(TypeError, match=r"Parcel\.weight has no owner: declare it with info=CART where"):

        class Parcel(CartWritten, Tables):
            __tablename__ = "ownership_parcel"
            cart_key = ("number",)
            number: Mapped[str] = mapped_column(primary_key=True, info=CART)
            weight: Mapped[int]


def test_a_buyer_s_data_that_nothing_protects_fails_when_its_model_is_made() -> None:
    with pytest.raises(TypeError, match="Postcard holds a buyer's data from the cart"):

        class Postcard(CartWritten, Tables):
            __tablename__ = "ownership_postcard"
            cart_key = ("number",)
            number: Mapped[str] = mapped_column(primary_key=True, info=CART)
            words: Mapped[str] = mapped_column(info=CART | {"pii": "what somebody wrote"})


def test_the_plain_upsert_leaves_such_rows_alone(db: Database) -> None:
    with db.write() as session, pytest.raises(TypeError, match="upsert_from_cart"):
        db.upsert(session, Letter, [{"number": "1"}], key=["number"], update=["opened"])


@pytest.mark.parametrize("model", [ReceivedOrder, Recipient, LineCustomization])
def test_a_guard_asks_of_the_row_itself(db: Database, model: type[CartWritten]) -> None:
    # Where a subquery names the table again, it asks of all rows.
    text = str(upsert_of(db.engine.dialect.name, model).compile(db.engine))
    asked = re.findall(r"\bFROM ([^()]*?)\s+WHERE", text)
    assert asked
    assert [tables for tables in asked if model.__table__.name in tables.split(", ")] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", [ReceivedOrder, ReceivedLine, Recipient, LineCustomization, CartItem])
def test_a_row_is_known_by_columns_that_are_unique(model: type[Any]) -> None:
    unique = {
        tuple(column.name for column in constraint.columns)
        for constraint in model.__table__.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    }
    unique |= {(column.name,) for column in model.__table__.columns if column.unique}
    assert model.cart_key in unique
    assert not set(model.cart_key) & {column.name for column in cart_columns(model)}


def test_what_the_contract_tells_under_a_column_s_name_needs_no_further_line() -> None:
    @dataclass(frozen=True)
    class Told:
        stamp: str = "red"
        tags: tuple[str, ...] = ("a", "b")
        opened: bool = True

    assert told(Letter, Told()) == {"stamp": "red", "tags": ("a", "b")}


def test_a_column_more_takes_one_line(empty_url: str) -> None:
    """In a process and a database of its own: neither model nor table loses the column again."""
    upgrade(empty_url)
    program = [sys.executable, "-m", "tests.support.one_column_more", empty_url]
    answer = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stderr[-3000:]
