"""The needs of a parcel beyond its contents, from what the cart said of its lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from is2_core.orders.states import CustomizationState
from plugins.warehouse import HandlingKind, HandlingRequirement

if TYPE_CHECKING:
    from is2_core.orders.stored import StoredLine


def kind_of(word: str) -> HandlingKind:
    """The kind a cart named; OTHER where it is a word of its own."""
    try:
        return HandlingKind(word)
    except ValueError:
        return HandlingKind.OTHER


def requirements_of(
    lines: Iterable[StoredLine], components: Iterable[tuple[int, str, int]]
) -> tuple[HandlingRequirement, ...]:
    """Return the requirements of units of these lines, each thing once with all SKUs it is about.

    Args:
        components: (line id, warehouse SKU, quantity in one unit) of the lines that are placed; a line without any is
            not shipped, and nothing is asked for it.
    """
    skus: dict[int, list[str]] = {}
    for line_id, sku, _ in components:
        skus.setdefault(line_id, []).append(sku)
    found: dict[tuple[HandlingKind, str], dict[str, None]] = {}
    for line in lines:
        for asked in _asked_of(line) if line.id in skus else ():
            found.setdefault(asked, {}).update(dict.fromkeys(skus[line.id]))
    return tuple(HandlingRequirement(kind, tuple(about), value) for (kind, value), about in found.items())


def _asked_of(line: StoredLine) -> Iterator[tuple[HandlingKind, str]]:
    for word in line.handling_requirements:
        kind = kind_of(word)
        yield kind, word if kind is HandlingKind.OTHER else ""
    if line.gift:
        yield HandlingKind.GIFT, line.gift_wrap
    # Also while it is being fetched or could not be: a person may have released the order all the same.
    if line.customization != CustomizationState.NONE:
        yield HandlingKind.CUSTOMIZATION, ""
    if line.ioss:
        yield HandlingKind.IOSS, line.ioss
