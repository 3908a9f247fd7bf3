"""How many of the units the warehouse was given the cart still wants from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.orders.fulfillment.elsewhere import Elsewhere, Parcel, shipped_elsewhere
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.models import PlacedComponent, ReceivedLine, ReceivedOrder
from plugins.interface import OrderState

if TYPE_CHECKING:
    _Line = sa.Row[int, int, str, int, int, int, int]


@dataclass(frozen=True)
class LineUnits:
    """A line the warehouse was given units of; what one unit is made of, by warehouse SKU.

    Args:
        cancelled: of the units placed, those that were cancelled at the cart since.
        elsewhere: of the units placed, those that somebody else confirmed at the cart since.
    """

    line_id: int
    placed: int
    cancelled: int
    elsewhere: int
    components: Mapping[str, int]

    @property
    def wanted(self) -> int:
        """Units that are, or were, to be shipped from here."""
        return self.placed - self.cancelled - self.elsewhere


@dataclass(frozen=True)
class OrderUnits:
    """An order's placed lines, what somebody else confirmed of it, and what the warehouse has not shipped, by warehouse
    SKU. `cart_state` is as stored, which an object read earlier in the same unit of work need not know."""

    cart_state: str
    lines: tuple[LineUnits, ...]
    elsewhere: Elsewhere
    left: Mapping[str, int]

    @property
    def cancelled(self) -> int:
        """Units cancelled after placing."""
        return sum(line.cancelled for line in self.lines)

    @property
    def shipped_elsewhere(self) -> int:
        """Units confirmed by somebody else after placing."""
        return sum(line.elsewhere for line in self.lines)

    @property
    def unwanted(self) -> int:
        """Units placed that the cart does not want from here any more."""
        return self.cancelled + self.shipped_elsewhere


def units_of(session: Session, order_ids: Collection[int]) -> dict[int, OrderUnits]:
    """The units of these orders, a few statements for all of them; empty for what was never placed."""
    shown = {
        row.id: (row.cart_state, row.cart_packages)
        for row in session.execute(
            sa.select(ReceivedOrder.id, ReceivedOrder.cart_state, ReceivedOrder.cart_packages).where(
                ReceivedOrder.id.in_(order_ids)
            )
        )
    }
    lines: dict[int, list[_Line]] = {order_id: [] for order_id in shown}
    for row in session.execute(
        sa.select(
            ReceivedLine.order_id,
            ReceivedLine.id,
            ReceivedLine.remote_id,
            ReceivedLine.placed,
            ReceivedLine.ordered,
            ReceivedLine.cancelled,
            ReceivedLine.open,
        )
        .where(ReceivedLine.order_id.in_(order_ids), ReceivedLine.placed > 0)
        .order_by(ReceivedLine.id)
    ):
        lines[row.order_id].append(row)
    components: dict[int, dict[str, int]] = {}
    for line_id, sku, quantity in session.execute(
        sa.select(PlacedComponent.line_id, PlacedComponent.warehouse_sku, PlacedComponent.quantity).where(
            PlacedComponent.line_id.in_([row.id for rows in lines.values() for row in rows])
        )
    ):
        components.setdefault(line_id, {})[sku] = quantity
    packages: dict[int, list[Package]] = {order_id: [] for order_id in shown}
    for package in session.scalars(sa.select(Package).where(Package.order_id.in_(order_ids)).order_by(Package.id)):
        packages[package.order_id].append(package)
    return {
        order_id: _units(state, parcels, lines[order_id], components, packages[order_id])
        for order_id, (state, parcels) in shown.items()
    }


def _units(
    cart_state: str,
    cart_packages: list[dict[str, Any]] | None,
    rows: list[_Line],
    components: Mapping[int, Mapping[str, int]],
    packages: list[Package],
) -> OrderUnits:
    made_of = {row.id: components.get(row.id, {}) for row in rows}
    line_of = {row.remote_id: row.id for row in rows}
    # A cart may go on counting units of a shipped order as open.
    gone = {row.id: row.ordered - row.cancelled - (0 if cart_state == OrderState.SHIPPED else row.open) for row in rows}
    shown = (
        None if cart_packages is None else [_shown(entry, line_of) for entry in cart_packages if _is_of(entry, line_of)]
    )
    ours = [Parcel(package.reference, package.tracking_number, _at_most(package, made_of)) for package in packages]
    elsewhere = shipped_elsewhere(gone, shown, ours)
    left: Counter[str] = Counter()
    lines = []
    for row in rows:
        cancelled = min(row.placed, max(0, row.placed - (row.ordered - row.cancelled)))
        uncancelled = row.ordered - row.cancelled - elsewhere.units.get(row.id, 0)
        confirmed = min(row.placed, max(0, row.placed - uncancelled)) - cancelled
        lines.append(LineUnits(row.id, row.placed, cancelled, confirmed, made_of[row.id]))
        left.update({sku: quantity * row.placed for sku, quantity in made_of[row.id].items()})
    for package in packages:
        if not package.voided:
            left.subtract({entry.warehouse_sku: entry.quantity for entry in package.contents})
    return OrderUnits(cart_state, tuple(lines), elsewhere, +left)


def _is_of(entry: Mapping[str, Any], line_of: Mapping[str, int]) -> bool:
    """Whether a package at the cart can be about these lines: all its units may be of lines not shipped from here."""
    return not entry["units"] or any(remote_id in line_of for remote_id in entry["units"])


def _shown(entry: Mapping[str, Any], line_of: Mapping[str, int]) -> Parcel:
    units = {line_of[remote_id]: quantity for remote_id, quantity in entry["units"].items() if remote_id in line_of}
    return Parcel(entry["reference"], entry["tracking_number"], units, entry["carrier"])


def _at_most(package: Package, made_of: Mapping[int, Mapping[str, int]]) -> dict[int, int]:
    """Units of each line that a package can be about: a part of a bundle counts as the whole."""
    holds = {entry.warehouse_sku: entry.quantity for entry in package.contents}
    return {
        line_id: max((-(-holds.get(sku, 0) // quantity) for sku, quantity in parts.items()), default=0)
        for line_id, parts in made_of.items()
    }
