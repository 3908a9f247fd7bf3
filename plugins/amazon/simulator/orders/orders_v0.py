"""The seven reads of the Orders API v0, deprecated and served by Amazon until 2027-03-27 (ordersV0.json)."""

import base64
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from plugins.amazon.simulator.access.marketplaces import MARKETPLACES
from plugins.amazon.simulator.access.roles import DIRECT_TO_CONSUMER, RESTRICTED_ELEMENTS
from plugins.amazon.simulator.clock import Clock, parse_time, whole_second
from plugins.amazon.simulator.messages import invalid_input, not_found
from plugins.amazon.simulator.orders.custom_links import CustomLinks
from plugins.amazon.simulator.orders.order_book import BookedOrder, OrderBook
from plugins.amazon.simulator.orders.order_shape import ORDER_ID
from plugins.amazon.simulator.orders.orders_v0_view import (
    CHANNELS,
    NAME_IN,
    STATUSES,
    address_v0,
    buyer_v0,
    delivery_preferences,
    item_buyer_v0,
    item_v0,
    order_v0,
)
from plugins.amazon.simulator.reading import whole_number

_NEWEST = timedelta(minutes=2)
# How long a NextToken lives is not published for this version; a day as in v2026-01-01 (unverified).
_TOKEN_LIFE = timedelta(hours=24)
# What must not go with SellerOrderId (ordersV0.json).
_NOT_BY_SELLER_ID = (
    "FulfillmentChannels",
    "OrderStatuses",
    "PaymentMethods",
    "LastUpdatedAfter",
    "LastUpdatedBefore",
    "BuyerEmail",
)
_EASY_SHIP = frozenset(
    """PendingSchedule PendingPickUp PendingDropOff LabelCanceled PickedUp DroppedOff AtOriginFC AtDestinationFC
    Delivered RejectedByBuyer Undeliverable ReturningToSeller ReturnedToSeller Lost OutForDelivery Damaged""".split()
)
_INVOICES = frozenset("NotRequired NotFound Processing Errored Accepted".split())
# No simulated order has any of these, so a filter by one of them finds nothing.
_NEVER = (
    "EasyShipShipmentStatuses",
    "ElectronicInvoiceStatuses",
    "ActualFulfillmentSupplySourceId",
    "StoreChainStoreId",
)
# No simulated order has a regulated item, and the model has no other way to say so.
_UNREGULATED: dict[str, Any] = {
    "RequiresDosageLabel": False,
    "RegulatedInformation": {"Fields": []},
    "RegulatedOrderVerificationStatus": {
        "Status": "Approved",
        "RequiresMerchantAction": False,
        "ValidRejectionReasons": [],
    },
}
_WINDOWS = {
    "EarliestDeliveryDateBefore": "EarliestDeliveryDate",
    "EarliestDeliveryDateAfter": "EarliestDeliveryDate",
    "LatestDeliveryDateBefore": "LatestDeliveryDate",
    "LatestDeliveryDateAfter": "LatestDeliveryDate",
}


@dataclass(frozen=True)
class _Bookmark:
    seller: str
    found: tuple[str, ...]
    offset: int
    size: int
    bound: tuple[str, str]
    expires: datetime


