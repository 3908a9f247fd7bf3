"""How a listing is shown (listingsItems_2021-08-01.json, Item)."""

from collections.abc import Sequence
from typing import Any

from plugins.amazon.simulator.clock import iso
from plugins.amazon.simulator.listings.listings import Listing

PARTS = frozenset(
    "summaries attributes issues offers fulfillmentAvailability procurement relationships productTypes".split()
)


def item_view(listing: Listing, places: Sequence[str], parts: Sequence[str]) -> dict[str, Any]:
    """`Item`: the listing in the marketplaces named, with the datasets named."""
    shown = [place for place in places if place in listing.marketplaces]
    item: dict[str, Any] = {"sku": listing.sku}
    if "summaries" in parts:
        item["summaries"] = [
            {
                "marketplaceId": place,
                "asin": listing.asin,
                "productType": listing.product_type,
                "conditionType": "new_new",
                "status": listing.statuses,
                "itemName": listing.title,
                "createdDate": iso(listing.created),
                "lastUpdatedDate": iso(listing.updated),
            }
            for place in shown
        ]
    if "fulfillmentAvailability" in parts:
        item["fulfillmentAvailability"] = listing.availability()
    if "attributes" in parts:
        item["attributes"] = {"fulfillment_availability": _attributes(listing)} | listing.attributes
    if "issues" in parts:
        item["issues"] = []
    return item


def _attributes(listing: Listing) -> list[dict[str, Any]]:
    entries = []
    for code, quantity in listing.channels.items():
        entry: dict[str, Any] = {"fulfillment_channel_code": code, "quantity": quantity}
        if listing.lead_days is not None and code == "DEFAULT":
            entry["lead_time_to_ship_max_days"] = listing.lead_days
        entries.append(entry)
    return entries
