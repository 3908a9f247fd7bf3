"""Results of a push, item by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.db.locks import LOCK
from is2_core.inventory.models import InventoryPush, InventoryPushLine
from is2_core.inventory.push.retries import ALONE, tell_of_tries, tries_of
from is2_core.inventory.push.sync_row import sync_row
from is2_core.inventory.states import UNANSWERED, PushResult
from is2_core.items.models import CartItem
from is2_core.submissions.batch_backoff import TELL_AFTER
from is2_core.submissions.models import Submission
from is2_core.submissions.rows import KIND_INVENTORY, has_open
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import enqueue
from plugins.interface import Applied, Rejected, Result, Retry


def settle(session: Session, integration_id: int, results: Mapping[str, Result], now: datetime) -> None:
    """Store what became of lines of a push, keyed by their ids; a result that comes twice, or after newer numbers,
    changes nothing that is newer."""
    if not results:
        return
    lines = session.execute(
        sa.select(
            InventoryPushLine.id,
            InventoryPushLine.push_id,
            InventoryPushLine.cart_item_id,
            InventoryPushLine.version,
            InventoryPushLine.quantity,
            InventoryPushLine.lead_days,
            InventoryPushLine.calculation,
        )
        .join(InventoryPush, InventoryPush.id == InventoryPushLine.push_id)
        .where(
            InventoryPush.integration_id == integration_id,
            InventoryPushLine.id.in_([int(key) for key in results]),
            InventoryPushLine.result == PushResult.SENT,
        )
        .order_by(InventoryPushLine.cart_item_id)
    ).all()
    items = {
        row.id: row
        for row in session.execute(
            sa.select(CartItem.id, CartItem.pushed_version, CartItem.remote_id)
            .where(CartItem.id.in_([line.cart_item_id for line in lines]))
            .order_by(CartItem.id)
            .with_for_update(**LOCK)
        )
    }
    alone = len(results) == 1 and isinstance(next(iter(results.values())), Retry)
    tries = tries_of(session, integration_id) if alone else {}
    outcomes: list[dict[str, Any]] = []
    applied: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for line in lines:
        result, item = results[str(line.id)], items.get(line.cart_item_id)
        newer = item is not None and line.version > item.pushed_version
        outcome = {"id": line.id, "result": PushResult.RETRY}
        if isinstance(result, Applied):
            outcome["result"] = PushResult.APPLIED
            if item is not None and newer:
                applied.append(
                    {
                        "id": item.id,
                        "pushed_version": line.version,
                        "pushed_at": now,
                        "pushed_quantity": line.quantity,
                        "pushed_lead_days": line.lead_days,
                        "pushed_calculation": line.calculation,
                        "push_message": "",
                        "remote_id": result.cart_ref or item.remote_id,
                    }
                )
        elif isinstance(result, Rejected):
            outcome["result"] = PushResult.REJECTED
            if item is not None and newer:
                refused.append({"id": item.id, "push_message": f"{result.message} ({result.code})"})
        elif line.cart_item_id in tries and tries[line.cart_item_id].count + 1 >= TELL_AFTER:
            outcome["result"] = PushResult.ALONE
            if item is not None and newer:
                refused.append({"id": item.id, "push_message": ALONE})
        outcomes.append(outcome)
    # One statement a kind, run for many rows: a feed settles thousands of lines while others wait for the database.
    for table, rows in ((InventoryPushLine, outcomes), (CartItem, applied), (CartItem, refused)):
        if rows:
            session.execute(sa.update(table), rows)
    # What was loaded before is now behind the database.
    session.flush()
    session.expire_all()
    for push_id in sorted({line.push_id for line in lines}):
        _close(session, session.get_one(InventoryPush, push_id), now)
    session.flush()
    tell_of_tries(session, integration_id, now)


def _close(session: Session, push: InventoryPush, now: datetime) -> None:
    """End a run whose lines are all settled; one of which nothing was applied does not count for the floor."""
    results = set(
        session.scalars(sa.select(InventoryPushLine.result).where(InventoryPushLine.push_id == push.id).distinct())
    )
    if results.intersection(UNANSWERED):
        return
    push.closed_at = now
    _free_floor(session, push)


def _free_floor(session: Session, push: InventoryPush) -> None:
    """Give back the floor that a run holds of which nothing was applied."""
    sync = sync_row(session, push.integration_id)
    applied = sa.select(InventoryPushLine.id).where(
        InventoryPushLine.push_id == push.id, InventoryPushLine.result == PushResult.APPLIED
    )
    if sync.accepted_at is not None and sync.accepted_at == push.accepted_at and not session.scalar(applied.limit(1)):
        sync.accepted_at = sync.accepted_before


def unanswered(session: Session, integration_id: int, results: Mapping[str, Result], now: datetime) -> None:
    """Nobody waits for the answer to these lines any more, but the cart may still work on them: they stay without a
    result, so that they count as lost with the next run. The floor is given back where nothing of the run was applied.
    """
    at_the_cart = sa.select(sa.func.count()).where(
        Submission.integration_id == integration_id,
        Submission.kind == KIND_INVENTORY,
        Submission.closed_at.is_(None),
    )
    line = session.get(InventoryPushLine, int(next(iter(results), "0")))
    # Another part of the run may be applied yet.
    if line is not None and session.scalar(at_the_cart) == 1:
        _free_floor(session, session.get_one(InventoryPush, line.push_id))


def after_submission(session: Session, integration: Integration, retry_at: datetime | None, now: datetime) -> None:
    """A submission ended, and perhaps its run with it: what came to nothing or was given up is sent again as soon as
    the floor allows; what came to nothing so often that a person was told, with the next slot."""
    if retry_at is None or has_open(session, integration.id, KIND_INVENTORY):
        return
    soon = any(entry.count < TELL_AFTER for entry in tries_of(session, integration.id).values())
    if soon or lost_items(session, integration.id):
        enqueue(session, kind=TaskKind.INVENTORY_PUSH, integration=integration, now=now, run_at=retry_at)


def unsent(push_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Which lines of a run are still to be sent."""
    return InventoryPushLine.push_id == push_id, InventoryPushLine.result == PushResult.UNSENT


