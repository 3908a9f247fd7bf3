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
from is2_core.db.locks import LOCK
from is2_core.flows.activity import note_order
from is2_core.flows.context import cart_context
from is2_core.flows.demands import demands_of
from is2_core.flows.fewer_units import follow, is_to_be_stopped
from is2_core.flows.holds import HoldCode, HoldReason, StoreRules
from is2_core.flows.rules import PLACEABLE, add_event, apply_holds, replace_holds, rules_for
from is2_core.flows.shipping import vocabulary
from is2_core.flows.staging import stage
from is2_core.flows.stores import store_name
from is2_core.models import (
    AckState,
    Integration,
    PlacedComponent,
    ReceivedLine,
    ReceivedOrder,
    ReceivedState,
    Recipient,
)
from is2_core.platform import Platform
from is2_core.tasks.pace import Pace
from is2_core.tasks.queue import SOON, enqueue
from is2_core.tasks.run import TaskRun
from is2_core.warehouse.interface import (
    Already,
    NewOrder,
    OrderLine,
    PlaceAnswer,
    Placed,
    Refused,
    Unknown,
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


def place_orders(platform: Platform, run: TaskRun) -> None:
    """Task `orders.place`: place what nothing holds, the freshly read first; then re-read and place the rest."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    ui = vocabulary(platform, integration)
    unsettled = _settle_doubtful(platform, run)
    pace = Pace(run, BATCH)
    put_off = _place_fresh(platform, run, integration, ui, pace)
    not_read: dict[int, str] = {}
    while _reread_stale(platform, run, integration, ui, not_read):
        put_off = _place_fresh(platform, run, integration, ui, pace)
    if not run.has_time():
        # Rather at once than after the pause of a failure: the rest had no turn yet.
        return
    if unsettled or put_off:
        raise Temporary((unsettled + put_off)[0], code="WAREHOUSE_LATER")
    if not_read:
        raise Temporary(next(iter(not_read.values())), code="NOT_READ_AGAIN")


def _place_fresh(
    platform: Platform, run: TaskRun, integration: Integration, ui: ShippingMappingUI, pace: Pace
) -> list[str]:
    """Place every freshly read order, batch by batch; returns sentences of those the warehouse put off."""
    put_off: list[str] = []
    last, more = 0, True
    while more and run.has_time():
        batch, last, more = _next_batch(platform, run, ui, last, pace.size)
        if batch:
            with pace.measured(len(batch)):
                answers = _ask_warehouse(platform, integration, batch)
            put_off += _store_answers(platform, run, batch, answers)
    return put_off


def _next_batch(
    platform: Platform, run: TaskRun, ui: ShippingMappingUI, last: int, most: int
) -> tuple[list[Ready], int, bool]:
    """So many fresh placeable orders after id `last`, their holds computed once more; commits what turned out held, and
    that the warehouse is about to be asked for the others."""
    with run.write() as session:
        integration = session.get_one(Integration, run.integration_id)
        now = platform.clock.now()
        orders = session.scalars(
            _placeable(integration)
            .where(ReceivedOrder.id > last, ReceivedOrder.read_at >= now - FRESH, ReceivedOrder.asked_at.is_(None))
            .order_by(ReceivedOrder.id)
            .limit(most)
            .options(selectinload(ReceivedOrder.lines))
            .with_for_update(**LOCK)
        ).all()
        rules = rules_for(platform, session, integration, ui, orders)
        apply_holds(session, orders, rules, now)
        going = [order for order in orders if order.state == ReceivedState.STAGED]
        recipients = {
            row.order_id: row
            for row in session.scalars(
                sa.select(Recipient).where(Recipient.order_id.in_([order.id for order in going]))
            )
        }
        source = store_name(integration)
        batch = [_ready(order, recipients[order.id], rules, source) for order in going]
        _note_asked(session, batch, now)
        return batch, orders[-1].id if orders else last, len(orders) == most


def _note_asked(session: Session, batch: Sequence[Ready], now: datetime) -> None:
    """The warehouse is about to be asked: what it is asked for is kept as it is now, whatever a mapping or the cart
    says when the answer comes."""
    ids = [ready.order_id for ready in batch]
    lines = {line_id for ready in batch for line_id, _, _ in ready.components}
    session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id.in_(ids)).values(asked_at=now))
    session.execute(
        sa.update(ReceivedLine)
        .where(ReceivedLine.id.in_(lines))
        .values(placed=ReceivedLine.open)
        .execution_options(synchronize_session=False)
    )
    session.execute(sa.delete(PlacedComponent).where(PlacedComponent.line_id.in_(_lines_of(ids))))
    rows = [
        {"line_id": line_id, "warehouse_sku": sku, "quantity": quantity}
        for ready in batch
        for line_id, sku, quantity in ready.components
    ]
    if rows:
        session.execute(sa.insert(PlacedComponent), rows)


def _note_not_taken(session: Session, order: ReceivedOrder) -> None:
    """The warehouse does not have the order, and may be asked again."""
    order.asked_at = None
    session.execute(sa.delete(PlacedComponent).where(PlacedComponent.line_id.in_(_lines_of([order.id]))))
    session.execute(
        sa.update(ReceivedLine)
        .where(ReceivedLine.order_id == order.id)
        .values(placed=0)
        .execution_options(synchronize_session=False)
    )


def _lines_of(order_ids: Sequence[int]) -> sa.Select[int]:
    return sa.select(ReceivedLine.id).where(ReceivedLine.order_id.in_(order_ids))


def _placeable(integration: Integration) -> sa.Select[ReceivedOrder]:
    return sa.select(ReceivedOrder).where(
        ReceivedOrder.integration_id == integration.id,
        ReceivedOrder.state == ReceivedState.STAGED,
        ReceivedOrder.cart_state.in_(PLACEABLE),
    )


def _ready(order: ReceivedOrder, recipient: Recipient, rules: StoreRules, source: str) -> Ready:
    components = _components(order, rules)
    open_units = {line.id: line.open for line in order.lines}
    units: Counter[str] = Counter()
    for line_id, sku, quantity in components:
        units[sku] += quantity * open_units[line_id]
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
        ship_after=order.ship_after,
        deliver_after=order.deliver_after,
        deliver_by=order.deliver_by,
        demands=demands_of(order, components),
        marks=tuple(order.marks),
    )
    return Ready(order.id, request, components)


def _components(order: ReceivedOrder, rules: StoreRules) -> tuple[tuple[int, str, int], ...]:
    """(line id, warehouse SKU, quantity in one unit) of every open line."""
    return tuple(
        (line.id, sku, quantity)
        for line in order.lines
        if line.open
        for sku, quantity in (rules.components(line.sku) or {}).items()
    )


def _address(stored: dict[str, Any]) -> Address:
    return Address(**{**stored, "lines": tuple(stored["lines"])})


def _ask_warehouse(platform: Platform, integration: Integration, batch: Sequence[Ready]) -> list[PlaceAnswer]:
    answers = platform.warehouse(integration.wms_target).place_orders([ready.request for ready in batch])
    if len(answers) != len(batch):
        raise RuntimeError(f"the warehouse gave {len(answers)} answers to {len(batch)} orders")
    return answers


def _settle_doubtful(platform: Platform, run: TaskRun) -> list[str]:
    """Orders the warehouse was asked to take without an answer being stored: after a crash, or an Unknown. Whether
    it has them is looked up, whatever has become of them meanwhile; until then nothing else is decided.

    Returns:
        A sentence for each that the warehouse has not settled yet.
    """
    unsettled: list[str] = []
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        doubtful = session.execute(
            sa.select(ReceivedOrder.id, ReceivedOrder.number, ReceivedOrder.asked_at)
            .where(
                ReceivedOrder.integration_id == integration.id,
                ReceivedOrder.asked_at.is_not(None),
                ReceivedOrder.placed_at.is_(None),
            )
            .order_by(ReceivedOrder.id)
        ).all()
    warehouse = platform.warehouse(integration.wms_target)
    settled_after = timedelta(seconds=0 if warehouse.unique_external_id else warehouse.settle_s)
    for order_id, number, asked_at in doubtful:
        if asked_at is not None and platform.clock.now() - asked_at < settled_after:
            unsettled.append("The warehouse has not yet settled whether it has an order.")
            continue
        if not run.has_time():
            break
        found = warehouse.find_order(integration.account_id, number)
        with run.write() as session:
            order = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
            if found:
                _store_placed(platform, session, session.get_one(Integration, run.integration_id), order)
            else:
                _note_not_taken(session, order)
    return unsettled


def _store_answers(
    platform: Platform, run: TaskRun, batch: Sequence[Ready], answers: Sequence[PlaceAnswer]
) -> list[str]:
    """One commit for a batch: placed and acknowledgement due. Returns sentences of those put off."""
    put_off: list[str] = []
    with run.write() as session:
        integration = session.get_one(Integration, run.integration_id)
        orders = {
            order.id: order
            for order in session.scalars(
                sa.select(ReceivedOrder)
                .where(ReceivedOrder.id.in_([ready.order_id for ready in batch]))
                .order_by(ReceivedOrder.id)
                .with_for_update(**LOCK)
            )
        }
        for ready, answer in zip(batch, answers, strict=True):
            order = orders[ready.order_id]
            if isinstance(answer, Placed | Already):
                _store_placed(platform, session, integration, order)
            elif isinstance(answer, Unknown):
                put_off.append(answer.sentence)
            else:
                _note_not_taken(session, order)
                if isinstance(answer, Refused):
                    _store_refused(session, order, answer, platform.clock.now())
                else:
                    put_off.append(answer.sentence)
    return put_off


def _store_placed(platform: Platform, session: Session, integration: Integration, order: ReceivedOrder) -> None:
    """The warehouse has the order: acknowledge it, or have it stopped where it was cancelled, dismissed or excluded
    while the warehouse was being asked."""
    if order.placed_at is not None:
        return
    now = platform.clock.now()
    order.placed_at = now
    add_event(session, order.id, now, "INJECTED", f"The warehouse accepted it as {order.number}.")
    wanted = order.state in (ReceivedState.STAGED, ReceivedState.HELD)
    if wanted:
        order.state, order.reason = ReceivedState.INJECTED, ""
        replace_holds(session, {order.id: ()})
    session.flush()
    # The warehouse may have shipped it, or somebody else confirmed it at the cart, before its answer reached us.
    if follow(platform, session, order, now):
        enqueue(session, kind="tracking.post", integration=integration, now=now, priority=SOON)
    if not wanted:
        order.ack_state, order.stop_asked_at = AckState.NOT_NEEDED, None
        enqueue(session, kind="orders.stop", integration=integration, now=now, priority=SOON)
    elif platform.carts.has(integration.cart, "acknowledge_orders"):
        order.ack_state = AckState.DUE
        enqueue(session, kind="acknowledgements.send", integration=integration, now=now, priority=SOON)
    else:
        order.ack_state = AckState.NOT_NEEDED
    if is_to_be_stopped(order):
        enqueue(session, kind="orders.stop", integration=integration, now=now, priority=SOON)


def _store_refused(session: Session, order: ReceivedOrder, answer: Refused, now: datetime) -> None:
    if order.state != ReceivedState.STAGED:
        return
    order.state = ReceivedState.HELD
    replace_holds(session, {order.id: (HoldReason(HoldCode.WAREHOUSE_REFUSED, "", answer.sentence),)})
    add_event(session, order.id, now, "HELD", f"The warehouse refused it: {answer.sentence}")


def _reread_stale(
    platform: Platform, run: TaskRun, integration: Integration, ui: ShippingMappingUI, not_read: dict[int, str]
) -> bool:
    """Read some placeable orders again that were read too long ago; whether any were, and there is time to go on.

    Args:
        not_read: order id -> why it could not be read in this run; added to, and passed over.
    """
    with platform.db.read() as session:
        stale = session.scalars(
            _placeable(integration)
            .where(ReceivedOrder.read_at < platform.clock.now() - FRESH, ReceivedOrder.id.not_in(not_read))
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
            not_read[row.id] = error.sentence
            continue
        with run.write() as session:
            store = session.get_one(Integration, integration.id)
            now = platform.clock.now()
            if isinstance(answer, Order):
                stage(platform, session, store, ui, [answer])
            elif isinstance(answer, str) and _set_aside(session, row.id, answer, now):
                note_order(session, store, row.id, platform)
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


def _set_aside(session: Session, order_id: int, sentence: str, now: datetime) -> bool:
    """Set an order aside unless something else became of it while the cart was being asked; returns whether it was."""
    order = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
    if order.state != ReceivedState.STAGED or order.asked_at is not None:
        return False
    order.state, order.reason = ReceivedState.QUARANTINED, sentence
    session.flush()
    add_event(session, order_id, now, "QUARANTINED", sentence)
    return True
