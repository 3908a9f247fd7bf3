"""Actions of a person on received orders: check now, approve, have stopped, dismiss, correct an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core import audit
from is2_core.accounts.access import owned, owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope, Scope
from is2_core.accounts.states import WAITS_FOR_A_PERSON, IntegrationState
from is2_core.crypto import CannotOpen
from is2_core.db.locks import LOCK
from is2_core.db.types import seal
from is2_core.errors import BadInput, Conflict, Unconfirmed
from is2_core.items.shipping_mappings import vocabulary_now
from is2_core.orders.activity import note_order
from is2_core.orders.addresses.countries import POSTAL_CODE_MAX, country_code
from is2_core.orders.holds.addresses import address_problem, address_problem_text, is_hopeless, problem_field
from is2_core.orders.holds.config import apply_holds, config_for
from is2_core.orders.holds.reasons import HoldCode, is_waivable
from is2_core.orders.models import Hold, ReceivedOrder, Recipient
from is2_core.orders.packing.before_packing import read_before_packing as read_before_packing
from is2_core.orders.pii import nobody, pii_of
from is2_core.orders.states import NOT_COMPLETE, UNPLACED, ReceivedState
from is2_core.orders.stored import lock_orders
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from plugins.interface import Address, ShippingMappingUI
from plugins.types.orders import MAY_BE_PLACED

MAX_REASON = 500
MAX_ADDRESS_TEXT = 200
_STREET = ("line1", "line2", "line3")
ADDRESS_FIELDS = ("name", "company", *_STREET, "district", "city", "region", "postal_code", "country", "phone")


def check_now(platform: Platform, *, integration_id: int, scope: ChangeScope) -> str:
    """Ask for the routine listing at once; returns a message."""
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        if integration.state == IntegrationState.SETUP:
            raise Conflict("Finish the setup of this store first.")
        if integration.state in WAITS_FOR_A_PERSON:
            raise Conflict(f"This store is {integration.state.lower()}: {integration.pause_message}")
        enqueue(session, kind=TaskKind.ORDERS_CHECK, integration=integration, now=platform.clock.now(), priority=NOW)
    return "Checking for new orders now."


def approve(
    platform: Platform,
    *,
    order_id: int,
    scope: ChangeScope,
    user_id: int | None,
    codes: Sequence[str] = (HoldCode.FIRST_REVIEW,),
) -> None:
    """Let an order go on in spite of these holds.

    Args:
        codes: waivers (`holds.reasons.waiver`): of one hold, or of all of a reason.
    """
    if not codes or not all(map(is_waivable, codes)):
        raise BadInput("This hold cannot be approved away; its cause must be fixed.")
    ui = _vocabulary(platform, order_id, scope)
    with platform.db.write() as session:
        order = _waiting(session, order_id, scope)
        order.waived = sorted({*order.waived, *codes})
        record(session, [Event(order.id, EventCode.APPROVED, user_id=user_id)], platform.clock.now())
        _reconsider(platform, session, order, ui)


def approve_all(platform: Platform, *, integration_id: int, scope: ChangeScope, user_id: int) -> int:
    """Approve every order of a store that waits for its first review; returns how many."""
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        orders = session.scalars(
            sa.select(ReceivedOrder)
            .join(Hold, Hold.order_id == ReceivedOrder.id)
            .where(ReceivedOrder.integration_id == integration_id, Hold.code == HoldCode.FIRST_REVIEW)
            .order_by(ReceivedOrder.id)
            .with_for_update(of=ReceivedOrder, **LOCK)
        ).all()
        now = platform.clock.now()
        for order in orders:
            order.waived = sorted({*order.waived, HoldCode.FIRST_REVIEW})
        record(session, [Event(order.id, EventCode.APPROVED, user_id=user_id) for order in orders], now)
        enqueue(session, kind=TaskKind.ORDERS_REVIEW, integration=integration, now=now, priority=NOW)
        return len(orders)


def do_not_ship(platform: Platform, *, order_id: int, scope: ChangeScope, user_id: int) -> None:
    """End an order that the warehouse does not have: it is not to ship."""
    _end(platform, order_id, scope, user_id, Told(EventCode.NOT_TO_SHIP))


def ask_to_stop(platform: Platform, *, order_id: int, scope: ChangeScope, user_id: int) -> None:
    """Have the warehouse asked to stop an order that it has.

    Raises:
        Conflict: there is nothing to stop, or it was asked before.
    """
    with platform.db.write() as session:
        order = owned(session, ReceivedOrder, order_id, scope, lock=True)
        if not may_be_stopped(order):
            raise Conflict("The warehouse was asked to stop this order already, or has nothing of it left to stop.")
        integration, now = session.get_one(Integration, order.integration_id), platform.clock.now()
        order.stop_wanted_at = now
        record(session, [Event(order.id, EventCode.STOP_WANTED, user_id=user_id)], now)
        enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now, priority=NOW)


def may_be_stopped(order: ReceivedOrder) -> bool:
    """Whether the warehouse has an order, and nobody has asked it to stop yet."""
    return order.state in NOT_COMPLETE and order.stop_wanted_at is None and order.stop_asked_at is None


def ask_again(platform: Platform, *, order_id: int, scope: ChangeScope, user_id: int) -> None:
    """Have the warehouse asked again to take an order that it refused.

    Raises:
        Conflict: it has not refused it.
    """
    ui = _vocabulary(platform, order_id, scope)
    with platform.db.write() as session:
        order = _waiting(session, order_id, scope)
        refused = sa.select(Hold.id).where(Hold.order_id == order_id, Hold.code == HoldCode.WAREHOUSE_REFUSED)
        if session.scalar(refused) is None:
            raise Conflict("The warehouse has not refused this order.")
        record(session, [Event(order.id, EventCode.ASKED_AGAIN, user_id=user_id)], platform.clock.now())
        _reconsider(platform, session, order, ui)


def dismiss(platform: Platform, *, order_id: int, scope: ChangeScope, user_id: int, reason: str) -> None:
    """End an order that is not to be shipped from here, with a reason that stays on record."""
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON:
        raise BadInput(f"Say why, in at most {MAX_REASON} characters.", field="reason")
    _end(platform, order_id, scope, user_id, Told(EventCode.DISMISSED, {"reason": reason}))


def shipped_elsewhere(platform: Platform, *, order_id: int, scope: ChangeScope, user_id: int, note: str) -> None:
    """End an order that was shipped from somewhere else, with a note that stays on record."""
    note = note.strip()
    if not note or len(note) > MAX_REASON:
        raise BadInput(f"Say from where it was shipped, in at most {MAX_REASON} characters.", field="note")
    _end(platform, order_id, scope, user_id, Told(EventCode.CLOSED_ELSEWHERE, {"note": note}))


def _end(platform: Platform, order_id: int, scope: ChangeScope, user_id: int, told: Told) -> None:
    with platform.db.write() as session:
        order = _waiting(session, order_id, scope)
        integration = session.get_one(Integration, order.integration_id)
        now = platform.clock.now()
        transition(session, [order.id], ReceivedState.DISMISSED, told, now, told=told, user_id=user_id)
        if order.placing_since is not None:
            # The warehouse was asked to take it and may have: it must hear of this.
            enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now, priority=NOW)
        session.execute(sa.delete(Hold).where(Hold.order_id == order.id))
        note_order(session, integration, order.id, platform)


def correct_address(
    platform: Platform,
    *,
    order_id: int,
    scope: ChangeScope,
    user_id: int,
    values: Mapping[str, str],
    confirmed: str = "",
) -> None:
    """Replace the delivery address; what the cart says later does not overwrite it.

    Args:
        values: by `ADDRESS_FIELDS`.
        confirmed: the `confirmation` of an `Unconfirmed` raised before for the same.

    Raises:
        Unconfirmed: something is missing that the country asks for, or its postal codes have another form.
    """
    typed = {name: values.get(name, "").strip() for name in ADDRESS_FIELDS}
    too_long = next((name for name, value in typed.items() if len(value) > MAX_ADDRESS_TEXT), None)
    if too_long is not None:
        raise BadInput(f"A part of an address has at most {MAX_ADDRESS_TEXT} characters.", field=too_long)
    if len(typed["postal_code"]) > POSTAL_CODE_MAX:
        raise BadInput(f"A postal code has at most {POSTAL_CODE_MAX} characters.", field="postal_code")
    address = Address(
        lines=tuple(typed[line] for line in _STREET if typed[line]),
        country=country_code(typed["country"]),
        **{name: value for name, value in typed.items() if name not in (*_STREET, "country")},
    )
    _check(address, confirmed)
    ui = _vocabulary(platform, order_id, scope)
    with platform.db.write() as session:
        order = _waiting(session, order_id, scope)
        row = session.scalar(sa.select(Recipient).where(Recipient.order_id == order.id))
        if row is None:
            row = Recipient(account_id=order.account_id, order_id=order.id)
            row.sealed = seal(Recipient.sealed, nobody(), order.integration_id, order.remote_id)
            session.add(row)
        elif row.sealed is None:
            raise Conflict("The buyer's data of this order was erased; nothing can be shipped to them any more.")
        former = _pii_of(order, row)["address"] or {}
        # What nobody typed stays, the district for as long as it is one of the same city.
        kept = ["kind", "instructions"]
        if "district" not in values and former.get("city") == address.city:
            kept.append("district")
        typed_now = {**asdict(address), **{name: former.get(name, "") for name in kept}}
        row.corrected = seal(Recipient.corrected, typed_now, order.integration_id, order.remote_id)
        order.address_corrected = True
        record(session, [Event(order.id, EventCode.ADDRESS, user_id=user_id)], platform.clock.now())
        audit.record(
            session, audit.Act.BUYER_CHANGED, subject=f"received order {order.id}", account_id=order.account_id
        )
        session.flush()
        _reconsider(platform, session, order, ui)


def _check(address: Address, confirmed: str) -> None:
    problem = address_problem(address)
    if not problem:
        return
    text, field = address_problem_text(problem), problem_field(problem)
    if is_hopeless(problem):
        raise BadInput(text, field=field)
    confirmation = f"{address.country}: {problem}"
    if confirmed != confirmation:
        raise Unconfirmed(text, confirmation, field=field)


def recipient_of(platform: Platform, *, order_id: int, scope: Scope) -> dict[str, Any]:
    """The buyer's data of an order, decrypted: {"address", "buyer", "lines"}; empty where there is none.

    Raises:
        CannotOpen: it was not stored for this order, or is damaged.
    """
    with platform.db.read() as session:
        order = owned(session, ReceivedOrder, order_id, scope)
        row = session.scalar(sa.select(Recipient).where(Recipient.order_id == order_id))
        return _open(order, row) if row is not None and row.sealed else {}


def _pii_of(order: ReceivedOrder, row: Recipient) -> dict[str, Any]:
    """Open what is stored of an order's buyer to change it; nobody where it does not open."""
    try:
        return _open(order, row)
    except CannotOpen:
        return nobody()


