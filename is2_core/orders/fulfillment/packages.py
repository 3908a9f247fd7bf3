"""A received order's packages and the cart: which units each completes, what is to be posted, and where the
order stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.orders.fulfillment.models import Package, PackageUnits
from is2_core.orders.fulfillment.package_offers import held_units
from is2_core.orders.fulfillment.states import SETTLED, UNTOLD, PostState
from is2_core.orders.fulfillment.unit_matching import HeldUnits, LineNeed, Matching, StandingPackage, match_units
from is2_core.orders.fulfillment.wanted_units import OrderUnits, units_of
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import IN_WAREHOUSE, ReceivedState
from is2_core.orders.timeline import Event, record
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import Ended, EventCode, Told
from is2_core.platform import Platform
from is2_core.tracking_numbers import plain_number
from plugins.types.orders import ENDED as ENDED_AT_CART

# Other tools, and people in the cart's own pages, count an order's packages from 1; a reference of theirs would edit
# their package.
FIRST_REFERENCE = 10_001


def match_units_again(platform: Platform, session: Session, order: ReceivedOrder, now: datetime) -> bool:
    """Match the order's packages anew with the cart's units, and with what the cart has of them; returns whether
    something is to be posted.

    Does nothing before IS2 knows that the order was placed.
    """
    packages = packages_of(session, order.id)
    if order.placed_at is None or not packages:
        return False
    integration = session.get_one(Integration, order.integration_id)
    takes_tracking = platform.carts.has(integration.cart, "post_tracking")
    units = units_of(session, [order.id])[order.id]
    standing = [
        StandingPackage(
            package.id, package.reference, {entry.warehouse_sku: entry.quantity for entry in package.contents}
        )
        for package in packages
        if not package.voided
    ]
    held = held_units(session, order.id)
    held += _entered_by_others(packages, units, held)
    _apply(session, packages, match_units(_needs(units), standing, held, int(next_reference(packages))))
    entered = {number: dict(there) for number, there in units.elsewhere.entered.items()}
    for package in packages:
        package.post_state = _post_state(package, takes_tracking)
        wanting = package.post_state in UNTOLD
        unsent = wanting and not package.posted_version and not package.voided
        if unsent and _take_entered(package, entered):
            package.post_state, package.sealed_post_message, package.post_at = PostState.DONE, None, None
            number = {"tracking_number": package.tracking_number}
            record(session, [Event(order.id, EventCode.TRACKING_ENTERED, number)], now)
    session.flush()
    follow_packages(session, order, now)
    return any(package.post_state == PostState.DUE for package in packages)


def _entered_by_others(packages: Sequence[Package], units: OrderUnits, held: Sequence[HeldUnits]) -> list[HeldUnits]:
    """Return the entries of somebody else at the cart under the number of a package that was not sent: those units
    are its own, as if it had been accepted."""
    sent = {entry.holder for entry in held}
    there = {number: dict(entered) for number, entered in units.elsewhere.entered.items()}
    entered = [
        (package, there.pop(plain_number(package.tracking_number), {}))
        for package in packages
        if not package.voided and package.id not in sent
    ]
    return [HeldUnits(package.reference, package.id, found) for package, found in entered if found]


def _take_entered(package: Package, entered: Mapping[str, dict[int, int]]) -> bool:
    """Whether somebody has confirmed all units of a package under its number at the cart: posted again, they would
    count twice. What stands for one package stands for no other."""
    there = entered.get(plain_number(package.tracking_number), {})
    if not all(there.get(entry.line_id, 0) >= entry.quantity for entry in package.units):
        return False
    for entry in package.units:
        there[entry.line_id] -= entry.quantity
    return True


def _post_state(package: Package, takes_tracking: bool) -> PostState:
    if not package.told_to_cart:
        return PostState.VOIDED
    if not takes_tracking:
        return PostState.NOT_NEEDED
    if not package.units:
        return PostState.WAITING
    return PostState.DUE if package.post_state == PostState.WAITING else PostState(package.post_state)


def _apply(session: Session, packages: Sequence[Package], matching: Matching) -> None:
    parts = {part.reference: part for part in matching.parts}
    cart_refs = {package.reference: package.cart_ref for package in packages if package.cart_ref}
    voided = {package.reference: package for package in packages if package.voided}
    for package in packages:
        own = matching.references.get(package.id)
        if own is not None and own != package.reference:
            replaced = voided.get(own)
            package.reference, package.cart_ref, package.posted_version = own, cart_refs.get(own), 0
            package.replaces_id = replaced.id if replaced else None
            changed(package)
    taken = set(matching.references.values())
    for package in packages:
        part = parts.get(package.reference)
        if package.voided and (package.reference in taken or package is not voided[package.reference]):
            part = None
        label = part.package_id if part is not None and part.package_id != package.id else None
        units = dict(part.units) if part is not None else {}
        if label != package.label_id:
            package.label_id = label
            changed(package)
        if package.voided and label is None:
            continue
        if units != {entry.line_id: entry.quantity for entry in package.units}:
            package.units = []
            session.flush()
            package.units = [PackageUnits(line_id=line_id, quantity=count) for line_id, count in units.items()]
            changed(package)


def next_reference(packages: Sequence[Package]) -> str:
    """A reference that no package of the order has had."""
    return str(max((int(package.reference) for package in packages), default=FIRST_REFERENCE - 1) + 1)


def changed(package: Package) -> None:
    """Note that the cart should hear of the package anew, whatever became of its last post."""
    package.version += 1
    package.post_state, package.sealed_post_message, package.post_at = PostState.WAITING, None, None


def follow_packages(session: Session, order: ReceivedOrder, now: datetime) -> None:
    """Set the order's state from its packages: SHIPPED with the first, COMPLETED when every unit that is wanted from
    here is shipped and settled with the cart, and the warehouse ships nothing more of it. Called at every event that
    changes one of these: packages, their posts, what the cart wants, an answer about stopping."""
    if order.state not in IN_WAREHOUSE:
        return
    session.flush()
    told = [package for package in packages_of(session, order.id) if package.told_to_cart]
    is_whole = False
    if all(package.voided for package in told):
        state = ReceivedState.INJECTED
    else:
        units = units_of(session, [order.id])[order.id]
        is_whole = all_shipped(units, told)
        completed = is_whole and (order.stopped or not units.left) and all(map(_settled, told))
        state = ReceivedState.COMPLETED if completed else ReceivedState.SHIPPED
    _start_clock(order, told, is_whole=is_whole, now=now)
    if state != order.state:
        completed = state is ReceivedState.COMPLETED
        ended = Told(EventCode.COMPLETED, {"ended": _ended(told)}) if completed else None
        transition(session, [order.id], state, None, now, told=ended)


def _start_clock(order: ReceivedOrder, told: Sequence[Package], *, is_whole: bool, now: datetime) -> None:
    """Begin the clock of the buyer's data when the last package of all that is wanted was shipped; stop it where some
    of that was taken back, unless the cart says that it is over."""
    if is_whole and order.ended_at is None:
        order.ended_at = min(now, max((package.shipped_at for package in told if not package.voided), default=now))
    elif not is_whole and order.cart_state not in ENDED_AT_CART:
        order.ended_at = None


def _ended(told: Sequence[Package]) -> Ended:
    if any(package.post_state == PostState.NOT_NEEDED for package in told):
        return Ended.NO_TRACKING
    if all(package.units for package in told):
        return Ended.ALL
    return Ended.WANTED if any(package.units for package in told) else Ended.UNWANTED


def _settled(package: Package) -> bool:
    return package.post_state in SETTLED or not package.units


def all_shipped(units: OrderUnits, packages: Sequence[Package]) -> bool:
    """Whether the packages of an order complete every unit that is wanted from here."""
    shipped: dict[int, int] = {}
    for package in packages:
        for entry in package.units if package.told_to_cart else ():
            shipped[entry.line_id] = shipped.get(entry.line_id, 0) + entry.quantity
    return all(shipped.get(line.line_id, 0) >= line.wanted for line in units.lines)


def sent_in_vain(units: OrderUnits, packages: Sequence[Package]) -> Mapping[str, int]:
    """Return the units, by warehouse SKU, in an order's packages that complete no unit of the cart."""
    made_of = {line.line_id: line.components for line in units.lines}
    sent: Counter[str] = Counter()
    for package in packages:
        if not package.voided:
            sent.update({entry.warehouse_sku: entry.quantity for entry in package.contents})
        for entry in package.units if package.told_to_cart else ():
            sent.subtract({sku: each * entry.quantity for sku, each in made_of.get(entry.line_id, {}).items()})
    return +sent


def look_again_at_posts(session: Session, orders: Sequence[ReceivedOrder]) -> None:
    """Have the posts of those orders compared again of which the cart has just shown another state or other packages.

    Args:
        orders: as they were before.
    """
    before = {order.id: (order.cart_state, order.cart_packages) for order in orders}
    if not before:
        return
    shown = sa.select(ReceivedOrder.id, ReceivedOrder.cart_state, ReceivedOrder.cart_packages).where(
        ReceivedOrder.id.in_(before)
    )
    other = [order_id for order_id, *now in session.execute(shown) if tuple(now) != before[order_id]]
    if other:
        session.execute(sa.update(Package).where(Package.order_id.in_(other)).values(shown_version=0))


def packages_of(session: Session, order_id: int) -> Sequence[Package]:
    """The packages of an order, in the order they were reported."""
    return session.scalars(sa.select(Package).where(Package.order_id == order_id).order_by(Package.id)).all()


def _needs(units: OrderUnits) -> list[LineNeed]:
    # What was cancelled after placing, or confirmed by somebody else, cannot be posted, even where it was shipped.
    return [LineNeed(line.line_id, line.placed, line.wanted, line.components) for line in units.lines]
