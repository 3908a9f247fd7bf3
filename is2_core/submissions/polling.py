"""Task `submissions.poll`: ask the cart what became of a submission, and settle its lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.carts.context import cart_context
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import CaseKind
from is2_core.db.locks import LOCK
from is2_core.platform import Platform
from is2_core.submissions.models import Submission
from is2_core.submissions.rows import PENDING, checked_reply, record_results
from is2_core.submissions.sending import WriteKind
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import TaskRun
from plugins import interface
from plugins.interface import Result, Retry

# A feed takes minutes as a rule. It may take hours, but then nothing newer follows, which is for a person to know.
SILENCE = timedelta(hours=1)


def poll_submission(platform: Platform, run: TaskRun, *, writes: Mapping[str, WriteKind]) -> None:
    """Ask once; pending again is asked later, an ended one is settled line by line in one commit.

    Args:
        writes: the kinds of writes by their hooks.
    """
    with platform.db.read() as session:
        row = session.get_one(Submission, run.payload["submission"])
        integration = session.get_one(Integration, row.integration_id)
    if row.closed_at is not None:
        return
    if platform.clock.now() - row.sent_at >= SILENCE:
        _tell_of_silence(platform, run, integration, row)
    keys = tuple(line.key for line in row.lines)
    answer = platform.carts.call(
        integration.cart,
        "poll_submission",
        ctx=cart_context(platform, integration, before_call=run.heartbeat),
        submission=interface.Submission(row.handle, row.kind, keys, row.sent_at),
    )
    reply = checked_reply(integration.cart, "poll_submission", answer, keys)
    with run.write() as session:
        now = platform.clock.now()
        row = session.get_one(Submission, row.id, with_for_update=LOCK)
        integration = session.get_one(Integration, row.integration_id)
        if row.closed_at is not None:
            # Given up by a person while the cart was being asked.
            return
        if reply.pending:
            record_results(row, dict(reply.results))
            writes[row.kind].settle(session, integration.id, reply.results, now)
            row.ask_at, row.set_at = min(entry.ask_at for entry in reply.pending), now
            run.finish(session, again_at=row.ask_at)
            return
        writes[row.kind].settle(session, integration.id, reply.results, now)
        _end(session, row.id, reply.results, now, writes)
        run.finish(session)


def give_up(session: Session, row: Submission, now: datetime, writes: Mapping[str, WriteKind]) -> None:
    """End a submission whose answer does not come; each of its lines without a result is sent again."""
    results: dict[str, Result] = {line.key: Retry(now) for line in row.lines if line.result == PENDING}
    kind = writes[row.kind]
    (kind.unanswered or kind.settle)(session, row.integration_id, results, now)
    _end(session, row.id, results, now, writes)


def _end(
    session: Session, submission_id: int, results: Mapping[str, Result], now: datetime, writes: Mapping[str, WriteKind]
) -> None:
    """Close a submission whose last results are settled; what is to be sent again follows from it."""
    row = session.get_one(Submission, submission_id)
    integration = session.get_one(Integration, row.integration_id)
    record_results(row, dict(results))
    row.closed_at = now
    end_case(session, now, account_id=row.account_id, kind=CaseKind.NO_ANSWER, subject=f"submission {row.id}")
    session.flush()
    retries = [result.when for result in results.values() if isinstance(result, Retry)]
    kind, retry_at = writes[row.kind], min(retries, default=None)
    if kind.ended:
        kind.ended(session, integration, retry_at, now)
    else:
        # Whatever is due by now goes with the next one.
        enqueue(session, kind=kind.task, integration=integration, now=now, run_at=retry_at)


def _tell_of_silence(platform: Platform, run: TaskRun, integration: Integration, row: Submission) -> None:
    """Told before the cart is asked once more: the asking itself may be what fails."""
    with run.write() as session:
        raise_case(
            session,
            platform.clock.now(),
            account_id=row.account_id,
            kind=CaseKind.NO_ANSWER,
            subject=f"submission {row.id}",
            message=f"The shop has not said since {row.sent_at:%Y-%m-%d %H:%M} UTC what became of {len(row.lines)} "
            f"lines of {integration_name(integration)}. Nothing newer of the kind is sent before; an administrator can "
            "give it up.",
            integration_id=integration.id,
        )
