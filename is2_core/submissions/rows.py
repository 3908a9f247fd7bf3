"""Slow work at a cart: asked about by a task of its own, no worker ever waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.errors import PluginBug
from is2_core.submissions.models import Submission, SubmissionLine
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from plugins.interface import Applied, PendingSubmission, Rejected, Result, WriteReply

KIND_ACKNOWLEDGE = "acknowledge_orders"
KIND_INVENTORY = "push_inventory"
KIND_TRACKING = "post_tracking"
PENDING = "PENDING"


def has_open(session: Session, integration_id: int, kind: str) -> bool:
    """Whether a submission of this kind is still being worked on."""
    return bool(session.scalar(_OPEN, {"integration": integration_id, "kind": kind}))


_OPEN = (
    sa.select(Submission.id)
    .where(Submission.integration_id == sa.bindparam("integration"), Submission.kind == sa.bindparam("kind"))
    .where(Submission.closed_at.is_(None))
    .limit(1)
)


def checked_reply(cart: str, hook: str, reply: object, keys: Iterable[str]) -> WriteReply:
    """Return a reply that speaks of exactly these keys.

    Raises:
        PluginBug: it does not, or says of one what is no result.
    """
    if not isinstance(reply, WriteReply) or not all(isinstance(each, Result) for each in reply.results.values()):
        raise PluginBug(cart, hook, "the reply is no WriteReply with results")
    asked, told = set(keys), reply.keys()
    if told != asked:
        missing, extra = len(asked - told), len(told - asked)
        raise PluginBug(cart, hook, f"the reply leaves out {missing} keys and names {extra} that were not asked")
    return reply


def open_submissions(
    session: Session, integration: Integration, kind: str, pending: Iterable[PendingSubmission], now: datetime
) -> None:
    """Store what the cart is working on and ask for its polling."""
    for entry in pending:
        row = Submission(
            account_id=integration.account_id,
            integration_id=integration.id,
            kind=kind,
            handle=entry.handle,
            sent_at=now,
            ask_at=entry.ask_at,
            set_at=now,
            lines=[SubmissionLine(key=key, result=PENDING) for key in entry.keys],
        )
        session.add(row)
        session.flush()
        _ask_about(session, integration, row, now)


def ask_about_open(session: Session, integration: Integration, now: datetime) -> None:
    """Ask for the polling of every open submission of a store."""
    rows = session.scalars(
        sa.select(Submission).where(Submission.integration_id == integration.id, Submission.closed_at.is_(None))
    )
    for row in rows.all():
        _ask_about(session, integration, row, now)


def _ask_about(session: Session, integration: Integration, row: Submission, now: datetime) -> None:
    enqueue(
        session,
        kind=TaskKind.SUBMISSIONS_POLL,
        integration=integration,
        now=now,
        run_at=row.ask_at,
        payload={"submission": row.id},
        key=str(row.id),
    )


def poll_problem(session: Session, row: Submission) -> str:
    """Return the fault of the last time the cart was asked about a submission, "" where there was none."""
    newest = (
        sa.select(Task.error_message)
        .where(Task.business_key == f"{TaskKind.SUBMISSIONS_POLL}:{row.integration_id}:{row.id}")
        .order_by(Task.id.desc())
        .limit(1)
    )
    return session.scalar(newest) or ""


def record_results(row: Submission, results: dict[str, Result]) -> None:
    """Write each line's outcome."""
    for line in row.lines:
        result = results.get(line.key)
        if isinstance(result, Applied):
            line.result = "APPLIED"
        elif isinstance(result, Rejected):
            line.result = "REJECTED"
        elif result is not None:
            line.result = "RETRY"
