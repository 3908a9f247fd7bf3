"""Following the cart once the warehouse has an order: units that were cancelled there, or confirmed by somebody else,
must not be shipped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, last_raised, raise_case
from is2_core.cases.states import UNWANTED_UNITS, CaseKind
from is2_core.db.rows import table_of
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.packages import (
    all_shipped,
    look_again_at_posts,
    match_units_again,
    packages_of,
    sent_in_vain,
)
from is2_core.orders.fulfillment.wanted_units import OrderUnits, units_of
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import IN_WAREHOUSE
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import Advice, EventCode, Told
from is2_core.platform import Platform
from plugins.interface import OrderState


def follow_cart(platform: Platform, session: Session, orders: Sequence[ReceivedOrder], now: datetime) -> bool:
    """`follow` those of these stored orders of which the cart wants another number of units than before, or has
    packages of ours that somebody entered there; returns whether something is to be posted."""
    placed = [order for order in orders if order.placed_at is not None]
    look_again_at_posts(session, placed)
    return _follow_news(platform, session, placed, set(), now)


@dataclass(frozen=True)
class Followed:
    """Whether anything of the orders that were followed is to be posted, and to be stopped."""

    to_post: bool
    to_stop: bool


def follow_placed(
    platform: Platform, session: Session, ids: Sequence[int], shown: Collection[int], now: datetime
) -> Followed:
    """The same for orders the warehouse has just taken, and for those of them it has packed already. Most are as they
    were when it was asked, and are not looked at any closer.

    Args:
        shown: those of which the cart shows that somebody has shipped of them, or that they ended.
    """
    packed = set(session.scalars(_PACKED, {"ids_": ids}))
    looked_at = packed.union(session.scalars(_CHANGED, {"ids_": ids}), shown)
    if not looked_at:
        return Followed(to_post=False, to_stop=False)
    orders = session.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.id.in_(looked_at))).all()
    due = _follow_news(platform, session, orders, packed, now)
    return Followed(due, any(map(is_to_be_stopped, orders)))


_LINE, _PACKAGE = table_of(ReceivedLine).c, table_of(Package).c
_PACKED = sa.select(_PACKAGE.order_id).where(_PACKAGE.order_id.in_(sa.bindparam("ids_", expanding=True)))
_CHANGED = sa.select(_LINE.order_id).where(
    _LINE.order_id.in_(sa.bindparam("ids_", expanding=True)),
    _LINE.placed > 0,
    sa.or_(
        _LINE.open != _LINE.placed,
        _LINE.ordered - _LINE.cancelled != _LINE.placed,
        _LINE.cancelled_late != 0,
        _LINE.shipped_elsewhere != 0,
    ),
)


def _follow_news(
    platform: Platform, session: Session, orders: Sequence[ReceivedOrder], always: Collection[int], now: datetime
) -> bool:
    placed = {order.id: order for order in orders}
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
        if changed or units.elsewhere.entered or order_id in always:
            due |= follow(platform, session, placed[order_id], now)
    return due


def follow(platform: Platform, session: Session, order: ReceivedOrder, now: datetime) -> bool:
    """Count anew what a placed order's packages complete and what is still wanted of it, after any event that changes
    either; have the warehouse stop what nobody wants any more, or tell a person.

    Returns:
        Whether something is to be posted; whether something is to be stopped, `is_to_be_stopped` tells.
    """
    due = match_units_again(platform, session, order, now)
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
            _tell_of_parcels_out(session, order, label, now, news=units.cancelled > before[CaseKind.CANCELLED_UNITS])
        return due
    sure = units.elsewhere.sure or not units.shipped_elsewhere
    stops = bool(units.left) and sure and units.unwanted > 0 and all_shipped(units, packages)
    if order.stop_asked_at is None:
        order.not_wanted_at = (order.not_wanted_at or now) if stops else None
    for kind, told in _what_is_unwanted(units, _advice(units, stops, in_vain)).items():
        count = told.params["units"]
        if count > before[kind]:
            record(session, [Event(order.id, told.code, told.params)], now)
            if not stops or in_vain:
                _tell_a_person(session, order, kind, told.text({"order": order.number, "cart": label}), now)
        elif not count and before[kind]:
            end_case(session, now, account_id=order.account_id, kind=kind, subject=f"order {order.number}")
    # Of what it could not stop the warehouse's answer has told.
    ended = order.stopped or (order.stop_asked_at is None and not stops)
    if in_vain and ended:
        tell_of_units_out(session, order, units, label, now)
    return due


def tell_of_units_out(session: Session, order: ReceivedOrder, units: OrderUnits, label: str, now: datetime) -> None:
    """Have a person told of unwanted units that left before the warehouse could stop them. Nobody is told again unless
    another package comes; of an order that was cancelled as a whole they are told otherwise."""
    if units.cart_state == OrderState.CANCELLED:
        return
    packages = packages_of(session, order.id)
    newest = max((package.seen_at for package in packages if not package.voided), default=None)
    advice = Advice.STOP_REST if units.left else Advice.GONE
    for kind, told in _what_is_unwanted(units, advice).items():
        told_at = last_raised(session, account_id=order.account_id, kind=kind, subject=f"order {order.number}")
        if told.params["units"] and newest is not None and (told_at is None or told_at < newest):
            _tell_a_person(session, order, kind, told.text({"order": order.number, "cart": label}), now)


def _what_is_unwanted(units: OrderUnits, advice: Advice) -> Mapping[CaseKind, Told]:
    elsewhere = {"units": units.shipped_elsewhere, "parcels": _parcels(units), "advice": advice}
    return {
        CaseKind.CANCELLED_UNITS: Told(EventCode.FEWER_UNITS, {"units": units.cancelled, "advice": advice}),
        CaseKind.SHIPPED_ELSEWHERE: Told(EventCode.SHIPPED_ELSEWHERE, elsewhere),
    }


def is_to_be_stopped(order: ReceivedOrder) -> bool:
    """Whether nobody wants what the warehouse still has of an order, or not so, and it has not been asked to stop."""
    return (order.not_wanted_at is not None or bool(order.stop_reason)) and order.stop_asked_at is None


def _note(session: Session, order: ReceivedOrder, units: OrderUnits) -> dict[CaseKind, int]:
    """Store the counts of every line; returns the order's sums as they were."""
    before = dict.fromkeys(UNWANTED_UNITS, 0)
    counted = {line.line_id: line for line in units.lines}
    for row in session.scalars(
        sa.select(ReceivedLine)
        .where(ReceivedLine.order_id == order.id, ReceivedLine.id.in_(counted))
        .execution_options(populate_existing=True)
    ):
        before[CaseKind.CANCELLED_UNITS] += row.cancelled_late
        before[CaseKind.SHIPPED_ELSEWHERE] += row.shipped_elsewhere
        row.cancelled_late, row.shipped_elsewhere = counted[row.id].cancelled, counted[row.id].elsewhere
    return before


