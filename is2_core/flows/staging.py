"""Putting orders of a page into the database: decided in memory, written with one statement per table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.flows.activity import note_sold
from is2_core.flows.fewer_units import cancelled_in_part, tell_of_fewer_units
from is2_core.flows.holds import HoldReason, LineFacts, OrderFacts, StoreRules, address_problem, holds_for
from is2_core.flows.rules import ADDRESS_CORRECTED, PLACEABLE, load_rules, replace_holds
from is2_core.models import (
    AckState,
    Integration,
    OrderEvent,
    ReceivedLine,
    ReceivedOrder,
    ReceivedState,
    Recipient,
)
from is2_core.platform import Platform
from is2_core.tasks.queue import SOON, enqueue
from plugins.interface import FulfilledBy, Order, OrderReject, OrderState, ShippingMappingUI

MAX_NUMBER = 64
# Still ours to decide; everything else is with the warehouse or was ended by a person.
_OPEN = (ReceivedState.STAGED, ReceivedState.HELD, ReceivedState.QUARANTINED, ReceivedState.EXCLUDED)
_MUTABLE = (
    "state cart_state reason shipping_method marks unknown has_address address_problem cancellation_requested total "
    "currency cart_updated_at ship_by deliver_by read_at site"
).split()


@dataclass(frozen=True)
class Decision:
    """What becomes of an order: its state, why, and what holds it."""

    state: ReceivedState
    reason: str = ""
    holds: tuple[HoldReason, ...] = ()

    @property
    def needs_recipient(self) -> bool:
        """Whether the buyer's data has a use here: what the warehouse will not ship is not kept."""
        return self.state not in (ReceivedState.EXCLUDED, ReceivedState.CANCELLED)


def stage(
    platform: Platform,
    session: Session,
    integration: Integration,
    ui: ShippingMappingUI,
    orders: Sequence[Order],
    rejects: Sequence[OrderReject] = (),
    *,
    late_before: datetime | None = None,
) -> None:
    """Write one page. Older news than what is stored is ignored; an order seen twice is one row.

    Args:
        late_before: orders not known yet but updated before this instant are marked as found late.
    """
    now = platform.clock.now()
    newest: dict[str, Order] = {}
    for order in orders:
        if order.remote_id not in newest or newest[order.remote_id].updated_at <= order.updated_at:
            newest[order.remote_id] = order
    ids = [*newest, *(reject.remote_id for reject in rejects)]
    stored = {
        row.remote_id: row
        for row in session.scalars(
            sa.select(ReceivedOrder)
            .where(ReceivedOrder.integration_id == integration.id, ReceivedOrder.remote_id.in_(ids))
            .order_by(ReceivedOrder.id)
            .with_for_update()
        )
    }
    fresh = [
        order
        for order in newest.values()
        if order.remote_id not in stored
        or stored[order.remote_id].state == ReceivedState.QUARANTINED
        or stored[order.remote_id].cart_updated_at <= order.updated_at
    ]
    rules = load_rules(
        session,
        integration,
        ui,
        methods=[order.shipping_method for order in fresh],
        skus=[line.sku for order in fresh for line in order.lines],
    )
    label = platform.carts.manifest(integration.cart).label
    decisions = {
        order.remote_id: decide(order, stored.get(order.remote_id), integration, rules, label) for order in fresh
    }
    rows = [
        _order_row(integration, order, stored.get(order.remote_id), decisions[order.remote_id], now, late_before)
        for order in fresh
    ]
    rows += [
        _reject_row(integration, reject, now)
        for reject in {entry.remote_id: entry for entry in rejects if entry.remote_id not in newest}.values()
        if _sets_aside(reject, stored.get(reject.remote_id))
    ]
    # One order of locks in every transaction, so that two of them never wait for each other.
    rows.sort(key=lambda row: row["remote_id"])
    written = platform.db.upsert(
        session,
        ReceivedOrder,
        rows,
        key=["integration_id", "remote_id"],
        update=_MUTABLE,
        returning=["id", "remote_id"],
    )
    id_of = {remote_id: order_id for order_id, remote_id in written}
    fewer = cancelled_in_part(session, fresh, stored)
    _write_details(platform, session, integration, fresh, stored, decisions, id_of)
    tell_of_fewer_units(platform, session, fewer, now)
    held = {remote_id: decision.holds for remote_id, decision in decisions.items()}
    replace_holds(session, {order_id: held.get(remote_id, ()) for remote_id, order_id in id_of.items()})
    _write_events(session, rows, stored, decisions, id_of, now)
    _ask_for_what_follows(session, integration, fresh, stored, decisions, now)
    note_sold(session, integration, _sold(fresh, stored, decisions), platform)


