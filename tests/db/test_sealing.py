"""Sealed values are their row's, and are brought to the present rule and key beside running work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core import jobs
from is2_core.crypto import CannotOpen, Keyring
from is2_core.db import reseal as resealing
from is2_core.db.engine import Database
from is2_core.db.metadata import metadata
from is2_core.db.reseal import all_steps, reseal, rows_with_keys, sealed_columns
from is2_core.db.types import SealedValue, seal, use_keyring
from is2_core.orders.models import Recipient
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.runner import run_next
from is2_core.tasks.schedule import Slots
from is2_core.tasks.states import TaskState
from tests.conftest import KEYS
from tests.support.buyers import sealed_before
from tests.support.filled import fill, key_of, value_of

SEALED = list(sealed_columns(metadata))
KEYRING = Keyring.parse(KEYS)
NEWER = f"{Keyring.generate('newer')},{KEYS}"


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A database with two rows in every table, each sealed column filled."""
    use_keyring(KEYRING)
    made = Database(database_url)
    fill(made)
    yield made
    made.dispose()


def stored(db: Database, column: sa.Column[Any]) -> dict[Any, str]:
    """The text of a sealed column by its rows' primary keys."""
    (row_key,) = column.table.primary_key.columns  # type: ignore[attr-defined]
    with db.read() as session:
        return dict(session.execute(sa.select(row_key, sa.type_coerce(column, sa.Text))).all())


def store(db: Database, column: sa.Column[Any], row: Any, text: str) -> None:
    (row_key,) = column.table.primary_key.columns  # type: ignore[attr-defined]
    with db.write() as session:
        session.execute(
            sa.update(column.table).where(row_key == row).values({column: SealedValue(column.type.purpose, text)})
        )


def opened(db: Database, column: sa.Column[Any]) -> list[Any]:
    """What the two rows hold, by their own keys; None where that does not open."""
    with db.read() as session:
        rows = session.execute(rows_with_keys(column)).all()
    return [_open(value, *key) for _, value, *key in sorted(rows, key=lambda row: str(row[0]))]


def _open(value: SealedValue, *key: Any) -> Any:
    try:
        return value.open(*key)
    except CannotOpen:
        return None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_sealed_column_is_bound_to_its_row_and_to_itself(db: Database) -> None:
    assert len(SEALED) >= 7
    for number, column in enumerate(SEALED):
        both = [value_of(column, 1), value_of(column, 2)]
        assert opened(db, column) == both, column
        (first, one), (second, two) = sorted(stored(db, column).items(), key=str)
        store(db, column, first, two)
        store(db, column, second, one)
        assert opened(db, column) == [None, None], f"{column} opens in another row"
        other = SEALED[number - 1]
        store(db, column, first, sorted(stored(db, other).items(), key=str)[0][1])
        assert opened(db, column)[0] is None, f"{column} opens what {other} holds"
        store(db, column, first, one)
        store(db, column, second, two)
        assert opened(db, column) == both


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_column_takes_only_what_was_sealed_for_it(db: Database) -> None:
    claim, credential = (metadata.tables[name].c.credentials for name in ("seller_claim", "credential"))
    with pytest.raises(TypeError, match="2 parts"):
        seal(credential, {}, 1, "S")
    for value in ("as it is", seal(claim, {}, 1, "S")):
        with pytest.raises(sa.exc.StatementError, match="takes only"), db.write() as session:
            session.execute(sa.update(credential.table).values({credential: value}))


def as_before(db: Database) -> None:
    """Let every sealed value be of the first rule."""
    for column in SEALED:
        for number, row in enumerate(sorted(stored(db, column), key=str), start=1):
            value = f'{{"of": "{column} {number}"}}'
            store(db, column, row, sealed_before(KEYRING, column.type.purpose, value.encode()))


def marks(db: Database) -> set[str]:
    return {text.rpartition(".")[0] for column in SEALED for text in stored(db, column).values()}


