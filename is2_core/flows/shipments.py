"""What the warehouse reports: SKUs that moved, packages shipped, corrected or voided, orders it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from is2_core.flows.activity import mark_due, waiting_units
from is2_core.flows.packages import changed, reallocate
from is2_core.flows.rules import add_event
from is2_core.flows.support import end_case, raise_case
from is2_core.models import (
    AckState,
    CaseKind,
    Integration,
    IntegrationState,
    Package,
    PackageContent,
    PostState,
    ReceivedOrder,
    ReceivedState,
    WarehouseCursor,
)
from is2_core.platform import Platform
from is2_core.tasks.queue import SOON, enqueue
from is2_core.tasks.run import TaskRun
from is2_core.warehouse.interface import ShippedPackage, StoppedOrder

READ_EVERY_S = 300
ACTIVITY, SHIPMENTS = "activity", "shipments"
PLACED = (ReceivedState.INJECTED, ReceivedState.SHIPPED, ReceivedState.COMPLETED)


def ask_to_read(session: Session, account_id: int, now: datetime) -> None:
    """Have the warehouse's news of an account read at once, inside the transaction that makes some."""
    integration = session.scalar(
        sa.select(Integration)
        .where(Integration.account_id == account_id, Integration.state == IntegrationState.ACTIVE)
        .order_by(Integration.id)
        .limit(1)
    )
    if integration is not None:
        enqueue(session, kind="warehouse.read", integration=integration, now=now, priority=SOON)


def read_warehouse(platform: Platform, run: TaskRun) -> None:
    """Task `warehouse.read`: take what the warehouse reports since the last time, page by page.

    Cursors belong to the account, so that several stores of it may read at the same time: a page that somebody else
    has taken meanwhile is left alone.
    """
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    warehouse = platform.warehouse(integration.wms_target)
    account = integration.account_id
    moved: set[str] = set()
    complete = False
    while not complete:
        before = _cursor(platform, integration, ACTIVITY)
        activity = warehouse.activity_since(account, before)
        with run.write() as session:
            if not _move_cursor(platform, session, integration, ACTIVITY, before, activity.cursor):
                return
            mark_due(session, account, activity.skus)
        moved.update(activity.skus)
        complete = activity.complete
    complete = False
    while not complete:
        before = _cursor(platform, integration, SHIPMENTS)
        news = warehouse.shipments_since(account, before)
        with run.write() as session:
            if not _move_cursor(platform, session, integration, SHIPMENTS, before, news.cursor):
                return
            _take_packages(platform, session, account, news.packages)
            _take_stopped(platform, session, account, news.stopped)
        complete = news.complete
    check_promises(platform, run, integration, moved)


def check_promises(platform: Platform, run: TaskRun, integration: Integration, skus: Iterable[str]) -> None:
    """Raise an alarm for each SKU of which more is promised than lies in the warehouse, and end those that are over."""
    wanted = sorted(set(skus))
    if not wanted:
        return
    with platform.db.read() as session:
        waiting = waiting_units(session, integration.account_id)
    rows = platform.warehouse(integration.wms_target).stock(integration.account_id, wanted)
    with run.write() as session:
        now = platform.clock.now()
        for row in rows:
            promised = row.committed + waiting.get(row.sku, 0)
            about = {"account_id": integration.account_id, "kind": CaseKind.OVERSOLD, "subject": f"sku {row.sku}"}
            if promised > row.on_hand:
                sentence = f"{promised} units of {row.sku} are promised to orders, {row.on_hand} are on hand."
                raise_case(session, now, **about, sentence=sentence)
            else:
                end_case(session, now, **about)


def _cursor(platform: Platform, integration: Integration, kind: str) -> str:
    with platform.db.read() as session:
        row = session.get(WarehouseCursor, (integration.account_id, integration.wms_target, kind))
        return row.cursor if row else ""


def _move_cursor(
    platform: Platform, session: Session, integration: Integration, kind: str, before: str, after: str
) -> bool:
    """Move the cursor in the transaction that takes its page; False where somebody else has moved it since."""
    key = {"account_id": integration.account_id, "wms_target": integration.wms_target, "kind": kind}
    platform.db.upsert(session, WarehouseCursor, [{**key, "cursor": ""}], key=list(key))
    won = session.execute(
        sa.update(WarehouseCursor)
        .filter_by(**key)
        .where(WarehouseCursor.cursor == before)
        .values(cursor=after, read_at=platform.clock.now())
        .execution_options(synchronize_session=False)
    )
    return bool(won.rowcount == 1)  # type: ignore[attr-defined]


