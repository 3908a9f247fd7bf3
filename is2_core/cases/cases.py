"""Cases for the support: what merchants ask, and what the platform itself wants a person to look at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Account
from is2_core.cases.models import SupportCase
from is2_core.db.changes import rows_changed
from is2_core.db.chunks import chunks
from is2_core.db.locks import LOCK
from is2_core.db.types import seal
from is2_core.errors import BadInput

MAX_TEXT = 2000
MAX_PAGE = 500
ENDED_BY_ITSELF = "This ended by itself."


def raise_case(
    session: Session,
    now: datetime,
    *,
    account_id: int | None,
    kind: str,
    subject: str,
    message: str,
    integration_id: int | None = None,
    order_id: int | None = None,
    user_id: int | None = None,
) -> None:
    """Have a person look at something, inside the transaction that noticed it.

    One case of a kind and subject is open in an account at a time: while it is, only its message is brought up to
    date. Call it after the business rows are written and before tasks are asked for.
    """
    lock_cases(session, account_id)
    sealed = seal(SupportCase.sealed_message, message, account_id, kind, subject)
    still_open = sa.update(SupportCase).where(*_open(account_id, kind, subject))
    if rows_changed(session, still_open.values(sealed_message=sealed)) == 0:
        session.add(
            SupportCase(
                account_id=account_id,
                integration_id=integration_id,
                order_id=order_id,
                kind=kind,
                subject=subject,
                sealed_message=sealed,
                user_id=user_id,
                at=now,
            )
        )
        session.flush()


def has_open_case(session: Session, *, account_id: int, kind: str, subject: str) -> bool:
    """Whether a person is still asked to look at this."""
    return session.scalar(sa.select(SupportCase.id).where(*_open(account_id, kind, subject)).limit(1)) is not None


def last_raised(session: Session, *, account_id: int, kind: str, subject: str) -> datetime | None:
    """When the last case about this was opened, closed since or not; None where there was none."""
    about = (SupportCase.account_id == account_id, SupportCase.kind == kind, SupportCase.subject == subject)
    found: datetime | None = session.scalar(sa.select(sa.func.max(SupportCase.at)).where(*about))
    return found


def end_case(session: Session, now: datetime, *, account_id: int | None, kind: str, subject: str) -> None:
    """Close what `raise_case` opened, because it is no longer so; does nothing where no such case is open."""
    lock_cases(session, account_id)
    _end(session, now, account_id, kind, subject)


def end_cases(session: Session, now: datetime, *, account_id: int, kind: str, subjects: Iterable[str]) -> None:
    """Close those of one kind about these subjects; see `end_case`. Hardly any is open, as a rule."""
    lock_cases(session, account_id)
    open_ones = sa.select(SupportCase.subject).where(
        SupportCase.account_id == account_id, SupportCase.kind == kind, SupportCase.closed_at.is_(None)
    )
    for part in chunks(subjects):
        for subject in session.scalars(open_ones.where(SupportCase.subject.in_(part))).all():
            _end(session, now, account_id, kind, subject)


def _end(session: Session, now: datetime, account_id: int | None, kind: str, subject: str) -> None:
    answer = seal(SupportCase.sealed_answer, ENDED_BY_ITSELF, account_id, kind, subject)
    session.execute(
        sa.update(SupportCase).where(*_open(account_id, kind, subject)).values(closed_at=now, sealed_answer=answer)
    )


def lock_cases(session: Session, account_id: int | None) -> None:
    """Let the account's cases be changed by one transaction at a time: one may be about many, in any order, and two
    that notice the same thing at once must not both open a case. Those of the installation are opened by one task."""
    if account_id is not None:
        session.execute(sa.select(Account.id).where(Account.id == account_id).with_for_update(**LOCK))


def _open(account_id: int | None, kind: str, subject: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        SupportCase.account_id == account_id,
        SupportCase.kind == kind,
        SupportCase.subject == subject,
        SupportCase.closed_at.is_(None),
    )


def case_text(text: str, field: str, request: str) -> str:
    text = text.replace("\0", "").strip()
    if not text or len(text) > MAX_TEXT:
        raise BadInput(f"{request}, in at most {MAX_TEXT} characters.", field=field)
    return text
