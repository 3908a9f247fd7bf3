"""Putting orders of a page into the database: decided in memory, written with one statement per table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError, StatementError
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.crypto import CannotOpen
from is2_core.db.locks import LOCK
from is2_core.db.ownership import told
from is2_core.db.types import SealedValue, seal
from is2_core.db.unit import savepoint
from is2_core.items.activity import note_sold
from is2_core.orders.cancellation_requests import requested_late, tell_of_requests
from is2_core.orders.cancelled_units import follow_cart, is_to_be_stopped
from is2_core.orders.customized_lines import Customized, customized_lines
from is2_core.orders.holds.config import load_config, replace_holds
from is2_core.orders.importing.classify import Classification, classify
from is2_core.orders.importing.deleted import without_deleted
from is2_core.orders.importing.lines_gone import end_lines_gone
from is2_core.orders.importing.rejects import keep_stock, not_storable, to_quarantine
from is2_core.orders.importing.staged_rows import has_pii, line_row, order_row, pii_told, reject_row, unreadable
from is2_core.orders.importing.state_changes import move, write_events
from is2_core.orders.models import ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.not_from_here.lines import note_listed_lines
from is2_core.orders.packing.changed_address import note_changed_address
from is2_core.orders.states import UNPLACED, CustomizationState, ReceivedState
from is2_core.orders.wording.sealing import reason_columns
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import SOON, enqueue
from plugins.interface import Order, OrderReject, OrderState, ShippingMappingUI
from plugins.types.orders import MAY_BE_PLACED


def stage(
    platform: Platform,
    session: Session,
    integration: Integration,
    ui: ShippingMappingUI,
    orders: Sequence[Order],
    *,
    rejects: Sequence[OrderReject] = (),
    late_before: datetime | None = None,
) -> None:
    """Write one page. Older news than what is stored is ignored; an order seen twice is one row.

    Listings of an integration side by side take turns from here to their commits, so that each decides on what the
    other has stored.

    Args:
        late_before: orders not known yet but updated before this instant are marked as found late.
    """
    now = platform.clock.now()
    newest: dict[str, Order] = {}
    for order in orders:
        if order.remote_id not in newest or newest[order.remote_id].updated_at <= order.updated_at:
            newest[order.remote_id] = order
    stored = _lock(session, integration, [*newest, *(reject.remote_id for reject in rejects)])
    newest, rejects = without_deleted(session, integration.id, stored, newest, rejects)
    fresh = [
        order
        for order in newest.values()
        if order.remote_id not in stored or stored[order.remote_id].cart_updated_at <= order.updated_at
    ]
    quarantine = to_quarantine(rejects, newest, stored)
    shown: list[Order | OrderReject] = [*fresh, *quarantine]
    config = load_config(
        platform,
        session,
        integration,
        ui,
        methods=[order.shipping_method for order in fresh],
        skus=[line.sku for each in shown for line in each.lines],
    )
    customized = customized_lines(platform, session, integration, fresh, stored)
    classified = {
        order.remote_id: classify(order, stored.get(order.remote_id), integration, config, customized[order.remote_id])
        for order in fresh
    }
    rows = [
        {
            **told(ReceivedOrder, order),
            **order_row(integration, order, stored.get(order.remote_id), classified[order.remote_id], now),
            "late_found": late_before is not None and order.updated_at < late_before,
            **reason_columns(classified[order.remote_id].reason, (integration.id, order.remote_id)),
            **_sealed_texts(integration, order),
        }
        for order in fresh
    ]
    rows += [
        reject_row(integration, reject, stored.get(reject.remote_id), now)
        | reason_columns(unreadable(reject), (integration.id, reject.remote_id))
        for reject in quarantine
    ]
    reasons = {remote_id: its.reason for remote_id, its in classified.items() if not its.stays}
    reasons |= {reject.remote_id: unreadable(reject) for reject in quarantine}
    late = requested_late(fresh, stored)
    # One order of locks in every transaction, so that two of them never wait for each other.
    rows.sort(key=lambda row: row["remote_id"])
    written = platform.db.upsert_from_cart(session, ReceivedOrder, rows, returning=["id", "remote_id"])
    id_of = {remote_id: order_id for order_id, remote_id in written}
    _write_details(
        platform, session, integration, fresh, stored=stored, classified=classified, id_of=id_of, customized=customized
    )
    keep_stock(session, quarantine, id_of, config)
    news = {remote_id: its.told for remote_id, its in classified.items()}
    write_events(session, rows, stored, told=reasons | news, id_of=id_of, now=now)
    sold = _sold(fresh, stored, classified) | {line.sku for reject in quarantine for line in reject.lines}
    move(session, rows, stored, reasons, now)
    known = [stored[order.remote_id] for order in fresh if order.remote_id in stored]
    to_post = follow_cart(platform, session, known, now)
    tell_of_requests(session, late, now)
    # A new order without any has none to replace.
    held = dict.fromkeys(stored, ()) | {remote_id: its.holds for remote_id, its in classified.items() if its.holds}
    replace_holds(session, {id_of[each]: holds for each, holds in held.items() if each in id_of})
    _ask_for_what_follows(session, integration, fresh, now, stored=stored, classified=classified, customized=customized)
    if to_post:
        enqueue(session, kind=TaskKind.TRACKING_POST, integration=integration, now=now, priority=SOON)
    note_sold(session, integration, sold, platform)


def _sealed_texts(integration: Integration, order: Order) -> dict[str, SealedValue | None]:
    """Seal what the buyer wrote and the cart says of an order, by column."""
    columns = (ReceivedOrder.sealed_cancel_reason, ReceivedOrder.sealed_caution)
    texts = zip(columns, (order.cancellation_request, order.caution), strict=True)
    key = (integration.id, order.remote_id)
    return {column.key: seal(column, text, *key) if text else None for column, text in texts}


def _lock(session: Session, integration: Integration, remote_ids: Sequence[str]) -> dict[str, ReceivedOrder]:
    """Lock the integration, because there is no row to lock of an order that is not stored yet, and then what is stored
    of these orders; returns it by the cart's id."""
    session.execute(_TAKE_TURNS, {"integration_": integration.id})
    rows = session.scalars(_LOCK_STORED, {"integration_": integration.id, "remote_ids_": list(remote_ids)})
    return {row.remote_id: row for row in rows}


