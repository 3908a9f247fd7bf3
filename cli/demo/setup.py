"""What the demo sets up: stock, mappings, settings. Part of it comes late, so that holds are seen to release."""

from __future__ import annotations

SELLER, REGION = "A2SIMNA0000001", "na"
STOCK = {
    "TENT-2P": "Two-person tent",
    "LAMP-USB": "USB camping lamp",
    "STOVE-MINI": "Mini gas stove",
    "000123": "Titanium spork",
    "Mug Blue 12oz": "Enamel mug, blue, 12 oz",
}
UNITS = 10_000
# Activated for sync: listed under the warehouse's own names, so without a mapping.
CUSTOM_ITEMS = ("TENT-2P", "LAMP-USB", "STOVE-MINI", "000123", "Mug Blue 12oz")
SHIPPING = {"STANDARD": "GROUND", "EXPEDITED": "TWO_DAY", "SECOND_DAY": "TWO_DAY", "NEXT_DAY": "OVERNIGHT"}

LATE_ITEMS = {"BUNDLE-CAMP": {"TENT-2P": 1, "LAMP-USB": 2}}
LATE_SHIPPING = {"SCHEDULED": "BEST_RATE"}
# What one unit of an article is that nobody had mapped.
LATE_MYSTERY = {"STOVE-MINI": 1}


def store_settings(orders_from: str, nickname: str) -> dict[str, str]:
    """What is typed into the last form of the install, by field; the rest keeps its defaults."""
    return {"nickname": nickname, "orders_from": orders_from}
