"""The listings feed that sets quantity and handling time of SKUs (JSON_LISTINGS_FEED, listings-feed-schema-v2.json)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from plugins.interface import Rejected, StockLevel

FEED_TYPE = "JSON_LISTINGS_FEED"
CONTENT_TYPE = "application/json; charset=UTF-8"
LEAD_DAYS_MAX = 30

REMOTE_FULFILLMENT_ISSUE = "8572"
REMOTE_FULFILLMENT_MESSAGE = (
    "Your Amazon account is enrolled in Remote Fulfillment with FBA: set the option Remote Fulfillment With FBA to "
    "Yes, then stock is synced."
)


def refuse(level: StockLevel) -> Rejected | None:
    """Why a level must not be sent."""
    if level.lead_days is None or not 0 <= level.lead_days <= LEAD_DAYS_MAX:
        # Amazon would take a quantity without a handling time, and reset the SKU's own (models issue 4406).
        return Rejected("LEAD_DAYS", f"Fulfillment Latency must be between 0 and {LEAD_DAYS_MAX} days.")
    if not level.sku or not level.sku.isprintable():
        return Rejected("UNFIT_SKU", "Amazon takes no SKU that is empty or holds characters that cannot be printed.")
    return None


def build_feed(seller: str, levels: Iterable[tuple[int, StockLevel]]) -> bytes:
    """The JSON document for one marketplace.

    Args:
        seller: the selling partner id.
        levels: each with the number of its message.
    """
    header = {"sellerId": seller, "version": "2.0", "issueLocale": "en_US"}
    messages = [_message(number, level) for number, level in levels]
    return json.dumps({"header": header, "messages": messages}, ensure_ascii=False).encode()


def refused_for_remote_fulfillment(*, chosen: bool) -> Rejected:
    """Return the meaning of an issue 8572, by whether the option is chosen already."""
    if chosen:
        sentence = "Amazon sells this SKU from its own stock in other countries and takes no merchant quantity for it."
        return Rejected(REMOTE_FULFILLMENT_ISSUE, sentence)
    return Rejected(REMOTE_FULFILLMENT_ISSUE, REMOTE_FULFILLMENT_MESSAGE)


def _message(number: int, level: StockLevel) -> dict[str, Any]:
    # Replacing swaps the whole value: quantity and handling time only ever travel together.
    value = {
        "fulfillment_channel_code": "DEFAULT",
        "quantity": level.available,
        "lead_time_to_ship_max_days": level.lead_days,
    }
    return {
        "messageId": number,
        "sku": level.sku,
        "operationType": "PATCH",
        "productType": "PRODUCT",
        "patches": [{"op": "replace", "path": "/attributes/fulfillment_availability", "value": [value]}],
    }
