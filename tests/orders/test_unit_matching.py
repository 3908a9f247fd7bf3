"""Units of order lines per package: what the cart has accepted stays, what was voided is replaced, nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings, strategies as st

from is2_core.orders.fulfillment.unit_matching import HeldUnits, LineNeed, Matching, Part, StandingPackage, match_units

pytestmark = pytest.mark.unit

FIRST = 10_001


@dataclass
class Cart:
    """Refuses what Amazon refuses: a unit that is under another reference, and a new reference once all is shipped."""

    ordered: Mapping[int, int]
    packages: dict[str, dict[int, int]] = field(default_factory=dict)

    def takes(self, part: Part) -> bool:
        others = Counter[int]()
        for reference, units in self.packages.items():
            if reference != part.reference:
                others.update(units)
        if part.reference not in self.packages and all(others[line] >= units for line, units in self.ordered.items()):
            return False
        if any(others[line] + units > self.ordered[line] for line, units in part.units.items()):
            return False
        self.packages[part.reference] = dict(part.units)
        return True


class Order:
    """An order that is packed, with what IS2 knows of its packages at the cart."""

    def __init__(self, *lines: tuple[int, int, Mapping[str, int]]) -> None:
        self.lines = [LineNeed(line, units, units, parts) for line, units, parts in lines]
        self.cart = Cart({line: units for line, units, _ in lines})
        self.packages: dict[int, StandingPackage] = {}
        self.held: dict[str, HeldUnits] = {}
        self.labels: dict[str, int] = {}
        self.newest = 0
        self.matching = Matching({}, ())

    def ship(self, **contents: int) -> int:
        self.newest += 1
        self.packages[self.newest] = StandingPackage(self.newest, str(FIRST + self.newest - 1), contents)
        self.match()
        return self.newest

    def correct(self, package: int, **contents: int) -> None:
        self.packages[package] = StandingPackage(package, self.packages[package].reference, contents)
        self.match()

    def void(self, package: int) -> None:
        del self.packages[package]
        self.match()

    def match(self) -> None:
        self.matching = self.matched()
        self.packages = {
            each.id: StandingPackage(each.id, self.matching.references[each.id], each.contents)
            for each in self.packages.values()
        }
        assert self.matched() == self.matching
        self.check()

    def matched(self) -> Matching:
        return match_units(self.lines, list(self.packages.values()), list(self.held.values()), FIRST)

    def check(self) -> None:
        matching = self.matching
        assert len(set(matching.references.values())) == len(self.packages)
        assert len({part.reference for part in matching.parts}) == len(matching.parts)
        total, used = Counter[int](), Counter[str]()
        for part in matching.parts:
            assert all(units > 0 for units in part.units.values())
            total.update(part.units)
        left = Counter[str]()
        for package in self.packages.values():
            left.update(package.contents)
        for line in self.lines:
            assert total[line.line_id] <= line.given
            used.update({sku: units * total[line.line_id] for sku, units in line.components.items()})
        assert used <= left
        left.subtract(used)
        for line in self.lines:
            more = min(left[sku] // units for sku, units in line.components.items())
            assert not more or total[line.line_id] >= line.wanted, "a unit is packed, and in no package"

    def post(self, *, lost: bool = False) -> None:
        """Tell the cart until nothing changes; `lost` in vain as far as anybody knows."""
        refused = self.due()
        while refused:
            again = [part for part in refused if not self.cart.takes(part)]
            for part in refused:
                if part not in again:
                    self.held[part.reference] = HeldUnits(part.reference, part.package_id, part.units, sure=not lost)
            if lost or len(again) == len(refused):
                break
            refused = again
        self.match()

    def due(self) -> list[Part]:
        return [
            part
            for part in self.matching.parts
            if part.reference not in self.held
            or (self.held[part.reference].holder, self.held[part.reference].units, self.held[part.reference].sure)
            != (part.package_id, part.units, True)
        ]

    def shown(self) -> dict[str, tuple[int, dict[int, int]]]:
        """Reference -> package and units."""
        assert {each.reference: dict(each.units) for each in self.held.values()} == self.cart.packages
        return {each.reference: (each.holder, dict(each.units)) for each in self.held.values()}


TENT, LAMP = {"TENT": 1}, {"LAMP": 1}
KIT = {"TENT": 1, "LAMP": 2}


def test_a_replacement_takes_the_units_and_the_reference_of_the_voided_package() -> None:
    order = Order((11, 1, TENT), (12, 1, TENT))
    first, second = order.ship(TENT=1), order.ship(TENT=1)
    order.post()
    order.void(first)
    third = order.ship(TENT=1)
    order.post()
    assert order.shown() == {"10001": (third, {11: 1}), "10002": (second, {12: 1})}


def test_replacements_of_several_voided_packages_take_the_places_they_fit() -> None:
    order = Order((11, 1, TENT), (12, 2, LAMP), (13, 1, LAMP))
    packages = [order.ship(TENT=1), order.ship(LAMP=2), order.ship(LAMP=1)]
    order.post()
    for package in packages:
        order.void(package)
    lamp, two, tent = order.ship(LAMP=1), order.ship(LAMP=2), order.ship(TENT=1)
    order.post()
    assert order.shown() == {"10001": (tent, {11: 1}), "10002": (two, {12: 2}), "10003": (lamp, {13: 1})}


def test_one_package_takes_the_places_of_two() -> None:
    order = Order((11, 2, TENT))
    for _ in range(2):
        package = order.ship(TENT=1)
        order.post()
        order.void(package)
    third = order.ship(TENT=2)
    order.post()
    assert order.shown() == {"10001": (third, {11: 2})}


@pytest.mark.parametrize("lost", [False, True])
def test_one_package_takes_the_places_of_two_that_were_there_together(lost: bool) -> None:
    order = Order((11, 2, TENT))
    both = [order.ship(TENT=1), order.ship(TENT=1)]
    order.post(lost=lost)
    for package in both:
        order.void(package)
    third = order.ship(TENT=2)
    order.post()
    assert order.shown() == {"10001": (third, {11: 1}), "10002": (third, {11: 1})}
    order.void(third)
    fourth, fifth = order.ship(TENT=1), order.ship(TENT=1)
    order.post()
    assert order.shown() == {"10001": (fourth, {11: 1}), "10002": (fifth, {11: 1})}


def test_packages_of_loose_components_never_share_a_reference() -> None:
    order = Order((11, 1, KIT))
    first = order.ship(TENT=1, LAMP=2)
    order.post()
    order.correct(first, TENT=1)
    second = order.ship(LAMP=2)
    order.post()
    assert order.shown() == {"10001": (second, {11: 1})}
    order.void(first)
    third = order.ship(TENT=1)
    order.post()
    assert order.shown() == {"10001": (third, {11: 1})}
    assert len(set(order.matching.references.values())) == 2


def test_what_the_cart_has_accepted_stands_though_units_are_cancelled_later() -> None:
    order = Order((11, 2, TENT), (12, 1, TENT))
    first = order.ship(TENT=2)
    order.post()
    order.lines[0] = LineNeed(11, 2, 1, TENT)
    second = order.ship(TENT=1)
    order.post()
    assert order.shown() == {"10001": (first, {11: 2}), "10002": (second, {12: 1})}


def test_what_was_never_accepted_is_counted_anew() -> None:
    order = Order((11, 1, KIT), (12, 1, TENT))
    first = order.ship(TENT=1)
    assert order.matching.parts == (Part(first, "10001", {12: 1}),)
    order.correct(first, TENT=1, LAMP=2)
    assert order.matching.parts == (Part(first, "10001", {11: 1}),)


_CONTENTS = st.dictionaries(st.sampled_from(["TENT", "LAMP", "STOVE"]), st.integers(1, 3), min_size=1)
_LINES = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([TENT, LAMP, KIT, {"STOVE": 1, "TENT": 1}])), min_size=1, max_size=4
)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ship"), _CONTENTS),
        st.tuples(st.just("correct"), st.tuples(st.integers(0, 5), _CONTENTS)),
        st.tuples(st.just("void"), st.integers(0, 5)),
        st.tuples(st.just("post"), st.just(None)),
        st.tuples(st.just("lose"), st.just(None)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(_LINES, _STEPS)
def test_whatever_is_packed_corrected_and_voided_the_cart_takes_it(
    lines: Sequence[tuple[int, Mapping[str, int]]], steps: Sequence[tuple[str, object]]
) -> None:
    order = Order(*((number, units, parts) for number, (units, parts) in enumerate(lines, start=11)))
    ordered = Counter[str]()
    for units, parts in lines:
        ordered.update({sku: each * units for sku, each in parts.items()})

    def possible(contents: Mapping[str, int], instead_of: int | None = None) -> dict[str, int]:
        left = ordered.copy()
        for package in order.packages.values():
            if package.id != instead_of:
                left.subtract(package.contents)
        return {sku: min(units, left[sku]) for sku, units in contents.items() if left[sku] > 0}

    for verb, what in [*steps, ("post", None)]:
        standing = list(order.packages)
        if verb == "post" or verb == "lose":
            order.post(lost=verb == "lose")
        elif verb == "ship":
            assert isinstance(what, dict)
            if contents := possible(what):
                order.ship(**contents)
        elif standing and verb == "void":
            assert isinstance(what, int)
            order.void(standing[what % len(standing)])
        elif standing:
            assert isinstance(what, tuple)
            package = standing[what[0] % len(standing)]
            if contents := possible(what[1], package):
                order.correct(package, **contents)
        if verb == "post":
            assert order.due() == [], "the cart refused a package for good"
