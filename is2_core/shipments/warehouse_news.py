"""News of the warehouse: SKUs it knows and that moved, packages shipped, corrected or voided, orders it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import CaseKind
from is2_core.db.chunks import chunks
from is2_core.db.locks import LOCK
from is2_core.inventory.oversold import check_oversold
from is2_core.items.activity import mark_due
from is2_core.items.known_skus import read_skus
from is2_core.orders.cancelled_units import follow, is_to_be_stopped
from is2_core.orders.fulfillment.late_answers import take_late_answers
from is2_core.orders.fulfillment.models import Package, PackageContent
from is2_core.orders.fulfillment.packages import changed, follow_packages, next_reference
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import HAS_SHIPPED, IN_WAREHOUSE, TO_PLACE, AckState, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.orders.wording.sealing import to_tell
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import SOON, enqueue
from is2_core.tasks.run import TaskRun
from is2_core.tracking_numbers import plain_number
from is2_core.warehouses.calls import Warehouse, warehouse_of
from is2_core.warehouses.cursors import Cursor
from plugins.warehouse import Shipments, ShippedPackage, StoppedOrder, WaitingOrder

READ_EVERY_S = 300
ANSWERS, ACTIVITY, SHIPMENTS = "answers", "activity", "shipments"


def read_warehouse(platform: Platform, run: TaskRun) -> None:
    """Task `warehouse.read`: take what the warehouse reports since the last time, page by page; asked for a store by
    its schedule, or for an account.

    Cursors belong to the account, so that several may read at the same time: a page that somebody else has taken
    meanwhile is left alone.
    """
    account = run.account_id
    assert account is not None
    with platform.db.read() as session:
        integration = session.get(Integration, run.integration_id) if run.integration_id is not None else None
        target = integration.wms_target if integration else str(run.payload["wms_target"])
    warehouse = warehouse_of(platform, target, account, run=run)
    # First: what moved of a SKU nobody knows here says nothing.
    read_skus(platform, run, warehouse)
    moved: set[str] = set()
    complete = False
    cursor = Cursor(account, target, ACTIVITY)
    while not complete and run.has_time():
        before = cursor.read(platform)
        activity = warehouse.activity_since(before)
        if activity.skus or activity.cursor != before:
            with run.write() as session:
                if not cursor.move(platform, session, before, activity.cursor):
                    return
                mark_due(session, account, activity.skus)
        moved.update(activity.skus)
        complete = activity.complete
    _read_answers(platform, run, warehouse, Cursor(account, target, ANSWERS))
    complete = False
    cursor = Cursor(account, target, SHIPMENTS)
    while not complete and run.has_time():
        before = cursor.read(platform)
        news = warehouse.shipments_since(before)
        if news.packages or news.stopped or news.waiting or news.cursor != before:
            with run.write() as session:
                if not cursor.move(platform, session, before, news.cursor):
                    return
                _take(platform, session, account, news)
        complete = news.complete
    check_oversold(platform, run, account, target, moved)


def _read_answers(platform: Platform, run: TaskRun, warehouse: Warehouse, cursor: Cursor) -> None:
    complete = False
    while not complete and run.has_time():
        before = cursor.read(platform)
        page = warehouse.answers_since(before)
        if page.answers or page.cursor != before:
            with run.write() as session:
                if not cursor.move(platform, session, before, page.cursor):
                    return
                orders = _orders(session, cursor.account_id, {answer.number for answer in page.answers})
                take_late_answers(platform, session, {order.number: order for order in orders}, page.answers)
        complete = page.complete


def _take(platform: Platform, session: Session, account_id: int, news: Shipments) -> None:
    numbers = {package.number for package in news.packages} | {order.number for order in news.stopped}
    orders = {order.number: order for order in _orders(session, account_id, numbers)}
    now = platform.clock.now()
    packed = _take_packages(platform, session, orders, news.packages, now)
    _take_stopped(session, orders, news.stopped, now)
    _take_waiting(session, account_id, news.waiting)
    # Tasks last: every transaction touches business rows first.
    unwanted = [order for order in orders.values() if is_to_be_stopped(order)]
    for kind, due in ((TaskKind.TRACKING_POST, packed), (TaskKind.ORDERS_STOP, unwanted)):
        for integration_id in sorted({order.integration_id for order in due}):
            integration = session.get_one(Integration, integration_id)
            enqueue(session, kind=kind, integration=integration, now=now, priority=SOON)


def _take_packages(
    platform: Platform,
    session: Session,
    orders: Mapping[str, ReceivedOrder],
    reported: Sequence[ShippedPackage],
    now: datetime,
) -> list[ReceivedOrder]:
    touched: dict[int, ReceivedOrder] = {}
    for entry in reported:
        order = orders.get(entry.number)
        # An order typed into the warehouse by hand is none of ours.
        if order is not None and _take_package(session, order, entry, now):
            touched[order.id] = order
    session.flush()
    return [order for order in touched.values() if follow(platform, session, order, now)]


def _orders(session: Session, account_id: int, numbers: set[str]) -> Sequence[ReceivedOrder]:
    return session.scalars(
        sa.select(ReceivedOrder)
        .where(ReceivedOrder.account_id == account_id, ReceivedOrder.number.in_(numbers))
        .order_by(ReceivedOrder.id)
        .options(selectinload(ReceivedOrder.lines))
        .with_for_update(of=ReceivedOrder, **LOCK)
    ).all()


def _take_package(session: Session, order: ReceivedOrder, entry: ShippedPackage, now: datetime) -> bool:
    """Store one reported package; False where this revision is known already."""
    packages = session.scalars(sa.select(Package).where(Package.order_id == order.id).order_by(Package.id)).all()
    row = next((package for package in packages if package.warehouse_ref == entry.id), None)
    if row is not None and row.revision >= entry.revision:
        return False
    contents = {line.sku: line.quantity for line in entry.lines if line.quantity}
    shown = (entry.carrier, entry.service, entry.tracking_number, entry.shipped_at, entry.voided)
    if row is None:
        if entry.voided:
            return False
        row = Package(
            account_id=order.account_id,
            integration_id=order.integration_id,
            order_id=order.id,
            warehouse_ref=entry.id,
            reference=next_reference(packages),
            version=0,
            post_state=PostState.WAITING,
            seen_at=now,
        )
        session.add(row)
        told = Told(EventCode.PACKAGE, {"carrier": entry.carrier, "tracking_number": entry.tracking_number})
    elif entry.voided:
        told = Told(EventCode.PACKAGE_VOIDED, {"tracking_number": row.tracking_number})
    else:
        told = Told(EventCode.PACKAGE_CORRECTED, {"carrier": entry.carrier, "tracking_number": entry.tracking_number})
    if shown != (row.carrier, row.service, row.tracking_number, row.shipped_at, row.voided):
        changed(row)
        for package in packages:
            if package.label_id is not None and package.label_id == row.id:
                changed(package)
    row.revision = entry.revision
    row.carrier, row.service, row.tracking_number, row.shipped_at, row.voided = shown
    row.plain_number = plain_number(entry.tracking_number)
    if contents != {content.warehouse_sku: content.quantity for content in row.contents}:
        row.contents = []
        session.flush()
        row.contents = [PackageContent(warehouse_sku=sku, quantity=units) for sku, units in contents.items()]
    record(session, [Event(order.id, told.code, told.params)], now)
    session.flush()
    _tell_of_number_used_twice(session, order, entry, now)
    return True


def _tell_of_number_used_twice(session: Session, order: ReceivedOrder, entry: ShippedPackage, now: datetime) -> None:
    """Have a person look where a warehouse reports one tracking number for two orders and asked nobody about it. It is
    posted all the same: one of the two buyers has the right number, and a late confirmation harms both."""
    subject = f"order {order.number}"
    used = sa.select(Package.id).where(
        Package.plain_number == plain_number(entry.tracking_number),
        Package.order_id != order.id,
        Package.voided.is_(False),
    )
    if entry.number_confirmed or entry.voided or session.scalar(used.limit(1)) is None:
        if entry.revision > 1:
            end_case(session, now, account_id=order.account_id, kind=CaseKind.NUMBER_TWICE, subject=subject)
        return
    message = (
        f"The warehouse reported tracking number {entry.tracking_number} of order {order.number} for another order "
        "too. One of the two buyers follows the wrong parcel: have the warehouse look which of the two is right, and "
        "correct the other."
    )
    raise_case(
        session,
        now,
        account_id=order.account_id,
        kind=CaseKind.NUMBER_TWICE,
        subject=subject,
        message=message,
        integration_id=order.integration_id,
        order_id=order.id,
    )


def _take_waiting(session: Session, account_id: int, waiting: Sequence[WaitingOrder]) -> None:
    """Store what orders wait for, one statement a reason; the last word of a page counts."""
    last = {entry.number: entry.waits_for for entry in waiting}
    for waits_for in sorted(set(last.values())):
        for numbers in chunks(number for number, each in last.items() if each is waits_for):
            session.execute(
                sa.update(ReceivedOrder)
                .where(ReceivedOrder.account_id == account_id, ReceivedOrder.number.in_(numbers))
                .where(ReceivedOrder.waits_for != waits_for)
                .values(waits_for=waits_for)
                .execution_options(synchronize_session=False)
            )


def _take_stopped(
    session: Session, orders: Mapping[str, ReceivedOrder], stopped: Sequence[StoppedOrder], now: datetime
) -> None:
    for entry in stopped:
        order = orders.get(entry.number)
        if order is None:
            continue
        # Where IS2 itself asked for it, or the order is settled otherwise, this is no news.
        if order.stop_asked_at is not None or order.state not in (*TO_PLACE, *IN_WAREHOUSE):
            continue
        shipped = order.state in HAS_SHIPPED
        order.stop_asked_at, order.stopped = now, True
        code = EventCode.WAREHOUSE_ENDED_REST if shipped else EventCode.WAREHOUSE_ENDED
        told = Told(code, {"message": entry.message})
        if not shipped:
            transition(session, [order.id], ReceivedState.CANCELLED, told, now)
            order.placed_at = order.placed_at or now
        if order.ack_state == AckState.DUE:
            order.ack_state = AckState.NOT_NEEDED
        record(session, [Event(order.id, told.code, told.params)], now)
        follow_packages(session, order, now)
        text = to_tell(session, order.id, told).text({})
        raise_case(
            session,
            now,
            account_id=order.account_id,
            kind=CaseKind.WAREHOUSE_STOPPED,
            subject=f"order {order.number}",
            message=f"{text} The shop still has it as open: cancel it there or ship it from elsewhere.",
            integration_id=order.integration_id,
            order_id=order.id,
        )
