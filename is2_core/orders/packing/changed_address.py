"""Noting an address that changes at the cart after the warehouse was given the order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from is2_core.orders.addresses.countries import country_code
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.wording.stops import StopReason

# What a parcel goes by. Phones and names change without the parcel going elsewhere: carts show stand-ins for them.
_WHERE = ("city", "region", "postal_code")


def note_changed_address(
    order: ReceivedOrder | None, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None
) -> None:
    """Have the warehouse stop an order whose parcel would go to where it is not wanted any more, while nothing of it
    is shipped. What a person corrected here stays.

    Args:
        order: as it is stored, locked; None where it is new.
        before, now: the cart's address as it was stored, and as it is.
    """
    if order is None or order.placed_at is None or order.state != ReceivedState.INJECTED or order.address_corrected:
        return
    if before and now and order.stop_asked_at is None and _place(before) != _place(now):
        order.stop_reason = StopReason.ADDRESS_CHANGED


def _place(address: Mapping[str, Any]) -> list[str]:
    lines = " ".join(str(line) for line in address.get("lines") or ())
    parts = [lines, *(str(address.get(name) or "") for name in _WHERE), country_code(str(address.get("country") or ""))]
    return [" ".join(part.casefold().replace(",", " ").split()) for part in parts]
