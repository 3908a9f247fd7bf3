"""searchOrders and getOrder of the Orders API v2026-01-01."""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from plugins.amazon.simulator.access.marketplaces import MARKETPLACES
from plugins.amazon.simulator.clock import Clock, iso, parse_time
from plugins.amazon.simulator.messages import invalid_input, not_found
from plugins.amazon.simulator.orders.custom_links import CustomLinks
from plugins.amazon.simulator.orders.order_book import BookedOrder, OrderBook
from plugins.amazon.simulator.orders.order_shape import ORDER_ID
from plugins.amazon.simulator.orders.order_view import INCLUDED_DATA, view
from plugins.amazon.simulator.reading import whole_number

FULFILLMENT_STATUSES = frozenset(
    "PENDING_AVAILABILITY PENDING UNSHIPPED PARTIALLY_SHIPPED SHIPPED CANCELLED UNFULFILLABLE".split()
)
TOKEN_LIFE = timedelta(hours=24)
NEWEST = timedelta(minutes=2)
# These two may change from page to page; everything else must be repeated (models issue 5144).
_FREE = ("maxResultsPerPage", "includedData", "paginationToken")


@dataclass(frozen=True)
class _Bookmark:
    """Where a pagination token goes on: the ids found when the search began, and the number already given."""

    seller: str
    parameters: tuple[tuple[str, str], ...]
    found: tuple[str, ...]
    offset: int
    bound: datetime
    expires: datetime


class OrderSearch:
    """The two reads of the Orders API, over an order book."""

    def __init__(self, book: OrderBook, links: CustomLinks, clock: Clock, rng: random.Random) -> None:
        self._book = book
        self._links = links
        self._clock = clock
        self._rng = rng
        self._bookmarks: dict[str, _Bookmark] = {}

    def get(self, seller: str, order_id: str, query: Mapping[str, str], roles: Collection[str]) -> dict[str, Any]:
        """getOrder.

        Raises:
            ApiError: 400 for a malformed id or dataset, 404 for an order that is not this seller's.
        """
        included = _values(query, "includedData", INCLUDED_DATA)
        if not ORDER_ID.fullmatch(order_id):
            raise invalid_input("orderId is invalid")
        booked = self._book.get(order_id)
        if booked is None or booked.seller != seller:
            raise not_found(f"Order {order_id} was not found.")
        return {"order": view(self._links.linked(booked.order), included, roles, self._clock.now())}

    def search(
        self, seller: str, query: Mapping[str, str], roles: Collection[str], *, repeat: bool = False
    ) -> dict[str, Any]:
        """searchOrders: one page.

        Args:
            seller: whose orders.
            query: the parameters as sent.
            roles: what the seller granted.
            repeat: give a new token that leads to this very page again (models issue 2297).

        Raises:
            ApiError: 400 for parameters that break a rule of the model or of the pagination.
        """
        included = _values(query, "includedData", INCLUDED_DATA)
        size = _page_size(query)
        family, start, end = self._window(query)
        filters = _filters(query)
        fixed = tuple(sorted((name, value) for name, value in query.items() if name not in _FREE))
        if "paginationToken" in query:
            mark = self._resume(seller, query["paginationToken"], fixed)
        else:
            found = self._find(seller, family, start, end, filters=filters, size=size)
            mark = _Bookmark(seller, fixed, found, 0, end, self._clock.now() + TOKEN_LIFE)
        reply, reached = self._page(mark, size, included, roles)
        reply[f"{family}Before"] = iso(mark.bound)
        if repeat:
            reached = mark.offset
        if reached < len(mark.found):
            onward = replace(mark, offset=reached, expires=self._clock.now() + TOKEN_LIFE)
            reply["pagination"] = {"nextToken": self._keep(onward)}
        return reply

    def _window(self, query: Mapping[str, str]) -> tuple[str, datetime, datetime]:
        after = [name for name in ("createdAfter", "lastUpdatedAfter") if name in query]
        if len(after) != 1:
            raise invalid_input("Exactly one of createdAfter and lastUpdatedAfter must be provided.")
        family = after[0].removesuffix("After")
        other = "lastUpdated" if family == "created" else "created"
        if f"{other}Before" in query:
            raise invalid_input(f"{other}Before must not be provided together with {family}After.")
        start = _moment(query, f"{family}After")
        newest = self._clock.now() - NEWEST
        if f"{family}Before" not in query:
            return family, start, newest
        end = _moment(query, f"{family}Before")
        if end < start:
            raise invalid_input(f"{family}Before must be equal to or after {family}After.")
        if end > newest:
            raise invalid_input(f"{family}Before must be at least two minutes before the time of the request.")
        return family, start, end

    def _find(
        self,
        seller: str,
        family: str,
        start: datetime,
        end: datetime,
        *,
        filters: dict[str, frozenset[str]],
        size: int,
    ) -> tuple[str, ...]:
        def moment(booked: BookedOrder) -> datetime:
            return booked.created if family == "created" else booked.updated

        now = self._clock.now()
        found = [
            booked
            for booked in self._book.of(seller)
            if start <= moment(booked) <= end and booked.is_listed(now) and _passes(booked, filters)
        ]
        found.sort(key=lambda booked: (moment(booked), booked.id))
        ids = [booked.id for booked in found]
        for position, booked in enumerate(found):
            # Seeded to change while the listing is being read: it comes again on a later page.
            if booked.twice and position // size < len(ids) // size:
                ids.append(booked.id)
        return tuple(ids)

    def _resume(self, seller: str, token: str, fixed: tuple[tuple[str, str], ...]) -> _Bookmark:
        mark = self._bookmarks.get(token)
        if mark is None or mark.seller != seller:
            raise invalid_input("paginationToken is invalid.")
        if self._clock.now() > mark.expires:
            raise invalid_input("paginationToken has expired.")
        if mark.parameters != fixed:
            raise invalid_input("The parameters must be those of the request that returned the paginationToken.")
        return mark

    def _page(
        self, mark: _Bookmark, size: int, included: Collection[str], roles: Collection[str]
    ) -> tuple[dict[str, Any], int]:
        now = self._clock.now()
        shown = []
        for place, order_id in enumerate(mark.found[mark.offset : mark.offset + size], mark.offset):
            booked = self._book.get(order_id)
            assert booked is not None
            if booked.twice and mark.found.index(order_id) < place:
                booked.twice = False
                self._book.touch(booked)
            shown.append(view(self._links.linked(booked.order), included, roles, now))
        return {"orders": shown}, mark.offset + len(shown)

    def _keep(self, mark: _Bookmark) -> str:
        now = self._clock.now()
        self._bookmarks = {token: kept for token, kept in self._bookmarks.items() if kept.expires >= now}
        token = f"{self._rng.getrandbits(192):048x}"
        self._bookmarks[token] = mark
        return token


