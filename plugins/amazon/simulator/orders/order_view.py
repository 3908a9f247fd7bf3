"""The part of an order a reply shows: datasets, roles and state decide (orders_2026-01-01.json)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from plugins.amazon.simulator.access.roles import DIRECT_TO_CONSUMER, TAX_ROLES
from plugins.amazon.simulator.clock import parse_time

ORDER_DATASETS = {
    "buyer": "BUYER",
    "recipient": "RECIPIENT",
    "proceeds": "PROCEEDS",
    "payment": "PAYMENT",
    "tax": "TAX",
    "fulfillment": "FULFILLMENT",
    "packages": "PACKAGES",
    "fulfillmentOrders": "FULFILLMENT_ORDERS",
}
ITEM_DATASETS = {
    "proceeds": "PROCEEDS",
    "expense": "EXPENSE",
    "promotion": "PROMOTION",
    "cancellation": "CANCELLATION",
    "fulfillment": "FULFILLMENT",
    "tax": "TAX",
}
INCLUDED_DATA = frozenset(ORDER_DATASETS.values()) | frozenset(ITEM_DATASETS.values())

_PII_ADDRESS = frozenset(
    {"name", "addressLine1", "addressLine2", "addressLine3", "postalCode", "phone", "extendedFields"}
)
_PENDING = ("PENDING", "PENDING_AVAILABILITY")


def view(order: dict[str, Any], included: Collection[str], roles: Collection[str], now: datetime) -> dict[str, Any]:
    """The order as one reply shows it.

    Args:
        order: the whole order in the shape of the model.
        included: values of `includedData`.
        roles: what the seller granted; without the restricted role personal fields are left out silently.
        now: decides whether the buyer's phone is still shown.
    """
    shown = {key: value for key, value in order.items() if ORDER_DATASETS.get(key) in (None, *included)}
    shown["orderItems"] = [
        {key: value for key, value in item.items() if ITEM_DATASETS.get(key) in (None, *included)}
        for item in order["orderItems"]
    ]
    if order.get("fulfillment", {}).get("fulfillmentStatus") in _PENDING:
        _hide_until_paid(shown)
    if order.get("fulfillment", {}).get("fulfilledBy") == "AMAZON":
        shown.pop("packages", None)
        _edit_buyer(shown, {"buyerEmail"})
    if "recipient" in shown and phone_is_suppressed(order, now):
        _edit_address(shown, {"phone"})
    if DIRECT_TO_CONSUMER not in roles:
        _hide_pii(shown, names=bool(TAX_ROLES & set(roles)))
    return shown


def _hide_until_paid(shown: dict[str, Any]) -> None:
    for key in ("recipient", "buyer", "proceeds", "payment", "tax"):
        shown.pop(key, None)
    for item in shown["orderItems"]:
        for key in ("proceeds", "expense", "promotion", "tax"):
            item.pop(key, None)
        item["product"] = {key: value for key, value in item["product"].items() if key != "price"}
        _without_gift(item)


def _hide_pii(shown: dict[str, Any], *, names: bool) -> None:
    """Hide what takes the restricted role; `names` are left to those with a tax role."""
    _edit_buyer(shown, {"buyerEmail"} if names else {"buyerName", "buyerEmail"})
    _edit_address(shown, _PII_ADDRESS - {"name"} if names else _PII_ADDRESS)
    for item in shown["orderItems"]:
        item["product"] = {key: value for key, value in item["product"].items() if key != "customization"}
        packing = item.get("fulfillment", {}).get("packing", {})
        if "giftMessage" in packing.get("giftOption", {}):
            gift = {key: value for key, value in packing["giftOption"].items() if key != "giftMessage"}
            item["fulfillment"] = item["fulfillment"] | {"packing": packing | {"giftOption": gift}}


def _without_gift(item: dict[str, Any]) -> None:
    packing = item.get("fulfillment", {}).get("packing")
    if packing:
        rest = {key: value for key, value in packing.items() if key != "giftOption"}
        item["fulfillment"] = item["fulfillment"] | {"packing": rest}


def _edit_buyer(shown: dict[str, Any], hidden: Collection[str]) -> None:
    if "buyer" in shown:
        shown["buyer"] = {key: value for key, value in shown["buyer"].items() if key not in hidden}


def _edit_address(shown: dict[str, Any], hidden: Collection[str]) -> None:
    address = shown.get("recipient", {}).get("deliveryAddress")
    if address:
        left = {key: value for key, value in address.items() if key not in hidden}
        shown["recipient"] = shown["recipient"] | {"deliveryAddress": left}


def phone_is_suppressed(order: Mapping[str, Any], now: datetime) -> bool:
    """On orders that Amazon fulfills, and on shipped ones past the latest delivery date."""
    fulfillment = order.get("fulfillment", {})
    if fulfillment.get("fulfilledBy") == "AMAZON":
        return True
    latest = fulfillment.get("deliverByWindow", {}).get("latestDateTime")
    return fulfillment.get("fulfillmentStatus") == "SHIPPED" and latest is not None and parse_time(latest) < now
