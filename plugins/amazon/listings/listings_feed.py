"""The listings feed that sets quantity and handling time of SKUs (JSON_LISTINGS_FEED, listings-feed-schema-v2.json)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from plugins.interface import InventoryQuantity, Rejected

FEED_TYPE = "JSON_LISTINGS_FEED"
CONTENT_TYPE = "application/json; charset=UTF-8"
LEAD_DAYS_MAX = 30

REMOTE_FULFILLMENT_ISSUE = "8572"
REMOTE_FULFILLMENT_MESSAGE = (
    "Your Amazon account is enrolled in Remote Fulfillment with FBA: set the option Remote Fulfillment With FBA to "
    "Yes, then stock is synced."
)


def refuse(entry: InventoryQuantity) -> Rejected | None:
    """Why a level must not be sent."""
    if not entry.lead_days_managed and (entry.lead_days is None or not 0 <= entry.lead_days <= LEAD_DAYS_MAX):
        # Amazon would take a quantity without a handling time, and reset the SKU's own (models issue 4406).
        return Rejected("LEAD_DAYS", f"Fulfillment Latency must be between 0 and {LEAD_DAYS_MAX} days.")
    if not entry.sku or not entry.sku.isprintable():
        return Rejected("UNFIT_SKU", "Amazon takes no SKU that is empty or holds characters that cannot be printed.")
    return None


def build_feed(seller: str, entries: Iterable[tuple[int, InventoryQuantity]]) -> bytes:
    """The JSON document for one marketplace.

    Args:
        seller: the selling partner id.
        levels: each with the number of its message.
    """
    header = {"sellerId": seller, "version": "2.0", "issueLocale": "en_US"}
    messages = [_message(number, entry) for number, entry in entries]
    return json.dumps({"header": header, "messages": messages}, ensure_ascii=False).encode()


def refused_for_remote_fulfillment(*, chosen: bool) -> Rejected:
    """Return the meaning of an issue 8572, by whether the option is chosen already."""
    if chosen:
        message = "Amazon sells this SKU from its own stock in other countries and takes no merchant quantity for it."
        return Rejected(REMOTE_FULFILLMENT_ISSUE, message)
    return Rejected(REMOTE_FULFILLMENT_ISSUE, REMOTE_FULFILLMENT_MESSAGE)


def _message(number: int, entry: InventoryQuantity) -> dict[str, Any]:
    # Replacing swaps the whole value: quantity and handling time travel together. Merging, since 2025-06-16, keeps what
    # it does not name of the channel.
    value: dict[str, Any] = {"fulfillment_channel_code": "DEFAULT", "quantity": entry.available}
    if not entry.lead_days_managed:
        value["lead_time_to_ship_max_days"] = entry.lead_days
    op = "merge" if entry.lead_days_managed else "replace"
    return {
        "messageId": number,
        "sku": entry.sku,
        "operationType": "PATCH",
        "productType": "PRODUCT",
        "patches": [{"op": op, "path": "/attributes/fulfillment_availability", "value": [value]}],
    }