def test_what_the_first_rule_sealed_opens_and_is_sealed_again(db: Database) -> None:
    as_before(db)
    assert marks(db) == {"test"}
    values = [[value_of(column, 1), value_of(column, 2)] for column in SEALED]
    assert [opened(db, column) for column in SEALED] == values
    assert reseal(db.write, all_steps()) == 2 * len(SEALED)
    assert marks(db) == {"2:test"}
    assert [opened(db, column) for column in SEALED] == values
    assert reseal(db.write, all_steps()) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_new_key_takes_the_place_of_the_old_one_everywhere(db: Database) -> None:
    use_keyring(Keyring.parse(NEWER))
    assert reseal(db.write, all_steps()) == 2 * len(SEALED)
    use_keyring(Keyring.parse(NEWER.split(",")[0]))
    assert [opened(db, column) for column in SEALED] == [[value_of(each, 1), value_of(each, 2)] for each in SEALED]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_killed_at_any_slice_it_goes_on_where_it_was(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "BATCH", 1)
    as_before(db)
    assert marks(db) == {"test"}
    done, tries = 0, 0
    while marks(db) != {"2:test"}:
        tries += 1
        changing = 0

        @contextmanager
        def dying() -> Iterator[Session]:
            """Commit one slice that changes something, and die right before the commit of the next."""
            nonlocal changing
            with db.write() as session:
                before = session.connection().connection.driver_connection.total_changes  # type: ignore[union-attr]
                yield session
                session.flush()
                after = session.connection().connection.driver_connection.total_changes  # type: ignore[union-attr]
                changing += after > before
                if changing > 1:
                    raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            reseal(dying, all_steps())
        now_done = sum(text.startswith("2:") for column in SEALED for text in stored(db, column).values())
        assert now_done == done + 1, "a slice is all or nothing, and what was done stays"
        done = now_done
    assert tries == 2 * len(SEALED)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_does_not_open_stays_and_stops_nothing(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    as_before(db)
    column = metadata.tables["recipient"].c.sealed
    broken = sealed_before(Keyring.parse(Keyring.generate("lost")), "recipient.sealed", b"{}")
    store(db, column, 1, broken)
    assert reseal(db.write, all_steps()) == 2 * len(SEALED) - 1
    assert stored(db, column)[1] == broken
    assert "recipient.sealed of row 1 stays as it is" in caplog.text


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_row_somebody_is_changing_is_left_to_them(db: Database) -> None:
    as_before(db)
    column = metadata.tables["recipient"].c.sealed
    newer = seal(Recipient.sealed, {"of": "somebody else"}, *key_of(column, 1))
    with db.engine.connect() as other, other.begin():
        other.execute(sa.update(Recipient).where(Recipient.id == 1).values(sealed=newer))
        in_the_row = sum(each.table is column.table for each in SEALED)
        assert reseal(db.write, all_steps()) == 2 * len(SEALED) - in_the_row
    assert opened(db, column) == [{"of": "somebody else"}, value_of(column, 2)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_is_done_once_a_day_by_a_task_whose_time_is_limited(
    platform: Platform, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "BATCH", 1)
    with db.write() as session:
        session.execute(sa.delete(Task))
    as_before(db)
    taken: list[int] = []

    def slow(session: Session, after: Any, most: int) -> tuple[Any, int]:
        # Each slice takes half a minute, and nothing else on this clock does.
        platform.clock.advance(timedelta(seconds=30))  # type: ignore[attr-defined]
        taken.append(1)
        return None, 0

    steps = all_steps()
    monkeypatch.setattr(jobs, "all_steps", lambda: [slow, slow, slow, *steps])
    assert jobs.SCHEDULES.of_platform[TaskKind.RESEAL] == Slots(every_s=86_400)
    with db.write() as session:
        enqueue(session, kind=TaskKind.RESEAL, now=platform.clock.now())
    assert run_next(platform, jobs.HANDLERS)
    assert len(taken) == 2, "its time was over"
    with platform.db.read() as session:
        assert session.scalars(sa.select(Task.state)).all() == [TaskState.READY]
    monkeypatch.setattr(jobs, "all_steps", lambda: steps)
    assert run_next(platform, jobs.HANDLERS)
    assert marks(db) == {"2:test"}