def _moment(query: Mapping[str, str], name: str) -> datetime:
    try:
        return parse_time(query[name])
    except ValueError as problem:
        raise invalid_input(f"{name} is invalid: {problem}.") from problem


def _page_size(query: Mapping[str, str]) -> int:
    try:
        return whole_number(query.get("maxResultsPerPage", "100"), 1, 100)
    except ValueError as problem:
        raise invalid_input("maxResultsPerPage must be between 1 and 100.") from problem


def _values(query: Mapping[str, str], name: str, known: Collection[str]) -> frozenset[str]:
    if name not in query:
        return frozenset()
    values = query[name].split(",")
    unknown = [word for word in values if word not in known]
    if unknown:
        raise invalid_input(f"{name} is invalid: {unknown[0]!r} is not one of its values.")
    return frozenset(values)


def _filters(query: Mapping[str, str]) -> dict[str, frozenset[str]]:
    places = frozenset(query["marketplaceIds"].split(",")) if "marketplaceIds" in query else frozenset()
    if len(places) > 50 or not places <= MARKETPLACES.keys():
        raise invalid_input("marketplaceIds is invalid: more than 50 values, or one that is no marketplace.")
    return {
        "status": _values(query, "fulfillmentStatuses", FULFILLMENT_STATUSES),
        "fulfilled_by": _values(query, "fulfilledBy", ("MERCHANT", "AMAZON")),
        "marketplace": places,
    }


def _passes(booked: BookedOrder, filters: dict[str, frozenset[str]]) -> bool:
    return all(not wanted or getattr(booked, name) in wanted for name, wanted in filters.items())
