"""What a received order's packages mean for the cart: which units each completes, what is to be posted, and where the
order stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.flows.allocation import LineNeed, units_completed
from is2_core.flows.rules import add_event
from is2_core.models import (
    Integration,
    Package,
    PackageUnits,
    PlacedComponent,
    PostState,
    ReceivedLine,
    ReceivedOrder,
    ReceivedState,
)
from is2_core.platform import Platform

FOLLOWS_PACKAGES = (ReceivedState.INJECTED, ReceivedState.SHIPPED, ReceivedState.COMPLETED)


def reallocate(platform: Platform, session: Session, order: ReceivedOrder, now: datetime) -> bool:
    """Count anew which of the cart's units each package completes; returns whether something is to be posted.

    Does nothing before IS2 knows that the order was placed.
    """
    packages = packages_of(session, order.id)
    if order.placed_at is None or not packages:
        return False
    integration = session.get_one(Integration, order.integration_id)
    takes_tracking = platform.carts.has(integration.cart, "post_tracking")
    standing = [package for package in packages if not package.voided]
    contents = [{entry.warehouse_sku: entry.quantity for entry in package.contents} for package in standing]
    completed = units_completed(_needs(session, order.id), contents)
    for package, units in zip(standing, completed, strict=True):
        if units != {entry.line_id: entry.quantity for entry in package.units}:
            package.units = []
            session.flush()
            package.units = [PackageUnits(line_id=line_id, quantity=count) for line_id, count in units.items()]
            changed(package)
    _pass_on_references(standing)
    for package in standing:
        package.post_state = _post_state(package, takes_tracking)
    for package in packages:
        if package.voided:
            package.post_state = PostState.VOIDED
    session.flush()
    follow_packages(session, order, now)
    return any(package.post_state == PostState.DUE for package in packages)


def _post_state(package: Package, takes_tracking: bool) -> PostState:
    if not takes_tracking:
        return PostState.NOT_NEEDED
    if not package.units:
        return PostState.WAITING
    return PostState.DUE if package.post_state == PostState.WAITING else PostState(package.post_state)


def _pass_on_references(standing: Sequence[Package]) -> None:
    """Where the cart has a package that completes nothing any more, the one that completes its units now goes out as
    its correction: the cart would refuse the units a second time."""
    emptied = [package for package in standing if package.posted_version and not package.units]
    fresh = [package for package in standing if not package.posted_version and package.units]
    for old, new in zip(emptied, fresh, strict=False):
        old.reference, new.reference = new.reference, old.reference
        old.cart_ref, new.cart_ref = new.cart_ref, old.cart_ref
        old.posted_version = 0
        changed(old)


def to_replace(packages: Sequence[Package], after: int | None = None) -> Package | None:
    """A package of an order that was voided and has no successor: the cart cannot take it back, so another one becomes
    its correction there. Those whose reference the cart is known to have go first; of the others an answer may have
    been lost.

    Args:
        after: id of the voided package that was tried last in vain: only those behind it are left to try.
    """
    known = {package.reference for package in packages if package.posted_version}
    voided = sorted(
        (package for package in packages if package.voided),
        key=lambda package: (package.reference not in known, package.id),
    )
    places = {package.id: place for place, package in enumerate(voided)}
    left = voided[places.get(after, -1) + 1 :] if after is not None else voided
    replaced = {package.replaces_id for package in packages}
    return next((package for package in left if package.id not in replaced), None)


def take_place(package: Package, voided: Package) -> None:
    """Let a package go to the cart as the correction of a voided one."""
    package.reference, package.cart_ref, package.replaces_id = voided.reference, voided.cart_ref, voided.id


def changed(package: Package) -> None:
    """Note that the cart should hear of the package anew, whatever became of its last post."""
    package.version += 1
    package.post_state, package.post_sentence, package.post_at = PostState.WAITING, "", None


def follow_packages(session: Session, order: ReceivedOrder, now: datetime) -> None:
    """Set the order's state from its packages: SHIPPED with the first, COMPLETED when every unit the warehouse was
    given is shipped and the cart has accepted it."""
    if order.state not in FOLLOWS_PACKAGES:
        return
    standing = [package for package in packages_of(session, order.id) if not package.voided]
    if not standing:
        state = ReceivedState.INJECTED
    elif _all_shipped(session, order.id, standing) and all(_settled(package) for package in standing):
        state = ReceivedState.COMPLETED
    else:
        state = ReceivedState.SHIPPED
    if state != order.state:
        order.state = state
        if state is ReceivedState.COMPLETED:
            add_event(session, order.id, now, "COMPLETED", "Everything is shipped, and the cart has the tracking.")


def _settled(package: Package) -> bool:
    return package.post_state in (PostState.DONE, PostState.NOT_NEEDED) or not package.units


def _all_shipped(session: Session, order_id: int, standing: Sequence[Package]) -> bool:
    shipped: dict[int, int] = {}
    for package in standing:
        for entry in package.units:
            shipped[entry.line_id] = shipped.get(entry.line_id, 0) + entry.quantity
    return all(shipped.get(need.line_id, 0) >= need.units for need in _needs(session, order_id))


def packages_of(session: Session, order_id: int) -> Sequence[Package]:
    """The packages of an order, in the order they were reported."""
    return session.scalars(sa.select(Package).where(Package.order_id == order_id).order_by(Package.id)).all()


def _needs(session: Session, order_id: int) -> list[LineNeed]:
    components: dict[int, dict[str, int]] = {}
    lines = session.execute(
        sa.select(ReceivedLine.id, ReceivedLine.placed, ReceivedLine.ordered, ReceivedLine.cancelled)
        .where(ReceivedLine.order_id == order_id, ReceivedLine.placed > 0)
        .order_by(ReceivedLine.id)
    ).all()
    for line_id, sku, quantity in session.execute(
        sa.select(PlacedComponent.line_id, PlacedComponent.warehouse_sku, PlacedComponent.quantity).where(
            PlacedComponent.line_id.in_([line.id for line in lines])
        )
    ):
        components.setdefault(line_id, {})[sku] = quantity
    # Units that were cancelled at the cart after placing cannot be posted there, even where they were shipped.
    return [
        LineNeed(line.id, min(line.placed, line.ordered - line.cancelled), components.get(line.id, {}))
        for line in lines
    ]
