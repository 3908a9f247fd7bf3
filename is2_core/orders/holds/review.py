"""Looking again at what waits, after a mapping, a setting or the stock list changed."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.carts.method_vocabulary import vocabulary
from is2_core.db.locks import LOCK
from is2_core.orders.holds.config import apply_holds, config_for
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.not_from_here.lines import ended_not_from_here
from is2_core.orders.states import TO_PLACE
from is2_core.orders.stored import lock_orders
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun

CHUNK = 500


def review_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.review`: recompute the holds of every order of a store that is not placed yet, and have those looked
    at that ended because nothing of them was shipped from here."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    ui = vocabulary(platform, integration)
    last = 0
    while True:
        with run.write() as session:
            # A listing that knew no better has stored its orders by then, and the next one knows.
            integration = session.get_one(Integration, run.integration_id, with_for_update=LOCK)
            orders = lock_orders(
                session,
                ReceivedOrder.integration_id == integration.id,
                ReceivedOrder.state.in_(TO_PLACE),
                ReceivedOrder.id > last,
                most=CHUNK,
            )
            config = config_for(platform, session, integration, ui, orders)
            now = platform.clock.now()
            if apply_holds(session, orders, config, now):
                enqueue(session, kind=TaskKind.ORDERS_PLACE, integration=integration, now=now, priority=NOW)
            if len(orders) < CHUNK:
                if session.scalar(sa.select(ReceivedOrder.id).where(*ended_not_from_here(integration.id)).limit(1)):
                    enqueue(session, kind=TaskKind.ORDERS_REOPEN, integration=integration, now=now, priority=NOW)
                run.finish(session)
                return
            last = orders[-1].id
