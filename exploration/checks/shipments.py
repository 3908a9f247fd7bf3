"""Invariants of packages: at Amazon, in IS2 and in the warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from exploration.world import World
from is2_core.embedded_warehouse import order_queries, queries
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import PlacedComponent, ReceivedLine, ReceivedOrder
from plugins.amazon.simulator.orders.order_book import BookedOrder


def posted_soon(world: World) -> Iterator[str]:
    """I4, ten minutes after the last fault: the same but for the confirmations that Amazon forgot, which only the
    comparison finds."""
    for breach in posted(world):
        if not any(path.split("/")[-2] in breach for path in world.transport.forgotten):
            yield breach


def posted(world: World) -> Iterator[str]:
    """I4: Amazon shows each order's packages as IS2 has them and the warehouse shipped them, each once; what Amazon
    refused has a sentence and a cause."""
    with world.platform.db.read() as session:
        orders = {
            order.id: order for order in session.scalars(sa.select(ReceivedOrder).order_by(ReceivedOrder.id)).all()
        }
        packages: dict[int, list[Package]] = {}
        for package in session.scalars(sa.select(Package).order_by(Package.id)):
            packages.setdefault(package.order_id, []).append(package)
        lines = {row.id: row for row in session.scalars(sa.select(ReceivedLine))}
    for order_id, order in orders.items():
        own = packages.get(order_id, [])
        booked = world.simulator.state.book.get(order.remote_id)
        if booked is None:
            continue
        shown = {
            package["packageReferenceId"]: package
            for package in booked.summary()["packages"]
            if package["trackingNumber"] not in world.shipped_before[order.remote_id]
        }
        if len(shown) < len(booked.summary()["packages"]) - len(world.shipped_before[order.remote_id]):
            yield f"I4: Amazon shows a reference of {order.remote_id} twice"
        missing = set(world.shipped_before[order.remote_id]) - {
            package["trackingNumber"] for package in booked.summary()["packages"]
        }
        if missing:
            yield f"I4: {sorted(missing)} of {order.remote_id}, shipped elsewhere, was overwritten"
        standing = {package.reference for package in own if package.told_to_cart}
        for package in own:
            if package.post_state == PostState.DONE:
                yield from _compared(package, shown.get(package.reference), lines, order.remote_id)
        known = {package.reference for package in own}
        for reference in sorted(shown.keys() - known):
            yield f"I4: Amazon has package {reference} of {order.remote_id}, IS2 has none"
        # Amazon cannot take a package back: one that was voided stays there until the next takes its place.
        left_over = sorted(shown.keys() - standing)
        for package in own:
            if package.post_state == PostState.DUE:
                yield f"I4: package {package.reference} of {order.remote_id} is still due"
            if package.post_state == PostState.REJECTED and not package.post_message:
                yield f"I4: package {package.reference} of {order.remote_id} is refused without a sentence"
            if package.post_state != PostState.REJECTED:
                continue
            fits = [reference for reference in left_over if _would_be_taken(package, reference, booked, lines)]
            if fits:
                yield f"I4: package {package.reference} of {order.remote_id} did not take the place of {fits}"
            if _would_be_taken(package, package.reference, booked, lines):
                yield f"I4: package {package.reference} of {order.remote_id} is refused: {package.post_message}"


def _would_be_taken(package: Package, reference: str, booked: BookedOrder, lines: Mapping[int, ReceivedLine]) -> bool:
    """Whether Amazon has room for a package under this reference as things stand; where others hold its units (two that
    were voided, for one that follows both), only a person can help."""
    shown = booked.summary()["packages"]
    others = [entry for entry in shown if entry["packageReferenceId"] != reference]
    if booked.status == "CANCELLED" or (booked.status == "SHIPPED" and len(others) == len(shown)):
        return False
    held = Counter[str]()
    for entry in others:
        held.update({item["orderItemId"]: item["quantity"] for item in entry["packageItems"]})
    # Nothing of a cancelled line is taken any more.
    ordered = {
        item["orderItemId"]: 0 if "cancellationExecution" in item.get("cancellation", {}) else item["quantityOrdered"]
        for item in booked.order["orderItems"]
    }
    wanted = {lines[entry.line_id].remote_id: entry.quantity for entry in package.units}
    return all(held[item] + units <= ordered[item] for item, units in wanted.items())


def _compared(
    package: Package, shown: Mapping[str, Any] | None, lines: Mapping[int, ReceivedLine], order: str
) -> Iterator[str]:
    if shown is None:
        yield f"I4: package {package.reference} of {order} counts as posted, Amazon does not have it"
        return
    units = {lines[entry.line_id].remote_id: entry.quantity for entry in package.units}
    there = {entry["orderItemId"]: entry["quantity"] for entry in shown["packageItems"]}
    number = (package.label or package).tracking_number
    if (shown["trackingNumber"], there) != (number, units):
        yield (
            f"I4: package {package.reference} of {order} is {shown['trackingNumber']} {there} at Amazon, "
            f"{number} {units} in IS2"
        )


def reported(world: World) -> Iterator[str]:
    """I4: IS2 has the warehouse's packages of its orders as they are now, and completes as many of the cart's units
    with them as can be, never more than were placed."""
    orders = {order.id: order for order in order_queries.all_orders(world.platform)}
    packages = order_queries.packages_of(world.platform)
    with world.platform.db.read() as session:
        known = {package.warehouse_ref: package for package in session.scalars(sa.select(Package).order_by(Package.id))}
        numbers = dict(session.execute(sa.select(ReceivedOrder.number, ReceivedOrder.id)).all())
        for row in packages:
            number = orders[row.order_id].number
            package = known.get(str(row.id))
            voided = row.voided_at is not None
            if package is None:
                if not voided:
                    yield f"I4: IS2 does not know package {row.id} of {number}"
                continue
            mine = {entry.warehouse_sku: entry.quantity for entry in package.contents}
            theirs = dict(row.units)
            if (package.tracking_number, package.voided, mine) != (row.tracking_number, voided, theirs):
                yield f"I4: package {row.id} of {number} is {theirs} in the warehouse, {mine} in IS2, or else labeled"
            if package.order_id != numbers[number]:
                yield f"I4: package {row.id} of {number} is another order's"
        by_order: dict[int, list[Package]] = {}
        for package in known.values():
            if package.told_to_cart:
                by_order.setdefault(package.order_id, []).append(package)
        for order_id, standing in sorted(by_order.items()):
            order = session.get_one(ReceivedOrder, order_id)
            yield from _completed(session, order_id, standing, by_hand(world, order.remote_id))


def by_hand(world: World, order_id: str) -> Counter[str]:
    """Return the units, by the cart's id of a line, that somebody else confirmed of an order."""
    booked = world.simulator.state.book.get(order_id)
    units = Counter[str]()
    for package in booked.summary()["packages"] if booked else ():
        if package["trackingNumber"] in world.shipped_before[order_id]:
            units.update({entry["orderItemId"]: entry["quantity"] for entry in package["packageItems"]})
    return units


