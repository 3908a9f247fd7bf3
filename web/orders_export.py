"""Received orders as JSON, for scripts of a merchant: where each stands and why, without anything about buyers."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import selectinload

from is2_core.models import OPEN_STATES, ImportCursor, ReceivedOrder, Task
from web import scope
from web.scope import platform

blueprint = Blueprint("orders_export", __name__)

MOST = 1000


@blueprint.get("/received-orders.json")
def export() -> ResponseReturnValue:
    """The account's orders by row id, at most 1000; `next` is what to pass as `after` for the following ones.

    `integration` narrows to one store. `open_tasks` counts the background work that is due or being done, by kind;
    `checked_at` is when a listing was last read to its end.
    """
    asked = request.args.get("integration", 0, type=int)
    stores = [scope.owned_integration(asked).id] if asked else None
    account = scope.account()
    query = (
        sa.select(ReceivedOrder)
        .where(
            ReceivedOrder.account_id == account.id,
            ReceivedOrder.id > request.args.get("after", 0, type=int),
            *([ReceivedOrder.integration_id.in_(stores)] if stores else []),
        )
        .options(selectinload(ReceivedOrder.holds))
        .order_by(ReceivedOrder.id)
        .limit(MOST + 1)
    )
    tasks = sa.select(Task.kind, sa.func.count()).where(Task.account_id == account.id, Task.state.in_(OPEN_STATES))
    checks = sa.select(sa.func.max(ImportCursor.checked_at)).where(ImportCursor.integration_id.in_(stores or []))
    with platform().db.read() as db:
        rows = db.scalars(query).all()
        if stores:
            tasks = tasks.where(Task.integration_id.in_(stores))
        open_tasks = dict(db.execute(tasks.group_by(Task.kind)).all())
        checked_at = db.scalar(checks) if stores else None
    shown = rows[:MOST]
    return {
        "account": account.name,
        "orders": [_order(row) for row in shown],
        "next": shown[-1].id if len(rows) > MOST else None,
        "open_tasks": open_tasks,
        "checked_at": checked_at.isoformat() if checked_at else None,
    }


def _order(row: ReceivedOrder) -> dict[str, object]:
    return {
        "integration": row.integration_id,
        "cart_id": row.remote_id,
        "number": row.number,
        "state": row.state,
        "cart_state": row.cart_state,
        "reason": row.reason,
        "holds": [{"code": hold.code, "subject": hold.subject, "sentence": hold.sentence} for hold in row.holds],
        "acknowledgement": row.ack_state,
        "acknowledgement_problem": row.ack_sentence,
    }