def unfinished(session: Session, integration_id: int) -> InventoryPush | None:
    """The run of which the cart has answered a part and the rest is still to be sent."""
    return session.scalar(
        sa.select(InventoryPush)
        .join(InventoryPushLine, InventoryPushLine.push_id == InventoryPush.id)
        .where(
            InventoryPush.integration_id == integration_id,
            InventoryPush.closed_at.is_(None),
            sa.or_(
                InventoryPush.accepted_at.is_not(None),
                InventoryPush.id.in_(
                    sa.select(InventoryPushLine.push_id).where(InventoryPushLine.result == PushResult.REJECTED)
                ),
            ),
            InventoryPushLine.result == PushResult.UNSENT,
        )
        .order_by(InventoryPush.id.desc())
        .limit(1)
    )


def drop_rest(session: Session, push_id: int, now: datetime) -> None:
    """Nothing more of a run is sent; what it did not send stays due."""
    session.execute(sa.delete(InventoryPushLine).where(*unsent(push_id)))
    _close(session, session.get_one(InventoryPush, push_id), now)


def _lost(integration_id: int) -> sa.Select[int]:
    """Runs that are not closed although no submission is open."""
    return sa.select(InventoryPush.id).where(
        InventoryPush.integration_id == integration_id, InventoryPush.closed_at.is_(None)
    )


def lost_items(session: Session, integration_id: int) -> Sequence[int]:
    """Items of which it is not known whether the cart has, or will take, what was sent."""
    return session.scalars(
        sa.select(InventoryPushLine.cart_item_id).where(
            InventoryPushLine.push_id.in_(_lost(integration_id)), InventoryPushLine.result == PushResult.SENT
        )
    ).all()


def give_up_lost(session: Session, integration_id: int, now: datetime) -> None:
    """Close the lost runs: newer numbers follow now."""
    lost = session.scalars(_lost(integration_id)).all()
    if lost:
        rest = InventoryPushLine.push_id.in_(lost), InventoryPushLine.result == PushResult.UNSENT
        session.execute(sa.delete(InventoryPushLine).where(*rest))
        session.execute(
            sa.update(InventoryPushLine)
            .where(InventoryPushLine.push_id.in_(lost), InventoryPushLine.result == PushResult.SENT)
            .values(result=PushResult.LOST)
        )
        session.execute(sa.update(InventoryPush).where(InventoryPush.id.in_(lost)).values(closed_at=now))