class OrdersV0:
    """Answers over the same book as the later version."""

    def __init__(self, book: OrderBook, links: CustomLinks, clock: Clock, rng: random.Random) -> None:
        self._book, self._links, self._clock, self._rng = book, links, clock, rng
        self._bookmarks: dict[str, _Bookmark] = {}

    def answer(
        self,
        name: str,
        seller: str,
        path: Mapping[str, str],
        query: Mapping[str, str],
        *,
        roles: Collection[str],
        restricted: Collection[str] | None,
    ) -> dict[str, Any]:
        """The `payload` of one of the seven reads.

        Args:
            name: which of them.
            seller: whose orders.
            path: path parameters.
            query: the parameters as sent.
            roles: what the seller granted.
            restricted: elements a restricted data token opens; None for a plain access token. Without it restricted
                fields are left out, with no error.

        Raises:
            ApiError: 400 for parameters that break a rule; 404 for lines or details of an unknown order.
        """
        opened = [each for each in restricted or () if RESTRICTED_ELEMENTS[each] & set(roles)]
        if DIRECT_TO_CONSUMER not in roles:
            opened = [NAME_IN.get(each, each) for each in opened]
        if name == "getOrders":
            return self._list(seller, query, opened)
        order_id = path["orderId"]
        if not ORDER_ID.fullmatch(order_id):
            raise invalid_input("AmazonOrderId is invalid")
        booked = self._book.get(order_id)
        if booked is None or booked.seller != seller:
            if name == "getOrderV0":
                # A well-formed id that nobody knows is no error here (amzn/selling-partner-api-models issue 2939).
                return {}
            raise not_found(f"Order {order_id} was not found.")
        if "NextToken" in query:
            raise invalid_input("NextToken is invalid.")
        return self._detail(name, booked, opened)

    def _detail(self, name: str, booked: BookedOrder, opened: Collection[str]) -> dict[str, Any]:
        order, now = self._links.linked(booked.order), self._clock.now()
        shown: dict[str, Any] = {"AmazonOrderId": booked.id}
        if name == "getOrderV0":
            return order_v0(order, opened, now)
        if name == "getOrderBuyerInfo":
            return shown | buyer_v0(order, opened)
        if name == "getOrderAddress":
            address, preferences = address_v0(order, opened, now), delivery_preferences(order, opened)
            shown |= {"ShippingAddress": address} if address else {}
            return shown | ({"DeliveryPreferences": preferences} if preferences else {})
        if name == "getOrderRegulatedInfo":
            return shown | _UNREGULATED
        if name == "getOrderItemsBuyerInfo":
            lines = [{"OrderItemId": item["orderItemId"]} | item_buyer_v0(item, opened) for item in order["orderItems"]]
            return shown | {"OrderItems": lines}
        return shown | {"OrderItems": [item_v0(order, item, opened) for item in order["orderItems"]]}

    def _list(self, seller: str, query: Mapping[str, str], opened: Collection[str]) -> dict[str, Any]:
        if not query.get("MarketplaceIds"):
            raise invalid_input("MarketplaceIds is missing.")
        if "NextToken" in query:
            mark = self._bookmarks.get(query["NextToken"])
            if mark is None or mark.seller != seller or self._clock.now() > mark.expires:
                raise invalid_input("NextToken is invalid.")
        else:
            mark = self._search(seller, query)
        now = self._clock.now()
        page = [self._book.get(order_id) for order_id in mark.found[mark.offset : mark.offset + mark.size]]
        reply: dict[str, Any] = {"Orders": [order_v0(booked.order, opened, now) for booked in page if booked]}
        reply |= dict([mark.bound])
        if mark.offset + mark.size < len(mark.found):
            onward = replace(mark, offset=mark.offset + mark.size, expires=now + _TOKEN_LIFE)
            # Amazon's hold characters that an address must percent-encode.
            token = "/+" + base64.b64encode(self._rng.randbytes(31)).decode("ascii")
            self._bookmarks[token] = onward
            reply["NextToken"] = token
        return reply

    def _search(self, seller: str, query: Mapping[str, str]) -> _Bookmark:
        try:
            size = whole_number(query.get("MaxResultsPerPage", "100"), 1, 100)
        except ValueError as problem:
            raise invalid_input("MaxResultsPerPage must be between 1 and 100.") from problem
        family, start, end = self._window(query)
        passes = _filter(query)
        now = self._clock.now()

        def moment(booked: BookedOrder) -> datetime:
            return booked.created if family == "Created" else booked.updated

        found = [
            booked
            for booked in self._book.of(seller)
            if start <= moment(booked) <= end
            and booked.is_listed(now)
            and passes(order_v0(booked.order, ("buyerInfo",), now))
        ]
        found.sort(key=lambda booked: (moment(booked), booked.id))
        bound = (f"{family}Before", whole_second(end))
        ids = tuple(booked.id for booked in found)
        return _Bookmark(seller, ids, 0, size, bound, now + _TOKEN_LIFE)

    def _window(self, query: Mapping[str, str]) -> tuple[str, datetime, datetime]:
        after = [name for name in ("CreatedAfter", "LastUpdatedAfter") if name in query]
        if len(after) != 1:
            raise invalid_input("Either CreatedAfter or LastUpdatedAfter must be provided, and not both.")
        family = after[0].removesuffix("After")
        other = "LastUpdated" if family == "Created" else "Created"
        if f"{other}Before" in query:
            raise invalid_input(f"{other}Before must not be provided together with {family}After.")
        newest = self._clock.now() - _NEWEST
        start = _moment(query, f"{family}After")
        end = _moment(query, f"{family}Before") if f"{family}Before" in query else newest
        if not start <= end <= newest:
            raise invalid_input(
                f"{family}Before must be after {family}After and at least two minutes before the time of the request."
            )
        return family, start, end


def _moment(query: Mapping[str, str], name: str) -> datetime:
    try:
        return parse_time(query[name])
    except ValueError as problem:
        raise invalid_input(f"{name} is invalid: {problem}.") from problem


def _filter(query: Mapping[str, str]) -> Callable[[dict[str, Any]], bool]:
    """Return the filters as a question to an order in this version's words."""
    if "SellerOrderId" in query and (clash := [name for name in _NOT_BY_SELLER_ID if name in query]):
        raise invalid_input(f"{clash[0]} cannot be specified together with SellerOrderId.")
    _values(query, "EasyShipShipmentStatuses", _EASY_SHIP)
    _values(query, "ElectronicInvoiceStatuses", _INVOICES)
    wanted = {
        "MarketplaceId": _values(query, "MarketplaceIds", MARKETPLACES, 50),
        "OrderStatus": _values(query, "OrderStatuses", {*STATUSES.values(), "InvoiceUnconfirmed"}),
        "FulfillmentChannel": _values(query, "FulfillmentChannels", CHANNELS.values()),
        "PaymentMethod": _values(query, "PaymentMethods", ("COD", "CVS", "Other")),
        "AmazonOrderId": _values(query, "AmazonOrderIds", None, 50),
        "SellerOrderId": _values(query, "SellerOrderId", None),
    }
    pickup = {"true": True, "false": False}.get(query.get("IsISPU", ""))
    edges = {name: _moment(query, name) for name in _WINDOWS if name in query}

    def passes(order: dict[str, Any]) -> bool:
        if any(name in query for name in _NEVER):
            return False
        if "BuyerEmail" in query and order.get("BuyerInfo", {}).get("BuyerEmail") != query["BuyerEmail"]:
            return False
        if pickup is not None and order["IsISPU"] != pickup:
            return False
        for name, edge in edges.items():
            if _WINDOWS[name] not in order:
                return False
            there = parse_time(order[_WINDOWS[name]])
            if there > edge if name.endswith("Before") else there < edge:
                return False
        return all(not values or order.get(name) in values for name, values in wanted.items())

    return passes


def _values(query: Mapping[str, str], name: str, known: Collection[str] | None, most: int = 100) -> frozenset[str]:
    values = query[name].split(",") if query.get(name) else []
    if len(values) > most or (known is not None and not set(values) <= set(known)):
        raise invalid_input(f"{name} is invalid: too many values, or one that is unknown.")
    return frozenset(values)
