"""JSON_LISTINGS_FEED: checked by the rules of Amazon's listings-feed-schema-v2, applied message by message."""

import json
from collections.abc import Mapping
from typing import Any

from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.feeds.feeds import Feed, Outcome
from plugins.amazon.simulator.listings.listing_view import PARTS, item_view
from plugins.amazon.simulator.listings.listings import Listing, Listings
from plugins.amazon.simulator.listings.offers import Rejected, check_patches, malformed, patches_for
from plugins.amazon.simulator.reading import read_json

REPORT_TYPE = "application/json; charset=UTF-8"
MAX_MESSAGES = 25_000
_MAX_ID = 2**31 - 1
_FIELDS = frozenset({"messageId", "sku", "operationType", "productType", "requirements", "attributes", "patches"})
REQUIREMENTS = ("LISTING", "LISTING_PRODUCT_ONLY", "LISTING_OFFER_ONLY")
_API_VERSION = "2021-08-01"
# Per operation: the fields it needs, then those it forbids.
_RULES = {
    "UPDATE": ({"productType", "attributes"}, {"patches"}),
    "PARTIAL_UPDATE": ({"productType", "attributes"}, {"patches", "requirements"}),
    "PATCH": ({"productType", "patches"}, {"attributes", "requirements"}),
    "DELETE": (set(), {"requirements", "attributes", "productType", "patches"}),
}


class _FileError(Exception):
    """The whole feed is refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class ListingsFeedProcessor:
    """Applies a feed to the listings and writes its JSON report."""

    def __init__(self, listings: Listings, sellers: Mapping[str, Seller]) -> None:
        self._listings = listings
        self._sellers = sellers

    def __call__(self, feed: Feed, content: bytes) -> Outcome:
        """Process one feed; a file-level fault applies nothing and carries no messageId."""
        issues: list[dict[str, Any]] = []
        applied: list[str] = []
        messages: list[Any] = []
        wanted: dict[str, Any] | None = None
        try:
            header, messages = _read(content, feed.seller)
            wanted = header.get("report")
        except _FileError as problem:
            issues.append({"code": problem.code, "severity": "ERROR", "message": problem.message})
        seen: set[int] = set()
        for message in messages:
            try:
                _check_message(message, seen)
                self._apply(feed, message)
                applied.append(message["sku"])
            except Rejected as problem:
                issues.append(_issue(message, problem))
        report: dict[str, Any] = {
            "header": {"sellerId": feed.seller, "version": "2.0", "feedId": feed.id},
            "issues": issues,
            "summary": {
                "errors": len(issues),
                "warnings": 0,
                "messagesProcessed": len(messages),
                "messagesAccepted": len(applied),
                "messagesInvalid": len(messages) - len(applied),
            },
        }
        if wanted is not None:
            report["header"]["report"] = wanted
            report["items"] = self._items(feed, applied, wanted["includedData"])
            report["summary"]["itemSummary"] = {"items": len(report["items"]), "errors": 0, "warnings": 0}
        return Outcome(json.dumps(report, ensure_ascii=False).encode(), REPORT_TYPE, skus=applied)

    def _items(self, feed: Feed, skus: list[str], parts: list[str]) -> list[dict[str, Any]]:
        """Return the items the feed created or updated, as the Listings Items API shows it."""
        listings = (self._listings.get(feed.seller, sku) for sku in dict.fromkeys(skus))
        there = [each for each in listings if each and feed.marketplaces[0] in each.marketplaces]
        return [item_view(listing, feed.marketplaces, parts) for listing in there]

    def _apply(self, feed: Feed, message: dict[str, Any]) -> None:
        if feed.rejects(message["sku"]):
            raise Rejected("8058", "The message could not be processed. Please send it again.", None)
        seller, place = self._sellers[feed.seller], feed.marketplaces[0]
        listing = self._listings.get(feed.seller, message["sku"])
        if message["operationType"] == "UPDATE":
            if listing is not None:
                check_product_type(message["productType"], listing)
            self._listings.update(seller, message["sku"], [place], message["attributes"], feed.ends)
            return
        if listing is None or place not in listing.marketplaces:
            raise Rejected(
                "13013", "This SKU does not exist in the seller's catalog. The data was not processed.", None
            )
        if message["operationType"] == "DELETE":
            self._listings.delete(listing, [place])
            return
        check_product_type(message["productType"], listing)
        patches = message.get("patches") or patches_for(message["attributes"])
        self._listings.patch(seller, listing, patches, feed.ends)


def check_product_type(product_type: Any, listing: Listing) -> None:
    """PRODUCT fits any SKU for changes of the offer only; raises Rejected for another type than the listing's."""
    if product_type not in ("PRODUCT", listing.product_type):
        raise Rejected("8560", f"Product type {product_type!r} is not the one of this SKU.", None)


