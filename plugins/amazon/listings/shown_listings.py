"""Translates Amazon's listings (listingsItems_2021-08-01.json, Item)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from plugins.interface import MERCHANT_CHANNEL, ShownInventory

REMOTE_ID_SEPARATOR = ","

_DEFAULT = "DEFAULT"
_FBA_PREFIX = "AMAZON_"
# Where Remote Fulfillment with FBA sells stock that lies in the United States.
_SOLD_FROM = {"ATVPDKIKX0DER": frozenset({"A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8", "A2Q3Y263D00KWC"})}


@dataclass(frozen=True)
class Listing:
    """One SKU: units by Amazon's channel code, empty where it is not known who ships it, and the marketplaces that list
    it and have it on sale."""

    sku: str
    channels: dict[str, int]
    lead_days: int | None
    sites: frozenset[str]
    on_sale: frozenset[str]


def parse_listing(item: dict[str, Any]) -> Listing:
    """The listing in an Item with summaries, fulfillmentAvailability and, where asked for, attributes.

    Raises:
        LookupError, TypeError, AttributeError, ValueError: the item has not the model's shape.
    """
    summaries = item.get("summaries") or []
    attributes = item.get("attributes") or {}
    return Listing(
        sku=item["sku"],
        channels=_channels(item.get("fulfillmentAvailability"), attributes),
        lead_days=_lead_days(attributes),
        sites=frozenset(summary["marketplaceId"] for summary in summaries),
        on_sale=frozenset(
            summary["marketplaceId"] for summary in summaries if "BUYABLE" in (summary.get("status") or [])
        ),
    )


def shown_inventory(listing: Listing, sites: Sequence[str]) -> ShownInventory | None:
    """Return the level the core gets; None where none of `sites` lists the SKU."""
    places = [site for site in sites if site in listing.sites]
    if not places:
        return None
    return ShownInventory(
        listing.sku,
        {MERCHANT_CHANNEL if code == _DEFAULT else code: units for code, units in listing.channels.items()},
        listing.lead_days,
        REMOTE_ID_SEPARATOR.join(places),
        # Amazon's own channels are AMAZON_NA, AMAZON_EU, AMAZON_JP, ...; any other code is a supply source, a place the
        # seller keeps stock at (multi-location inventory).
        frozenset(code for code in listing.channels if code != _DEFAULT and not code.startswith(_FBA_PREFIX)),
    )


def remote_sites(home: str, sites: Iterable[str]) -> tuple[str, ...]:
    """Those of a seller's marketplaces in which Remote Fulfillment with FBA sells the home marketplace's stock."""
    return tuple(site for site in sites if site in _SOLD_FROM.get(home, ()))


def sold_remotely(listing: Listing, remote: Iterable[str]) -> bool:
    """Whether Amazon's own stock alone is on sale in one of the `remote` marketplaces.

    Amazon shows the enrollment nowhere in the Listings API; this is how it is taken to show.
    """
    from_fba = bool(listing.channels) and all(code.startswith(_FBA_PREFIX) for code in listing.channels)
    return from_fba and not listing.on_sale.isdisjoint(remote)


def _channels(availability: Sequence[dict[str, Any]] | None, attributes: dict[str, Any]) -> dict[str, int]:
    """Units by channel code. What was submitted (the attributes) may be older than what is on sale (the availability):
    it can tell that Amazon ships, and never that the merchant does. An availability without any entry is that of a SKU
    which was never given a quantity; one that is not there says nothing."""
    if availability:
        return {str(entry["fulfillmentChannelCode"]): int(entry.get("quantity") or 0) for entry in availability}
    submitted = {
        str(code): int(entry.get("quantity") or 0)
        for entry in attributes.get("fulfillment_availability") or []
        if (code := entry.get("fulfillment_channel_code")) not in (None, _DEFAULT)
    }
    return submitted or ({_DEFAULT: 0} if availability is not None else {})


def _lead_days(attributes: dict[str, Any]) -> int | None:
    for entry in attributes.get("fulfillment_availability") or []:
        days = entry.get("lead_time_to_ship_max_days")
        if entry.get("fulfillment_channel_code") == _DEFAULT and isinstance(days, int):
            return days
    return None
