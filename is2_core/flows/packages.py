"""What a received order's packages mean for the cart: which units each completes, what is to be posted, and where the
order stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.flows.allocation import LineNeed, units_completed
from is2_core.flows.elsewhere import plain
from is2_core.flows.rules import add_event
from is2_core.flows.wanted_units import OrderUnits, units_of
from is2_core.models import (
    Integration,
    Package,
    PackageUnits,
    PostState,
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
    units_there = units_of(session, [order.id])[order.id]
    completed = units_completed(_needs(units_there), contents)
    for package, units in zip(standing, completed, strict=True):
        if units != {entry.line_id: entry.quantity for entry in package.units}:
            package.units = []
            session.flush()
            package.units = [PackageUnits(line_id=line_id, quantity=count) for line_id, count in units.items()]
            changed(package)
    _pass_on_references(standing)
    entered = {number: dict(units) for number, units in units_there.elsewhere.entered.items()}
    for package in standing:
        package.post_state = _post_state(package, takes_tracking)
        if package.post_state == PostState.DUE and not package.posted_version and _take_entered(package, entered):
            package.post_state, package.post_at = PostState.DONE, None
            sentence = f"The cart has tracking number {package.tracking_number} already: somebody entered it there."
            add_event(session, order.id, now, "TRACKING", sentence)
    for package in packages:
        if package.voided:
            package.post_state = PostState.VOIDED
    session.flush()
    follow_packages(session, order, now)
    return any(package.post_state == PostState.DUE for package in packages)


def _take_entered(package: Package, entered: Mapping[str, dict[int, int]]) -> bool:
    """Whether somebody has confirmed all units of a package under its number at the cart: posted again, they would
    count twice. What stands for one package stands for no other."""
    there = entered.get(plain(package.tracking_number), {})
    if not all(there.get(entry.line_id, 0) >= entry.quantity for entry in package.units):
        return False
    for entry in package.units:
        there[entry.line_id] -= entry.quantity
    return True


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
    """Set the order's state from its packages: SHIPPED with the first, COMPLETED when every unit that is wanted from
    here is shipped and settled with the cart, and the warehouse ships nothing more of it. Called at every event that
    changes one of these: packages, their posts, what the cart wants, an answer about stopping."""
    if order.state not in FOLLOWS_PACKAGES:
        return
    session.flush()
    standing = [package for package in packages_of(session, order.id) if not package.voided]
    if not standing:
        state = ReceivedState.INJECTED
    elif _is_complete(session, order, standing):
        state = ReceivedState.COMPLETED
    else:
        state = ReceivedState.SHIPPED
    if state != order.state:
        order.state = state
        if state is ReceivedState.COMPLETED:
            add_event(session, order.id, now, "COMPLETED", _completed(standing))


def _is_complete(session: Session, order: ReceivedOrder, standing: Sequence[Package]) -> bool:
    units = units_of(session, [order.id])[order.id]
    if units.left and not order.stopped:
        return False
    return all_shipped(units, standing) and all(_settled(package) for package in standing)


def _completed(standing: Sequence[Package]) -> str:
    if any(package.post_state == PostState.NOT_NEEDED for package in standing):
        return "Everything is shipped. The cart takes no tracking, so it was not told."
    if any(not package.units for package in standing):
        return "Nothing more is to be shipped, and the cart has the tracking of what it still wanted."
    return "Everything is shipped, and the cart has the tracking."


def _settled(package: Package) -> bool:
    return package.post_state in (PostState.DONE, PostState.NOT_NEEDED) or not package.units


def all_shipped(units: OrderUnits, packages: Sequence[Package]) -> bool:
    """Whether the packages of an order complete every unit that is wanted from here."""
    shipped: dict[int, int] = {}
    for package in packages:
        for entry in () if package.voided else package.units:
            shipped[entry.line_id] = shipped.get(entry.line_id, 0) + entry.quantity
    return all(shipped.get(line.line_id, 0) >= line.wanted for line in units.lines)


def packages_of(session: Session, order_id: int) -> Sequence[Package]:
    """The packages of an order, in the order they were reported."""
    return session.scalars(sa.select(Package).where(Package.order_id == order_id).order_by(Package.id)).all()


def _needs(units: OrderUnits) -> list[LineNeed]:
    # What was cancelled after placing, or confirmed by somebody else, cannot be posted, even where it was shipped.
    return [LineNeed(line.line_id, line.wanted, line.components) for line in units.lines]
