"""Open orders that stand still: told of, kept by a person, or ended because a buyer's data is not kept for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned
from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.audit.acts import Act
from is2_core.audit.record import record as audit
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.db.locks import LOCK
from is2_core.errors import Conflict
from is2_core.orders.activity import note_order
from is2_core.orders.fulfillment.packages import follow_packages
from is2_core.orders.models import Hold, OrderEvent, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.privacy.erasing import IS_ERASED, erase
from is2_core.privacy.periods import ENDS_AFTER, TOLD_AFTER
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import enqueue
from plugins.types.orders import ENDED as ENDED_AT_CART

# What brings an order nearer to its parcel. What merely comes back again and again is none of it.
_PROGRESS = (
    EventCode.STAGED,
    EventCode.RECONNECTED,
    EventCode.APPROVED,
    EventCode.ADDRESS,
    EventCode.ASKED_AGAIN,
    EventCode.INJECTED,
    EventCode.FOUND_PLACED,
    EventCode.PACKAGE,
    EventCode.PACKAGE_CORRECTED,
    EventCode.KEPT,
)
_STARTED_AT = sa.func.coalesce(
    sa.select(sa.func.max(OrderEvent.at))
    .where(OrderEvent.order_id == ReceivedOrder.id, OrderEvent.code.in_(_PROGRESS))
    .correlate(ReceivedOrder)
    .scalar_subquery(),
    ReceivedOrder.staged_at,
)
_PART = 50


def standing_still(since: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for open orders that nothing has become of since then."""
    return (
        ReceivedOrder.ended_at.is_(None),
        ReceivedOrder.staged_at <= since,
        since >= _STARTED_AT,
        ~IS_ERASED,
    )


def note_ends(session: Session, now: datetime, after: int) -> int | None:
    """Begin the clock of orders that are over by the cart's word although something of them may be under way here, and
    of those whose packages have all of it; a part as in `purge`."""
    over = sa.and_(ReceivedOrder.cart_state.in_(ENDED_AT_CART), ReceivedOrder.state != ReceivedState.SHIPPED)
    rows = session.scalars(
        sa.select(ReceivedOrder)
        .where(
            ReceivedOrder.id > after,
            ReceivedOrder.ended_at.is_(None),
            sa.or_(over, ReceivedOrder.state == ReceivedState.SHIPPED),
        )
        .order_by(ReceivedOrder.id)
        .limit(_PART)
        .with_for_update(**LOCK)
    ).all()
    for order in rows:
        follow_packages(session, order, now)
        if order.ended_at is None and order.cart_state in ENDED_AT_CART:
            order.ended_at = min(order.cart_updated_at, now)
    return rows[-1].id if len(rows) == _PART else None


def end_orders(platform: Platform, session: Session, now: datetime, after: int) -> int | None:
    """End and erase open orders that stand still for too long; a part as in `purge`."""
    found = (ReceivedOrder.id > after, *standing_still(now - ENDS_AFTER))
    rows = sa.select(ReceivedOrder).where(*found).order_by(ReceivedOrder.id).limit(_PART).with_for_update(**LOCK)
    orders = session.scalars(rows).all()
    told = Told(EventCode.OPEN_TOO_LONG, {"end": ENDS_AFTER.days})
    end_and_erase(platform, session, orders, told, now)
    return orders[-1].id if len(orders) == _PART else None


def end_and_erase(
    platform: Platform,
    session: Session,
    orders: Collection[ReceivedOrder],
    told: Told,
    now: datetime,
    *,
    user_id: int | None = None,
) -> None:
    """End locked orders that are open, with the warehouse asked to stop what it may have of them, and erase their
    buyers' data."""
    if not orders:
        return
    ids = {order.id for order in orders}
    moved = transition(session, ids, ReceivedState.DISMISSED, told, now, told=told, user_id=user_id)
    session.execute(sa.delete(Hold).where(Hold.order_id.in_(moved)))
    erase(session, ids, now)
    for order in orders:
        if order.id in moved:
            integration = session.get_one(Integration, order.integration_id)
            if order.placing_since is not None:
                enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now)
            note_order(session, integration, order.id, platform)


def tell(session: Session, now: datetime, after: int) -> int | None:
    """Tell the timelines of open orders that they stand still; a part as in `purge`."""
    untold = sa.or_(ReceivedOrder.open_told_at.is_(None), ReceivedOrder.open_told_at <= _STARTED_AT)
    found = (ReceivedOrder.id > after, *standing_still(now - TOLD_AFTER), untold)
    rows = sa.select(ReceivedOrder.id).where(*found).order_by(ReceivedOrder.id).limit(_PART).with_for_update(**LOCK)
    ids = session.scalars(rows).all()
    if ids:
        session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id.in_(ids)).values(open_told_at=now))
    params = {"days": TOLD_AFTER.days, "end": ENDS_AFTER.days}
    record(session, [Event(each, EventCode.OPEN_LONG, params) for each in ids], now)
    return ids[-1] if len(ids) == _PART else None


def tell_support(session: Session, now: datetime) -> None:
    """Have one open case for each store that has such orders, and none for the others."""
    counted = sa.select(ReceivedOrder.integration_id, sa.func.count()).group_by(ReceivedOrder.integration_id)
    counts = dict(session.execute(counted.where(*standing_still(now - TOLD_AFTER))).all())
    is_open = (SupportCase.kind == CaseKind.OPEN_LONG, SupportCase.closed_at.is_(None))
    told_of = session.scalars(sa.select(SupportCase.integration_id).where(*is_open)).all()
    for each in _integrations(session, {*counts, *(found for found in told_of if found is not None)}):
        kind, subject = CaseKind.OPEN_LONG, f"store {each.id}"
        if each.id not in counts:
            end_case(session, now, account_id=each.account_id, kind=kind, subject=subject)
            continue
        raise_case(
            session,
            now,
            account_id=each.account_id,
            kind=kind,
            subject=subject,
            message=f"{counts[each.id]} open orders of {integration_name(each)} stand still for {TOLD_AFTER.days} "
            f"days or more. After {ENDS_AFTER.days} days each ends and its buyer's data is erased, unless somebody "
            "keeps it on its page.",
            integration_id=each.id,
        )


def _integrations(session: Session, ids: Iterable[int]) -> list[Integration]:
    wanted = sa.select(Integration).where(Integration.id.in_(set(ids))).order_by(Integration.account_id, Integration.id)
    return list(session.scalars(wanted))


def keep_order(platform: Platform, *, order_id: int, scope: ChangeScope, user_id: int) -> None:
    """Keep an open order although nothing becomes of it, for as long as it would be kept from its beginning.

    Raises:
        Conflict: it is over.
    """
    with platform.db.write() as session:
        order = owned(session, ReceivedOrder, order_id, scope, lock=True)
        if order.ended_at is not None:
            raise Conflict("This order is over: there is nothing left to keep it open for.")
        order.open_told_at = None
        record(session, [Event(order.id, EventCode.KEPT, user_id=user_id)], platform.clock.now())
        audit(session, Act.ORDER_KEPT, subject=f"order {order.id}", account_id=order.account_id)