_INTEGRATION: sa.BindParameter[int] = sa.bindparam("integration_")
_TAKE_TURNS = sa.select(Integration.id).where(Integration.id == _INTEGRATION).with_for_update(**LOCK)
_LISTED = ReceivedOrder.remote_id.in_(sa.bindparam("remote_ids_", expanding=True))
_STORED = (
    sa.select(ReceivedOrder).where(ReceivedOrder.integration_id == _INTEGRATION, _LISTED).order_by(ReceivedOrder.id)
)
# One that was loaded before may have changed since.
_LOCK_STORED = _STORED.with_for_update(**LOCK).execution_options(populate_existing=True)


def stage_singly(
    platform: Platform,
    session: Session,
    integration: Integration,
    ui: ShippingMappingUI,
    orders: Sequence[Order],
    *,
    rejects: Sequence[OrderReject] = (),
    late_before: datetime | None = None,
) -> None:
    """Stage orders one by one; those the database will not hold are set aside like the rejects."""
    # All at once, or they would be locked in the order of the page.
    _lock(session, integration, [order.remote_id for order in orders] + [reject.remote_id for reject in rejects])
    refused = []
    for order in orders:
        try:
            with savepoint(session):
                stage(platform, session, integration, ui, [order], late_before=late_before)
        except (StatementError, OverflowError, UnicodeError) as error:
            if isinstance(error, OperationalError | InterfaceError):
                raise
            refused.append(not_storable(order))
    stage(platform, session, integration, ui, (), rejects=[*rejects, *refused])


