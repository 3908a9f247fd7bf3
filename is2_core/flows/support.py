"""Cases for the support: what merchants ask, and what the platform itself wants a person to look at."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.changes import rows_changed
from is2_core.db.locks import LOCK
from is2_core.flows.access import owned, owned_integration
from is2_core.flows.errors import BadInput, Conflict, NotFound
from is2_core.flows.rules import add_event
from is2_core.models import Account, CaseKind, ReceivedOrder, SupportCase
from is2_core.platform import Platform

MAX_TEXT = 2000
MAX_PAGE = 500
ENDED_BY_ITSELF = "This ended by itself."


def ask_for_help(
    platform: Platform,
    *,
    account_id: int,
    user_id: int,
    text: str,
    page: str,
    integration_id: int | None = None,
    order_id: int | None = None,
) -> int:
    """Open a case a person asked for; returns its id.

    Args:
        text: what is wrong, in the person's words.
        page: the panel's address the question came from, "" where none is known.
        integration_id: the store it is about; with an order, the order's store.
        order_id: the received order it is about; its timeline says that help was requested.
    """
    text = _text(text, "text", "Say what you need help with")
    now = platform.clock.now()
    with platform.db.write() as session:
        if order_id is not None:
            integration_id = owned(session, ReceivedOrder, order_id, account_id).integration_id
            add_event(session, order_id, now, "HELP", "Help was requested.", user_id)
        elif integration_id is not None:
            owned_integration(session, integration_id, account_id)
        case = SupportCase(
            account_id=account_id,
            integration_id=integration_id,
            order_id=order_id,
            kind=CaseKind.HELP,
            sentence=text,
            page=page[:MAX_PAGE],
            user_id=user_id,
            at=now,
        )
        session.add(case)
        session.flush()
        return case.id


def close_case(platform: Platform, *, case_id: int, user_id: int, answer: str) -> None:
    """Close a case of any account with an answer its merchant reads; for users who read all accounts."""
    answer = _text(answer, "answer", "Write what was found or done")
    now = platform.clock.now()
    with platform.db.write() as session:
        account = session.scalar(sa.select(SupportCase.account_id).where(SupportCase.id == case_id))
        if account is None:
            raise NotFound("There is no such case.")
        _lock_cases(session, account)
        case = session.get_one(SupportCase, case_id)
        if case.closed_at is not None:
            raise Conflict("This case was closed already.")
        case.closed_at, case.answer = now, answer
        if case.order_id is not None:
            add_event(session, case.order_id, now, "HELP_ANSWERED", "The support answered.", user_id)


def raise_case(
    session: Session,
    now: datetime,
    *,
    account_id: int,
    kind: str,
    subject: str,
    sentence: str,
    integration_id: int | None = None,
    order_id: int | None = None,
    user_id: int | None = None,
) -> None:
    """Have a person look at something, inside the transaction that noticed it.

    One case of a kind and subject is open in an account at a time: while it is, only its sentence is brought up to
    date. Call it after the business rows are written and before tasks are asked for.
    """
    _lock_cases(session, account_id)
    still_open = sa.update(SupportCase).where(*_open(account_id, kind, subject))
    if rows_changed(session, still_open.values(sentence=sentence)) == 0:
        session.add(
            SupportCase(
                account_id=account_id,
                integration_id=integration_id,
                order_id=order_id,
                kind=kind,
                subject=subject,
                sentence=sentence,
                user_id=user_id,
                at=now,
            )
        )
        session.flush()


def end_case(session: Session, now: datetime, *, account_id: int, kind: str, subject: str) -> None:
    """Close what `raise_case` opened, because it is no longer so; does nothing where no such case is open."""
    _lock_cases(session, account_id)
    session.execute(
        sa.update(SupportCase).where(*_open(account_id, kind, subject)).values(closed_at=now, answer=ENDED_BY_ITSELF)
    )


def _lock_cases(session: Session, account_id: int) -> None:
    """Let the account's cases be changed by one transaction at a time: one may be about many, in any order, and two
    that notice the same thing at once must not both open a case."""
    session.execute(sa.select(Account.id).where(Account.id == account_id).with_for_update(**LOCK))


def _open(account_id: int, kind: str, subject: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        SupportCase.account_id == account_id,
        SupportCase.kind == kind,
        SupportCase.subject == subject,
        SupportCase.closed_at.is_(None),
    )


def _text(text: str, field: str, request: str) -> str:
    text = text.replace("\0", "").strip()
    if not text or len(text) > MAX_TEXT:
        raise BadInput(f"{request}, in at most {MAX_TEXT} characters.", field=field)
    return text
