"""All simulated orders and the changes Amazon, the buyer and the seller make to them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from plugins.amazon.simulator.access.marketplaces import BY_COUNTRY
from plugins.amazon.simulator.clock import Clock, iso, parse_time
from plugins.amazon.simulator.orders.order_shape import check_order

HISTORY = timedelta(days=730)
# For JP, AU and SG "data from 2016 and after is available"; no simulated order is older.
_LONG_MEMORY = frozenset(BY_COUNTRY[country].id for country in ("jp", "au", "sg"))

_BUYER_SEES = {
    "PENDING_AVAILABILITY": "Pre-ordered",
    "PENDING": "Pending",
    "UNSHIPPED": "Ordered",
    "PARTIALLY_SHIPPED": "Partly shipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Cancelled",
    "UNFULFILLABLE": "Not deliverable",
}


@dataclass
class BookedOrder:
    """One order: `order` is the whole object in the model's shape, the rest is what Amazon knows beside it.

    `package_edits` counts the edits of each package, by its reference.
    """

    seller: str
    order: dict[str, Any]
    created: datetime
    updated: datetime
    branch: str | None = None
    merchant_order_id: str | None = None
    merchant_item_ids: dict[str, str] | None = None
    acknowledged_at: datetime | None = None
    refunded: bool = False
    twice: bool = False
    package_edits: dict[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """orderId."""
        return str(self.order["orderId"])

    @property
    def status(self) -> str:
        """fulfillmentStatus, UNSHIPPED when the order carries none."""
        return str(self.order.get("fulfillment", {}).get("fulfillmentStatus", "UNSHIPPED"))

    @property
    def fulfilled_by(self) -> str:
        """MERCHANT or AMAZON."""
        return str(self.order.get("fulfillment", {}).get("fulfilledBy", "MERCHANT"))

    @property
    def marketplace(self) -> str | None:
        """Id of the marketplace the order was placed in."""
        marketplace: str | None = self.order["salesChannel"].get("marketplaceId")
        return marketplace

    def is_listed(self, now: datetime) -> bool:
        """Whether listings still hold it: for two years, in three marketplaces for longer (orders_2026-01-01.json)."""
        return self.marketplace in _LONG_MEMORY or self.created >= now - HISTORY

    @property
    def buyer_view(self) -> str:
        """Return the state the buyer reads under "Your Orders": Processing once the seller has acknowledged."""
        if self.refunded:
            return "Refunded"
        if self.status == "UNSHIPPED" and self.acknowledged_at:
            return "Processing"
        return _BUYER_SEES.get(self.status, self.status)

    def item(self, order_item_id: str) -> dict[str, Any] | None:
        """One line by its id."""
        return next((item for item in self.order["orderItems"] if item.get("orderItemId") == order_item_id), None)

    def summary(self) -> dict[str, Any]:
        """Return an order as steering shows it."""
        return {
            "orderId": self.id,
            "seller": self.seller,
            "branch": self.branch,
            "status": self.status,
            "fulfilledBy": self.fulfilled_by,
            "marketplaceId": self.marketplace,
            "merchantOrderId": self.merchant_order_id,
            "merchantItemIds": self.merchant_item_ids or {},
            "acknowledgedTime": iso(self.acknowledged_at) if self.acknowledged_at else None,
            "buyer_view": self.buyer_view,
            "packages": self.order.get("packages", []),
            "createdTime": iso(self.created),
            "lastUpdatedTime": iso(self.updated),
        }


class OrderBook:
    """Orders by id; an order id is unique over all sellers, as at Amazon."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._orders: dict[str, BookedOrder] = {}
        self._by_seller: dict[str, list[BookedOrder]] = {}

    def add(self, seller: str, order: dict[str, Any], branch: str | None = None) -> BookedOrder:
        """Take in an order as the model shapes it.

        Raises:
            ValueError: a required field is missing or malformed, or the id is taken.
        """
        check_order(order)
        if order["orderId"] in self._orders:
            raise ValueError(f"order {order['orderId']} exists already")
        booked = BookedOrder(
            seller, order, parse_time(order["createdTime"]), parse_time(order["lastUpdatedTime"]), branch
        )
        order["createdTime"], order["lastUpdatedTime"] = iso(booked.created), iso(booked.updated)
        for name in ("orderAliases", "programs", "associatedOrders"):
            order.setdefault(name, [])
        self._orders[booked.id] = booked
        self._by_seller.setdefault(seller, []).append(booked)
        return booked

    def get(self, order_id: str) -> BookedOrder | None:
        """The order, whoever's it is."""
        return self._orders.get(order_id)

    def of(self, seller: str) -> list[BookedOrder]:
        """A seller's orders in the order of entry."""
        return self._by_seller.get(seller, [])

    def all(self) -> Iterable[BookedOrder]:
        """Every order."""
        return self._orders.values()

    def by_merchant_id(self, seller: str, merchant_order_id: str) -> BookedOrder | None:
        """The seller's order that a MerchantOrderID is linked to."""
        return next((each for each in self.of(seller) if each.merchant_order_id == merchant_order_id), None)

    def touch(self, booked: BookedOrder, at: datetime | None = None) -> None:
        """An aspect of the order changed: raise lastUpdatedTime ("any change made by Amazon or the seller")."""
        booked.updated = max(booked.updated, at or self._clock.now())
        booked.order["lastUpdatedTime"] = iso(booked.updated)

    def acknowledge(
        self, booked: BookedOrder, merchant_order_id: str | None, item_ids: dict[str, str], at: datetime
    ) -> None:
        """Effect of an acknowledgement with Success: the seller's own numbers are linked to the order."""
        booked.acknowledged_at = booked.acknowledged_at or at
        if merchant_order_id and not booked.merchant_order_id:
            booked.merchant_order_id = merchant_order_id
            booked.order["orderAliases"] = [
                *booked.order["orderAliases"],
                {"aliasId": merchant_order_id, "aliasType": "SELLER_ORDER_ID"},
            ]
        if item_ids:
            booked.merchant_item_ids = (booked.merchant_item_ids or {}) | item_ids
        self.touch(booked, at)

    def cancel(self, booked: BookedOrder, by: str, reason: str, at: datetime | None = None) -> None:
        """Cancel the whole order; `by` is BUYER, MERCHANT or AMAZON."""
        self._fulfillment(booked)["fulfillmentStatus"] = "CANCELLED"
        for item in booked.order["orderItems"]:
            execution = {"cancelledBy": by, "cancelReason": reason}
            item["cancellation"] = item.get("cancellation", {}) | {"cancellationExecution": execution}
            if "fulfillment" in item:
                item["fulfillment"] = item["fulfillment"] | {"quantityUnfulfilled": 0}
        self.touch(booked, at)

    def request_cancel(self, booked: BookedOrder, reason: str) -> None:
        """The buyer asks for cancellation; the seller decides."""
        for item in booked.order["orderItems"]:
            request = {"requester": "BUYER", "cancelReason": reason}
            item["cancellation"] = item.get("cancellation", {}) | {"cancellationRequest": request}
        self.touch(booked)

    def make_payable(self, booked: BookedOrder) -> None:
        """Payment is authorized: a pending order becomes ready to ship."""
        self._fulfillment(booked)["fulfillmentStatus"] = "UNSHIPPED"
        self.touch(booked)

    def set_fields(self, booked: BookedOrder, fields: dict[str, Any]) -> None:
        """Merge `fields` into the order object, objects deeply, a null removes.

        Raises:
            ValueError: the order would no longer be one; it is of no use then.
        """
        _merge(booked.order, {key: value for key, value in fields.items() if key != "orderId"})
        check_order(booked.order)
        booked.created = parse_time(booked.order["createdTime"])
        if "lastUpdatedTime" in fields:
            booked.updated = parse_time(fields["lastUpdatedTime"])
        else:
            self.touch(booked)

    @staticmethod
    def _fulfillment(booked: BookedOrder) -> dict[str, Any]:
        fulfillment: dict[str, Any] = booked.order.setdefault("fulfillment", {"fulfillmentStatus": "UNSHIPPED"})
        return fulfillment


def _merge(target: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value
