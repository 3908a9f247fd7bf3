"""Posting packages to the cart: as soon as they are known, corrections included, each until the cart has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.calls.http import CoreHttp
from is2_core.db.instants import AHEAD
from is2_core.db.locks import LOCK, lock_rows
from is2_core.db.types import seal
from is2_core.errors import Conflict
from is2_core.integrations.finality import Answer, note_answer
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.package_offers import note_accepted, note_refused, note_sent
from is2_core.orders.fulfillment.packages import follow_packages
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.importing.listing import skew_s
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from is2_core.orders.wording.sealing import order_keys
from is2_core.platform import Platform
from is2_core.shipments.carrier_codes import known_carriers
from is2_core.shipments.carrier_names import find_carrier
from is2_core.shipments.refused_orders import read_refused
from is2_core.submissions.rows import KIND_TRACKING
from is2_core.submissions.sending import Sending, WriteKind
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.pace import PUT_OFF_MAX
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun
from plugins import interface
from plugins.interface import Applied, CartContext, PackageLine, Rejected, Result, Retry


def post_tracking(platform: Platform, run: TaskRun) -> None:
    """Task `tracking.post`: post what is due, unless an earlier write is still being worked on (its end asks for this
    task again). After a lost answer the same is posted again under the same reference, which the cart takes as the same
    package."""
    sending = Sending(run, TRACKING)
    integration = sending.integration

    def prepare(most: int, tried: Collection[str]) -> Sequence[interface.Package]:
        return _next_batch(platform, run, integration, {_package_id(key) for key in tried}, most)

    for batch, reply in sending.batches(prepare):
        refused = [entry for entry in batch if isinstance(reply.results.get(entry.key), Rejected)]
        if not _came_too_soon(run, integration, sending.context, refused):
            read_refused(platform, run, integration, sending.context, {entry.order_id for entry in refused})
    if sending.is_pending:
        return
    with run.write() as session:
        now = platform.clock.now()
        later = session.scalars(_due(integration.id).with_only_columns(Package.post_at)).all()
        again = min((at or now for at in later), default=None)
        run.finish(session, again_at=min(sending.later) if sending.put_off == PUT_OFF_MAX else again)


def _came_too_soon(
    run: TaskRun, integration: Integration, context: CartContext, refused: Sequence[interface.Package]
) -> bool:
    """Whether a cart refused packages that left in its future because our clock has been ahead since the last listing;
    by how much is known now, and they are due again."""
    server_time = cast(CoreHttp, context.http).server_time
    early = [entry for entry in refused if server_time is not None and entry.shipped_at > server_time]
    if server_time is None or not early:
        return False
    skew = skew_s(run.platform, server_time)
    if skew >= integration.server_skew_s - AHEAD.total_seconds():
        return False
    integration.server_skew_s = skew
    ids = [_package_id(entry.key) for entry in early]
    with run.write() as session:
        session.get_one(Integration, integration.id).server_skew_s = skew
        lock_rows(session, ReceivedOrder.id, session.scalars(sa.select(Package.order_id).where(Package.id.in_(ids))))
        session.execute(
            sa.update(Package)
            .where(Package.id.in_(ids), Package.post_state == PostState.REJECTED)
            .values(post_state=PostState.DUE, post_at=None)
        )
    return True


def _next_batch(
    platform: Platform, run: TaskRun, integration: Integration, tried: Collection[int], most: int
) -> list[interface.Package]:
    """The packages to post next, none of those already tried in this run; what they hold is stored before they are
    sent."""
    with run.write() as session:
        now = platform.clock.now()
        ready = _due(integration.id).where(
            sa.or_(Package.post_at.is_(None), Package.post_at <= now), Package.id.not_in(tried)
        )
        packages = session.scalars(ready.limit(most)).all()
        if not packages:
            return []
        note_sent(session, packages)
        return _for_the_cart(platform, session, integration, packages)


def _due(integration_id: int) -> sa.Select[Package]:
    """The first due package of each order: a correction that frees units must arrive before the package that takes
    them. Those put off longest go first, so that no package that fails again and again keeps others waiting."""
    due = (
        Package.integration_id == integration_id,
        Package.post_state == PostState.DUE,
    )
    first = sa.select(sa.func.min(Package.id)).where(*due).group_by(Package.order_id)
    return sa.select(Package).where(Package.id.in_(first)).order_by(sa.nulls_first(Package.post_at), Package.id)


def _package_id(key: str) -> int:
    return int(key.split("-")[0])


def _for_the_cart(
    platform: Platform, session: Session, integration: Integration, due: Sequence[Package]
) -> list[interface.Package]:
    orders = {
        order.id: order
        for order in session.scalars(
            sa.select(ReceivedOrder).where(ReceivedOrder.id.in_({package.order_id for package in due}))
        )
    }
    lines: dict[int, str] = dict(
        session.execute(
            sa.select(ReceivedLine.id, ReceivedLine.remote_id).where(ReceivedLine.order_id.in_(orders))
        ).all()
    )
    references: defaultdict[int, set[str]] = defaultdict(set)
    for order_id, reference in session.execute(
        sa.select(Package.order_id, Package.reference).where(Package.order_id.in_(orders))
    ):
        references[order_id].add(reference)
    manifest = platform.carts.manifest(integration.cart)
    carriers = known_carriers(session, manifest)
    # Of two clocks the one that is behind: neither has anything leave in its future.
    now = platform.clock.now() + timedelta(seconds=min(0, integration.server_skew_s))
    return [
        interface.Package(
            key=f"{package.id}-{package.version}",
            order_id=orders[package.order_id].remote_id,
            site=orders[package.order_id].site,
            reference=package.reference,
            cart_ref=package.cart_ref,
            carrier_code=found.code,
            carrier_name=label.carrier,
            service=label.service or found.service,
            tracking_number=label.tracking_number,
            # A warehouse may know the day only, or have another clock; a cart refuses what it takes for impossible.
            shipped_at=max(orders[package.order_id].cart_created_at, min(label.shipped_at, now)),
            lines=tuple(PackageLine(lines[entry.line_id], entry.quantity) for entry in package.units),
            sibling_references=frozenset(references[package.order_id] - {package.reference}),
        )
        for package in due
        for label in (package.label or package,)
        for found in (find_carrier(carriers, label.carrier),)
    ]


def settle(session: Session, integration_id: int, results: Mapping[str, Result], now: datetime) -> None:
    """Store what became of posts; `results` are keyed "<package id>-<version>". One that comes twice, or late, changes
    nothing that is newer."""
    versions = {int(key.split("-")[0]): int(key.split("-")[1]) for key in results}
    posted = (Package.integration_id == integration_id, Package.id.in_(versions))
    # Orders before their packages, as everywhere.
    orders = session.scalars(
        sa.select(ReceivedOrder)
        .where(ReceivedOrder.id.in_(sa.select(Package.order_id).where(*posted)))
        .order_by(ReceivedOrder.id)
        .with_for_update(**LOCK)
    ).all()
    packages = session.scalars(sa.select(Package).where(*posted).order_by(Package.id).with_for_update(**LOCK)).all()
    events = []
    result_of = {package.id: results[f"{package.id}-{versions[package.id]}"] for package in packages}
    refused = [package.order_id for package in packages if isinstance(result_of[package.id], Rejected)]
    keeps_text = order_keys(session, refused)
    for package in packages:
        version, result = versions[package.id], result_of[package.id]
        if isinstance(result, Rejected) and result.may_pass:
            key = (integration_id, Answer.WRITE_NOT_FOUND, f"package {package.id}")
            verdict = note_answer(session, *key, now, seen_at=package.posted_at)
            result = result if verdict.is_final else Retry(verdict.ask_again_at)
        events += _settle_one(session, package, version, result, now, keeps_text=package.order_id in keeps_text)
    record(session, events, now)
    session.flush()
    _try_refused_again(session, {each.order_id for each in packages if isinstance(result_of[each.id], Applied)})
    for order in orders:
        follow_packages(session, order, now)


def _try_refused_again(session: Session, order_ids: set[int]) -> None:
    """Make due again what the cart refused: it may fit now that another package of its order was accepted, for that may
    have freed units. This ends: only an acceptance makes anything due again."""
    session.execute(
        sa.update(Package)
        .where(Package.order_id.in_(order_ids), Package.post_state == PostState.REJECTED)
        .values(post_state=PostState.DUE, post_at=None)
        .execution_options(synchronize_session="fetch")
    )


def _settle_one(
    session: Session, package: Package, version: int, result: Result, now: datetime, *, keeps_text: bool
) -> list[Event]:
    newest = version == package.version and package.post_state == PostState.DUE
    if isinstance(result, Applied):
        note_accepted(session, package, version)
    elif isinstance(result, Rejected):
        note_refused(session, package, version)
    if isinstance(result, Applied) and version > package.posted_version:
        package.posted_version, package.posted_at = version, now
        package.cart_ref = result.cart_ref or package.cart_ref
        if newest:
            package.post_state, package.sealed_post_message, package.post_at = PostState.DONE, None, None
            return [Event(package.order_id, EventCode.TRACKING, {"tracking_number": package.tracking_number})]
        return [Event(package.order_id, EventCode.TRACKING_BEFORE_CHANGE)]
    if isinstance(result, Rejected) and newest:
        package.post_state = PostState.REJECTED
        text, key = f"{result.message} ({result.code})", (package.order_id, package.warehouse_ref)
        package.sealed_post_message = seal(Package.sealed_post_message, text, *key) if keeps_text else None
        said = {"message": result.message, "refusal": result.code}
        return [Event(package.order_id, EventCode.TRACKING_REJECTED, said)]
    if isinstance(result, Retry):
        package.post_at, package.set_at = result.when, now
    return []


def _sent_late(session: Session, integration_id: int, keys: Collection[str], now: datetime) -> None:
    """Post once more what the cart accepted since: it may have the older number again."""
    sent = (Package.integration_id == integration_id, Package.id.in_([_package_id(key) for key in keys]))
    lock_rows(session, ReceivedOrder.id, session.scalars(sa.select(Package.order_id).where(*sent)))
    session.execute(
        sa.update(Package)
        .where(*sent, Package.post_state == PostState.DONE)
        .values(version=Package.version + 1, post_state=PostState.DUE, post_at=None)
    )


TRACKING = WriteKind(
    KIND_TRACKING,
    "packages",
    most=lambda manifest: manifest.tracking_batch,
    settle=settle,
    task=TaskKind.TRACKING_POST,
    sent_late=_sent_late,
    fails_alone=True,
)


def entered_by_hand(platform: Platform, *, package_id: int, scope: ChangeScope, user_id: int) -> None:
    """Take a person's word that the cart has a package it refused, because somebody entered it there."""
    with platform.db.write() as session:
        order_id = owned(session, Package, package_id, scope).order_id
        order = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
        package = session.get_one(Package, package_id, with_for_update=LOCK, populate_existing=True)
        if package.post_state != PostState.REJECTED:
            raise Conflict("Only of a package the shop refused can this be said.")
        package.post_state, package.sealed_post_message = PostState.DONE, None
        now = platform.clock.now()
        number = {"tracking_number": (package.label or package).tracking_number}
        record(session, [Event(order.id, EventCode.TRACKING_BY_HAND, number, user_id)], now)
        follow_packages(session, order, now)


def post_again(platform: Platform, *, package_id: int, scope: ChangeScope, user_id: int) -> None:
    """Post a package again that the cart refused, after a person has mended what was wrong."""
    with platform.db.write() as session:
        order_id = owned(session, Package, package_id, scope).order_id
        session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
        package = session.get_one(Package, package_id, with_for_update=LOCK, populate_existing=True)
        if package.post_state != PostState.REJECTED:
            raise Conflict("Only a package the shop refused can be posted again.")
        package.post_state, package.post_at = PostState.DUE, None
        now = platform.clock.now()
        record(session, [Event(package.order_id, EventCode.TRACKING_AGAIN, user_id=user_id)], now)
        integration = session.get_one(Integration, package.integration_id)
        enqueue(session, kind=TaskKind.TRACKING_POST, integration=integration, now=now, priority=NOW)