def _read(content: bytes, seller: str) -> tuple[dict[str, Any], list[Any]]:
    try:
        payload = read_json(content)
    except ValueError as problem:
        raise _FileError("4002001", f"The feed is not valid JSON: {problem}") from problem
    header = payload.get("header") if isinstance(payload, dict) else None
    if not isinstance(header, dict) or set(payload) != {"header", "messages"}:
        raise _FileError("4002005", "The feed must have exactly a header and messages.")
    if header.get("version") != "2.0" or header.keys() - {"sellerId", "version", "issueLocale", "report"}:
        raise _FileError("4002005", "The header is not one of version 2.0.")
    if header.get("sellerId") != seller:
        raise _FileError("4002005", "header.sellerId is not the seller this feed was submitted for.")
    locale = header.get("issueLocale", "")
    if not isinstance(locale, str) or ("report" in header and not _is_report(header["report"])):
        raise _FileError("4002005", "issueLocale or report of the header is not what the schema allows.")
    messages = payload["messages"]
    if not isinstance(messages, list) or not 1 <= len(messages) <= MAX_MESSAGES:
        raise _FileError("4002005", f"messages must hold 1 to {MAX_MESSAGES} messages.")
    return header, messages


def _is_report(report: Any) -> bool:
    """Whether header.report is one of the schema."""
    parts = report.get("includedData") if isinstance(report, dict) else None
    return (
        isinstance(parts, list)
        and bool(parts)
        and all(isinstance(part, str) and part in PARTS for part in parts)
        and report.get("apiVersion") == _API_VERSION
    )


def _check_message(message: Any, seen: set[int]) -> None:
    if not isinstance(message, dict):
        raise malformed("a message must be an object.", None)
    number, operation = message.get("messageId"), message.get("operationType")
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= _MAX_ID or number in seen:
        raise malformed("messageId must be a whole number that is unique in the feed.", "messageId")
    seen.add(number)
    if not isinstance(message.get("sku"), str) or not message["sku"]:
        raise malformed("sku is missing.", "sku")
    if not isinstance(operation, str) or operation not in _RULES:
        raise malformed(f"operationType {operation!r} is not one of {', '.join(_RULES)}.", "operationType")
    needed, forbidden = _RULES[operation]
    if missing := needed - message.keys():
        raise Rejected("90220", f"'{min(missing)}' is required but not supplied.", min(missing))
    if surplus := (message.keys() & forbidden) | (message.keys() - _FIELDS):
        raise malformed(f"'{min(surplus)}' is not allowed with {operation}.", min(surplus))
    if "productType" in message and not (isinstance(message["productType"], str) and message["productType"]):
        raise malformed("productType must be a text.", "productType")
    if message.get("requirements", REQUIREMENTS[0]) not in REQUIREMENTS:
        raise malformed(f"requirements must be one of {', '.join(REQUIREMENTS)}.", "requirements")
    if "patches" in message:
        check_patches(message["patches"])
    if "attributes" in message and not (isinstance(message["attributes"], dict) and message["attributes"]):
        raise malformed("attributes must be an object that holds at least one.", "attributes")


def _issue(message: Any, problem: Rejected) -> dict[str, Any]:
    issue: dict[str, Any] = {"code": problem.code, "severity": "ERROR", "message": problem.message}
    if isinstance(message, dict):
        number, sku = message.get("messageId"), message.get("sku")
        if isinstance(number, int) and not isinstance(number, bool) and number >= 1:
            issue["messageId"] = number
        if isinstance(sku, str) and sku:
            issue["sku"] = sku
    return issue | ({"attributeName": problem.attribute} if problem.attribute else {})