def decide(
    order: Order, stored: ReceivedOrder | None, integration: Integration, rules: StoreRules, cart_label: str
) -> Decision:
    """What becomes of an order as the cart shows it now; pure."""
    if stored is not None and (stored.placed_at is not None or stored.state not in (*_OPEN, ReceivedState.CANCELLED)):
        return Decision(ReceivedState(stored.state), stored.reason)
    if order.fulfilled_by is FulfilledBy.CART:
        return Decision(ReceivedState.EXCLUDED, f"{cart_label} fulfills this order itself.")
    if order.state is OrderState.SHIPPED:
        return Decision(ReceivedState.EXCLUDED, "Shipped already, before the warehouse had it.")
    if order.state is OrderState.CANCELLED:
        return Decision(ReceivedState.CANCELLED, "Cancelled at the cart before it was placed.")
    if integration.orders_from and order.created_at < integration.orders_from:
        day = integration.orders_from.date().isoformat()
        return Decision(ReceivedState.EXCLUDED, f"Bought before {day}, the day of the first orders.")
    if order.state is OrderState.PENDING:
        return Decision(ReceivedState.STAGED, "The payment is pending at the cart.")
    if not any(line.open for line in order.lines):
        return Decision(ReceivedState.EXCLUDED, "Nothing of it is open to be shipped.")
    holds = holds_for(_facts(order, stored), rules)
    return Decision(ReceivedState.HELD if holds else ReceivedState.STAGED, "", holds)


def _sets_aside(reject: OrderReject, stored: ReceivedOrder | None) -> bool:
    """Whether an unreadable revision takes the place of what is stored: not once the warehouse may have it."""
    if stored is None:
        return True
    open_here = stored.state in _OPEN and stored.asked_at is None
    return open_here and (reject.updated_at is None or reject.updated_at >= stored.cart_updated_at)


def order_number(integration: Integration, remote_id: str) -> str:
    """Our number: readable, the same for the same store and cart order, at most 64 characters."""
    number = f"{integration.cart[:2].upper()}{integration.id}-{remote_id}"
    if len(number) <= MAX_NUMBER:
        return number
    return f"{number[: MAX_NUMBER - 17]}-{hashlib.sha256(remote_id.encode()).hexdigest()[:16]}"


def _facts(order: Order, stored: ReceivedOrder | None) -> OrderFacts:
    kept = _keeps_address(order, stored)
    return OrderFacts(
        lines=[LineFacts(line.sku, line.open) for line in order.lines],
        shipping_method=order.shipping_method,
        has_address=order.recipient is not None or kept,
        address_problem=stored.address_problem if stored and kept else address_problem(order.recipient),
        cancellation_requested=order.cancellation_request is not None,
        unknown=_unknown(order),
        waived=frozenset(stored.waived) if stored else frozenset(),
    )


def _keeps_address(order: Order, stored: ReceivedOrder | None) -> bool:
    """A value is never overwritten with an erased one, nor a person's correction with what was corrected."""
    return stored is not None and stored.has_address and (order.recipient is None or ADDRESS_CORRECTED in stored.waived)


def _unknown(order: Order) -> list[str]:
    found = [f"{value.field} {value.value!r}" for value in order.unknown]
    if not found and order.state is OrderState.UNKNOWN:
        found.append("an unknown state")
    if not found and order.fulfilled_by is FulfilledBy.UNKNOWN and order.state is not OrderState.PENDING:
        found.append("nothing of who fulfills the order")
    return found


def _order_row(
    integration: Integration,
    order: Order,
    stored: ReceivedOrder | None,
    decision: Decision,
    now: datetime,
    late_before: datetime | None,
) -> dict[str, Any]:
    facts = _facts(order, stored)
    return {
        "account_id": integration.account_id,
        "integration_id": integration.id,
        "remote_id": order.remote_id,
        "site": order.site,
        "number": order_number(integration, order.remote_id),
        "state": decision.state,
        "cart_state": order.state,
        "reason": decision.reason,
        "shipping_method": order.shipping_method,
        "marks": list(order.marks),
        "unknown": list(facts.unknown),
        "waived": [],
        "has_address": facts.has_address and (decision.needs_recipient or (stored is not None and stored.has_address)),
        "address_problem": facts.address_problem,
        "cancellation_requested": facts.cancellation_requested,
        "total": str(order.total.amount) if order.total else "",
        "currency": order.total.currency if order.total else "",
        "cart_created_at": order.created_at,
        "cart_updated_at": order.updated_at,
        "ship_by": order.ship_by,
        "deliver_by": order.deliver_by,
        "staged_at": now,
        "read_at": now,
        "late_found": late_before is not None and order.updated_at < late_before,
        "ack_state": AckState.NONE,
        "ack_sentence": "",
        "stop_answer": "",
    }


def _reject_row(integration: Integration, reject: OrderReject, now: datetime) -> dict[str, Any]:
    seen = reject.updated_at or now
    return {
        "account_id": integration.account_id,
        "integration_id": integration.id,
        "remote_id": reject.remote_id,
        "site": "",
        "number": order_number(integration, reject.remote_id),
        "state": ReceivedState.QUARANTINED,
        "cart_state": OrderState.UNKNOWN,
        "reason": reject.sentence,
        "shipping_method": "",
        "marks": [],
        "unknown": [],
        "waived": [],
        "has_address": False,
        "address_problem": "",
        "cancellation_requested": False,
        "total": "",
        "currency": "",
        "cart_created_at": seen,
        "cart_updated_at": seen,
        "ship_by": None,
        "deliver_by": None,
        "staged_at": now,
        "read_at": now,
        "late_found": False,
        "ack_state": AckState.NONE,
        "ack_sentence": "",
        "stop_answer": "",
    }


