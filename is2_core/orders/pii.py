"""A buyer's data as it is sealed: {"address", "buyer", "lines"}, opened where it is needed."""

from __future__ import annotations

from typing import Any

from is2_core.db.types import SealedValue
from is2_core.orders.wording.sealing import OrderKey


def nobody() -> dict[str, Any]:
    """Return the value that is sealed where the cart has told nothing yet."""
    return {"address": None, "buyer": None, "lines": {}}


def pii_of(key: OrderKey, sealed: SealedValue | None, corrected: SealedValue | None) -> dict[str, Any]:
    """Return the data of an order's buyer, decrypted: as the cart tells it, with the address a person typed where
    one did; nobody where it is erased.

    Args:
        sealed, corrected: see `Recipient`.

    Raises:
        CannotOpen: it was not stored for this order, or is damaged.
    """
    told: dict[str, Any] = dict(sealed.open(*key)) if sealed else nobody()
    return told | {"address": corrected.open(*key)} if corrected else told
