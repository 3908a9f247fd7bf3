"""Looking again at what waits, after a mapping, a setting or the stock list changed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from is2_core.db.locks import LOCK
from is2_core.flows.rules import apply_holds, rules_for
from is2_core.flows.shipping import vocabulary
from is2_core.models import Integration, IntegrationState, ReceivedOrder, ReceivedState
from is2_core.platform import Platform
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun

CHUNK = 500
WAITING = (ReceivedState.STAGED, ReceivedState.HELD)


def review_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.review`: recompute the holds of every order of a store that is not placed yet."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    ui = vocabulary(platform, integration)
    last = 0
    while True:
        with run.write() as session:
            integration = session.get_one(Integration, run.integration_id)
            orders = session.scalars(
                sa.select(ReceivedOrder)
                .where(
                    ReceivedOrder.integration_id == integration.id,
                    ReceivedOrder.state.in_(WAITING),
                    ReceivedOrder.id > last,
                )
                .order_by(ReceivedOrder.id)
                .limit(CHUNK)
                .options(selectinload(ReceivedOrder.lines))
                .with_for_update(**LOCK)
            ).all()
            rules = rules_for(platform, session, integration, ui, orders)
            now = platform.clock.now()
            if apply_holds(session, orders, rules, now):
                enqueue(session, kind="orders.place", integration=integration, now=now, priority=NOW)
            if len(orders) < CHUNK:
                run.finish(session)
                return
            last = orders[-1].id


def review_account(platform: Platform, session: Session, account_id: int) -> None:
    """Ask for a review of every store of an account, inside the transaction that makes it needed."""
    stores = session.scalars(
        sa.select(Integration).where(Integration.account_id == account_id, Integration.state != IntegrationState.SETUP)
    )
    for integration in stores.all():
        enqueue(session, kind="orders.review", integration=integration, now=platform.clock.now(), priority=NOW)
