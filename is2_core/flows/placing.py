"""Handing received orders to the warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from is2_core.carts import PluginBug
from is2_core.flows.context import cart_context
from is2_core.flows.holds import HoldCode, HoldReason, StoreRules
from is2_core.flows.rules import PLACEABLE, add_event, apply_holds, replace_holds, rules_for
from is2_core.flows.shipping import vocabulary
from is2_core.flows.staging import stage
from is2_core.models import (
    AckState,
    Integration,
    PlacedComponent,
    ReceivedOrder,
    ReceivedState,
    Recipient,
)
from is2_core.platform import Platform
from is2_core.tasks.queue import SOON, enqueue
from is2_core.tasks.run import TaskRun
from is2_core.warehouse.interface import (
    Already,
    Later,
    NewOrder,
    OrderLine,
    PlaceAnswer,
    Placed,
    Refused,
    Unknown,
    Warehouse,
)
from plugins.interface import Address, CartContext, Order, OrderReject, Permanent, ShippingMappingUI, Temporary

BATCH = 100
REREAD_BATCH = 20
# Older than this an order is read again before it is placed: a cancellation may have come meanwhile.
FRESH = timedelta(hours=1)


@dataclass(frozen=True)
class Ready:
    """An order to place, and what each of its lines is made of."""

    order_id: int
    request: NewOrder
    components: tuple[tuple[int, str, int], ...]
    asked_before: datetime | None


def place_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.place`: place what nothing holds, the freshly read first; then re-read and place the rest.

    A run that has worked long enough leaves the rest to its next turn.
    """
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    ui = vocabulary(platform, integration)
    put_off = _place_fresh(platform, run, integration, ui)
    while not run.slice_is_over() and _reread_stale(platform, run, integration, ui):
        put_off = _place_fresh(platform, run, integration, ui)
    if run.slice_is_over():
        with run.write() as session:
            run.finish(session, again_at=platform.clock.now())
    elif put_off:
        raise Temporary(put_off[0], code="WAREHOUSE_LATER")


def _place_fresh(platform: Platform, run: TaskRun, integration: Integration, ui: ShippingMappingUI) -> list[str]:
    """Place every freshly read order, batch by batch; returns sentences of those the warehouse put off."""
    put_off: list[str] = []
    last, more = 0, True
    while more and not run.slice_is_over():
        batch, last, more = _next_batch(platform, run, ui, last)
        if batch:
            answers = _ask_warehouse(platform, integration, batch)
            put_off += _store_answers(platform, run, batch, answers)
    return put_off


def _next_batch(platform: Platform, run: TaskRun, ui: ShippingMappingUI, last: int) -> tuple[list[Ready], int, bool]:
    """Fresh placeable orders after id `last`, their holds computed once more; commits what turned out held, and
    that the warehouse is about to be asked for the others."""
    with run.write() as session:
        integration = session.get_one(Integration, run.integration_id)
        now = platform.clock.now()
        orders = session.scalars(
            _placeable(integration)
            .where(ReceivedOrder.id > last, ReceivedOrder.read_at >= now - FRESH)
            .order_by(ReceivedOrder.id)
            .limit(BATCH)
            .options(selectinload(ReceivedOrder.lines))
            .with_for_update()
        ).all()
        rules = rules_for(session, integration, ui, orders)
        apply_holds(session, orders, rules, now)
        going = [order for order in orders if order.state == ReceivedState.STAGED]
        recipients = {
            row.order_id: row
            for row in session.scalars(
                sa.select(Recipient).where(Recipient.order_id.in_([order.id for order in going]))
            )
        }
        source = integration.nickname or integration.seller_name
        batch = [_ready(order, recipients[order.id], rules, source) for order in going]
        for order in going:
            order.asked_at = now
        return batch, orders[-1].id if orders else last, len(orders) == BATCH


def _placeable(integration: Integration) -> sa.Select[tuple[ReceivedOrder]]:
    return sa.select(ReceivedOrder).where(
        ReceivedOrder.integration_id == integration.id,
        ReceivedOrder.state == ReceivedState.STAGED,
        ReceivedOrder.cart_state.in_(PLACEABLE),
    )


def _ready(order: ReceivedOrder, recipient: Recipient, rules: StoreRules, source: str) -> Ready:
    units: Counter[str] = Counter()
    components = []
    for line in order.lines:
        for sku, quantity in (rules.components(line.sku) or {}).items() if line.open else ():
            units[sku] += quantity * line.open
            components.append((line.id, sku, quantity))
    method = rules.method(order.shipping_method)
    assert method is not None, "an order without a shipping mapping is held"
    request = NewOrder(
        number=order.number,
        account_id=order.account_id,
        source=source,
        service=method.service,
        recipient=_address(recipient.sealed["address"]),
        recipient_ref=recipient.id,
        ship_by=order.ship_by,
        lines=tuple(OrderLine(sku, quantity) for sku, quantity in units.items()),
    )
    return Ready(order.id, request, tuple(components), order.asked_at)


def _address(stored: dict[str, Any]) -> Address:
    return Address(**{**stored, "lines": tuple(stored["lines"])})


def _ask_warehouse(platform: Platform, integration: Integration, batch: Sequence[Ready]) -> list[PlaceAnswer]:
    """One answer per order. What may be there already is looked for before it is placed (again)."""
    warehouse = platform.warehouse(integration.wms_target)
    known: dict[int, PlaceAnswer] = {}
    if not warehouse.unique_external_id:
        asked = [ready for ready in batch if ready.asked_before is not None]
        looked = {ready.order_id: _look_for(platform, warehouse, ready) for ready in asked}
        known = {order_id: answer for order_id, answer in looked.items() if answer is not None}
    new = [ready for ready in batch if ready.order_id not in known]
    answers = warehouse.place_orders([ready.request for ready in new])
    if len(answers) != len(new):
        raise RuntimeError(f"the warehouse gave {len(answers)} answers to {len(new)} orders")
    for ready, answer in zip(new, answers, strict=True):
        if isinstance(answer, Unknown) and warehouse.find_order(integration.account_id, ready.request.number):
            known[ready.order_id] = Already()
        else:
            known[ready.order_id] = answer
    return [known[ready.order_id] for ready in batch]


