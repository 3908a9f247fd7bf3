"""Reading the audit log, for the page that shows it and for exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.audit.acts import Act
from is2_core.audit.chain import BATCH
from is2_core.audit.models import AuditEntry
from is2_core.platform import Platform


@dataclass(frozen=True)
class Entry:
    """A row of the audit log, see `AuditEntry`."""

    id: int
    at: datetime
    user_id: int | None
    actor: str
    role: str
    address: str
    account_id: int | None
    act: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted; what is left empty narrows nothing.

    Args:
        who: part of the e-mail address or name, or the whole address of the network, of whoever acted.
        subject: part of it.
        since, until: from the first instant on, before the second.
        account_id: rows that concern the account, and those of its `people` that concern no other, as signing in.
    """

    who: str = ""
    act: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    account_id: int | None = None
    people: Sequence[int] = ()


@dataclass(frozen=True)
class Entries:
    """Some rows, the newest first, and how many there are in all."""

    rows: Sequence[Entry]
    total: int


def first_time(session: Session, acts: Sequence[Act], subject: str) -> datetime | None:
    """Return when one of these acts was first done to a subject, as far as the log goes back."""
    return session.scalar(
        sa.select(sa.func.min(AuditEntry.at)).where(AuditEntry.act.in_(acts), AuditEntry.subject == subject)
    )


def list_entries(platform: Platform, wanted: Wanted, first: int, most: int) -> Entries:
    """Return rows from the number `first`, counted from 0, on."""
    query = sa.select(AuditEntry).where(*_conditions(wanted))
    with platform.db.read() as session:
        total = session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        page = query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(most).offset(first)
        return Entries([_entry(row) for row in session.scalars(page)], total)


def all_entries(platform: Platform, wanted: Wanted) -> Iterator[Entry]:
    """Give all rows in the order they were written, a slice a unit of work."""
    query = sa.select(AuditEntry).where(*_conditions(wanted)).order_by(AuditEntry.id).limit(BATCH)
    last, more = 0, True
    while more:
        with platform.db.read() as session:
            found = [_entry(row) for row in session.scalars(query.where(AuditEntry.id > last))]
        yield from found
        last, more = (found[-1].id, True) if len(found) == BATCH else (last, False)


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.who:
        is_named = AuditEntry.actor.icontains(wanted.who, autoescape=True)
        found.append(sa.or_(is_named, AuditEntry.address == wanted.who))
    if wanted.act:
        found.append(AuditEntry.act == wanted.act)
    if wanted.subject:
        found.append(AuditEntry.subject.icontains(wanted.subject, autoescape=True))
    if wanted.since:
        found.append(AuditEntry.at >= wanted.since)
    if wanted.until:
        found.append(AuditEntry.at < wanted.until)
    if wanted.account_id is not None:
        of_its_people = sa.and_(AuditEntry.account_id.is_(None), AuditEntry.user_id.in_(wanted.people))
        found.append(sa.or_(AuditEntry.account_id == wanted.account_id, of_its_people))
    return found


def _entry(row: AuditEntry) -> Entry:
    return Entry(
        row.id,
        row.at,
        row.user_id,
        row.actor,
        row.role,
        row.address,
        row.account_id,
        row.act,
        row.subject,
        row.before,
        row.after,
    )
