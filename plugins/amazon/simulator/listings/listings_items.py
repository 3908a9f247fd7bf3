"""Listings Items API 2021-08-01: reading a listing, searching, putting, patching and deleting."""

from collections.abc import Callable, Mapping
from typing import Any

from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.clock import Clock
from plugins.amazon.simulator.listings.listing_view import PARTS, item_view
from plugins.amazon.simulator.listings.listings import Listing, Listings
from plugins.amazon.simulator.listings.listings_feed import REQUIREMENTS, check_product_type
from plugins.amazon.simulator.listings.listings_search import MOST_PAGED, search
from plugins.amazon.simulator.listings.offers import Rejected, check_patches
from plugins.amazon.simulator.messages import access_denied, bad_request, not_found
from plugins.amazon.simulator.reading import whole_number


class ListingsItems:
    """The five operations."""

    def __init__(self, listings: Listings, clock: Clock) -> None:
        self._listings = listings
        self._clock = clock
        self._submissions = 0

    def get(self, seller: Seller, path: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        """getListingsItem."""
        places = _places(seller, path, query)
        return item_view(self._find(seller, path["sku"], places), places, _parts(query))

    def search(self, seller: Seller, path: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        """searchListingsItems: one page of what `search` finds."""
        places = _places(seller, path, query)
        parts = _parts(query)
        try:
            size = whole_number(query.get("pageSize", "10"), 1, 20)
            offset = whole_number(query.get("pageToken", "0"), 0)
        except ValueError as problem:
            raise bad_request("pageSize must be between 1 and 20, pageToken one that was returned.") from problem
        listed = [each for each in self._listings.of(seller.id) if set(places) & set(each.marketplaces)]
        found = search(listed, query)
        end = min(offset + size, MOST_PAGED)
        reply: dict[str, Any] = {
            "numberOfResults": len(found),
            "items": [item_view(listing, places, parts) for listing in found[offset:end]],
        }
        if end < min(len(found), MOST_PAGED):
            reply["pagination"] = {"nextToken": str(end)}
        return reply

    def patch(
        self, seller: Seller, path: Mapping[str, str], query: Mapping[str, str], body: dict[str, Any]
    ) -> dict[str, Any]:
        """patchListingsItem; what is refused for its content comes back as status INVALID with an issue.

        Raises:
            ApiError: 400 BAD_REQUEST for a shape that cannot be, such as a missing fulfillment_channel_code.
        """
        places, preview = _places(seller, path, query), _preview(query)
        identified = _identified(query, preview=preview)
        listing = self._listings.get(seller.id, path["sku"])
        if listing is None or not set(places) & set(listing.marketplaces):
            # The model gives this operation no 404.
            raise bad_request(f"SKU '{path['sku']}' not found in marketplace {places[0]}.")

        def change() -> None:
            check_patches(body.get("patches"))
            check_product_type(body.get("productType"), listing)
            self._listings.patch(seller, listing, body["patches"], self._clock.now(), preview=preview)

        return self._submitted(seller, listing.sku, change, preview=preview, identified=identified)

    def put(
        self, seller: Seller, path: Mapping[str, str], query: Mapping[str, str], body: dict[str, Any]
    ) -> dict[str, Any]:
        """putListingsItem: creates the listing, or replaces everything the seller may set of it."""
        places, preview = _places(seller, path, query, most=1), _preview(query)
        identified = _identified(query, preview=preview)
        attributes = body.get("attributes")
        if not isinstance(attributes, dict) or not isinstance(body.get("productType"), str):
            raise bad_request("Invalid parameters provided", "productType and attributes are needed.")
        if body.get("requirements", "LISTING") not in REQUIREMENTS:
            raise bad_request("Invalid parameters provided", "requirements is not one of its values.")

        def change() -> None:
            listing = self._listings.get(seller.id, path["sku"])
            if listing is not None:
                check_product_type(body["productType"], listing)
            self._listings.update(seller, path["sku"], places, attributes, self._clock.now(), preview=preview)

        return self._submitted(seller, path["sku"], change, preview=preview, identified=identified)

    def delete(self, seller: Seller, path: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        """deleteListingsItem; accepted for a SKU that is not there too: the model gives it no 404."""
        places = _places(seller, path, query, most=1)
        listing = self._listings.get(seller.id, path["sku"])

        def change() -> None:
            if listing is not None:
                self._listings.delete(listing, places)

        return self._submitted(seller, path["sku"], change)

    def _submitted(
        self,
        seller: Seller,
        sku: str,
        change: Callable[[], None],
        *,
        preview: bool = False,
        identified: bool = False,
    ) -> dict[str, Any]:
        """The answer to a submission, whose change is made at once; raises ApiError for one that is malformed."""
        self._submissions += 1
        reply: dict[str, Any] = {"sku": sku, "submissionId": f"{self._submissions:032x}", "issues": []}
        try:
            change()
        except Rejected as problem:
            if problem.malformed:
                raise bad_request("Invalid parameters provided", problem.message) from problem
            issue: dict[str, Any] = {
                "code": problem.code,
                "message": problem.message,
                "severity": "ERROR",
                "categories": ["INVALID_ATTRIBUTE"],
            }
            issue |= {"attributeNames": [problem.attribute]} if problem.attribute else {}
            return reply | {"status": "INVALID", "issues": [issue]}
        listing = self._listings.get(seller.id, sku)
        if identified and listing is not None:
            reply["identifiers"] = [{"marketplaceId": place, "asin": listing.asin} for place in listing.marketplaces]
        return reply | {"status": "VALID" if preview else "ACCEPTED"}

    def _find(self, seller: Seller, sku: str, places: list[str]) -> Listing:
        listing = self._listings.get(seller.id, sku)
        if listing is None or not set(places) & set(listing.marketplaces):
            raise not_found(f"SKU '{sku}' not found in marketplace {places[0]}.")
        return listing


def _places(seller: Seller, path: Mapping[str, str], query: Mapping[str, str], most: int | None = None) -> list[str]:
    if path["sellerId"] != seller.id:
        raise access_denied()
    places = query.get("marketplaceIds", "").split(",")
    if most is not None and len(places) > most:
        raise bad_request(f"marketplaceIds takes {most} value at most.")
    if not set(places) <= set(seller.marketplaces):
        raise bad_request("marketplaceIds is missing or names a marketplace the seller does not participate in.")
    return places


def _parts(query: Mapping[str, str]) -> list[str]:
    parts = query.get("includedData", "summaries").split(",")
    if not set(parts) <= PARTS:
        raise bad_request("includedData holds an unknown value.")
    return parts


def _identified(query: Mapping[str, str], *, preview: bool) -> bool:
    """Whether a submission's answer is to hold the identifiers, which a preview alone may ask for."""
    parts = query.get("includedData", "issues").split(",")
    if not set(parts) <= {"identifiers", "issues"}:
        raise bad_request("includedData holds an unknown value.")
    if "identifiers" in parts and not preview:
        raise bad_request("identifiers can be asked for with mode VALIDATION_PREVIEW only.")
    return "identifiers" in parts


def _preview(query: Mapping[str, str]) -> bool:
    if query.get("mode", "VALIDATION_PREVIEW") != "VALIDATION_PREVIEW":
        raise bad_request("Invalid parameters provided", "mode takes VALIDATION_PREVIEW only.")
    return "mode" in query
