"""The two units of work, on both databases."""

from __future__ import annotations

import threading

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from is2_core.accounts.models import Account
from is2_core.db import engine
from is2_core.db.base import Base
from is2_core.db.engine import Database
from is2_core.db.schema import revision_problem
from is2_core.db.unit import in_transaction, savepoint
from is2_core.platform import Platform


@pytest.fixture
def db(platform: Platform) -> Database:
    return platform.db


def add(db: Database, platform: Platform, name: str) -> None:
    with db.write() as session:
        session.add(Account(name=name, created_at=platform.clock.now()))


def names(db: Database) -> list[str]:
    with db.read() as session:
        return list(session.scalars(sa.select(Account.name).order_by(Account.name)))


def test_the_schema_is_the_newest_and_the_models_agree_with_it(db: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    assert revision_problem(db) == ""
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []


def test_a_write_is_whole_or_not_at_all(db: Database, platform: Platform) -> None:
    with pytest.raises(ZeroDivisionError), db.write() as session:
        session.add(Account(name="gone", created_at=platform.clock.now()))
        session.flush()
        _ = 1 / 0
    add(db, platform, "kept")
    assert names(db) == ["kept"]


def test_a_read_cannot_write(db: Database, platform: Platform) -> None:
    for name in ("a write works again on the same connection", "and a read after it cannot write again"):
        with pytest.raises(DBAPIError, match=r"readonly|read-only"), db.read() as session:
            session.execute(sa.insert(Account).values(name="no", created_at=platform.clock.now()))
        add(db, platform, name)
    assert len(names(db)) == 2


def test_rows_outlive_the_unit_they_were_read_in(db: Database, platform: Platform) -> None:
    add(db, platform, "kept")
    with db.read() as session:
        row = session.scalars(sa.select(Account)).one()
    assert row.name == "kept"


def test_units_do_not_nest_and_are_noticed(db: Database) -> None:
    assert not in_transaction()
    with db.read():
        assert in_transaction()
        with pytest.raises(RuntimeError, match="do not nest"), db.write():
            pass
    assert not in_transaction()


def test_a_part_may_fail_alone(db: Database, platform: Platform) -> None:
    with db.write() as session:
        session.add(Account(name="first", created_at=platform.clock.now()))
        session.flush()
        with pytest.raises(DBAPIError), savepoint(session):
            session.add(Account(name="first", created_at=platform.clock.now()))
        session.add(Account(name="second", created_at=platform.clock.now()))
    assert names(db) == ["first", "second"]


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_a_connection_that_ended_while_it_rested_is_replaced(
    db: Database, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(db, platform, "kept")
    with db.read() as session:
        own = session.scalar(sa.select(sa.func.pg_backend_pid()))
    assert own is not None
    with psycopg.connect(db.url.replace("+psycopg", "")) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [own])
    monkeypatch.setattr(engine, "RESTED_S", 0.0)
    assert names(db) == ["kept"]


def test_writers_queue_instead_of_failing(db: Database, platform: Platform) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                with db.write() as session:
                    count = session.scalar(sa.select(sa.func.count()).select_from(Account))
                    session.add(Account(name=f"{number}-{turn}-{count}", created_at=platform.clock.now()))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(names(db)) == 40
