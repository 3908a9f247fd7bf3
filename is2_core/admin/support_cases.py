"""Closing cases of any account."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core import audit
from is2_core.cases.cases import case_text, lock_cases
from is2_core.cases.models import SupportCase
from is2_core.db.types import seal
from is2_core.errors import Conflict, NotFound
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from is2_core.orders.wording.sealing import order_keys
from is2_core.platform import Platform


def close_case(platform: Platform, *, case_id: int, user_id: int, answer: str) -> bool:
    """Close a case with an answer its merchant reads; for users who read all accounts. Returns whether it has one.

    Of an order whose buyer's data is erased, no answer is kept.
    """
    answer = case_text(answer, "answer", "Write what was found or done")
    now = platform.clock.now()
    with platform.db.write() as session:
        found = session.execute(sa.select(SupportCase.account_id).where(SupportCase.id == case_id)).one_or_none()
        if found is None:
            raise NotFound("There is no such case.")
        lock_cases(session, found.account_id)
        case = session.get_one(SupportCase, case_id)
        if case.closed_at is not None:
            raise Conflict("This case was closed already.")
        case.closed_at = now
        audit.record(session, audit.Act.CASE_CLOSED, subject=f"case {case_id}", account_id=case.account_id)
        if case.order_id is None or order_keys(session, [case.order_id]):
            case.sealed_answer = seal(SupportCase.sealed_answer, answer, case.account_id, case.kind, case.subject)
        if case.order_id is not None:
            record(session, [Event(case.order_id, EventCode.HELP_ANSWERED, user_id=user_id)], now)
    return found.account_id is not None
