"""From packages of warehouse SKUs back to units of the cart's order lines; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LineNeed:
    """An order line: its units given to the warehouse, and what one of them is made of."""

    line_id: int
    units: int
    components: Mapping[str, int]


def units_completed(lines: Sequence[LineNeed], packages: Sequence[Mapping[str, int]]) -> list[dict[int, int]]:
    """Per package, in the order they were shipped: line id -> cart units that this package completes.

    What does not complete a unit waits for the packages after it. Never more than a line's units, whatever a package
    holds; a package that is corrected is simply counted anew, so the same packages always give the same units.
    """
    left = {line.line_id: line.units for line in lines}
    pool: Counter[str] = Counter()
    result: list[dict[int, int]] = []
    for package in packages:
        pool.update(package)
        completed: dict[int, int] = {}
        for line in lines:
            if not line.components:
                continue
            possible = min(pool[sku] // units for sku, units in line.components.items())
            count = min(possible, left[line.line_id])
            if count > 0:
                completed[line.line_id] = count
                left[line.line_id] -= count
                pool.subtract({sku: units * count for sku, units in line.components.items()})
        result.append(completed)
    return result
