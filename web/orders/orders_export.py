"""Received orders as JSON, for scripts of a merchant: where each stands and why, without anything about buyers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session, selectinload

from is2_core.accounts.models import Integration
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.models import ImportCursor, ReceivedOrder
from is2_core.orders.wording.shown import ShownHold, shown_holds, shown_reason
from is2_core.tasks.models import Task
from is2_core.tasks.states import OPEN_STATES
from web import access
from web.access import platform
from web.audit.notes import note_export
from web.limits.kinds import EXPORT
from web.limits.limiter import limited

blueprint = Blueprint("orders_export", __name__, template_folder="templates")

MOST = 1000
# What is planned for later than this, like a push that waits for its floor, is not work under way.
SOON = timedelta(minutes=10)


@blueprint.get("/received-orders.json")
@limited(EXPORT)
def export() -> ResponseReturnValue:
    """The account's orders by row id, at most 1000; `next` is what to pass as `after` for the following ones.

    `integration` narrows to one store. `open_tasks` counts the background work that is being done or due within ten
    minutes, by kind; `checked_at` is when a listing was last read to its end.
    """
    asked = request.args.get("integration", 0, type=int)
    integrations = [access.owned_integration(asked).id] if asked else None
    account = access.account()
    query = (
        sa.select(ReceivedOrder)
        .where(
            ReceivedOrder.account_id == account.id,
            ReceivedOrder.id > request.args.get("after", 0, type=int),
            *([ReceivedOrder.integration_id.in_(integrations)] if integrations else []),
        )
        .options(selectinload(ReceivedOrder.holds), selectinload(ReceivedOrder.lines))
        .order_by(ReceivedOrder.id)
        .limit(MOST + 1)
    )
    tasks = sa.select(Task.kind, sa.func.count()).where(
        Task.account_id == account.id,
        Task.state.in_(OPEN_STATES),
        Task.run_at <= platform().clock.now() + SOON,
    )
    checks = sa.select(sa.func.max(ImportCursor.checked_at)).where(ImportCursor.integration_id.in_(integrations or []))
    with platform().db.read() as db:
        rows = db.scalars(query).all()
        if integrations:
            tasks = tasks.where(Task.integration_id.in_(integrations))
        open_tasks = dict(db.execute(tasks.group_by(Task.kind)).all())
        checked_at = db.scalar(checks) if integrations else None
        shown = rows[:MOST]
        packages = _packages(db, shown)
        of_account = sa.select(Integration.id, Integration.cart).where(Integration.account_id == account.id)
        carts = {row.id: row.cart for row in db.execute(of_account)}
    note_export(f"orders of account {account.id}", len(shown), account.id)
    holds = {row.id: shown_holds(platform(), row, carts[row.integration_id]) for row in shown}
    return {
        "account": account.name,
        "orders": [_order(row, carts[row.integration_id], holds[row.id], packages[row.id]) for row in shown],
        "next": shown[-1].id if len(rows) > MOST else None,
        "open_tasks": open_tasks,
        "checked_at": checked_at.isoformat() if checked_at else None,
    }


def _packages(db: Session, orders: Sequence[ReceivedOrder]) -> defaultdict[int, list[Package]]:
    """Order id -> its packages, in the order they were reported."""
    found: defaultdict[int, list[Package]] = defaultdict(list)
    for package in db.scalars(
        sa.select(Package).where(Package.order_id.in_([order.id for order in orders])).order_by(Package.id)
    ):
        found[package.order_id].append(package)
    return found


def _order(row: ReceivedOrder, cart: str, holds: Sequence[ShownHold], packages: Sequence[Package]) -> dict[str, object]:
    lines = {line.id: line.remote_id for line in row.lines}
    return {
        "integration": row.integration_id,
        "cart_id": row.remote_id,
        "number": row.number,
        "state": row.state,
        "cart_state": row.cart_state,
        "reason": shown_reason(platform(), row, cart),
        "holds": [{"code": hold.code, "subject": hold.subject, "sentence": hold.text} for hold in holds],
        "not_from_here": [line.remote_id for line in row.lines if line.not_from_here],
        "acknowledgement": row.ack_state,
        "acknowledgement_problem": row.ack_message,
        "packages": [_package(package, lines) for package in packages],
    }


def _package(package: Package, lines: dict[int, str]) -> dict[str, object]:
    """`units` are in the cart's counting, by the cart's own line ids; carrier and number are those the cart is told."""
    label = package.label or package
    return {
        "reference": package.reference,
        "carrier": label.carrier,
        "tracking_number": label.tracking_number,
        "posted": package.post_state,
        "problem": package.post_message,
        "units": {lines[entry.line_id]: entry.quantity for entry in package.units},
    }
