"""Sending a write that came to nothing again in ever smaller ones, so that what spoils them ends up alone;
and after some a person is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import CaseKind

SMALLER = 8
TELL_AFTER = 3
_FIRST_PAUSE, _PAUSE_MOST = timedelta(seconds=30), timedelta(minutes=30)
_TRIES_MOST = 8


def again_at(retry_at: datetime, tries: int) -> datetime:
    """When a write that was lost so often is sent again, where the cart takes it from `retry_at` on: at once the first
    time, then ever later, for each costs a call of a small budget."""
    quarters: int = 4 ** min(tries, _TRIES_MOST)
    return retry_at + (min(_FIRST_PAUSE * quarters, _PAUSE_MOST) if tries > 1 else timedelta(0))


def most_after(most: int, tries: int) -> int:
    """How large a write of what was lost so often may be, where `most` is the largest."""
    smaller: int = SMALLER**tries
    return max(1, most // smaller)


def tell(session: Session, integration: Integration, what: str, message: str, now: datetime) -> None:
    """Have a person look at what a store loses time and again; with an empty message it loses nothing any more."""
    account_id, kind, subject = integration.account_id, CaseKind.NO_ANSWER, f"{what} of store {integration.id}"
    if message:
        raise_case(
            session,
            now,
            account_id=account_id,
            kind=kind,
            subject=subject,
            message=message,
            integration_id=integration.id,
        )
    else:
        end_case(session, now, account_id=account_id, kind=kind, subject=subject)