def _open(order: ReceivedOrder, row: Recipient) -> dict[str, Any]:
    return pii_of((order.integration_id, order.remote_id), row.sealed, row.corrected)


def _vocabulary(platform: Platform, order_id: int, scope: Scope) -> ShippingMappingUI:
    with platform.db.read() as session:
        order = owned(session, ReceivedOrder, order_id, scope)
        integration = session.get_one(Integration, order.integration_id)
    return vocabulary_now(platform, integration)


def _waiting(session: Session, order_id: int, scope: ChangeScope) -> ReceivedOrder:
    order = owned(session, ReceivedOrder, order_id, scope, lock=True)
    if order.state not in UNPLACED:
        raise Conflict(f"This order is {order.state.lower()} already.")
    return order


def _reconsider(platform: Platform, session: Session, order: ReceivedOrder, ui: ShippingMappingUI) -> None:
    if order.state == ReceivedState.QUARANTINED:
        return
    stored = lock_orders(session, ReceivedOrder.id == order.id)
    integration = session.get_one(Integration, order.integration_id)
    config = config_for(platform, session, integration, ui, stored)
    now = platform.clock.now()
    if apply_holds(session, stored, config, now) and order.cart_state in MAY_BE_PLACED:
        enqueue(session, kind=TaskKind.ORDERS_PLACE, integration=integration, now=now, priority=NOW)
