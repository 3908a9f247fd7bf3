"""The chain that seals the audit log."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.audit import Act, Actor, acting, record
from is2_core.audit.chain import seal_entries
from is2_core.audit.models import AuditEntry
from is2_core.platform import Platform

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