def _write_details(
    platform: Platform,
    session: Session,
    integration: Integration,
    orders: Sequence[Order],
    stored: dict[str, ReceivedOrder],
    decisions: dict[str, Decision],
    id_of: dict[str, int],
) -> None:
    lines = [
        {
            "order_id": id_of[order.remote_id],
            "remote_id": line.remote_id,
            "sku": line.sku,
            "title": line.title,
            "ordered": line.ordered,
            "cancelled": line.cancelled,
            "open": line.open,
            "unit_price": f"{line.unit_price.amount} {line.unit_price.currency}" if line.unit_price else "",
            "gift": bool(line.gift_message or line.gift_wrap),
            "demands": list(line.demands),
        }
        for order in orders
        for line in order.lines
    ]
    for order in orders:
        if order.remote_id in stored:
            # A line the cart does not show any more is not shipped any more.
            session.execute(
                sa.update(ReceivedLine)
                .where(
                    ReceivedLine.order_id == stored[order.remote_id].id,
                    ReceivedLine.remote_id.not_in([line.remote_id for line in order.lines]),
                )
                .values(open=0, cancelled=ReceivedLine.ordered)
                .execution_options(synchronize_session=False)
            )
    platform.db.upsert(
        session,
        ReceivedLine,
        lines,
        key=["order_id", "remote_id"],
        update=["sku", "title", "ordered", "cancelled", "open", "unit_price", "gift", "demands"],
    )
    recipients = [
        {"account_id": integration.account_id, "order_id": id_of[order.remote_id], "sealed": _personal(order)}
        for order in orders
        if order.recipient is not None
        and decisions[order.remote_id].needs_recipient
        and not _keeps_address(order, stored.get(order.remote_id))
    ]
    platform.db.upsert(session, Recipient, recipients, key=["order_id"], update=["sealed"])


def _personal(order: Order) -> dict[str, Any]:
    return {
        "address": asdict(order.recipient) if order.recipient else None,
        "buyer": asdict(order.buyer) if order.buyer else None,
        "lines": {
            line.remote_id: {"gift_message": line.gift_message, "customization_url": line.customization_url}
            for line in order.lines
            if line.gift_message or line.customization_url
        },
    }


def _write_events(
    session: Session,
    rows: Sequence[dict[str, Any]],
    stored: dict[str, ReceivedOrder],
    decisions: dict[str, Decision],
    id_of: dict[str, int],
    now: datetime,
) -> None:
    events = []
    for row in rows:
        before = stored.get(row["remote_id"])
        if before is not None and before.state == row["state"] and before.cart_state == row["cart_state"]:
            continue
        decision = decisions.get(row["remote_id"])
        sentence = row["reason"] or (
            "Read from the cart." if before is None else f"The cart says {row['cart_state'].replace('_', ' ').lower()}."
        )
        if decision and decision.holds:
            sentence = " ".join(hold.sentence for hold in decision.holds)
        events.append(
            {
                "order_id": id_of[row["remote_id"]],
                "at": now,
                "code": row["state"],
                "sentence": sentence,
                "user_id": None,
            }
        )
    if events:
        session.execute(sa.insert(OrderEvent), events)


def _sold(orders: Sequence[Order], stored: dict[str, ReceivedOrder], decisions: dict[str, Decision]) -> set[str]:
    """Cart SKUs of orders that began, changed or ceased to need stock the warehouse does not know of yet."""
    touched = [
        order
        for order in orders
        if (before := stored.get(order.remote_id)) is None
        or (
            before.placed_at is None
            and (before.state != decisions[order.remote_id].state or before.cart_updated_at != order.updated_at)
        )
    ]
    return {
        line.sku
        for order in touched
        if order.remote_id in stored or decisions[order.remote_id].state in _OPEN
        for line in order.lines
    }


def _ask_for_what_follows(
    session: Session,
    integration: Integration,
    orders: Sequence[Order],
    stored: dict[str, ReceivedOrder],
    decisions: dict[str, Decision],
    now: datetime,
) -> None:
    if any(decisions[order.remote_id].state is ReceivedState.STAGED and order.state in PLACEABLE for order in orders):
        enqueue(session, kind="orders.place", integration=integration, now=now, priority=SOON)
    cancelled = (stored.get(order.remote_id) for order in orders if order.state is OrderState.CANCELLED)
    if any(row is not None and row.asked_at is not None and row.stop_asked_at is None for row in cancelled):
        enqueue(session, kind="orders.stop", integration=integration, now=now, priority=SOON)
