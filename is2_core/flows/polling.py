"""Task `submissions.poll`: ask the cart what became of a submission, and settle its lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from is2_core.flows import acknowledgements, inventory, tracking
from is2_core.flows.context import cart_context
from is2_core.flows.submissions import (
    KIND_ACKNOWLEDGE,
    KIND_INVENTORY,
    KIND_TRACKING,
    checked_reply,
    record_results,
)
from is2_core.models import Integration, Submission
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from plugins import interface
from plugins.interface import Result, Retry, WriteReply


@dataclass(frozen=True)
class Settler:
    """How the results of one kind of submission are stored, by key, and what follows its end."""

    results: Callable[[Session, int, Mapping[str, Result], datetime], None]
    end: Callable[[Session, Integration, datetime | None, datetime], None]


SETTLERS = {
    KIND_ACKNOWLEDGE: Settler(acknowledgements.settle, acknowledgements.after_submission),
    KIND_INVENTORY: Settler(inventory.settle, inventory.after_submission),
    KIND_TRACKING: Settler(tracking.settle, tracking.after_submission),
}


def poll_submission(platform: Platform, run: TaskRun) -> None:
    """Ask once; pending again is asked later, an ended one is settled line by line in one commit."""
    with platform.db.read() as session:
        row = session.get_one(Submission, run.payload["submission"])
        integration = session.get_one(Integration, row.integration_id)
    if row.closed_at is not None:
        return
    keys = tuple(line.key for line in row.lines)
    reply: WriteReply = platform.carts.call(
        integration.cart,
        "poll_submission",
        ctx=cart_context(platform, integration, before_call=run.heartbeat),
        submission=interface.Submission(row.handle, row.kind, keys, row.sent_at),
    )
    checked_reply(integration.cart, "poll_submission", reply, set(keys))
    with run.write() as session:
        now = platform.clock.now()
        row = session.get_one(Submission, row.id)
        integration = session.get_one(Integration, row.integration_id)
        settler = SETTLERS[row.kind]
        record_results(row, dict(reply.results))
        settler.results(session, integration.id, reply.results, now)
        if reply.pending:
            row.ask_at = min(entry.ask_at for entry in reply.pending)
            run.finish(session, again_at=row.ask_at)
            return
        row.closed_at = now
        session.flush()
        retries = [result.when for result in reply.results.values() if isinstance(result, Retry)]
        settler.end(session, integration, min(retries) if retries else None, now)
        run.finish(session)
