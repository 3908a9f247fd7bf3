"""Whether an item was seen in its cart, and what becomes of one the warehouse does not know; pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

UNKNOWN_SKUS = "unknown_skus"
"""The key of an integration's setting: HOLD or NOT_FROM_HERE."""


class SeenInCart(StrEnum):
    """Whether the cart's own list shows the item."""

    YES = "YES"
    NO = "NO"
    CANNOT_CHECK = "CANNOT_CHECK"


class UnknownSku(StrEnum):
    """The answer to a cart SKU that the warehouse does not know: hold its orders, or ship it not from here; an item may
    leave it to its integration's setting."""

    AS_SET = ""
    HOLD = "hold"
    NOT_FROM_HERE = "not_from_here"


def setting_of(settings: Mapping[str, object]) -> UnknownSku:
    """Return what an integration's settings say: HOLD or NOT_FROM_HERE."""
    chosen = settings.get(UNKNOWN_SKUS)
    return UnknownSku.NOT_FROM_HERE if chosen == UnknownSku.NOT_FROM_HERE else UnknownSku.HOLD


def is_not_from_here(answer: str, setting: str, *, known: bool) -> bool:
    """Whether a cart SKU is not shipped from here.

    Args:
        answer: its item's, an `UnknownSku`; AS_SET for one that is not listed. It wins over everything else.
        setting: its integration's, HOLD or NOT_FROM_HERE.
        known: whether the warehouse has it, by its own name or by a mapping.
    """
    if answer == UnknownSku.AS_SET:
        return setting == UnknownSku.NOT_FROM_HERE and not known
    return answer == UnknownSku.NOT_FROM_HERE


def mapped_answer(answer: str) -> str:
    """Return what an item's answer becomes when it is mapped: then it is shipped from here."""
    return UnknownSku.AS_SET if answer == UnknownSku.NOT_FROM_HERE else answer
