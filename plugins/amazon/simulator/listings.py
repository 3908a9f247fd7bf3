"""Listings as the sellers hold them, and what a change of fulfillment_availability does to one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from plugins.amazon.simulator.clock import Clock, iso
from plugins.amazon.simulator.sellers import Seller

DEFAULT = "DEFAULT"
FBA_CODES = {"na": "AMAZON_NA", "eu": "AMAZON_EU", "fe": "AMAZON_JP"}
AVAILABILITY = "/attributes/fulfillment_availability"
MAX_LEAD_DAYS = 30
_FIELDS = frozenset({"fulfillment_channel_code", "quantity", "lead_time_to_ship_max_days", "restock_date"})


@dataclass
class Listing:
    """One SKU of one seller. Quantities and lead time are shared by all marketplaces of the region.

    `channels` maps a fulfillment channel code to its quantity; `lead_days` None means the account's default;
    `stranded` counts units left in Amazon's warehouses when a push turned the offer merchant-fulfilled.
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

    @property
    def fba(self) -> bool:
        """Whether Amazon fulfills the offer."""
        return any(code != DEFAULT for code in self.channels)

    def availability(self) -> list[dict[str, Any]]:
        """`fulfillmentAvailability` of listingsItems_2021-08-01.json."""
        return [{"fulfillmentChannelCode": code, "quantity": count} for code, count in self.channels.items()]


class Rejected(Exception):
    """A change that is refused; becomes an issue of severity ERROR."""

    def __init__(self, code: str, message: str, attribute: str | None = "fulfillment_availability") -> None:
        super().__init__(message)
        self.code, self.message, self.attribute = code, message, attribute


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
        home_only = DEFAULT not in channels and bool(channels) and not seller.remote_fulfillment
        number = f"{sum(ord(letter) * (place + 7) for place, letter in enumerate(sku)):08d}"[-8:]
        listing = Listing(
            seller.id,
            sku,
            f"B0{number}",
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

    def delete(self, listing: Listing) -> None:
        """Take a listing down."""
        del self._listings[listing.seller, listing.sku]

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

    def patch(
        self, seller: Seller, listing: Listing, patches: list[dict[str, Any]], at: datetime, *, preview: bool = False
    ) -> None:
        """Apply JSON Patch operations to fulfillment_availability, all or none.

        Raises:
            Rejected: one of them is not allowed.
        """
        channels, lead_days = dict(listing.channels), listing.lead_days
        for operation in patches:
            if operation["path"] != AVAILABILITY:
                raise Rejected("4000003", f"This simulation changes {AVAILABILITY} only.", operation["path"])
            for value in _values(operation):
                _check_value(listing, seller, value)
                channels, lead_days = _changed(channels, lead_days, operation["op"], value)
        if preview:
            return
        if listing.fba and DEFAULT in channels:
            listing.converted = True
            listing.stranded += sum(count for code, count in channels.items() if code != DEFAULT)
            channels = {DEFAULT: channels[DEFAULT]}
        listing.channels, listing.lead_days, listing.updated = channels, lead_days, at

    def summary(self, listing: Listing, seller: Seller) -> dict[str, Any]:
        """What steering shows."""
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


def _values(operation: dict[str, Any]) -> list[dict[str, Any]]:
    values = operation.get("value")
    if not isinstance(values, list) or not values or not all(isinstance(value, dict) for value in values):
        raise Rejected("4000001", "Invalid parameters provided: value must be a list of objects.")
    return values


def _check_value(listing: Listing, seller: Seller, value: dict[str, Any]) -> None:
    code, quantity, lead = (value.get(name) for name in _FIELDS_IN_ORDER)
    if unknown := value.keys() - _FIELDS:
        raise Rejected("99010", f"'{min(unknown)}' is not a field of fulfillment_availability.")
    if code is None:
        raise Rejected("4000001", "Invalid parameters provided: fulfillment_channel_code is missing.")
    if code != DEFAULT:
        raise Rejected("4000002", f"Quantity of channel {code!r} is kept by Amazon and cannot be set.")
    if lead is not None and (not _is_count(lead) or lead > MAX_LEAD_DAYS):
        raise Rejected("90202", f"lead_time_to_ship_max_days must be a whole number from 0 to {MAX_LEAD_DAYS}.")
    if quantity is None and "lead_time_to_ship_max_days" in value:
        raise Rejected("90220", "lead_time_to_ship_max_days cannot be changed without quantity.")
    if quantity is not None and not _is_count(quantity):
        raise Rejected("90202", "quantity must be a whole number of 0 or more.")
    if listing.fba and seller.remote_fulfillment:
        raise Rejected("8572", "A SKU enrolled in Remote Fulfillment with FBA may not hold a seller-fulfilled offer.")


_FIELDS_IN_ORDER = ("fulfillment_channel_code", "quantity", "lead_time_to_ship_max_days")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _changed(
    channels: dict[str, int], lead_days: int | None, op: str, value: dict[str, Any]
) -> tuple[dict[str, int], int | None]:
    """`replace` and `add` swap the whole value, so a lead time left out is wiped (models issue 4406)."""
    lead = value.get("lead_time_to_ship_max_days")
    quantity = value.get("quantity")
    if op == "delete":
        return {code: count for code, count in channels.items() if code != DEFAULT}, None
    if op == "merge":
        kept = channels.get(DEFAULT, 0)
        return channels | {DEFAULT: kept if quantity is None else quantity}, lead_days if lead is None else lead
    return channels | {DEFAULT: quantity or 0}, lead
