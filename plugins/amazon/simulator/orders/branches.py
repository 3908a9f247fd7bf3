"""Making generated orders special: one function a branch, which changes an ordinary order."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from plugins.amazon.simulator.access.marketplaces import BY_COUNTRY
from plugins.amazon.simulator.clock import iso
from plugins.amazon.simulator.orders.custom_links import TO_BE_LINKED
from plugins.amazon.simulator.orders.order_maker import BUNDLE, OLDEST_H, OLDEST_MIN, SKUS, OrderMaker

Order = dict[str, Any]
Change = Callable[[OrderMaker, Order, int], None]

# Values no enum of Amazon's lists, as a later version of the API might bring them.
UNKNOWN_STATUS = "AWAITING_CARRIER_SLOT"
UNKNOWN_SERVICE_LEVEL = "DRONE_SAME_HOUR"


def _multi_line(maker: OrderMaker, order: Order, number: int) -> None:
    order["orderItems"] = []
    for sku in maker.rng.sample(sorted(SKUS), maker.rng.randint(3, len(SKUS))):
        maker.add_line(order, sku, *SKUS[sku])


def _leading_zero(maker: OrderMaker, order: Order, number: int) -> None:
    maker.only(order, "000123", *SKUS["000123"])


def _prime(maker: OrderMaker, order: Order, number: int) -> None:
    order["programs"] = ["PRIME"]
    order["fulfillment"]["fulfillmentServiceLevel"] = "NEXT_DAY"


def _business(maker: OrderMaker, order: Order, number: int) -> None:
    order["programs"] = ["AMAZON_BUSINESS"]
    order["buyer"]["buyerCompanyName"] = "Simbuyer Trading Ltd"
    order["buyer"]["buyerPurchaseOrderNumber"] = f"PO-{number:05d}"


def _premium(maker: OrderMaker, order: Order, number: int) -> None:
    order["programs"] = ["PREMIUM"]
    order["fulfillment"]["fulfillmentServiceLevel"] = "SECOND_DAY"


def _amazon_fulfilled(maker: OrderMaker, order: Order, number: int) -> None:
    order["fulfillment"]["fulfilledBy"] = "AMAZON"


def _pending(maker: OrderMaker, order: Order, number: int) -> None:
    order["fulfillment"]["fulfillmentStatus"] = "PENDING"


def _cancelled(maker: OrderMaker, order: Order, number: int) -> None:
    order["fulfillment"]["fulfillmentStatus"] = "CANCELLED"
    for item in order["orderItems"]:
        item["fulfillment"]["quantityUnfulfilled"] = 0
        item["cancellation"] = {"cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "Ordered by mistake"}}


def _bundle(maker: OrderMaker, order: Order, number: int) -> None:
    maker.only(order, *BUNDLE)


def _unmapped_sku(maker: OrderMaker, order: Order, number: int) -> None:
    maker.add_line(order, f"MYSTERY-{number:03d}", "Article nobody has mapped", "19.99")


def _unmapped_method(maker: OrderMaker, order: Order, number: int) -> None:
    order["fulfillment"]["fulfillmentServiceLevel"] = "SCHEDULED"


def _missing_address(maker: OrderMaker, order: Order, number: int) -> None:
    del order["recipient"]


def _cancellation_request(maker: OrderMaker, order: Order, number: int) -> None:
    for item in order["orderItems"]:
        item["cancellation"] = {"cancellationRequest": {"requester": "BUYER", "cancelReason": "Ordered by mistake"}}


def _gift(maker: OrderMaker, order: Order, number: int) -> None:
    gift = {"giftMessage": "Simgift: happy birthday, with love 🎁", "giftWrapLevel": "PREMIUM"}
    order["orderItems"][0]["fulfillment"]["packing"] = {"giftOption": gift}


def _unknown_enum(maker: OrderMaker, order: Order, number: int) -> None:
    field, value = maker.rng.choice(
        (("fulfillmentStatus", UNKNOWN_STATUS), ("fulfillmentServiceLevel", UNKNOWN_SERVICE_LEVEL))
    )
    order["fulfillment"][field] = value


def _duplicate(maker: OrderMaker, order: Order, number: int) -> None:
    """Early in every listing by time, so that its second appearance falls on a later page."""
    for name, ago in (("createdTime", timedelta(hours=OLDEST_H)), ("lastUpdatedTime", timedelta(minutes=OLDEST_MIN))):
        order[name] = iso((maker.now - ago + timedelta(seconds=number % 30)).replace(microsecond=0))


def _partially_shipped(maker: OrderMaker, order: Order, number: int) -> None:
    maker.only(order, "TENT-2P", *SKUS["TENT-2P"], quantity=3)
    order["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED"
    item = order["orderItems"][0]
    item["fulfillment"] |= {"quantityFulfilled": 1, "quantityUnfulfilled": 2}
    order["packages"] = [
        {
            "packageReferenceId": "1",
            "createdTime": order["lastUpdatedTime"],
            "packageStatus": {"status": "SHIPPED"},
            "carrier": "UPS",
            "shipTime": order["lastUpdatedTime"],
            "trackingNumber": f"1ZSIM{number:013d}",
            "packageItems": [{"orderItemId": item["orderItemId"], "quantity": 1}],
        }
    ]


def _bad(maker: OrderMaker, order: Order, number: int) -> None:
    """Keeps to the model, yet cannot be right: quantities below one, more units to ship than were ordered."""
    maker.only(order, "STOVE-MINI", *SKUS["STOVE-MINI"])
    item = order["orderItems"][0]
    wrong = maker.rng.choice(("zero", "negative", "more"))
    if wrong == "more":
        item["fulfillment"]["quantityUnfulfilled"] = item["quantityOrdered"] + 1
        return
    item["quantityOrdered"] = 0 if wrong == "zero" else -4
    item["fulfillment"]["quantityUnfulfilled"] = item["quantityOrdered"]


def _customized(maker: OrderMaker, order: Order, number: int) -> None:
    maker.only(order, "Mug Blue 12oz", *SKUS["Mug Blue 12oz"])
    order["orderItems"][0]["product"]["customization"] = {"customizedUrl": TO_BE_LINKED}


def _ioss(maker: OrderMaker, order: Order, number: int) -> None:
    for item in order["orderItems"]:
        item["fulfillment"]["shipping"] = {"internationalShipping": {"iossNumber": f"IM{5280000000 + number}"}}


def _serial(maker: OrderMaker, order: Order, number: int) -> None:
    order["orderItems"][0]["fulfillment"]["packing"] = {"serialNumberRequirement": {"requirementType": "REQUIRED"}}


def _transparency(maker: OrderMaker, order: Order, number: int) -> None:
    for item in order["orderItems"]:
        item["programs"] = ["TRANSPARENCY"]


def _replacement(maker: OrderMaker, order: Order, number: int) -> None:
    """Sent once more for nothing."""
    order["associatedOrders"] = [{"orderId": maker.new_id(), "associationType": "REPLACEMENT_ORIGINAL_ID"}]
    free = order["proceeds"]["grandTotal"] | {"amount": "0.00"}
    order["proceeds"]["grandTotal"] = free
    for item in order["orderItems"]:
        item["product"]["price"]["unitPrice"] = free
        item["proceeds"] = {"proceedsTotal": free, "breakdowns": [{"type": "ITEM", "subtotal": free}]}


def _brazil(maker: OrderMaker, order: Order, number: int) -> None:
    place = BY_COUNTRY["br"]
    if maker.seller.region != place.region:
        raise ValueError("brazil is for a seller of North America")
    if place.id not in maker.seller.marketplaces:
        # Whoever sells in a marketplace takes part in it.
        maker.seller.marketplaces = [*maker.seller.marketplaces, place.id]
    order["salesChannel"] |= {"marketplaceId": place.id, "marketplaceName": place.name}
    maker.only(order, "LAMP-USB", *SKUS["LAMP-USB"])
    order["recipient"] = maker.recipient(place.country, order["buyer"]["buyerName"])
    address = order["recipient"]["deliveryAddress"]
    street_number, street = address["addressLine1"].split(" ", 1)
    address |= {"addressLine1": f"{street}, {street_number}", "districtOrCounty": "Bela Vista"}
    address["extendedFields"] = {
        "streetName": street,
        "streetNumber": street_number,
        "complement": f"Apto {number + 1}, Simstreet",
        "neighborhood": "Bela Vista Simstreet",
    }


def _ship_plus(maker: OrderMaker, order: Order, number: int) -> None:
    order["programs"] = ["FBM_SHIP_PLUS"]
    window = order["fulfillment"]["shipByWindow"]
    order["fulfillment"]["labelPrintingWindow"] = {"earliestDateTime": window["earliestDateTime"]}


def _delivery_preference(maker: OrderMaker, order: Order, number: int) -> None:
    hours = {"startTime": {"hour": 9, "minute": 0}, "endTime": {"hour": 17, "minute": 30}}
    order["recipient"]["deliveryAddress"]["addressType"] = "COMMERCIAL"
    order["recipient"]["deliveryPreference"] = {
        "dropOffLocation": "RECEPTIONIST",
        "addressInstruction": "Ring at the Simstreet gate, second bell",
        "deliveryTime": {"businessHours": [{"dayOfWeek": "MON", "timeWindows": [hours]}]},
        "deliveryCapabilities": ["PALLET_DISABLED"],
    }


def _constraints(maker: OrderMaker, order: Order, number: int) -> None:
    must = {"signatureConfirmation": "MANDATORY", "recipientAgeVerification": "MANDATORY"}
    order["orderItems"][0]["fulfillment"]["shipping"] = {"shippingConstraints": must}


def _cancelled_line(maker: OrderMaker, order: Order, number: int) -> None:
    """A line cancelled before it was ready stays with a quantity of 0 (that it does so is unverified)."""
    maker.only(order, "TENT-2P", *SKUS["TENT-2P"])
    maker.add_line(order, "LAMP-USB", *SKUS["LAMP-USB"])
    gone = order["orderItems"][1]
    gone |= {"quantityOrdered": 0, "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 0}}
    gone["cancellation"] = {"cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "NO_LONGER_NEEDED"}}
    nothing = gone["proceeds"]["proceedsTotal"] | {"amount": "0.00"}
    gone["proceeds"] = {"proceedsTotal": nothing, "breakdowns": [{"type": "ITEM", "subtotal": nothing}]}
    order["proceeds"]["grandTotal"] = order["orderItems"][0]["proceeds"]["proceedsTotal"]


# Branches that are not named here need no change.
CHANGES: dict[str, Change] = {
    "multi_line": _multi_line,
    "leading_zero": _leading_zero,
    "prime": _prime,
    "business": _business,
    "premium": _premium,
    "amazon_fulfilled": _amazon_fulfilled,
    "pending": _pending,
    "cancelled": _cancelled,
    "bundle": _bundle,
    "unmapped_sku": _unmapped_sku,
    "unmapped_method": _unmapped_method,
    "missing_address": _missing_address,
    "cancellation_request": _cancellation_request,
    "gift": _gift,
    "unknown_enum": _unknown_enum,
    "duplicate": _duplicate,
    "partially_shipped": _partially_shipped,
    "bad": _bad,
    "customized": _customized,
    "ioss": _ioss,
    "serial": _serial,
    "transparency": _transparency,
    "replacement": _replacement,
    "brazil": _brazil,
    "ship_plus": _ship_plus,
    "delivery_preference": _delivery_preference,
    "constraints": _constraints,
    "cancelled_line": _cancelled_line,
}
