"""confirmShipment of the Orders API v0: packages, partial shipments and edits."""

import re
from typing import Any

from plugins.amazon.simulator.clock import Clock, iso, parse_time
from plugins.amazon.simulator.messages import ApiError, invalid_input, not_found
from plugins.amazon.simulator.order_book import BookedOrder, OrderBook

# The clocks of two companies differ a little.
_CLOCK_SKEW_S = 300
_WRONG_ITEM = "OrderItemId is invalid, please obtain the value through the getOrderItems API or Manage Orders page"
_NOT_FOUND = (
    "Failed to create package due to not finding a matching package or order already fulfilled. "
    "errorMetric=PackageToUpdateNotFound"
)


class Shipments:
    """Takes confirmations and keeps the orders' packages, quantities and status in step."""

    def __init__(self, book: OrderBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def confirm(self, seller: str, order_id: str, body: dict[str, Any]) -> BookedOrder:
        """Confirm, or edit, one package of an order.

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
        self._check_order(booked)
        self._check_carrier(detail)
        quantities = self._quantities(booked, detail.get("orderItems"))
        packages = booked.order.setdefault("packages", [])
        old = next((package for package in packages if package["packageReferenceId"] == reference), None)
        if old is None and booked.status == "SHIPPED":
            raise invalid_input(_NOT_FOUND)
        self._check_quantities(booked, quantities, without=old)
        package = self._package(booked, reference, detail, quantities, old)
        packages[:] = [package if each is old else each for each in packages] if old else [*packages, package]
        self._settle(booked)
        return booked

    def _check_order(self, booked: BookedOrder) -> None:
        if booked.fulfilled_by != "MERCHANT":
            raise invalid_input("The order is fulfilled by Amazon and cannot be confirmed by the seller.")
        if "FBM_SHIP_PLUS" in booked.order["programs"]:
            raise invalid_input("Ship+ orders cannot be confirmed: their labels are bought from Amazon.")
        if booked.status == "CANCELLED":
            raise invalid_input(_WRONG_ITEM)
        if booked.status in ("PENDING", "PENDING_AVAILABILITY"):
            raise invalid_input("The order is pending and must not be shipped.")

    def _check_carrier(self, detail: dict[str, Any]) -> None:
        for name in ("carrierCode", "trackingNumber", "shipDate"):
            if not isinstance(detail.get(name), str) or not detail[name].strip():
                raise invalid_input(f"{name[0].upper()}{name[1:]} is missing.")
        if detail["carrierCode"] == "Other" and not str(detail.get("carrierName", "")).strip():
            raise invalid_input("CarrierName is mandatory when CarrierCode is Other.")

    def _quantities(self, booked: BookedOrder, lines: Any) -> dict[str, int]:
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

    def _check_quantities(
        self, booked: BookedOrder, quantities: dict[str, int], without: dict[str, Any] | None
    ) -> None:
        others = self._shipped(booked, without)
        for item_id, quantity in quantities.items():
            item = booked.item(item_id)
            assert item is not None
            if others.get(item_id, 0) + quantity > item["quantityOrdered"]:
                raise invalid_input(f"Quantity of item {item_id} is more than the quantity left to ship.")

    def _package(
        self,
        booked: BookedOrder,
        reference: str,
        detail: dict[str, Any],
        quantities: dict[str, int],
        old: dict[str, Any] | None,
    ) -> dict[str, Any]:
        now = self._clock.now()
        try:
            shipped = parse_time(detail["shipDate"])
        except ValueError as problem:
            raise _bad_date(str(problem)) from problem
        if shipped < booked.created or (shipped - now).total_seconds() > _CLOCK_SKEW_S:
            raise _bad_date("it lies before the order or in the future")
        package = {
            "packageReferenceId": reference,
            "createdTime": old["createdTime"] if old else iso(now),
            "packageStatus": {"status": "SHIPPED"},
            "carrier": detail.get("carrierName") or detail["carrierCode"],
            "shipTime": iso(shipped),
            "trackingNumber": detail["trackingNumber"],
            "packageItems": [{"orderItemId": key, "quantity": count} for key, count in quantities.items()],
        }
        if "shippingMethod" in detail:
            package["shippingService"] = detail["shippingMethod"]
        return package

    @staticmethod
    def _shipped(booked: BookedOrder, without: dict[str, Any] | None = None) -> dict[str, int]:
        sums: dict[str, int] = {}
        for package in booked.order.get("packages", []):
            if package is not without:
                for line in package.get("packageItems", []):
                    sums[line["orderItemId"]] = sums.get(line["orderItemId"], 0) + line["quantity"]
        return sums

    def _settle(self, booked: BookedOrder) -> None:
        shipped = self._shipped(booked)
        left = 0
        for item in booked.order["orderItems"]:
            done = shipped.get(item["orderItemId"], 0)
            open_units = max(0, item["quantityOrdered"] - done)
            left += open_units
            counts = {"quantityFulfilled": done, "quantityUnfulfilled": open_units}
            item["fulfillment"] = item.get("fulfillment", {}) | counts
        fulfillment = booked.order.setdefault("fulfillment", {})
        fulfillment["fulfillmentStatus"] = "PARTIALLY_SHIPPED" if left else "SHIPPED"
        self._book.touch(booked)


def _bad_date(why: str) -> ApiError:
    return invalid_input(f"ShipDate is invalid: {why}.")
