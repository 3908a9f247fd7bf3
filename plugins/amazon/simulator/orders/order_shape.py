"""The shape an order needs to be read in either version: the part of Amazon's model that this simulator relies on.

Checked with and without the model files. What an order holds besides is nobody's business here.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from plugins.amazon.simulator.clock import parse_time

ORDER_ID = re.compile(r"[0-9]{3}-[0-9]{7}-[0-9]{7}")


@dataclass(frozen=True)
class _Leaf:
    """A value that is no container: what it must be, in words and as a question."""

    wanted: str
    fits: Callable[[Any], bool]


def _is_time(value: Any) -> bool:
    try:
        parse_time(value)
    except (TypeError, ValueError):
        return False
    return True


_TEXT = _Leaf("a text", lambda value: isinstance(value, str))
_NUMBER = _Leaf("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
_TIME = _Leaf("a time with its zone", _is_time)
_ID = _Leaf("of the form 3-7-7 digits", lambda value: isinstance(value, str) and ORDER_ID.fullmatch(value) is not None)
_CHANNEL = _Leaf("MERCHANT or AMAZON", lambda value: value in ("MERCHANT", "AMAZON"))
_WINDOW = {"earliestDateTime": _TIME, "latestDateTime": _TIME}
_MONEY = {"amount*": _TEXT, "currencyCode*": _TEXT}
_PRODUCT = {
    "sellerSku": _TEXT,
    "condition": {"conditionType": _TEXT, "conditionSubtype": _TEXT},
    "price": {"unitPrice": _MONEY},
    "customization": {},
}
_ITEM = {
    "orderItemId*": _TEXT,
    "quantityOrdered*": _NUMBER,
    "product*": _PRODUCT,
    "programs": [_TEXT],
    "proceeds": {"breakdowns": [{"type*": _TEXT, "subtotal*": _MONEY}]},
    "cancellation": {"cancellationRequest": {}, "cancellationExecution": {}},
    "fulfillment": {
        "quantityFulfilled": _NUMBER,
        "quantityUnfulfilled": _NUMBER,
        "packing": {"giftOption": {}},
        "shipping": {"shippingConstraints": {}, "internationalShipping": {}},
    },
}
# A star marks what must be there.
_ORDER = {
    "orderId*": _ID,
    "createdTime*": _TIME,
    "lastUpdatedTime*": _TIME,
    "orderAliases": [{"aliasId*": _TEXT, "aliasType*": _TEXT}],
    "programs": [_TEXT],
    "associatedOrders": [{"orderId": _TEXT, "associationType": _TEXT}],
    "salesChannel*": {"marketplaceId": _TEXT, "marketplaceName": _TEXT},
    "buyer": {},
    "recipient": {"deliveryAddress": {"extendedFields": {}}, "deliveryPreference": {}},
    "proceeds": {"grandTotal": _MONEY},
    "fulfillment": {
        "fulfillmentStatus": _TEXT,
        "fulfilledBy": _CHANNEL,
        "fulfillmentServiceLevel": _TEXT,
        "shipByWindow": _WINDOW,
        "deliverByWindow": _WINDOW,
    },
    "packages": [{"packageReferenceId*": _TEXT, "packageItems": [{"orderItemId*": _TEXT, "quantity*": _NUMBER}]}],
    "orderItems*": [_ITEM],
}


def check_order(order: Any) -> None:
    """Raises ValueError, with a message on what is wrong where, for an order that could not be shown."""
    if problems := list(_problems(order, _ORDER, "order")):
        raise ValueError("; ".join(problems[:5]))


def _problems(value: Any, wanted: Any, where: str) -> Iterator[str]:
    if isinstance(wanted, _Leaf):
        if not wanted.fits(value):
            yield f"{where} must be {wanted.wanted}; it is {value!r}"
    elif isinstance(wanted, list):
        if not isinstance(value, list):
            yield f"{where} must be a list"
            return
        for number, inner in enumerate(value):
            yield from _problems(inner, wanted[0], f"{where}[{number}]")
    elif not isinstance(value, dict):
        yield f"{where} must be an object"
    else:
        for key, inner in wanted.items():
            name = key.removesuffix("*")
            if name in value:
                yield from _problems(value[name], inner, f"{where}.{name}")
            elif key.endswith("*"):
                yield f"{where}.{name} is missing"
