"""A buyer's data as it is sealed: {"address", "buyer", "lines"}, opened where it is needed."""

from __future__ import annotations

from typing import Any

from is2_core.orders.models import ReceivedOrder, Recipient


def nobody() -> dict[str, Any]:
    """Return the value that is sealed where the cart has told nothing yet."""
    return {"address": None, "buyer": None, "lines": {}}


def pii_of(order: ReceivedOrder, row: Recipient) -> dict[str, Any]:
    """Return the data of an order's buyer, decrypted: as the cart tells it, with the address a person typed where
    one did; nobody where it is erased.

    Raises:
        CannotOpen: it was not stored for this order, or is damaged.
    """
    key = (order.integration_id, order.remote_id)
    told: dict[str, Any] = dict(row.sealed.open(*key)) if row.sealed else nobody()
    return told | {"address": row.corrected.open(*key)} if row.corrected else told
