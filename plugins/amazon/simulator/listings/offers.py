"""Applying JSON Patch operations to the offer of a listing (Amazon's listings management guides; models issues 4406,
4554, 4841)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

DEFAULT = "DEFAULT"
AVAILABILITY = "/attributes/fulfillment_availability"
MAX_LEAD_DAYS = 30
# Attributes besides the availability that are taken and kept; a real product type has hundreds.
_KEPT = frozenset(
    "item_name brand condition_type purchasable_offer merchant_suggested_asin merchant_shipping_group".split()
)
_FIELDS = frozenset({"fulfillment_channel_code", "quantity", "lead_time_to_ship_max_days", "restock_date"})
_FIELDS_IN_ORDER = ("fulfillment_channel_code", "quantity", "lead_time_to_ship_max_days")


class Rejected(Exception):
    """A change that is refused; becomes an issue of severity ERROR.

    `malformed`: Amazon refuses the whole call with 400 BAD_REQUEST "Invalid parameters provided" instead.
    """

    def __init__(
        self,
        code: str,
        message: str,
        attribute: str | None = "fulfillment_availability",
        *,
        malformed: bool = False,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.attribute, self.malformed = code, message, attribute, malformed


def malformed(reason: str, attribute: str | None = "fulfillment_availability") -> Rejected:
    """A refusal for the shape of what was sent."""
    return Rejected("4000001", f"Invalid parameters provided: {reason}", attribute, malformed=True)


@dataclass(frozen=True)
class Offer:
    """The part of a listing a seller can change: quantity by channel, lead time, other attributes.

    `lead_days`: None where it is the account's.
    """

    channels: Mapping[str, int]
    lead_days: int | None
    attributes: Mapping[str, Any]


def check_patches(patches: Any) -> None:
    """The shape of a list of JSON Patch operations; raises Rejected."""
    if not isinstance(patches, list) or not patches:
        raise malformed("patches must hold at least one operation.", "patches")
    for patch in patches:
        if not isinstance(patch, dict) or patch.keys() - {"op", "path", "value"}:
            raise malformed("a patch holds op, path and value.", "patches")
        if patch.get("op") not in ("add", "replace", "merge", "delete"):
            raise malformed("op must be add, replace, merge or delete.", "patches")
        if not isinstance(patch.get("path"), str):
            raise malformed(f"path must be a JSON Pointer such as {AVAILABILITY}.", "patches")
        if "value" in patch and not _are_objects(patch["value"]):
            raise malformed("value must be a list of objects.", "patches")


def patches_for(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Attributes of an update as operations that replace each of them."""
    return [{"op": "replace", "path": f"/attributes/{name}", "value": value} for name, value in attributes.items()]


def patched(offer: Offer, operation: Mapping[str, Any], *, shares_fba: bool) -> Offer:
    """The offer after one operation.

    Args:
        offer: as it was.
        operation: op, path and value.
        shares_fba: Amazon's stock of this SKU is sold abroad (Remote Fulfillment with FBA).

    Raises:
        Rejected: it is not allowed.
    """
    path, op = str(operation["path"]), operation["op"]
    if path != AVAILABILITY:
        name = path.removeprefix("/attributes/")
        if name not in _KEPT:
            raise Rejected("4000003", f"This simulation does not keep {path}.", path)
        if op == "delete":
            return _with(offer, attributes={key: kept for key, kept in offer.attributes.items() if key != name})
        values = _values(operation)
        if name == "item_name" and not all(isinstance(value.get("value"), str) for value in values):
            raise Rejected("90202", "The value of item_name must be a text.", name)
        return _with(offer, attributes={**offer.attributes, name: values})
    if op == "delete" and "value" not in operation:
        return _with(offer, channels=_without_default(offer.channels), lead_days=None)
    for value in _values(operation):
        _check_value(value, op, shares_fba=shares_fba)
        offer = _changed(offer, op, value)
    return offer


def title_in(attributes: Mapping[str, Any]) -> str | None:
    """The item's name, where the attributes hold one."""
    names = attributes.get("item_name") or [{}]
    title: str | None = names[0].get("value")
    return title


def withdrawn(channels: Mapping[str, int], attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the operations that delete what a full update does not name again."""
    gone = [{"op": "delete", "path": f"/attributes/{name}"} for name in attributes]
    return [*gone, {"op": "delete", "path": AVAILABILITY}] if DEFAULT in channels else gone


def _with(offer: Offer, **changes: Any) -> Offer:
    return Offer(**(vars(offer) | changes))


def _without_default(channels: Mapping[str, int]) -> dict[str, int]:
    return {code: count for code, count in channels.items() if code != DEFAULT}


def _values(operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    values = operation.get("value")
    if not _are_objects(values) or not values:
        raise malformed("value must be a list of objects.")
    return values


def _are_objects(values: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(values, list) and all(isinstance(value, dict) for value in values)


def _check_value(value: dict[str, Any], op: str, *, shares_fba: bool) -> None:
    code, quantity, lead = (value.get(name) for name in _FIELDS_IN_ORDER)
    if unknown := value.keys() - _FIELDS:
        raise Rejected("99010", f"'{min(unknown)}' is not a field of fulfillment_availability.")
    if code is None:
        raise malformed("fulfillment_channel_code is missing.")
    if code != DEFAULT:
        raise Rejected("4000002", f"Quantity of channel {code!r} is kept by Amazon and cannot be set.")
    if lead is not None and (not _is_count(lead) or lead > MAX_LEAD_DAYS):
        raise Rejected("90202", f"lead_time_to_ship_max_days must be a whole number from 0 to {MAX_LEAD_DAYS}.")
    if quantity is None and "lead_time_to_ship_max_days" in value and op != "delete":
        raise Rejected("90220", "lead_time_to_ship_max_days cannot be changed without quantity.")
    if quantity is not None and not _is_count(quantity):
        raise Rejected("90202", "quantity must be a whole number of 0 or more.")
    if shares_fba:
        raise Rejected("8572", "A SKU enrolled in Remote Fulfillment with FBA may not hold a seller-fulfilled offer.")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _changed(offer: Offer, op: str, value: dict[str, Any]) -> Offer:
    """`replace` and `add` swap the whole value: a lead time left out is wiped (models issue 4406), and so is the entry
    of Amazon's own channel. `merge` changes the entry of its channel only, so that both channels stand side by side
    (issues 2061, 2633; that it is merge which does so is unverified)."""
    lead, quantity = value.get("lead_time_to_ship_max_days"), value.get("quantity")
    if op == "delete":
        return _with(offer, channels=_without_default(offer.channels), lead_days=None)
    if op == "merge":
        kept = offer.channels.get(DEFAULT, 0)
        return _with(
            offer,
            channels={**offer.channels, DEFAULT: kept if quantity is None else quantity},
            lead_days=offer.lead_days if lead is None else lead,
        )
    return _with(offer, channels={DEFAULT: quantity or 0}, lead_days=lead)
