"""Following the cart once the warehouse has an order: units that were cancelled there, or confirmed by somebody else,
must not be shipped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import UNWANTED_UNITS, CaseKind
from is2_core.orders.fulfillment.packages import (
    all_shipped,
    packages_of,
    reallocate,
    sent_in_vain,
)
from is2_core.orders.fulfillment.wanted_units import OrderUnits, units_of
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import IN_WAREHOUSE
from is2_core.orders.timeline import add_event
from is2_core.platform import Platform
from plugins.interface import OrderState


def follow_cart(platform: Platform, session: Session, orders: Sequence[ReceivedOrder], now: datetime) -> bool:
    """`follow` those of these stored orders of which the cart wants another number of units than before, or has
    packages of ours that somebody entered there; returns whether something is to be posted."""
    placed = {order.id: order for order in orders if order.placed_at is not None}
    if not placed:
        return False
    due = False
    told = {
        line_id: (cancelled, elsewhere)
        for line_id, cancelled, elsewhere in session.execute(
            sa.select(ReceivedLine.id, ReceivedLine.cancelled_late, ReceivedLine.shipped_elsewhere).where(
                ReceivedLine.order_id.in_(placed)
            )
        )
    }
    for order_id, units in units_of(session, placed).items():
        changed = any(told[line.line_id] != (line.cancelled, line.elsewhere) for line in units.lines)
        if changed or units.elsewhere.entered:
            due |= follow(platform, session, placed[order_id], now)
    return due


def follow(platform: Platform, session: Session, order: ReceivedOrder, now: datetime) -> bool:
    """Count anew what a placed order's packages complete and what is still wanted of it, after any event that changes
    either; have the warehouse stop what nobody wants any more, or tell a person.

    Returns:
        Whether something is to be posted; whether something is to be stopped, `is_to_be_stopped` tells.
    """
    due = reallocate(platform, session, order, now)
    if order.placed_at is None or order.state not in IN_WAREHOUSE:
        return due
    session.flush()
    units = units_of(session, [order.id])[order.id]
    before = _note(session, order, units)
    packages = packages_of(session, order.id)
    label = platform.carts.manifest(session.get_one(Integration, order.integration_id).cart).label
    in_vain = bool(sent_in_vain(units, packages))
    if order.stopped and any(package.voided for package in packages) and not all_shipped(units, packages):
        _tell_of_units_left(session, order, label, now)
    if units.cart_state == OrderState.CANCELLED:
        # The warehouse is asked to stop all that is left of it, whoever shipped the rest.
        if in_vain:
            _tell_of_parcels_out(session, order, label, now, news=units.cancelled > before[CaseKind.FEWER_UNITS])
        return due
    sure = units.elsewhere.sure or not units.shipped_elsewhere
    stops = bool(units.left) and sure and units.unwanted > 0 and all_shipped(units, packages)
    if order.stop_asked_at is None:
        order.not_wanted_at = (order.not_wanted_at or now) if stops else None
    what = f"of order {order.number}"
    news = {
        CaseKind.FEWER_UNITS: f"{_count(units.cancelled)} {what} cancelled at {label} after the warehouse was given "
        "them.",
        CaseKind.SHIPPED_ELSEWHERE: f"{_count(units.shipped_elsewhere)} {what} confirmed as shipped at {label} by "
        f"somebody else{_parcels(units)}.",
    }
    counts = {CaseKind.FEWER_UNITS: units.cancelled, CaseKind.SHIPPED_ELSEWHERE: units.shipped_elsewhere}
    for kind, count in counts.items():
        if count > before[kind]:
            message = f"{news[kind]} {_advice(units, stops, in_vain)}"
            _tell(session, order, kind, message, now, a_person=not stops or in_vain)
        elif not count and before[kind]:
            end_case(session, now, account_id=order.account_id, kind=kind, subject=f"order {order.number}")
    return due


def is_to_be_stopped(order: ReceivedOrder) -> bool:
    """Whether nobody wants what the warehouse still has of an order, and it has not been asked to stop."""
    return order.not_wanted_at is not None and order.stop_asked_at is None


def _note(session: Session, order: ReceivedOrder, units: OrderUnits) -> dict[CaseKind, int]:
    """Store the counts of every line; returns the order's sums as they were."""
    before = dict.fromkeys(UNWANTED_UNITS, 0)
    counted = {line.line_id: line for line in units.lines}
    for row in session.scalars(
        sa.select(ReceivedLine)
        .where(ReceivedLine.order_id == order.id, ReceivedLine.id.in_(counted))
        .execution_options(populate_existing=True)
    ):
        before[CaseKind.FEWER_UNITS] += row.cancelled_late
        before[CaseKind.SHIPPED_ELSEWHERE] += row.shipped_elsewhere
        row.cancelled_late, row.shipped_elsewhere = counted[row.id].cancelled, counted[row.id].elsewhere
    return before


def _tell(
    session: Session, order: ReceivedOrder, kind: CaseKind, message: str, now: datetime, *, a_person: bool
) -> None:
    add_event(session, order.id, now, kind, message)
    if a_person:
        raise_case(
            session,
            now,
            account_id=order.account_id,
            kind=kind,
            subject=f"order {order.number}",
            sentence=message,
            integration_id=order.integration_id,
            order_id=order.id,
        )


def _tell_of_units_left(session: Session, order: ReceivedOrder, label: str, now: datetime) -> None:
    raise_case(
        session,
        now,
        account_id=order.account_id,
        kind=CaseKind.WAREHOUSE_STOPPED,
        subject=f"order {order.number}",
        sentence=f"A package of order {order.number} was taken back, and the warehouse ships nothing more of it. "
        f"{label} still counts on its units: ship them from elsewhere, or refund the buyer.",
        integration_id=order.integration_id,
        order_id=order.id,
    )


def _tell_of_parcels_out(session: Session, order: ReceivedOrder, label: str, now: datetime, *, news: bool) -> None:
    message = f"Order {order.number} was cancelled at {label}, and not all that the warehouse shipped of it was wanted."
    if news:
        add_event(session, order.id, now, CaseKind.TOO_LATE, message)
    raise_case(
        session,
        now,
        account_id=order.account_id,
        kind=CaseKind.TOO_LATE,
        subject=f"order {order.number}",
        sentence=f"{message} Intercept the parcel, or expect it back.",
        integration_id=order.integration_id,
        order_id=order.id,
    )


def _advice(units: OrderUnits, stops: bool, in_vain: bool) -> str:
    if stops:
        rest = " Intercept what it has shipped in vain, or expect it back." if in_vain else ""
        return f"The warehouse is asked to stop what it has not shipped.{rest}"
    if not units.left:
        return "The warehouse has shipped them already: expect them back, or tell the buyer."
    return "The warehouse cannot leave out single units by itself: have it do so, or expect them back."


def _parcels(units: OrderUnits) -> str:
    parcels = [f"{parcel.carrier} {parcel.tracking_number}".strip() for parcel in units.elsewhere.parcels]
    return f" ({', '.join(parcels)})" if parcels else ""


def _count(units: int) -> str:
    return "1 unit" if units == 1 else f"{units} units"
