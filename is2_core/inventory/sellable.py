"""How many units of a cart SKU can be sold, and why; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Far above what anybody stocks; a number beyond it is a mistake somewhere.
MOST = 1_000_000


@dataclass(frozen=True)
class SkuStock:
    """Units of one warehouse SKU: lying there, promised to the warehouse's open orders, needed by received orders not
    yet placed, and kept back."""

    on_hand: int
    committed: int
    waiting: int = 0
    buffer: int = 0

    @property
    def sellable(self) -> int:
        """Units that may be offered; below 0 where more is promised than there is."""
        return self.on_hand - self.committed - self.waiting - self.buffer


@dataclass(frozen=True)
class Sellable:
    """The number to show for a cart SKU, and how it came about: `calculation` has the keys limiting (the warehouse SKU
    that decides), components (what one unit is made of, with the figures of each) and clamped."""

    quantity: int
    calculation: dict[str, Any] = field(default_factory=dict)


def sellable(components: Mapping[str, int], stock: Mapping[str, SkuStock]) -> Sellable | None:
    """Return the units of an item that can be sold.

    Args:
        components: warehouse SKU -> units in one unit of the cart's.

    Returns:
        None where the item is made of nothing, or the warehouse says nothing of a component.
    """
    if not components or any(sku not in stock for sku in components):
        return None
    whole = {sku: max(0, stock[sku].sellable) // units for sku, units in components.items()}
    limiting = min(whole, key=lambda sku: (whole[sku], sku))
    rows = [
        {
            "sku": sku,
            "per_unit": units,
            "on_hand": stock[sku].on_hand,
            "committed": stock[sku].committed,
            "waiting": stock[sku].waiting,
            "buffer": stock[sku].buffer,
            "sellable": stock[sku].sellable,
        }
        for sku, units in components.items()
    ]
    quantity = min(whole[limiting], MOST)
    return Sellable(quantity, {"limiting": limiting, "components": rows, "clamped": whole[limiting] > MOST})


def too_many_zeros(falling: int, active: int) -> bool:
    """Whether so many SKUs would fall to zero at once that a person should look first: more than one, and more than a
    fifth of all. One alone is an ordinary sell-out."""
    return falling > 1 and falling * 5 > active
