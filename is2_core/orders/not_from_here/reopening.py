"""Orders of which nothing was to be shipped from here, and something is now: they are read again and go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.context import cart_context
from is2_core.carts.method_vocabulary import vocabulary
from is2_core.errors import PluginBug
from is2_core.orders.holds.config import load_config
from is2_core.orders.importing.staging import stage, stage_singly
from is2_core.orders.models import ImportCursor, ReceivedLine, ReceivedOrder
from is2_core.orders.not_from_here.lines import ended_not_from_here
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun
from plugins.interface import CartError, Order, OrderReject, Permanent, ShippingMappingUI, Temporary


@dataclass(frozen=True)
class _Ended:
    """An order to read again: the cart's id of it, and when it last changed there as far as is known."""

    remote_id: str
    cart_updated_at: datetime


def reopen_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.reopen`: read again what ended because nothing of it was shipped from here, where that is no longer
    so and it is open at the cart. By id, for nothing of the buyer was kept; a cart that cannot tell one order lists
    again what changed since the oldest of them. What the cart does not know now is asked for again."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    ui = vocabulary(platform, integration)
    with platform.db.read() as session:
        due = _to_reopen(platform, session, integration, ui)
    if not due:
        return
    if not platform.carts.has(integration.cart, "fetch_order"):
        _list_again(platform, run, min(order.cart_updated_at for order in due))
        return
    context = cart_context(platform, integration, before_call=run.heartbeat)
    not_read: list[CartError | PluginBug] = []
    for order in due:
        if not run.has_time():
            return
        try:
            answer: Order | OrderReject | None = platform.carts.call(
                integration.cart, "fetch_order", ctx=context, remote_id=order.remote_id
            )
        except (Temporary, Permanent, PluginBug) as error:
            not_read.append(error)
            continue
        if answer is None:
            not_read.append(Temporary("The shop does not know an order that was open there.", code="NOT_READ_AGAIN"))
            continue
        with run.write() as session:
            connected = session.get_one(Integration, integration.id)
            if isinstance(answer, Order):
                stage_singly(platform, session, connected, ui, [answer])
            else:
                stage(platform, session, connected, ui, (), rejects=[answer])
    if not_read:
        raise not_read[0]


def _to_reopen(platform: Platform, session: Session, integration: Integration, ui: ShippingMappingUI) -> list[_Ended]:
    rows = session.execute(
        sa.select(ReceivedOrder.remote_id, ReceivedOrder.cart_updated_at, ReceivedLine.sku)
        .join(ReceivedLine, ReceivedLine.order_id == ReceivedOrder.id)
        .where(*ended_not_from_here(integration.id), ReceivedLine.open > 0)
        .order_by(ReceivedOrder.id)
    ).all()
    config = load_config(platform, session, integration, ui, methods=(), skus=[row.sku for row in rows])
    again = {row.remote_id: row.cart_updated_at for row in rows if not config.not_from_here(row.sku)}
    return [_Ended(*entry) for entry in again.items()]


def _list_again(platform: Platform, run: TaskRun, since: datetime) -> None:
    """Have the routine listing begin where the oldest of these orders last changed."""
    with run.write() as session:
        routine = (ImportCursor.integration_id == run.integration_id, ImportCursor.kind == "routine")
        session.execute(
            sa.update(ImportCursor)
            .where(*routine, ImportCursor.watermark > since)
            .values(watermark=since, start=None, end=None, page=None, pages=0)
        )
        integration = session.get_one(Integration, run.integration_id)
        enqueue(session, kind=TaskKind.ORDERS_CHECK, integration=integration, now=platform.clock.now(), priority=NOW)
        run.finish(session)