def _completed(session: Session, order_id: int, standing: list[Package], elsewhere: Mapping[str, int]) -> Iterator[str]:
    left: Counter[str] = Counter()
    done: Counter[int] = Counter()
    for package in standing:
        if not package.voided:
            left.update({entry.warehouse_sku: entry.quantity for entry in package.contents})
        done.update({entry.line_id: entry.quantity for entry in package.units})
    parts: dict[int, dict[str, int]] = {}
    for line_id, sku, units in session.execute(
        sa.select(PlacedComponent.line_id, PlacedComponent.warehouse_sku, PlacedComponent.quantity)
        .join(ReceivedLine, ReceivedLine.id == PlacedComponent.line_id)
        .where(ReceivedLine.order_id == order_id)
    ):
        parts.setdefault(line_id, {})[sku] = units
    lines = {
        line.id: line for line in session.scalars(sa.select(ReceivedLine).where(ReceivedLine.order_id == order_id))
    }
    # Units cancelled at the cart, or confirmed by somebody else, after they were placed need not be posted there,
    # shipped or not.
    wanted = {
        line.id: min(line.placed, line.ordered - line.cancelled - elsewhere.get(line.remote_id, 0))
        for line in lines.values()
    }
    for line_id, units in done.items():
        left.subtract({sku: units * each for sku, each in parts.get(line_id, {}).items()})
        if units > lines[line_id].placed:
            yield f"I4: {units} units of line {line_id} are packed, {lines[line_id].placed} were placed"
    if any(units < 0 for units in left.values()):
        yield f"I4: the packages of order {order_id} report more than they hold: {dict(left)}"
    for line_id, needed in parts.items():
        if done[line_id] < wanted[line_id] and all(left[sku] >= units for sku, units in needed.items()):
            yield f"I4: a unit of line {line_id} is shipped, and in no package of IS2's"


def conserved(world: World) -> Iterator[str]:
    """The warehouse's books: what lies there is the sum of its ledger, what an order had shipped that of its packages,
    and nothing was shipped that was not ordered."""
    for known in queries.sku_list(world.platform, None, text="", first=0, most=1000).rows:
        moved = sum(entry.quantity for entry in queries.movements(world.platform, known.id, first=0, most=100_000).rows)
        if not 0 <= known.on_hand == moved:
            yield f"stock: {known.on_hand} of {known.sku} on hand, {moved} by the ledger"
    packed: Counter[tuple[int, str]] = Counter()
    for package in order_queries.packages_of(world.platform):
        if package.voided_at is None:
            packed.update({(package.order_id, sku): units for sku, units in package.units.items()})
    for order in order_queries.all_orders(world.platform):
        for line in order.lines:
            units = packed.pop((order.id, line.sku), 0)
            if not 0 <= line.shipped <= line.quantity or line.shipped != units:
                yield f"stock: {line.shipped} of {line.quantity} {line.sku} shipped, {units} in packages"
    for (order_id, sku), units in sorted(packed.items()):
        if units:
            yield f"stock: packages of order {order_id} hold {units} of {sku}, which is not in it"
