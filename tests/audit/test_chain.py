"""The chain that seals the audit log."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import is2_core.audit
from cli.audit_log.verifying import audit
from is2_core import jobs
from is2_core.audit import Act, Actor, acting, chain, record
from is2_core.audit.chain import KEEP, Place, forget_entries, seal_entries
from is2_core.audit.models import AuditEntry
from is2_core.audit.verify import Verified, verify
from is2_core.clock import VirtualClock
from is2_core.crypto import Keyring, UnknownKey
from is2_core.db.reseal import all_steps, reseal
from is2_core.db.types import keyring, use_keyring
from is2_core.db.unit import do_what_is_left
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import enqueue
from is2_core.tasks.runner import run_next
from tests.conftest import KEYS
from tests.support.saved_rows import save
from tests.support.side_by_side import Gate, Threads

ROOT = Path(__file__).resolve().parents[2]
ANN = Actor(7, "ann@example.test", "admin", "192.0.2.7")


def add(platform: Platform, *subjects: str) -> None:
    for subject in subjects:
        with acting(ANN), platform.db.write() as session:
            record(session, Act.USER_DISABLED, subject=subject, before={"disabled": False}, after={"disabled": True})


def close(platform: Platform) -> int:
    with platform.db.write() as session:
        return seal_entries(session, platform.clock.now())


def test_an_act_is_stored_with_who_when_and_from_where(platform: Platform) -> None:
    add(platform, "user 12")
    with platform.db.read() as session:
        row = session.scalars(sa.select(AuditEntry)).one()
    assert (row.user_id, row.actor, row.role, row.address) == (7, "ann@example.test", "admin", "192.0.2.7")
    assert (row.at, row.act, row.subject) == (platform.clock.now(), "user.disable", "user 12")
    assert (row.before, row.after, row.position) == ({"disabled": False}, {"disabled": True}, None)


def test_an_act_that_is_rolled_back_is_not_recorded(platform: Platform) -> None:
    with pytest.raises(ZeroDivisionError), platform.db.write() as session:
        record(session, Act.USER_DISABLED)
        raise ZeroDivisionError
    assert close(platform) == 0


def test_only_sealing_and_retention_change_rows() -> None:
    changing = [
        f"{path.stem}:{call.func.attr}"
        for path in sorted(Path(is2_core.audit.__path__[0]).rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if call.func.attr in ("update", "delete", "merge", "text", "exec_driver_sql") and path.stem != "models"
    ]
    # Others do not even know the table: contract `audit-tables` in setup.cfg.
    assert sorted(changing) == ["chain:delete", "chain:update"]
    named = re.compile(r"audit_entry|audit_chain")
    places = (path for top in ("is2_core", "web", "cli") for path in (ROOT / top).rglob("*.py"))
    naming = {path.name for path in places if named.search(path.read_text())}
    assert naming == {"models.py", "0008_the_gate.py"}


def test_nothing_is_recorded_in_vain(platform: Platform) -> None:
    with platform.db.read() as session, pytest.raises(RuntimeError, match="that writes"):
        record(session, Act.USER_DISABLED)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET subject = 'user 13'",
        "UPDATE audit_entry SET position = position + 1 WHERE position IS NOT NULL",
        "DELETE FROM audit_entry WHERE position IS NOT NULL",
        "DELETE FROM audit_entry WHERE position IS NULL",
    ],
)
def test_the_database_refuses_to_change_or_delete_rows(platform: Platform, statement: str) -> None:
    add(platform, "user 12")
    assert close(platform) == 1
    add(platform, "user 13")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), platform.db.write() as session:
        session.execute(sa.text(statement))


def checked(platform: Platform, noted: Place | None = None) -> Verified:
    return verify(platform.db, platform.clock.now(), noted)


def behind(platform: Platform, *statements: str) -> None:
    """Write to the database as somebody who has it in hand, and without its triggers, but not the keys."""
    with platform.db.engine.begin() as connection:
        if platform.db.is_sqlite:
            for name in connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            connection.exec_driver_sql(statement)


COPY_AT_THE_END = (
    "INSERT INTO audit_entry (name, at, user_id, actor, role, address, account_id, act, subject, before, after, mac,"
    " position, digest) SELECT 'n', at, user_id, actor, role, address, account_id, act, subject, before, after, mac,"
    " 6, digest FROM audit_entry WHERE position = 5"
)


# Each with the word that tells of it, and the place it is told of, against a chain of five rows and one that waits.
ATTACKS = {
    "a subject is changed": (
        "UPDATE audit_entry SET subject = 'user 9' WHERE position = 2",
        "position 2: row 2 was ch",
    ),
    "a time is changed": ("UPDATE audit_entry SET at = '2020-01-01 00:00:00' WHERE position = 2", "position 2: row 2"),
    "a row says who else did it": ("UPDATE audit_entry SET user_id = 8 WHERE position = 5", "position 5: row 5"),
    "what it was before": ("UPDATE audit_entry SET before = '{}' WHERE position = 1", "position 1: row 1 was"),
    "a row is deleted": ("DELETE FROM audit_entry WHERE position = 3", "position 3: the row is missing"),
    "the first row is deleted": ("DELETE FROM audit_entry WHERE position = 1", "position 1: the row is missing"),
    "the tail is cut": ("DELETE FROM audit_entry WHERE position > 3", "position 4: the end is missing, 5 rows"),
    "the gap is closed": (
        "DELETE FROM audit_entry WHERE position = 3; UPDATE audit_entry SET position = position - 1 WHERE position > 3",
        "position 3: row 4 does not follow",
    ),
    "two rows change places": (
        "UPDATE audit_entry SET position = 0 WHERE position = 2;"
        "UPDATE audit_entry SET position = 2 WHERE position = 3;"
        "UPDATE audit_entry SET position = 3 WHERE position = 0",
        "position 2: row 3 does not follow",
    ),
    "a row is added at the end": (COPY_AT_THE_END, "position 6: row 7 was changed"),
    "a true row is added again": (COPY_AT_THE_END.replace(" 6,", " NULL,"), "not in the chain yet: row 7 was changed"),
    "a row leaves the chain": ("UPDATE audit_entry SET position = NULL WHERE position = 5", "position 5: the end is"),
    "a row that waits is changed": ("UPDATE audit_entry SET act = 'x' WHERE position IS NULL", "not in the chain yet"),
    "the end is taken back": ("UPDATE audit_chain SET head = NULL; DELETE FROM audit_entry WHERE position > 1", ""),
    "another key": ("UPDATE audit_chain SET key = head", "the chain's own row was changed"),
    "an end of somebody's own": ("UPDATE audit_chain SET anchor = head, anchor_position = 5", "own row was changed"),
    "a beginning of somebody's own": (
        "UPDATE audit_chain SET anchor = key, anchor_position = 9",
        "own row was changed",
    ),
    "no chain": ("DELETE FROM audit_chain", "the chain's own row is gone"),
}


def test_what_was_done_behind_the_platform_s_back_is_found(platform: Platform) -> None:
    add(platform, "a", "b", "c", "d", "e")
    assert close(platform) == 5
    add(platform, "f")
    whole, before = checked(platform), save(platform.db.engine)
    assert (whole.problem, whole.rows, whole.waiting, whole.head.position) == ("", 5, 1, 5)
    for name, (statements, told) in ATTACKS.items():
        behind(platform, *statements.split(";"))
        found = checked(platform, whole.head)
        assert told in found.problem and found.problem, (name, found.problem)
        before.restore(platform.db.engine)
        assert checked(platform) == whole, name


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_row_that_is_no_json_and_no_time_is_a_changed_one(platform: Platform) -> None:
    add(platform, "a")
    close(platform)
    for statement in ("UPDATE audit_entry SET before = '{broken'", "UPDATE audit_entry SET at = 'noon'"):
        kept = save(platform.db.engine)
        behind(platform, statement)
        assert checked(platform).problem.startswith("position 1: row 1 was changed")
        kept.restore(platform.db.engine)


def test_a_chain_of_before_is_told_by_the_end_that_was_noted(platform: Platform) -> None:
    add(platform, "a")
    close(platform)
    backup = save(platform.db.engine)
    add(platform, "b")
    close(platform)
    noted = checked(platform).head
    backup.restore(platform.db.engine)
    assert checked(platform).problem == ""
    assert checked(platform, noted).problem == "position 2: the end is missing, 2 rows were there"
    add(platform, "c")
    close(platform)
    assert checked(platform, noted).problem == "position 2: the chain was another one when this was its end"


# SQLite has one writer at a time: no row is committed after one that was written later.
@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_rows_of_a_late_commit_are_sealed_by_the_next_run(platform: Platform) -> None:
    add(platform, "before both")
    close(platform)
    gate = Gate()

    def late() -> None:
        with acting(ANN), platform.db.write() as session:
            record(session, Act.USER_DISABLED, subject="first")
            do_what_is_left(session)
            gate.stop()

    with Threads(platform.db) as threads:
        threads.start(late)
        gate.wait()
        add(platform, "second")
        assert close(platform) == 1
        gate.open()
    assert (close(platform), close(platform)) == (1, 0)
    found = checked(platform)
    assert (found.problem, found.rows, found.waiting) == ("", 3, 0)
    with platform.db.read() as session:
        order = sa.select(AuditEntry.subject).order_by(AuditEntry.position)
        assert session.scalars(order).all() == ["before both", "second", "first"]
        assert session.scalars(order.order_by(None).order_by(AuditEntry.id)).all() == ["before both", "first", "second"]


def test_two_that_seal_at_once_do_not_fork_the_chain(platform: Platform) -> None:
    add(platform, "a", "b")
    gate = Gate()

    def seal_slowly() -> None:
        with platform.db.write() as session:
            assert seal_entries(session, platform.clock.now()) == 2
            gate.stop()

    with Threads(platform.db) as threads:
        threads.start(seal_slowly)
        gate.wait()
        other = threads.start(lambda: print(close(platform)))
        threads.until_blocked(other)
        gate.open()
    add(platform, "c")
    assert close(platform) == 1
    assert (checked(platform).problem, checked(platform).rows) == ("", 3)


def test_two_first_rows_at_once_are_proved_by_one_key(platform: Platform) -> None:
    gate = Gate()

    def first() -> None:
        with acting(ANN), platform.db.write() as session:
            record(session, Act.USER_DISABLED)
            do_what_is_left(session)
            gate.stop()

    with Threads(platform.db) as threads:
        threads.start(first)
        gate.wait()
        threads.until_blocked(threads.start(lambda: add(platform, "second")))
        gate.open()
    assert close(platform) == 2
    assert checked(platform).problem == ""


def test_after_twelve_months_an_anchor_stands_for_the_rows(platform: Platform, clock: VirtualClock) -> None:
    add(platform, "a", "b")
    close(platform)
    clock.advance(timedelta(days=200))
    add(platform, "c")
    close(platform)

    def forget() -> int:
        with platform.db.write() as session:
            return forget_entries(session, clock.now())

    assert forget() == 0
    clock.advance(KEEP - timedelta(days=199))
    assert (forget(), forget()) == (2, 0)
    found = checked(platform)
    assert (found.problem, found.rows, found.anchor.position, found.head.position) == ("", 1, 2, 3)
    noted_too_early = Place(1, "x")
    assert "lies before the oldest row" in checked(platform, noted_too_early).problem
    kept = save(platform.db.engine)
    behind(platform, "DELETE FROM audit_entry WHERE position = 3")
    assert checked(platform).problem == "position 3: the end is missing, 3 rows were there"
    kept.restore(platform.db.engine)
    # All of it may go; the chain goes on.
    clock.advance(KEEP)
    assert forget() == 1
    add(platform, "d")
    close(platform)
    found = checked(platform)
    assert (found.problem, found.rows, found.head.position) == ("", 1, 4)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_another_encryption_key_leaves_the_proofs_as_they_are(platform: Platform) -> None:
    add(platform, "a")
    close(platform)
    use_keyring(Keyring.parse(f"{Keyring.generate('new')},{KEYS}"))
    reseal(platform.db.write, all_steps())
    newest = keyring()
    use_keyring(Keyring({newest.current: newest.keys[newest.current]}, newest.current))
    assert checked(platform).problem == ""
    use_keyring(Keyring.parse(KEYS))
    with pytest.raises(UnknownKey):
        checked(platform)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_task_seals_all_there_is_and_comes_due_each_minute(
    platform: Platform, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 2)
    monkeypatch.setattr(chain, "BATCH", 2)
    add(platform, "a", "b", "c")
    with platform.db.write() as session:
        enqueue(session, kind=TaskKind.AUDIT_SEAL, now=clock.now())
    assert run_next(platform, jobs.HANDLERS) is not None
    assert (checked(platform).rows, checked(platform).waiting) == (3, 0)
    assert jobs.SCHEDULES.of_platform[TaskKind.AUDIT_SEAL].every_s == 60


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_tells_the_first_broken_place_and_the_end(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.audit_log.verifying.platform_of_environment", lambda: platform)
    add(platform, "a", "b")
    close(platform)
    good = CliRunner().invoke(audit, ["verify"])
    assert good.exit_code == 0, good.output
    assert good.output.startswith("2 rows are good, 0 wait")
    head = good.output.split()[-1]
    assert CliRunner().invoke(audit, ["verify", "--head", head]).exit_code == 0
    assert CliRunner().invoke(audit, ["verify", "--head", "what?"]).exit_code == 2
    behind(platform, "UPDATE audit_entry SET subject = 'x' WHERE position = 2")
    bad = CliRunner().invoke(audit, ["verify"])
    assert bad.exit_code == 1
    assert "broken at position 2: row 2 was changed" in bad.output
