"""A seeded store of orders that meets every branch of an importer."""

import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.orders.branches import CHANGES, UNKNOWN_SERVICE_LEVEL, UNKNOWN_STATUS
from plugins.amazon.simulator.orders.order_maker import BUNDLE, SKUS, OrderMaker

__all__ = ["BUNDLE", "MIX", "ON_REQUEST", "SKUS", "UNKNOWN_SERVICE_LEVEL", "UNKNOWN_STATUS", "generate", "mix_for"]

# How many of 300 orders take each branch.
MIX = {
    "plain": 120,
    "multi_line": 24,
    "leading_zero": 16,
    "non_ascii": 16,
    "prime": 12,
    "business": 8,
    "premium": 8,
    "amazon_fulfilled": 20,
    "pending": 12,
    "cancelled": 10,
    "cancel_after": 8,
    "bundle": 10,
    "unmapped_sku": 8,
    "unmapped_method": 6,
    "missing_address": 4,
    "cancellation_request": 4,
    "gift": 4,
    "unknown_enum": 2,
    "duplicate": 4,
    "partially_shipped": 2,
    "bad": 2,
}
# Branches that only a mix names.
ON_REQUEST = tuple(
    """customized ioss serial transparency replacement brazil ship_plus delivery_preference constraints
    cancelled_line""".split()
)


def mix_for(count: int | None, mix: Mapping[str, int] | None) -> dict[str, int]:
    """How many orders of each branch.

    Without `mix`, `count` (default 300) is shared out like MIX, each branch at least once when there is room. With
    `mix`, exactly those; a larger `count` is filled up with plain ones.

    Raises:
        ValueError: an unknown branch, a negative number, or a count below the sum of the mix.
    """
    if mix:
        known = (*MIX, *ON_REQUEST)
        if unknown := mix.keys() - set(known):
            raise ValueError(f"mix names the unknown branch {min(unknown)!r}; known: {', '.join(known)}")
        if any(not isinstance(number, int) or number < 0 for number in mix.values()):
            raise ValueError("mix holds a number that is not a count")
        shares = dict(mix)
        left = (sum(shares.values()) if count is None else count) - sum(shares.values())
        if left < 0:
            raise ValueError("count is less than the sum of mix")
    else:
        total = 300 if count is None else count
        if total < 1:
            raise ValueError("count must be at least 1")
        least = 1 if total >= len(MIX) else 0
        shares = {branch: max(least, number * total // 300) for branch, number in MIX.items()}
        left = total - sum(shares.values())
    shares["plain"] = shares.get("plain", 0) + left
    return {branch: number for branch, number in shares.items() if number > 0}


def generate(
    seller: Seller, shares: Mapping[str, int], seed: int, now: datetime, taken: Callable[[str], bool]
) -> list[tuple[str, dict[str, Any]]]:
    """Orders of a seller with their branch, created within two days and last updated within the last minutes.

    `taken` says whether an order id is in use already.
    """
    rng = random.Random(f"{seller.id}/{seed}")
    branches = [branch for branch, number in shares.items() for _ in range(number)]
    rng.shuffle(branches)
    maker = OrderMaker(seller, rng, now, taken)
    made = []
    for number, branch in enumerate(branches):
        order = maker.ordinary(number, beyond_ascii=branch == "non_ascii")
        if branch in CHANGES:
            CHANGES[branch](maker, order, number)
        made.append((branch, order))
    return made
