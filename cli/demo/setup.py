"""The demo's merchants, stores, stock and mappings. Part of it comes late, so that holds are seen to
release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cli.trial import MERCHANTS

NORTHWIND, SUMMIT, SAKURA, MERLION = (account for _, _, account in MERCHANTS)

STOCK = {
    "TENT-2P": "Two-person tent",
    "LAMP-USB": "USB camping lamp",
    "STOVE-MINI": "Mini gas stove",
    "000123": "Titanium spork",
    "Mug Blue 12oz": "Enamel mug, blue, 12 oz",
}
# Sold by Amazon out of its own warehouses: never to be overwritten, whatever lies in ours.
FBA_SKU, FBA_NAME = "COOLER-FBA", "Cooler bag"
UNITS = 10_000
SHIPPING = {"STANDARD": "GROUND", "EXPEDITED": "TWO_DAY", "SECOND_DAY": "TWO_DAY", "NEXT_DAY": "OVERNIGHT"}
BUNDLE = {"BUNDLE-CAMP": {"TENT-2P": 1, "LAMP-USB": 2}}

LATE_SHIPPING = {"SCHEDULED": "BEST_RATE"}
# What one unit of an article is that nobody had mapped.
LATE_MYSTERY = {"STOVE-MINI": 1}


@dataclass(frozen=True)
class StorePlan:
    """A store to connect.

    Args:
        items: listed and activated before the first orders are read, under the warehouse's own names.
        mix: its orders by what is special about them; empty for as many of every kind as the demo was asked for.
    """

    account: str
    region: str
    seller: str
    nickname: str
    lead_days: int
    items: tuple[str, ...]
    mix: Mapping[str, int] = field(default_factory=dict)


MAIN = StorePlan(
    NORTHWIND, "na", "A2SIMNA0000001", "US main", 3, ("TENT-2P", "LAMP-USB", "STOVE-MINI", "000123", FBA_SKU)
)
NEWCOMER = StorePlan(NORTHWIND, "na", "A2SIMNA0000002", "Blue Harbor", 2, ("TENT-2P",), {"plain": 5})
EUROPE = StorePlan(NORTHWIND, "eu", "A2SIMEU0000001", "Europe", 4, ("Mug Blue 12oz",), {"plain": 4, "non_ascii": 1})
ENROLLED = StorePlan(SUMMIT, "na", "A2SIMNA0000003", "Summit", 3, ("TENT-2P", "LAMP-USB"), {"plain": 4})
SAKURA_TRAIL = StorePlan(SAKURA, "fe", "A2SIMFE0000001", "Sakura", 3, ("TENT-2P", "000123"), {"plain": 4})
WITH_LEGACY_TOKEN = StorePlan(MERLION, "fe", "A2SIMFE0000002", "Merlion", 5, ("LAMP-USB",), {"plain": 4})
STORES = (MAIN, NEWCOMER, EUROPE, ENROLLED, SAKURA_TRAIL, WITH_LEGACY_TOKEN)
# Listings that would be in more marketplaces than one demo has listings feeds for: 5 in 5 minutes.
FEW_MARKETPLACES = {EUROPE.seller: ["A1F83G8C2ARO7P", "A1PA6795UKMFR9"]}

INVENTORY_EVERY_S = 12 * 3600


def store_settings(plan: StorePlan, orders_from: str) -> dict[str, str]:
    """Return the values typed into the last form of the install, by field; the rest keeps its defaults."""
    return {
        "nickname": plan.nickname,
        "orders_from": orders_from,
        "lead_days": str(plan.lead_days),
        "inventory_every": str(INVENTORY_EVERY_S),
    }
