"""Whether a cart shows the packages that it accepted; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from is2_core.comparison.states import COUNTS_PACKAGES
from is2_core.tracking_numbers import plain_number


class Shown(StrEnum):
    """SEEN: as it was accepted, or nothing more is wanted of it. LOST: the cart counts its units as open or
    cancelled. CHANGED: another number stands under its reference."""

    SEEN = "SEEN"
    LOST = "LOST"
    CHANGED = "CHANGED"


@dataclass(frozen=True)
class PostedPackage:
    """A package as the cart accepted it; `units` by the cart's line id."""

    id: int
    reference: str
    tracking_number: str
    units: Mapping[str, int]


@dataclass(frozen=True)
class ShownPackage:
    """A package as the cart shows it; `units` by its line id."""

    reference: str
    tracking_number: str
    units: Mapping[str, int]


@dataclass(frozen=True)
class CartView:
    """An order as the cart shows it.

    Args:
        state: an `OrderState`.
        shipped: units that count as shipped, by line id.
        packages: None where the cart does not tell.
    """

    state: str
    shipped: Mapping[str, int]
    packages: Sequence[ShownPackage] | None


def shown_of(
    cart: CartView, posted: Sequence[PostedPackage], references: frozenset[str]
) -> dict[int, tuple[Shown, str]]:
    """Return, by package, whether the cart shows it, and the number that stands under its reference.

    What a cart counts is believed before what it lists: a package it does not list, and whose units it counts neither
    as open nor as cancelled, is there.

    Args:
        posted: what it accepted of an order, and nothing it refused since.
        references: all that packages of the order have had.
    """
    under = {package.reference: package for package in cart.packages or ()}
    numbers = {plain_number(package.tracking_number) for package in posted}
    foreign: Counter[str] = Counter()
    entered = set()
    for package in cart.packages or ():
        number = plain_number(package.tracking_number)
        if package.reference not in references and number in numbers:
            entered.add(number)
        elif package.reference not in references:
            foreign.update(package.units)
    ours: Counter[str] = Counter()
    for each in posted:
        ours.update(each.units)
    found = {}
    for each in posted:
        there = under.get(each.reference)
        number = plain_number(each.tracking_number)
        if there is not None:
            same = plain_number(there.tracking_number) == number
            found[each.id] = (Shown.SEEN if same else Shown.CHANGED, there.tracking_number)
        elif cart.state not in COUNTS_PACKAGES or number in entered:
            found[each.id] = (Shown.SEEN, each.tracking_number)
        else:
            missing = any(cart.shipped.get(line, 0) - foreign[line] < ours[line] for line in each.units)
            found[each.id] = (Shown.LOST if missing else Shown.SEEN, "")
    return found
