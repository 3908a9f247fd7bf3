"""confirmShipment of the Orders API v0: packages, partial shipments and edits."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plugins.amazon.simulator.clock import Clock, iso, parse_time
from plugins.amazon.simulator.messages import ApiError, invalid_input, not_found
from plugins.amazon.simulator.orders.order_book import BookedOrder, OrderBook
from plugins.amazon.simulator.shipping.carriers import carrier_shown

# The clocks of two companies differ a little.
_CLOCK_SKEW_S = 300
# A shipped order takes edits of its packages.
_SHIPPABLE = ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED")
_WRONG_ITEM = "OrderItemId is invalid, please obtain the value through the getOrderItems API or Manage Orders page"
_NOT_FOUND = (
    "Failed to create package due to not finding a matching package or order already fulfilled. "
    "errorMetric=PackageToUpdateNotFound"
)


@dataclass(frozen=True)
class Parcel:
    """A package as the seller reports it. `shipped` is the text as sent; `quantities` and `codes` (transparency codes)
    are by order item id."""

    reference: str
    carrier: str
    method: str | None
    tracking: str
    shipped: str
    quantities: dict[str, int]
    codes: dict[str, list[str]]


class Shipments:
    """Takes confirmations and keeps the orders' packages, quantities and status in step.

    `most_edits` is how often one package can be edited. Amazon has such a limit and publishes no figure (unverified).
    """

    def __init__(self, book: OrderBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self.most_edits = 20

    def confirm(self, seller: str, order_id: str, body: dict[str, Any]) -> BookedOrder:
        """confirmShipment: confirm, or edit, one package of an order.

        Raises:
            ApiError: 404 for an unknown order, 400 InvalidInput in Amazon's words for everything else.
        """
        booked = self._book.get(order_id)
        if booked is None or booked.seller != seller:
            raise not_found(f"Order {order_id} was not found.")
        if body.get("marketplaceId") != booked.marketplace:
            raise invalid_input("MarketplaceId is invalid: it is not the marketplace of this order.")
        detail = body.get("packageDetail")
        if not isinstance(detail, dict):
            raise invalid_input("PackageDetail is missing.")
        reference = detail.get("packageReferenceId")
        if not isinstance(reference, str) or not re.fullmatch(r"[1-9][0-9]*", reference):
            raise invalid_input("PackageReferenceId: is invalid, must be a positive numeric value.")
        _check_order(booked)
        carrier = _carrier(detail)
        quantities = _quantities(booked, detail.get("orderItems"))
        codes = {line["orderItemId"]: line["transparencyCodes"] for line in detail["orderItems"] if _codes(line)}
        method, tracking, shipped = detail.get("shippingMethod"), detail["trackingNumber"], detail["shipDate"]
        self.ship(booked, Parcel(reference, carrier, method, tracking, shipped, quantities, codes), self._clock.now())
        return booked

    def ship(self, booked: BookedOrder, parcel: Parcel, at: datetime) -> None:
        """Book a package, or the edit of one, at the time `at`.

        Raises:
            ApiError: 400 InvalidInput; nothing has changed.
        """
        _check_order(booked)
        packages = booked.order.get("packages", [])
        old = next((package for package in packages if package["packageReferenceId"] == parcel.reference), None)
        if old is None and booked.status == "SHIPPED":
            raise invalid_input(_NOT_FOUND)
        if old is not None and booked.package_edits.get(parcel.reference, 0) >= self.most_edits:
            raise invalid_input("The package has reached the maximum number of allowed updates.")
        left = self.left(booked, without=old)
        for item_id, quantity in parcel.quantities.items():
            if _is_cancelled(booked.item(item_id) or {}):
                raise invalid_input(f"OrderItem {item_id} is cancelled. errorMetric=NonexistentOrderItem")
            if quantity > left[item_id]:
                raise invalid_input(f"Quantity of item {item_id} is more than the quantity left to ship.")
        package = _package(booked, parcel, old, at)
        if old is not None:
            booked.package_edits[parcel.reference] = booked.package_edits.get(parcel.reference, 0) + 1
        booked.order["packages"] = [package if each is old else each for each in packages]
        booked.order["packages"] += [] if old else [package]
        self._settle(booked, at)

    def next_reference(self, booked: BookedOrder) -> str:
        """A package number that the order does not have yet."""
        taken = {package["packageReferenceId"] for package in booked.order.get("packages", [])}
        return next(str(number) for number in range(1, len(taken) + 2) if str(number) not in taken)

    def left(self, booked: BookedOrder, without: dict[str, Any] | None = None) -> dict[str, int]:
        """Units of each line that no package holds, `without` one package; none of a cancelled line."""
        shipped = _shipped(booked, without)
        return {
            item["orderItemId"]: 0
            if _is_cancelled(item)
            else max(0, item["quantityOrdered"] - shipped.get(item["orderItemId"], 0))
            for item in booked.order["orderItems"]
        }

    def _settle(self, booked: BookedOrder, at: datetime) -> None:
        shipped, left = _shipped(booked), self.left(booked)
        for item in booked.order["orderItems"]:
            item_id = item["orderItemId"]
            counts = {"quantityFulfilled": shipped.get(item_id, 0), "quantityUnfulfilled": left[item_id]}
            item["fulfillment"] = item.get("fulfillment", {}) | counts
        fulfillment = booked.order.setdefault("fulfillment", {})
        fulfillment["fulfillmentStatus"] = "PARTIALLY_SHIPPED" if any(left.values()) else "SHIPPED"
        self._book.touch(booked, at)


def _check_order(booked: BookedOrder) -> None:
    if booked.fulfilled_by != "MERCHANT":
        raise invalid_input("The order is fulfilled by Amazon and cannot be confirmed by the seller.")
    if "FBM_SHIP_PLUS" in booked.order["programs"]:
        raise invalid_input("Ship+ orders cannot be confirmed: their labels are bought from Amazon.")
    if booked.status == "CANCELLED":
        raise invalid_input(_WRONG_ITEM)
    if booked.status not in _SHIPPABLE:
        raise invalid_input(f"The order cannot be confirmed: it is {booked.status}.")


def _carrier(detail: dict[str, Any]) -> str:
    for field in ("carrierCode", "trackingNumber", "shipDate"):
        if not isinstance(detail.get(field), str) or not detail[field].strip():
            raise invalid_input(f"{field[0].upper()}{field[1:]} is missing.")
    name = detail.get("carrierName")
    if name is not None and not isinstance(name, str):
        raise invalid_input("CarrierName is invalid, must be a text.")
    return carrier_shown(detail["carrierCode"], name)


def _quantities(booked: BookedOrder, lines: Any) -> dict[str, int]:
    if not isinstance(lines, list) or not lines:
        raise invalid_input(_WRONG_ITEM)
    quantities: dict[str, int] = {}
    for line in lines:
        item_id = line.get("orderItemId") if isinstance(line, dict) else None
        if not isinstance(item_id, str) or booked.item(item_id) is None or item_id in quantities:
            raise invalid_input(_WRONG_ITEM)
        quantity = line.get("quantity")
        if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
            raise invalid_input("Quantity is invalid, must be a positive number.")
        quantities[item_id] = quantity
    return quantities


def _codes(line: dict[str, Any]) -> bool:
    codes = line.get("transparencyCodes")
    if codes is not None and (not isinstance(codes, list) or not all(isinstance(code, str) for code in codes)):
        raise invalid_input("TransparencyCodes is invalid, must be a list of codes.")
    return bool(codes)


def _package(booked: BookedOrder, parcel: Parcel, old: dict[str, Any] | None, at: datetime) -> dict[str, Any]:
    try:
        shipped = parse_time(parcel.shipped)
    except ValueError as problem:
        raise _bad_date(str(problem)) from problem
    # That such dates are refused is reported, not published (unverified).
    if shipped < booked.created or (shipped - at).total_seconds() > _CLOCK_SKEW_S:
        raise _bad_date("it lies before the order or in the future")
    items = [
        {"orderItemId": item_id, "quantity": count}
        | ({"transparencyCodes": parcel.codes[item_id]} if item_id in parcel.codes else {})
        for item_id, count in parcel.quantities.items()
    ]
    package = {
        "packageReferenceId": parcel.reference,
        "createdTime": (old or {}).get("createdTime", iso(at)),
        "packageStatus": {"status": "SHIPPED"},
        "carrier": parcel.carrier,
        "shipTime": iso(shipped),
        "packageItems": items,
    }
    package |= {"trackingNumber": parcel.tracking} if parcel.tracking else {}
    return package | ({"shippingService": parcel.method} if parcel.method else {})


def _is_cancelled(item: dict[str, Any]) -> bool:
    return "cancellationExecution" in item.get("cancellation", {})


def _shipped(booked: BookedOrder, without: dict[str, Any] | None = None) -> dict[str, int]:
    sums: dict[str, int] = {}
    for package in booked.order.get("packages", []):
        if package is not without:
            for line in package.get("packageItems", []):
                sums[line["orderItemId"]] = sums.get(line["orderItemId"], 0) + line["quantity"]
    return sums


def _bad_date(reason: str) -> ApiError:
    return invalid_input(f"ShipDate is invalid: {reason}.")
