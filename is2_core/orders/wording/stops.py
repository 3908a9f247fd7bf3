"""Why the warehouse was asked to stop an order, and how that is worded; pure."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from is2_core.orders.wording.parameters import Params


class StopReason(StrEnum):
    """Why the warehouse was asked to stop an order."""

    DISMISSED = "DISMISSED"
    EXCLUDED = "EXCLUDED"
    SHIPPED_ELSEWHERE = "SHIPPED_ELSEWHERE"
    CANCELLED = "CANCELLED"
    PERSON = "PERSON"
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"
    ADDRESS_CHANGED = "ADDRESS_CHANGED"


_STOP_REASONS: Params = {
    StopReason.DISMISSED: "Dismissed",
    StopReason.EXCLUDED: "Not to be shipped from here any more",
    StopReason.SHIPPED_ELSEWHERE: "Confirmed at {cart} by somebody else",
    StopReason.CANCELLED: "Cancelled at {cart}",
    StopReason.PERSON: "Not to be shipped, as a person decided",
    StopReason.CANCELLATION_REQUESTED: "The buyer asked at {cart} to cancel it",
    StopReason.ADDRESS_CHANGED: "The address was changed at {cart}",
}


def stopped_wording(rest: str) -> Callable[[Params], str]:
    """Return what words the reason of a stop, and then `rest`, a template."""
    return lambda values: (
        f"{_STOP_REASONS.get(values['reason'], '').format(cart=values['cart'])}{rest.format_map(values)}"
    )