def _tell_a_person(session: Session, order: ReceivedOrder, kind: CaseKind, message: str, now: datetime) -> None:
    raise_case(
        session,
        now,
        account_id=order.account_id,
        kind=kind,
        subject=f"order {order.number}",
        message=message,
        integration_id=order.integration_id,
        order_id=order.id,
    )


def _tell_of_units_left(session: Session, order: ReceivedOrder, label: str, now: datetime) -> None:
    message = (
        f"A package of order {order.number} was taken back, and the warehouse ships nothing more of it. {label} still "
        "counts on its units: ship them from elsewhere, or refund the buyer."
    )
    _tell_a_person(session, order, CaseKind.WAREHOUSE_STOPPED, message, now)


def _tell_of_parcels_out(session: Session, order: ReceivedOrder, label: str, now: datetime, *, news: bool) -> None:
    if news:
        record(session, [Event(order.id, EventCode.TOO_LATE)], now)
    message = Told(EventCode.TOO_LATE).text({"order": order.number, "cart": label})
    _tell_a_person(session, order, CaseKind.TOO_LATE, f"{message} Intercept the parcel, or expect it back.", now)


def _advice(units: OrderUnits, stops: bool, in_vain: bool) -> Advice:
    if stops:
        return Advice.STOP_REST if in_vain else Advice.STOP
    return Advice.BY_HAND if units.left else Advice.GONE


def _parcels(units: OrderUnits) -> list[str]:
    return [f"{parcel.carrier} {parcel.tracking_number}".strip() for parcel in units.elsewhere.parcels]