def _take_packages(platform: Platform, session: Session, account_id: int, reported: Sequence[ShippedPackage]) -> None:
    if not reported:
        return
    orders = {order.number: order for order in _orders(session, account_id, {entry.number for entry in reported})}
    now = platform.clock.now()
    touched: dict[int, ReceivedOrder] = {}
    for entry in reported:
        order = orders.get(entry.number)
        # An order typed into the warehouse by hand is none of ours.
        if order is not None and _take_package(session, order, entry, now):
            touched[order.id] = order
    session.flush()
    for order in touched.values():
        reallocate(platform, session, order, now)


def _orders(session: Session, account_id: int, numbers: set[str]) -> Sequence[ReceivedOrder]:
    return session.scalars(
        sa.select(ReceivedOrder)
        .where(ReceivedOrder.account_id == account_id, ReceivedOrder.number.in_(numbers))
        .order_by(ReceivedOrder.id)
        .options(selectinload(ReceivedOrder.lines))
        .with_for_update(of=ReceivedOrder)
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
        replaced = _to_replace(packages)
        row = Package(
            account_id=order.account_id,
            integration_id=order.integration_id,
            order_id=order.id,
            warehouse_ref=entry.id,
            reference=replaced.reference if replaced else _next_reference(packages),
            replaces_id=replaced.id if replaced else None,
            cart_ref=replaced.cart_ref if replaced else None,
            version=0,
            post_state=PostState.WAITING,
            seen_at=now,
        )
        session.add(row)
        sentence = f"Shipped with {entry.carrier}, tracking number {entry.tracking_number}."
    elif entry.voided:
        sentence = f"The warehouse took back the package {row.tracking_number}."
    else:
        sentence = f"The warehouse corrected a package: {entry.carrier}, tracking number {entry.tracking_number}."
    if shown != (row.carrier, row.service, row.tracking_number, row.shipped_at, row.voided):
        changed(row)
    row.revision = entry.revision
    row.carrier, row.service, row.tracking_number, row.shipped_at, row.voided = shown
    if contents != {content.warehouse_sku: content.quantity for content in row.contents}:
        row.contents = []
        session.flush()
        row.contents = [PackageContent(warehouse_sku=sku, quantity=units) for sku, units in contents.items()]
    add_event(session, order.id, now, "PACKAGE", sentence)
    session.flush()
    return True


def _to_replace(packages: Sequence[Package]) -> Package | None:
    """A package the cart was told of and that was voided since: the cart cannot take it back, so the next one
    becomes its correction there."""
    replaced = {package.replaces_id for package in packages}
    return next(
        (
            package
            for package in packages
            if package.voided and package.posted_version > 0 and package.id not in replaced
        ),
        None,
    )


def _next_reference(packages: Sequence[Package]) -> str:
    return str(max((int(package.reference) for package in packages), default=0) + 1)


def _take_stopped(platform: Platform, session: Session, account_id: int, stopped: Sequence[StoppedOrder]) -> None:
    sentences = {entry.number: entry.sentence for entry in stopped}
    if not sentences:
        return
    now = platform.clock.now()
    for order in _orders(session, account_id, set(sentences)):
        # Where IS2 itself asked for it, or the order is settled otherwise, this is no news.
        if order.stop_asked_at is not None or order.state not in (*PLACED, ReceivedState.STAGED, ReceivedState.HELD):
            continue
        shipped = order.state in (ReceivedState.SHIPPED, ReceivedState.COMPLETED)
        order.stop_asked_at = now
        why = sentences[order.number]
        if shipped:
            order.stop_answer = f"The warehouse ended the rest of this order: {why}"
        else:
            order.stop_answer = f"The warehouse ended this order: {why}"
            order.state, order.reason = ReceivedState.CANCELLED, order.stop_answer
            order.placed_at = order.placed_at or now
        if order.ack_state == AckState.DUE:
            order.ack_state = AckState.NOT_NEEDED
        add_event(session, order.id, now, "STOP", order.stop_answer)
        raise_case(
            session,
            now,
            account_id=account_id,
            kind=CaseKind.WAREHOUSE_STOPPED,
            subject=f"order {order.number}",
            sentence=f"{order.stop_answer} The shop still has it as open: cancel it there or ship it from elsewhere.",
            integration_id=order.integration_id,
            order_id=order.id,
        )
