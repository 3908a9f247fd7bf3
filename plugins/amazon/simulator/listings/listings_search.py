"""The search behind searchListingsItems, and its order (listingsItems_2021-08-01.json)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from plugins.amazon.simulator.clock import parse_time
from plugins.amazon.simulator.listings.listings import Listing
from plugins.amazon.simulator.messages import bad_request

# "The maximum number of items (SKUs) that can be returned and paged through is 1000."
MOST_PAGED = 1000
_MOST_IDENTIFIERS = 20
_BY_SKU_LISTS = ("identifiers", "variationParentSku", "packageHierarchySku")
_SORTED_BY: dict[str, Callable[[Listing], Any]] = {
    "sku": lambda listing: listing.sku,
    "createdDate": lambda listing: listing.created,
    "lastUpdatedDate": lambda listing: listing.updated,
}
_STATUSES = ("BUYABLE", "DISCOVERABLE")
_SEVERITIES = ("WARNING", "ERROR")


def search(listings: Iterable[Listing], query: Mapping[str, str]) -> list[Listing]:
    """The listings that pass every filter, in the order asked for; what was changed last comes first otherwise.

    Raises:
        ApiError: 400 BAD_REQUEST for parameters that the model does not allow, alone or together.
    """
    sort_by, order = query.get("sortBy", "lastUpdatedDate"), query.get("sortOrder", "DESC")
    if sort_by not in _SORTED_BY or order not in ("ASC", "DESC"):
        raise bad_request("sortBy takes sku, createdDate or lastUpdatedDate, sortOrder ASC or DESC.")
    tests = [_identified(query), _dated(query), _in_state(query)]
    found = sorted((each for each in listings if all(test(each) for test in tests)), key=lambda each: each.sku)
    return sorted(found, key=_SORTED_BY[sort_by], reverse=order == "DESC")


def _identified(query: Mapping[str, str]) -> Callable[[Listing], bool]:
    given = [name for name in _BY_SKU_LISTS if name in query]
    if len(given) > 1:
        raise bad_request(f"{given[0]} cannot be used together with {given[1]}.")
    if ("identifiers" in query) != ("identifiersType" in query):
        raise bad_request("identifiers and identifiersType are required together.")
    if not given:
        return lambda listing: True
    if given != ["identifiers"]:
        # No simulated listing is a variation or holds another one.
        return lambda listing: False
    wanted, kind = query["identifiers"].split(","), query["identifiersType"]
    if kind not in ("SKU", "ASIN") or len(wanted) > _MOST_IDENTIFIERS:
        raise bad_request("This simulation searches up to 20 identifiers of identifiersType SKU or ASIN.")
    return lambda listing: (listing.sku if kind == "SKU" else listing.asin) in wanted


def _dated(query: Mapping[str, str]) -> Callable[[Listing], bool]:
    edges = {
        name: _moment(query, name)
        for name in ("createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore")
        if name in query
    }

    def passes(listing: Listing) -> bool:
        for name, edge in edges.items():
            there = listing.created if name.startswith("created") else listing.updated
            if there < edge if name.endswith("After") else there > edge:
                return False
        return True

    return passes


def _in_state(query: Mapping[str, str]) -> Callable[[Listing], bool]:
    with_status, without_status = _values(query, "withStatus", _STATUSES), _values(query, "withoutStatus", _STATUSES)
    # No simulated listing has an issue.
    flawed_only = bool(_values(query, "withIssueSeverity", _SEVERITIES))

    def passes(listing: Listing) -> bool:
        statuses = set(listing.statuses)
        return not (flawed_only or (with_status and not with_status & statuses) or without_status & statuses)

    return passes


def _moment(query: Mapping[str, str], name: str) -> datetime:
    try:
        return parse_time(query[name])
    except ValueError as problem:
        raise bad_request(f"{name} is invalid: {problem}.") from problem


def _values(query: Mapping[str, str], name: str, known: Collection[str]) -> set[str]:
    values = set(query[name].split(",")) if name in query else set()
    if not values <= set(known):
        raise bad_request(f"{name} takes {' or '.join(known)} only.")
    return values