def _look_for(platform: Platform, warehouse: Warehouse, ready: Ready) -> PlaceAnswer | None:
    """Already, Later while the warehouse has not settled, or None where it surely does not have the order."""
    assert ready.asked_before is not None
    if platform.clock.now() - ready.asked_before < timedelta(seconds=warehouse.settle_s):
        return Later("The warehouse has not yet settled whether it has the order.")
    return Already() if warehouse.find_order(ready.request.account_id, ready.request.number) else None


def _store_answers(
    platform: Platform, run: TaskRun, batch: Sequence[Ready], answers: Sequence[PlaceAnswer]
) -> list[str]:
    """One commit for a batch: placed and acknowledgement due. Returns sentences of those put off."""
    put_off: list[str] = []
    with run.write() as session:
        integration = session.get_one(Integration, run.integration_id)
        now = platform.clock.now()
        needs_ack = platform.carts.has(integration.cart, "acknowledge_orders")
        orders = {
            order.id: order
            for order in session.scalars(
                sa.select(ReceivedOrder)
                .where(ReceivedOrder.id.in_([ready.order_id for ready in batch]))
                .with_for_update()
            )
        }
        stop = False
        for ready, answer in zip(batch, answers, strict=True):
            order = orders[ready.order_id]
            if isinstance(answer, Placed | Already):
                stop = _store_placed(session, order, ready, now, needs_ack) or stop
            elif isinstance(answer, Refused):
                _store_refused(session, order, answer, now)
            else:
                put_off.append(answer.sentence)
        if needs_ack and any(order.ack_state == AckState.DUE for order in orders.values()):
            enqueue(session, kind="acknowledgements.send", integration=integration, now=now, priority=SOON)
        if stop:
            enqueue(session, kind="orders.stop", integration=integration, now=now, priority=SOON)
    return put_off


def _store_placed(session: Session, order: ReceivedOrder, ready: Ready, now: datetime, needs_ack: bool) -> bool:
    """Returns whether the warehouse must be asked to stop it: cancelled or dismissed while it was being asked."""
    if order.placed_at is not None:
        return False
    order.placed_at = now
    session.add_all(
        PlacedComponent(line_id=line_id, warehouse_sku=sku, quantity=quantity)
        for line_id, sku, quantity in ready.components
    )
    add_event(session, order.id, now, "INJECTED", f"The warehouse accepted it as {order.number}.")
    if order.state not in (ReceivedState.STAGED, ReceivedState.HELD):
        order.ack_state, order.stop_asked_at = AckState.NOT_NEEDED, None
        return True
    order.state, order.reason = ReceivedState.INJECTED, ""
    order.ack_state = AckState.DUE if needs_ack else AckState.NOT_NEEDED
    return False


def _store_refused(session: Session, order: ReceivedOrder, answer: Refused, now: datetime) -> None:
    if order.state != ReceivedState.STAGED:
        return
    order.state = ReceivedState.HELD
    replace_holds(session, {order.id: (HoldReason(HoldCode.WAREHOUSE_REFUSED, "", answer.sentence),)})
    add_event(session, order.id, now, "HELD", f"The warehouse refused it: {answer.sentence}")


def _reread_stale(platform: Platform, run: TaskRun, integration: Integration, ui: ShippingMappingUI) -> bool:
    """Read some placeable orders again that were read too long ago; True where there were any."""
    with platform.db.read() as session:
        stale = session.scalars(
            _placeable(integration)
            .where(ReceivedOrder.read_at < platform.clock.now() - FRESH)
            .order_by(ReceivedOrder.ship_by, ReceivedOrder.id)
            .limit(REREAD_BATCH)
        ).all()
    if not stale:
        return False
    context = cart_context(platform, integration, before_call=run.heartbeat)
    for row in stale:
        answer = _read_again(platform, integration, context, row)
        with run.write() as session:
            store = session.get_one(Integration, integration.id)
            now = platform.clock.now()
            if isinstance(answer, Order):
                stage(platform, session, store, ui, [answer])
            elif isinstance(answer, str):
                _set_aside(session, row.id, answer, now)
            session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id == row.id).values(read_at=now))
    return True


def _read_again(
    platform: Platform, integration: Integration, context: CartContext, row: ReceivedOrder
) -> Order | str | None:
    """The order as it is now; a sentence where it must be set aside; None where the cart cannot read by id.

    What is wrong with one order must not keep the others from being placed.
    """
    if not platform.carts.has(integration.cart, "fetch_order"):
        return None
    try:
        answer: Order | OrderReject | None = platform.carts.call(
            integration.cart, "fetch_order", ctx=context, remote_id=row.remote_id
        )
    except (Permanent, PluginBug) as error:
        return str(error.sentence)
    if isinstance(answer, OrderReject):
        return answer.sentence
    return answer if answer is not None else "The cart does not know this order any more."


def _set_aside(session: Session, order_id: int, sentence: str, now: datetime) -> None:
    session.execute(
        sa.update(ReceivedOrder)
        .where(ReceivedOrder.id == order_id)
        .values(state=ReceivedState.QUARANTINED, reason=sentence)
    )
    add_event(session, order_id, now, "QUARANTINED", sentence)
