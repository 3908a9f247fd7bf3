"""Looking up once more what the warehouse counts as not having taken: whoever was asking may have been frozen, and have
placed it later than anybody waited."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.carts.method_vocabulary import vocabulary
from is2_core.comparison.models import Comparison
from is2_core.comparison.runs import not_taken, note, to_look_up
from is2_core.comparison.states import Difference, Outcome
from is2_core.orders.fulfillment.placeable import components_of, note_asked
from is2_core.orders.holds.config import config_for
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import TO_PLACE
from is2_core.orders.stored import lock_orders
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import SOON, enqueue
from is2_core.tasks.run import TaskRun
from is2_core.warehouses.calls import warehouse_of
from plugins.interface import ShippingMappingUI


def look_up(platform: Platform, run: TaskRun, integration: Integration, comparison: Comparison) -> bool:
    """Ask the warehouse for these orders; False where time is up. One it has goes on as if its answer had been
    unknown."""
    with platform.db.read() as session:
        wanted = to_look_up(session, comparison, platform.clock.now())
    if not wanted:
        return True
    ui = vocabulary(platform, integration)
    warehouse = warehouse_of(platform, integration.wms_target, integration.account_id, run=run)
    for order_id, number in wanted:
        if not run.has_time():
            return False
        found = warehouse.find_order(number)
        if found:
            _take(platform, run, comparison, ui, order_id)
            continue
        with run.write() as session:
            absent = sa.update(ReceivedOrder).where(ReceivedOrder.id == order_id, not_taken(platform.clock.now()))
            session.execute(absent.values(last_asked_at=None))
    return True


def _take(platform: Platform, run: TaskRun, comparison: Comparison, ui: ShippingMappingUI, order_id: int) -> None:
    with run.write() as session:
        now = platform.clock.now()
        integration = session.get_one(Integration, run.integration_id)
        for order in lock_orders(session, ReceivedOrder.id == order_id, not_taken(now)):
            waits = order.state in TO_PLACE
            config = config_for(platform, session, integration, ui, [order])
            note_asked(session, {order.id: components_of(order, config) if waits else ()}, now)
            record(session, [Event(order.id, EventCode.FOUND_PLACED)], now)
            note(session, comparison.id, [order.id], Outcome.PUT_RIGHT, Difference.PLACED)
            enqueue(session, kind=TaskKind.ORDERS_PLACE, integration=integration, now=now, priority=SOON)
