"""From packages of warehouse SKUs back to units of the cart's order lines, in step with what the cart has; pure.

A cart keeps an order's packages under references: what it has under one can be changed, not taken back, and it refuses
a unit that it has under another one. So units stay where the cart has them as long as the packages' contents allow, and
what stands under the reference of a package that was voided is the first thing that the packages after it take over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LineNeed:
    """An order line: its units given to the warehouse, how many of them the cart still wants, and what one of them is
    made of."""

    line_id: int
    given: int
    wanted: int
    components: Mapping[str, int]


@dataclass(frozen=True)
class StandingPackage:
    """A package that is not voided: its reference so far, and its units by warehouse SKU."""

    id: int
    reference: str
    contents: Mapping[str, int]


@dataclass(frozen=True)
class HeldUnits:
    """Units by order line that the cart has under a reference, for the package `holder`; where it is not `sure`, they
    were sent and no answer is known."""

    reference: str
    holder: int
    units: Mapping[int, int]
    sure: bool = True


@dataclass(frozen=True)
class Part:
    """Units of a package as the cart shall have them under a reference."""

    package_id: int
    reference: str
    units: Mapping[int, int]


@dataclass(frozen=True)
class Matching:
    """How the cart shall have an order's packages.

    Args:
        references: of every standing package, its own; no two have the same.
        parts: what each package completes. One under a reference that is not the package's own takes over what the
            cart has of a package that was voided, or completes nothing any more.
    """

    references: Mapping[int, str]
    parts: tuple[Part, ...]


def match_units(
    lines: Sequence[LineNeed], packages: Sequence[StandingPackage], held: Sequence[HeldUnits], first_reference: int
) -> Matching:
    """Say which units each package completes, and under which reference.

    A kit is completed by the package that brings its last component. Never more units than a line's; the same input
    always gives the same, and so does its result.

    Args:
        packages: in the order they were shipped.
        held: of each reference at most one.
        first_reference: the least number a reference is made of; none in use is given out again.
    """
    matcher = _Matcher(lines, packages, held)
    matcher.keep_what_is_held()
    matcher.replace_voided()
    matcher.complete(beside_the_held=True)
    matcher.take_over()
    matcher.complete(beside_the_held=False)
    return matcher.result(first_reference)


class _Contents:
    """The rest of the packages' contents; a package also uses what those before it have left."""

    def __init__(self, packages: Sequence[StandingPackage]) -> None:
        self._left = [Counter(package.contents) for package in packages]

    def possible(self, components: Mapping[str, int], place: int) -> int:
        """How many units the package at `place` can complete."""
        if not components:
            return 0
        return min(sum(left[sku] for left in self._left[: place + 1]) // units for sku, units in components.items())

    def take(self, components: Mapping[str, int], count: int, place: int) -> None:
        """Use up the components of `count` units, the newest first: earlier packages can use fewer."""
        for sku, units in components.items():
            needed = units * count
            for left in reversed(self._left[: place + 1]):
                used = min(needed, left[sku])
                left[sku] -= used
                needed -= used

    def copy(self) -> _Contents:
        """The same, to try something."""
        other = _Contents(())
        other._left = [left.copy() for left in self._left]
        return other


class _Matcher:
    def __init__(
        self, lines: Sequence[LineNeed], packages: Sequence[StandingPackage], held: Sequence[HeldUnits]
    ) -> None:
        self._lines = {line.line_id: line for line in lines}
        self._packages = packages
        self._place = {package.id: place for place, package in enumerate(packages)}
        self._held = {entry.reference: entry for entry in sorted(held, key=lambda entry: int(entry.reference))}
        self._contents = _Contents(packages)
        self._assigned: Counter[int] = Counter()
        self._own: dict[int, Counter[int]] = {package.id: Counter() for package in packages}
        # Of each package the reference the cart has it under; what it has under others besides.
        self._slots: dict[int, str] = {}
        self._others: dict[str, Part] = {}
        for reference, entry in self._held.items():
            at = self._place.get(entry.holder)
            if at is not None and packages[at].reference == reference:
                self._slots[entry.holder] = reference

    def keep_what_is_held(self) -> None:
        """Leave to each package what the cart has of it, as far as its contents allow."""
        standing = [entry for entry in self._held.values() if entry.holder in self._place]
        # What is sure before what is not; then as shipped, for earlier packages have less to take from.
        for entry in sorted(standing, key=lambda entry: (not entry.sure, self._place[entry.holder])):
            self._give(entry.holder, entry, kept=entry.sure)

    def replace_voided(self) -> None:
        """Let new packages take the place of voided ones, each where it fits best."""
        while True:
            tries = [
                (self._fit(package, entry), -place, -number, package, entry)
                for place, package in enumerate(self._packages)
                if package.id not in self._slots
                for number, entry in enumerate(self._unused())
                if entry.holder not in self._place
            ]
            best = max(tries, key=lambda each: each[:3], default=None)
            if best is None or not best[0][0]:
                return
            self._slots[best[3].id] = best[4].reference
            self._give(best[3].id, best[4])

    def complete(self, *, beside_the_held: bool) -> None:
        """Complete units with what is left; `beside_the_held` only such as no package has at the cart that is to be
        replaced yet."""
        for place, package in enumerate(self._packages):
            reserved: Counter[int] = Counter()
            if beside_the_held:
                for entry in self._unused():
                    reserved.update(entry.units)
            for line in self._lines.values():
                room = line.wanted - self._assigned[line.line_id] - reserved[line.line_id]
                self._own[package.id][line.line_id] += self._use(self._contents, line, room, place)

    def take_over(self) -> None:
        """Let packages take over what else the cart has of packages that were voided or emptied."""
        for entry in self._unused():
            for package in sorted(self._packages, key=lambda each: each.id in self._slots):
                if not self._fit(package, entry)[0]:
                    continue
                if self._slots.get(entry.holder) == entry.reference:
                    del self._slots[entry.holder]
                self._slots.setdefault(package.id, entry.reference)
                self._give(package.id, entry)
                break

    def result(self, first_reference: int) -> Matching:
        """The packages' references and parts as decided."""
        self._give_references_back()
        references = dict(self._slots)
        used = {*references.values(), *self._others}
        numbers = [int(reference) for reference in (*self._held, *(each.reference for each in self._packages))]
        number = max((first_reference - 1, *numbers)) + 1
        for package in self._packages:
            if package.id in references:
                continue
            mine = package.reference not in used and package.reference not in self._held
            # One that completes nothing may carry what another took over from it.
            carries = package.reference in self._others and not self._units(package.id)
            if not mine and not (carries and package.reference not in references.values()):
                references[package.id] = str(number)
                number += 1
            else:
                references[package.id] = package.reference
            used.add(references[package.id])
        parts = [
            Part(package.id, references[package.id], self._units(package.id))
            for package in self._packages
            if self._units(package.id)
        ]
        return Matching(references, (*parts, *self._others.values()))

    def _give_references_back(self) -> None:
        """A package that had nothing to tell the cart, and lent its reference to another one's units, needs it back."""
        for package in self._packages:
            lent = self._others.get(package.reference)
            if lent is None or package.id in self._slots or not self._units(package.id):
                continue
            del self._others[package.reference]
            self._own[lent.package_id].update(lent.units)
            self._slots[package.id] = package.reference

    def _unused(self) -> list[HeldUnits]:
        """Return the units the cart has under references that nothing decided so far will change or confirm."""
        used = {reference for package_id, reference in self._slots.items() if self._units(package_id)}
        return [
            entry for reference, entry in self._held.items() if reference not in used and reference not in self._others
        ]

    def _units(self, package_id: int) -> dict[int, int]:
        return {line_id: units for line_id, units in self._own[package_id].items() if units}

    def _fit(self, package: StandingPackage, entry: HeldUnits) -> tuple[int, bool, bool]:
        """How many of the held units a package can complete, whether that is all of them, and whether they are sure."""
        given = self._completed(package.id, entry, self._contents.copy(), kept=False)
        return sum(given.values()), given == Counter(entry.units), entry.sure

    def _completed(self, package_id: int, entry: HeldUnits, contents: _Contents, *, kept: bool) -> Counter[int]:
        given: Counter[int] = Counter()
        for line_id, units in entry.units.items():
            line = self._lines.get(line_id)
            if line is None:
                continue
            # What the cart has accepted stands, though it be cancelled there later.
            room = (line.given if kept else line.wanted) - self._assigned[line_id]
            given[line_id] = self._count(contents, line, min(units, room), self._place[package_id])
            contents.take(line.components, given[line_id], self._place[package_id])
        return +given

    def _give(self, package_id: int, entry: HeldUnits, *, kept: bool = False) -> None:
        given = self._completed(package_id, entry, self._contents, kept=kept)
        self._assigned.update(given)
        if self._slots.get(package_id) == entry.reference:
            self._own[package_id].update(given)
        elif given:
            self._others[entry.reference] = Part(package_id, entry.reference, dict(given))

    def _use(self, contents: _Contents, line: LineNeed, most: int, place: int) -> int:
        count = self._count(contents, line, most, place)
        contents.take(line.components, count, place)
        self._assigned[line.line_id] += count
        return count

    @staticmethod
    def _count(contents: _Contents, line: LineNeed, most: int, place: int) -> int:
        return max(0, min(most, contents.possible(line.components, place)))
