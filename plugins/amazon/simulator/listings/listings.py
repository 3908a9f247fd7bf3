"""Listings as the sellers hold them, and what a change of fulfillment_availability does to one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.clock import Clock, iso
from plugins.amazon.simulator.listings.offers import DEFAULT, Offer, patched, patches_for, title_in, withdrawn

FBA_PREFIX = "AMAZON_"
FBA_CODES = {"na": "AMAZON_NA", "eu": "AMAZON_EU", "fe": "AMAZON_JP"}


@dataclass
class Listing:
    """One SKU of one seller. Quantities and lead time are shared by all marketplaces of the region.

    `channels` maps a fulfillment channel code to its quantity: DEFAULT, one of FBA_CODES, or a supply source of the
    seller's own where he keeps stock by location; `lead_days` None means the account's default;
    `stranded` counts units left in Amazon's warehouses when a push turned the offer merchant-fulfilled. `attributes`
    are the others that a seller may set here; this simulation only keeps them.
    """

    seller: str
    sku: str
    asin: str
    title: str
    product_type: str
    marketplaces: list[str]
    created: datetime
    updated: datetime
    channels: dict[str, int] = field(default_factory=dict)
    lead_days: int | None = None
    stranded: int = 0
    converted: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def fba(self) -> bool:
        """Whether Amazon fulfills the offer."""
        return any(code.startswith(FBA_PREFIX) for code in self.channels)

    @property
    def statuses(self) -> list[str]:
        """`status` of a summary in listingsItems_2021-08-01.json."""
        return ["BUYABLE", "DISCOVERABLE"] if any(self.channels.values()) else ["DISCOVERABLE"]

    def availability(self) -> list[dict[str, Any]]:
        """`fulfillmentAvailability` of listingsItems_2021-08-01.json."""
        return [{"fulfillmentChannelCode": code, "quantity": count} for code, count in self.channels.items()]


class Listings:
    """All listings, by seller and SKU; a SKU is taken letter by letter."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listings: dict[tuple[str, str], Listing] = {}

    def put(self, seller: Seller, fields: dict[str, Any]) -> Listing:
        """Create or replace a listing (steering, presets).

        Keys: sku, quantity, fba, lead_days, title, marketplaces, and channels, which takes the place of quantity and
        fba. An FBA offer is in the home marketplace alone unless the seller is enrolled in Remote Fulfillment.
        """
        sku = fields.get("sku")
        if not isinstance(sku, str) or not sku:
            raise ValueError("a listing needs a sku")
        now = self._clock.now()
        quantity = int(fields.get("quantity", 0))
        channels = fields.get("channels", {FBA_CODES[seller.region] if fields.get("fba") else DEFAULT: quantity})
        home_only = (
            bool(channels) and all(code.startswith(FBA_PREFIX) for code in channels) and not seller.remote_fulfillment
        )
        listing = Listing(
            seller.id,
            sku,
            _asin(sku),
            fields.get("title", f"Simulated {sku}"),
            "PRODUCT",
            list(fields.get("marketplaces", [seller.home] if home_only else seller.marketplaces)),
            now,
            now,
            dict(channels),
            fields.get("lead_days"),
        )
        self._listings[seller.id, sku] = listing
        return listing

    def get(self, seller: str, sku: str) -> Listing | None:
        """A seller's listing."""
        return self._listings.get((seller, sku))

    def of(self, seller: str | None = None) -> list[Listing]:
        """All listings, or one seller's."""
        return [listing for listing in self._listings.values() if seller in (None, listing.seller)]

    def delete(self, listing: Listing, places: Collection[str]) -> None:
        """Take a listing down in marketplaces; once it stands in none, it is gone."""
        listing.marketplaces = [place for place in listing.marketplaces if place not in places]
        if not listing.marketplaces:
            del self._listings[listing.seller, listing.sku]

    def sell(self, seller: str, sku: str, quantity: int) -> None:
        """Units are ordered: Amazon takes them off the merchant's quantity at once."""
        listing = self.get(seller, sku)
        if listing is not None and DEFAULT in listing.channels:
            listing.channels[DEFAULT] = max(0, listing.channels[DEFAULT] - max(0, quantity))

    def restock(self, seller: str, sku: str, quantity: int) -> None:
        """Units come back on sale after the seller cancelled an order."""
        listing = self.get(seller, sku)
        if listing is not None and DEFAULT in listing.channels:
            listing.channels[DEFAULT] += max(0, quantity)

    def enroll(self, seller: Seller) -> None:
        """Remote Fulfillment with FBA begins: the FBA offers are sold in all of the seller's marketplaces, and Amazon
        zeroes their merchant quantity."""
        for listing in self.of(seller.id):
            if listing.fba:
                listing.channels.pop(DEFAULT, None)
                listing.marketplaces = list(seller.marketplaces)

    def withdraw(self, seller: Seller) -> None:
        """Remote Fulfillment with FBA ends: the FBA offers are sold at home only."""
        for listing in self.of(seller.id):
            if listing.fba:
                listing.marketplaces = [seller.home]

    def update(
        self,
        seller: Seller,
        sku: str,
        places: Sequence[str],
        attributes: dict[str, Any],
        at: datetime,
        *,
        preview: bool = False,
    ) -> None:
        """A full update: lists what is new to the seller or to a marketplace, and drops what it does not name again.

        Raises:
            Rejected: an attribute is not allowed; nothing has changed.
        """
        listing = self.get(seller.id, sku)
        if listing is None:
            listing = Listing(seller.id, sku, _asin(sku), f"Simulated {sku}", "PRODUCT", [], at, at, {DEFAULT: 0})
        patches = [*withdrawn(listing.channels, listing.attributes), *patches_for(attributes)]
        self.patch(seller, listing, patches, at, preview=preview)
        if not preview:
            listing.marketplaces += [place for place in places if place not in listing.marketplaces]
            self._listings[seller.id, sku] = listing

    def patch(
        self, seller: Seller, listing: Listing, patches: list[dict[str, Any]], at: datetime, *, preview: bool = False
    ) -> None:
        """Apply JSON Patch operations to fulfillment_availability, all or none.

        Raises:
            Rejected: one of them is not allowed.
        """
        state = Offer(dict(listing.channels), listing.lead_days, dict(listing.attributes))
        for operation in patches:
            state = patched(state, operation, shares_fba=listing.fba and seller.remote_fulfillment)
        if preview:
            return
        if listing.fba and all(code == DEFAULT for code in state.channels) and state.channels:
            listing.converted = True
            listing.stranded += sum(count for code, count in listing.channels.items() if code != DEFAULT)
        listing.channels, listing.lead_days = dict(state.channels), state.lead_days
        listing.attributes = dict(state.attributes)
        listing.title = title_in(state.attributes) or listing.title
        listing.updated = at

    def summary(self, listing: Listing, seller: Seller) -> dict[str, Any]:
        """Return a listing as steering shows it."""
        return {
            "seller": listing.seller,
            "sku": listing.sku,
            "asin": listing.asin,
            "title": listing.title,
            "marketplaces": listing.marketplaces,
            "fulfillmentAvailability": listing.availability(),
            "quantity": listing.channels.get(DEFAULT),
            "lead_days": listing.lead_days,
            "effective_lead_days": seller.default_lead_days if listing.lead_days is None else listing.lead_days,
            "fba": listing.fba,
            "converted": listing.converted,
            "stranded": listing.stranded,
            "updatedTime": iso(listing.updated),
        }


def _asin(sku: str) -> str:
    number = f"{sum(ord(letter) * (place + 7) for place, letter in enumerate(sku)):08d}"[-8:]
    return f"B0{number}"