def _write_details(
    platform: Platform,
    session: Session,
    integration: Integration,
    orders: Sequence[Order],
    *,
    stored: Mapping[str, ReceivedOrder],
    classified: Mapping[str, Classification],
    id_of: Mapping[str, int],
    customized: Mapping[str, Customized],
) -> None:
    end_lines_gone(session, orders, stored)
    lines = [
        told(ReceivedLine, line)
        | line_row(
            id_of[order.remote_id],
            line,
            customized[order.remote_id][line.remote_id]
            if order.remote_id in stored or classified[order.remote_id].needs_recipient
            else CustomizationState.NONE,
            classified[order.remote_id],
        )
        for order in orders
        for line in order.lines
    ]
    platform.db.upsert_from_cart(session, ReceivedLine, lines)
    note_listed_lines(session, stored, classified)
    wanted = [order for order in orders if classified[order.remote_id].needs_recipient and has_pii(order)]
    known = _stored_pii(session, [id_of[order.remote_id] for order in wanted if order.remote_id in stored])
    recipients = []
    for order in wanted:
        order_id = id_of[order.remote_id]
        try:
            pii = known[order_id].open(integration.id, order.remote_id) if order_id in known else None
        except CannotOpen:
            pii = None
        news, besides = pii_told(order, pii), told(Recipient, order)
        note_changed_address(stored.get(order.remote_id), (pii or {}).get("address"), news["address"])
        if news != pii or besides:
            sealed = seal(Recipient.sealed, news, integration.id, order.remote_id)
            row = {"account_id": integration.account_id, "order_id": order_id, "sealed": sealed}
            recipients.append(besides | row)
    platform.db.upsert_from_cart(session, Recipient, recipients)


def _stored_pii(session: Session, order_ids: Sequence[int]) -> dict[int, SealedValue]:
    if not order_ids:
        return {}
    rows = session.execute(sa.select(Recipient.order_id, Recipient.sealed).where(Recipient.order_id.in_(order_ids)))
    return {order_id: sealed for order_id, sealed in rows if sealed}


def _sold(orders: Sequence[Order], stored: dict[str, ReceivedOrder], classified: dict[str, Classification]) -> set[str]:
    """Cart SKUs of orders that began, changed or ceased to need stock the warehouse does not know of yet."""
    touched = [
        order
        for order in orders
        if (before := stored.get(order.remote_id)) is None
        or (
            before.placed_at is None
            and (before.state != classified[order.remote_id].state or before.cart_updated_at != order.updated_at)
        )
    ]
    return {
        line.sku
        for order in touched
        if order.remote_id in stored or classified[order.remote_id].state in UNPLACED
        for line in order.lines
    }


def _ask_for_what_follows(
    session: Session,
    integration: Integration,
    orders: Sequence[Order],
    now: datetime,
    *,
    stored: Mapping[str, ReceivedOrder],
    classified: Mapping[str, Classification],
    customized: Mapping[str, Customized],
) -> None:
    wanted = [order for order in orders if classified[order.remote_id].needs_recipient]
    if any(CustomizationState.DUE in customized[order.remote_id].values() for order in wanted):
        enqueue(session, kind=TaskKind.ORDERS_CUSTOMIZE, integration=integration, now=now, priority=SOON)
    if any(classified[each.remote_id].state is ReceivedState.STAGED for each in orders if each.state in MAY_BE_PLACED):
        enqueue(session, kind=TaskKind.ORDERS_PLACE, integration=integration, now=now, priority=SOON)
    if any(_is_stopped(order, stored.get(order.remote_id), classified[order.remote_id]) for order in orders):
        enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now, priority=SOON)


def _is_stopped(order: Order, stored: ReceivedOrder | None, classification: Classification) -> bool:
    """Whether the warehouse may have an order that is not to be shipped from there any more."""
    if stored is None or stored.placing_since is None or stored.stop_asked_at is not None:
        return False
    return order.state is OrderState.CANCELLED or not classification.needs_recipient or is_to_be_stopped(stored)
