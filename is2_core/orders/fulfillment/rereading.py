"""Reading held orders again at the cart before they are placed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.context import cart_context
from is2_core.db.locks import LOCK, lock_rows
from is2_core.errors import PluginBug
from is2_core.integrations.finality import Answer, note_answer, tries_of
from is2_core.orders.activity import note_order
from is2_core.orders.fulfillment.placeable import FRESH, placeable
from is2_core.orders.importing.staging import stage
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from plugins.interface import CartContext, Order, OrderReject, Permanent, ShippingMappingUI, Temporary

REREAD_BATCH = 20


def reread_stale(
    platform: Platform, run: TaskRun, integration: Integration, ui: ShippingMappingUI, not_read: dict[int, str]
) -> bool:
    """Read some placeable orders again that were read too long ago; whether any were, and there is time to go on. One
    the cart does not find stays as it is until that is final (`integrations.finality`).

    Args:
        not_read: order id -> why it could not be read in this run; added to, and passed over.
    """
    now = platform.clock.now()
    with platform.db.read() as session:
        tries = tries_of(session, integration.id, Answer.ORDER_NOT_FOUND)
        waiting = [remote_id for remote_id, at in tries.items() if at > now]
        stale = session.scalars(
            sa.select(ReceivedOrder)
            .where(*placeable(integration))
            .where(ReceivedOrder.read_at < now - FRESH, ReceivedOrder.id.not_in(not_read))
            .where(ReceivedOrder.remote_id.not_in(waiting))
            .order_by(ReceivedOrder.ship_by, ReceivedOrder.id)
            .limit(REREAD_BATCH)
        ).all()
    if not stale:
        return False
    context = cart_context(platform, integration, before_call=run.heartbeat)
    for row in stale:
        if not run.has_time():
            return False
        try:
            answer = _read_again(platform, integration, context, row)
        except Temporary as error:
            not_read[row.id] = error.message
            continue
        with run.write() as session:
            connected = session.get_one(Integration, integration.id)
            now = platform.clock.now()
            if isinstance(answer, Told):
                lock_rows(session, ReceivedOrder.id, [row.id])
            if isinstance(answer, Told) and answer.code is EventCode.UNKNOWN_TO_CART:
                key = (integration.id, Answer.ORDER_NOT_FOUND, row.remote_id)
                if not note_answer(session, *key, now, seen_at=row.read_at).is_final:
                    continue
            if isinstance(answer, Order):
                stage(platform, session, connected, ui, [answer])
            elif isinstance(answer, Told) and quarantine(session, row.id, answer, now):
                note_order(session, connected, row.id, platform)
            session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id == row.id).values(read_at=now))
    return True


def next_reread(session: Session, integration: Integration, now: datetime) -> datetime | None:
    """When an order that the cart did not find is to be read again; None where none is."""
    tries = tries_of(session, integration.id, Answer.ORDER_NOT_FOUND)
    stale = sa.select(ReceivedOrder.remote_id).where(*placeable(integration), ReceivedOrder.read_at < now - FRESH)
    waiting = session.scalars(stale.where(ReceivedOrder.remote_id.in_(tries))) if tries else ()
    return min((tries[remote_id] for remote_id in waiting), default=None)


def _read_again(
    platform: Platform, integration: Integration, context: CartContext, row: ReceivedOrder
) -> Order | Told | None:
    """The order as it is now; why where it must be set aside; None where the cart cannot read by id.

    What is wrong with one order must not keep the others from being placed.
    """
    if not platform.carts.has(integration.cart, "fetch_order"):
        return None
    try:
        answer: Order | OrderReject | None = platform.carts.call(
            integration.cart, "fetch_order", ctx=context, remote_id=row.remote_id
        )
    except (Permanent, PluginBug) as error:
        return Told(EventCode.QUARANTINED, {"message": error.message})
    if isinstance(answer, OrderReject):
        return Told(EventCode.QUARANTINED, {"message": answer.message})
    return answer if answer is not None else Told(EventCode.UNKNOWN_TO_CART)


def quarantine(session: Session, order_id: int, told: Told, now: datetime) -> bool:
    """Set an order aside unless something else became of it while the cart was being asked; returns whether it was."""
    order = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
    if order.state != ReceivedState.STAGED or order.placing_since is not None:
        return False
    return bool(transition(session, [order_id], ReceivedState.QUARANTINED, told, now, told=told))
