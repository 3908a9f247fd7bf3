"""Orders in the words of version 0, translated from the v2026-01-01 object that the book holds (ordersV0.json)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from plugins.amazon.simulator.clock import parse_time, whole_second
from plugins.amazon.simulator.orders.order_view import phone_is_suppressed

STATUSES = {
    "PENDING_AVAILABILITY": "PendingAvailability",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}
CHANNELS = {"MERCHANT": "MFN", "AMAZON": "AFN"}
_WITH_ADDRESS = ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED")
_PENDING = ("PENDING", "PENDING_AVAILABILITY")
_ADDRESS = {
    "name": "Name",
    "companyName": "CompanyName",
    "addressLine1": "AddressLine1",
    "addressLine2": "AddressLine2",
    "addressLine3": "AddressLine3",
    "city": "City",
    "districtOrCounty": "County",
    "stateOrRegion": "StateOrRegion",
    "municipality": "Municipality",
    "postalCode": "PostalCode",
    "countryCode": "CountryCode",
    "phone": "Phone",
}
# What every caller sees of an address; the rest takes a restricted data token.
_OPEN_ADDRESS = ("City", "StateOrRegion", "CountryCode")
# All that a tax role shows of a restricted element.
NAME_IN = {"buyerInfo": "buyerInfo.BuyerName", "shippingAddress": "shippingAddress.Name"}
_EXTENDED = {
    "streetName": "StreetName",
    "streetNumber": "StreetNumber",
    "complement": "Complement",
    "neighborhood": "Neighborhood",
}
# Version 0 has no word for cashOnDelivery.
_CONSTRAINTS = {
    "palletDelivery": "PalletDelivery",
    "signatureConfirmation": "SignatureConfirmation",
    "recipientIdentityVerification": "RecipientIdentityVerification",
    "recipientAgeVerification": "RecipientAgeVerification",
}
_LEVEL_TEXT = {"STANDARD": "Std", "EXPEDITED": "Exp", "SECOND_DAY": "Second", "NEXT_DAY": "Next", "SAME_DAY": "Same"}


def order_v0(order: Mapping[str, Any], opened: Collection[str], now: datetime) -> dict[str, Any]:
    """An `Order`; `opened` are the restricted data elements the caller may see, or the names in them (`NAME_IN`)."""
    fulfillment = order.get("fulfillment", {})
    status, programs = fulfillment.get("fulfillmentStatus", "UNSHIPPED"), order.get("programs", [])
    level = fulfillment.get("fulfillmentServiceLevel")
    counts = [item.get("fulfillment", {}) for item in order["orderItems"]]
    replaced = [
        each["orderId"]
        for each in order.get("associatedOrders", [])
        if each.get("associationType") == "REPLACEMENT_ORIGINAL_ID"
    ]
    aliases = [each["aliasId"] for each in order.get("orderAliases", []) if each["aliasType"] == "SELLER_ORDER_ID"]
    shown: dict[str, Any] = {
        "AmazonOrderId": order["orderId"],
        "SellerOrderId": aliases[0] if aliases else order["orderId"],
        "PurchaseDate": _second(order["createdTime"]),
        "LastUpdateDate": _second(order["lastUpdatedTime"]),
        "OrderStatus": STATUSES.get(status, status),
        "FulfillmentChannel": CHANNELS[fulfillment.get("fulfilledBy", "MERCHANT")],
        "NumberOfItemsShipped": sum(each.get("quantityFulfilled", 0) for each in counts),
        "NumberOfItemsUnshipped": sum(each.get("quantityUnfulfilled", 0) for each in counts),
        "PaymentMethod": "Other",
        "OrderType": "Preorder" if "PREORDER" in programs else "StandardOrder",
        "IsBusinessOrder": "AMAZON_BUSINESS" in programs,
        "IsPrime": "PRIME" in programs,
        "IsPremiumOrder": "PREMIUM" in programs,
        "IsGlobalExpressEnabled": False,
        "IsReplacementOrder": bool(replaced),
        "IsSoldByAB": False,
        "IsIBA": "INVOICE_BY_AMAZON" in programs,
        "IsISPU": "IN_STORE_PICK_UP" in programs,
        "HasRegulatedItems": False,
    }
    channel = order["salesChannel"]
    shown |= _given({"SalesChannel": channel.get("marketplaceName"), "MarketplaceId": channel.get("marketplaceId")})
    if level:
        shown["ShipmentServiceLevelCategory"] = _capitals(level)
        shown["ShipServiceLevel"] = f"{_LEVEL_TEXT.get(level, _capitals(level))} D2D Dom"
    for name, window in (("Ship", "shipByWindow"), ("Delivery", "deliverByWindow")):
        for edge in ("earliest", "latest"):
            if moment := fulfillment.get(window, {}).get(f"{edge}DateTime"):
                shown[f"{edge.capitalize()}{name}Date"] = _second(moment)
    if replaced:
        shown["ReplacedOrderId"] = replaced[0]
    if status not in _PENDING and "proceeds" in order:
        shown |= _given({"OrderTotal": _money(order["proceeds"].get("grandTotal"))})
    if address := address_v0(order, opened, now):
        shown["ShippingAddress"] = address
    if buyer := buyer_v0(order, opened):
        shown["BuyerInfo"] = buyer
    return shown


def address_v0(order: Mapping[str, Any], opened: Collection[str], now: datetime) -> dict[str, Any]:
    """The `Address`, as much of it as the caller may see; empty for an order in a state that shows none."""
    held = order.get("recipient", {}).get("deliveryAddress", {})
    if order.get("fulfillment", {}).get("fulfillmentStatus", "UNSHIPPED") not in _WITH_ADDRESS:
        return {}
    address = {theirs: held[ours] for ours, theirs in _ADDRESS.items() if ours in held}
    if "shippingAddress" not in opened:
        seen = {*_OPEN_ADDRESS, "Name"} if NAME_IN["shippingAddress"] in opened else _OPEN_ADDRESS
        return {name: value for name, value in address.items() if name in seen}
    if phone_is_suppressed(order, now):
        address.pop("Phone", None)
    if "extendedFields" in held:
        address["ExtendedFields"] = {
            theirs: held["extendedFields"][ours] for ours, theirs in _EXTENDED.items() if ours in held["extendedFields"]
        }
    if held.get("addressType") in ("RESIDENTIAL", "COMMERCIAL"):
        address["AddressType"] = held["addressType"].capitalize()
    return address


def delivery_preferences(order: Mapping[str, Any], opened: Collection[str]) -> dict[str, Any]:
    """`DeliveryPreferences` of getOrderAddress."""
    held = order.get("recipient", {}).get("deliveryPreference", {})
    if "shippingAddress" not in opened:
        return {}
    return _given(
        {"DropOffLocation": held.get("dropOffLocation"), "AddressInstructions": held.get("addressInstruction")}
    )


def buyer_v0(order: Mapping[str, Any], opened: Collection[str]) -> dict[str, Any]:
    """`BuyerInfo`, as much of it as the caller may see; empty for a pending order."""
    fulfillment, held = order.get("fulfillment", {}), order.get("buyer", {})
    if fulfillment.get("fulfillmentStatus") in _PENDING:
        return {}
    if "buyerInfo" not in opened:
        return _given({"BuyerName": held.get("buyerName")}) if NAME_IN["buyerInfo"] in opened else {}
    email = held.get("buyerEmail") if fulfillment.get("fulfilledBy") != "AMAZON" else None
    return _given(
        {
            "BuyerEmail": email,
            "BuyerName": held.get("buyerName"),
            "PurchaseOrderNumber": held.get("buyerPurchaseOrderNumber"),
        }
    )


def item_v0(order: Mapping[str, Any], item: Mapping[str, Any], opened: Collection[str]) -> dict[str, Any]:
    """An `OrderItem`; ItemPrice is for all its units."""
    product, fulfillment = item["product"], item.get("fulfillment", {})
    packing, shipping = fulfillment.get("packing", {}), fulfillment.get("shipping", {})
    pending = order.get("fulfillment", {}).get("fulfillmentStatus") in _PENDING
    condition, request = product.get("condition", {}), item.get("cancellation", {}).get("cancellationRequest")
    shown: dict[str, Any] = {
        "ASIN": product.get("asin", ""),
        "OrderItemId": item["orderItemId"],
        "QuantityOrdered": item["quantityOrdered"],
        "QuantityShipped": fulfillment.get("quantityFulfilled", 0),
        "ProductInfo": {"NumberOfItems": "1"},
        "SerialNumberRequired": "serialNumberRequirement" in packing,
        "IsTransparency": "TRANSPARENCY" in item.get("programs", []),
    }
    shown |= _given(
        {
            "SellerSKU": product.get("sellerSku"),
            "Title": product.get("title"),
            "ConditionId": _capitals(condition.get("conditionType")),
            "ConditionSubtypeId": _capitals(condition.get("conditionSubtype")),
            "ConditionNote": condition.get("conditionNote"),
            "SerialNumbers": product.get("serialNumbers"),
            "IossNumber": shipping.get("internationalShipping", {}).get("iossNumber"),
            "ShippingConstraints": {
                theirs: shipping["shippingConstraints"][ours]
                for ours, theirs in _CONSTRAINTS.items()
                if ours in shipping.get("shippingConstraints", {})
            },
        }
    )
    if request:
        shown["BuyerRequestedCancel"] = {"IsBuyerRequestedCancel": "true"} | _given(
            {"BuyerCancelReason": request.get("cancelReason")}
        )
    else:
        shown["BuyerRequestedCancel"] = {"IsBuyerRequestedCancel": "false"}
    if pending:
        return shown
    shown["IsGift"] = "true" if "giftOption" in packing else "false"
    if price := product.get("price", {}).get("unitPrice"):
        shown["ItemPrice"] = _money(price, item["quantityOrdered"])
    for breakdown in item.get("proceeds", {}).get("breakdowns", []):
        name = {"SHIPPING": "ShippingPrice", "TAX": "ItemTax", "DISCOUNT": "PromotionDiscount"}.get(breakdown["type"])
        shown |= {name: _money(breakdown["subtotal"])} if name else {}
    if info := item_buyer_v0(item, opened):
        shown["BuyerInfo"] = info
    return shown


def item_buyer_v0(item: Mapping[str, Any], opened: Collection[str]) -> dict[str, Any]:
    """`ItemBuyerInfo`: the wrapping is for everybody, message and customization for the element buyerInfo."""
    gift = item.get("fulfillment", {}).get("packing", {}).get("giftOption", {})
    url = item["product"].get("customization", {}).get("customizedUrl")
    shown = _given({"GiftWrapLevel": gift.get("giftWrapLevel")})
    if "buyerInfo" in opened:
        shown |= _given({"GiftMessageText": gift.get("giftMessage")})
        shown |= {"BuyerCustomizedInfo": {"CustomizedURL": url}} if url else {}
    return shown


def _second(moment: str) -> str:
    return whole_second(parse_time(moment))


def _capitals(word: str | None) -> str | None:
    """SECOND_DAY becomes SecondDay."""
    return "".join(part.capitalize() for part in word.split("_")) if word else None


def _money(money: Mapping[str, str] | None, times: int = 1) -> dict[str, str] | None:
    if money is None:
        return None
    try:
        amount = str(Decimal(money["amount"]) * times)
    except InvalidOperation:
        # An order seeded to be wrong stays as wrong in this version.
        amount = money["amount"]
    return {"CurrencyCode": money["currencyCode"], "Amount": amount}


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
