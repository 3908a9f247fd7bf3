"""The expected end of an order, worked out from Amazon's side alone: the order as it is there, and what was set up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

# fulfillmentStatus in orders_2026-01-01.json, but UNFULFILLABLE, which is no state of a whole order.
_STATUSES = {"PENDING", "PENDING_AVAILABILITY", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED"}


@dataclass(frozen=True)
class SetUp:
    """The mappings at the end; `stopped` are orders that the warehouse ended, `by_hand` those confirmed at Amazon
    by hand, `not_from_here` SKUs that the merchant ships himself."""

    skus: Collection[str]
    methods: Collection[str]
    stopped: frozenset[str] = frozenset()
    by_hand: frozenset[str] = frozenset()
    not_from_here: frozenset[str] = frozenset()


def hold_codes(order: dict[str, Any], set_up: SetUp) -> set[str]:
    """Why an order that is ready to ship must wait; empty where nothing holds it."""
    fulfillment = order.get("fulfillment", {})
    method = fulfillment.get("fulfillmentServiceLevel", "")
    items = [item for item in order["orderItems"] if item["product"].get("sellerSku") not in set_up.not_from_here]
    reasons = {
        "UNKNOWN_VALUE": fulfillment.get("fulfillmentStatus") not in _STATUSES,
        "METHOD_UNMAPPED": method not in set_up.methods,
        "SKU_UNKNOWN": any(item["product"].get("sellerSku") not in set_up.skus for item in items),
        "ADDRESS_MISSING": "deliveryAddress" not in order.get("recipient", {}),
        "CANCELLATION_REQUESTED": any("cancellationRequest" in item.get("cancellation", {}) for item in items),
    }
    return {code for code, holds in reasons.items() if holds}
