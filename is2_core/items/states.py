"""Whether an item was seen in its cart."""

from __future__ import annotations

from enum import StrEnum


class SeenInCart(StrEnum):
    """Whether the cart's own list shows the item."""

    YES = "YES"
    NO = "NO"
    CANNOT_CHECK = "CANNOT_CHECK"
