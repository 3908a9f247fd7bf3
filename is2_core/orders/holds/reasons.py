"""Why an order is not injected: a pure function of the order, the mappings and the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from is2_core.orders.states import CustomizationState
from plugins.interface import Address


class HoldCode(StrEnum):
    """Every reason there is."""

    SKU_UNKNOWN = "SKU_UNKNOWN"
    METHOD_UNMAPPED = "METHOD_UNMAPPED"
    METHOD_HOLD = "METHOD_HOLD"
    ADDRESS_MISSING = "ADDRESS_MISSING"
    ADDRESS_IMPOSSIBLE = "ADDRESS_IMPOSSIBLE"
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"
    UNKNOWN_VALUE = "UNKNOWN_VALUE"
    CUSTOMIZATION_MISSING = "CUSTOMIZATION_MISSING"
    CAUTION = "CAUTION"
    FIRST_REVIEW = "FIRST_REVIEW"
    WAREHOUSE_REFUSED = "WAREHOUSE_REFUSED"


# What a person may decide to ship in spite of.
WAIVABLE = frozenset(
    {
        HoldCode.METHOD_HOLD,
        HoldCode.CANCELLATION_REQUESTED,
        HoldCode.CUSTOMIZATION_MISSING,
        HoldCode.CAUTION,
        HoldCode.FIRST_REVIEW,
    }
)
# Among what is waived: what a merchant corrected is not overwritten by what the cart says later.
ADDRESS_CORRECTED = "ADDRESS_CORRECTED"
_ADDRESS_MISSING = "The cart has given no delivery address: a missing role at the cart, or not yet available."

_MISSING: Mapping[str, str] = {
    CustomizationState.DUE: "What the buyer had made on {sku} is being fetched from the cart.",
    CustomizationState.FAILED: "What the buyer had made on {sku} could not be fetched from the cart. Fetch this order "
    "again, or ship it without.",
}


@dataclass(frozen=True)
class HoldReason:
    """One reason: its code, what it is about (a SKU, a method, ...), and a sentence."""

    code: HoldCode
    subject: str
    sentence: str


@dataclass(frozen=True)
class LineFacts:
    """What a hold can depend on, of one line. `customization` is a CustomizationState, or "" for none."""

    sku: str
    open: int
    customization: str = ""


@dataclass(frozen=True)
class OrderFacts:
    """What a hold can depend on, of one order."""

    lines: Sequence[LineFacts]
    shipping_method: str
    has_address: bool
    address_problem: str
    cancellation_requested: bool
    unknown: Sequence[str]
    cancel_reason: str = ""
    caution: str = ""
    waived: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MethodRule:
    """A shipping mapping: the warehouse service, and whether orders wait."""

    service: str
    hold: bool


@dataclass(frozen=True)
class StoreRules:
    """What a store's owner has set up, and what the warehouse knows.

    Args:
        methods: by canonical method key.
        mappings: cart SKU -> {warehouse SKU: quantity}.
        warehouse_skus: SKUs the warehouse knows for this account.
        method_keys: canonical key by method as it stands on orders.
        address_missing: the cart's sentence for an order without an address, "" for the general one.
    """

    methods: Mapping[str, MethodRule] = field(default_factory=dict)
    mappings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    warehouse_skus: frozenset[str] = frozenset()
    method_keys: Mapping[str, str] = field(default_factory=dict)
    review_first: bool = False
    address_missing: str = ""

    def components(self, sku: str) -> Mapping[str, int] | None:
        """What one cart unit of `sku` is made of in the warehouse; None where that is unknown. A mapping wins
        over a warehouse SKU of the same name."""
        mapped = self.mappings.get(sku)
        if mapped:
            return mapped
        return {sku: 1} if sku in self.warehouse_skus else None

    def method(self, shipping_method: str) -> MethodRule | None:
        """The mapping of a shipping method as it stands on an order."""
        return self.methods.get(self.method_keys.get(shipping_method, ""))


def holds_for(order: OrderFacts, rules: StoreRules) -> tuple[HoldReason, ...]:
    """All reasons why the order waits; empty when it may go on."""
    found = [
        *_sku_holds(order, rules),
        *_method_holds(order, rules),
        *_address_holds(order, rules),
        *_buyer_holds(order),
        *_customization_holds(order),
        *(
            HoldReason(HoldCode.UNKNOWN_VALUE, value, f"The cart says {value}, which this platform does not know.")
            for value in order.unknown
        ),
    ]
    if rules.review_first:
        found.append(HoldReason(HoldCode.FIRST_REVIEW, "", "First orders wait for your review before they ship."))
    return tuple(hold for hold in found if not (hold.code in WAIVABLE and hold.code in order.waived))


def _sku_holds(order: OrderFacts, rules: StoreRules) -> list[HoldReason]:
    holds = []
    for sku in dict.fromkeys(line.sku for line in order.lines if line.open):
        if not sku:
            sentence = "A line of this order has no SKU in the cart."
        elif rules.components(sku) is None:
            sentence = f"The SKU {sku} is neither a warehouse SKU nor mapped to one."
        else:
            continue
        holds.append(HoldReason(HoldCode.SKU_UNKNOWN, sku, sentence))
    return holds


def _method_holds(order: OrderFacts, rules: StoreRules) -> list[HoldReason]:
    rule = rules.method(order.shipping_method)
    if rule is None:
        name = order.shipping_method or "(none)"
        return [
            HoldReason(
                HoldCode.METHOD_UNMAPPED,
                order.shipping_method,
                f"The cart shipping method {name} has no shipping mapping.",
            )
        ]
    if rule.hold:
        return [
            HoldReason(
                HoldCode.METHOD_HOLD,
                order.shipping_method,
                f"Orders with the shipping method {order.shipping_method} are held by its mapping.",
            )
        ]
    return []


def _address_holds(order: OrderFacts, rules: StoreRules) -> list[HoldReason]:
    if not order.has_address:
        return [HoldReason(HoldCode.ADDRESS_MISSING, "", rules.address_missing or _ADDRESS_MISSING)]
    if order.address_problem:
        return [HoldReason(HoldCode.ADDRESS_IMPOSSIBLE, "", order.address_problem)]
    return []


def _buyer_holds(order: OrderFacts) -> list[HoldReason]:
    holds = [HoldReason(HoldCode.CAUTION, "", order.caution)] if order.caution else []
    if order.cancellation_requested:
        why = f" Reason given: {order.cancel_reason}." if order.cancel_reason else ""
        sentence = f"The buyer has asked to cancel this order.{why}"
        holds.append(HoldReason(HoldCode.CANCELLATION_REQUESTED, "", sentence))
    return holds


def _customization_holds(order: OrderFacts) -> list[HoldReason]:
    waiting = {line.sku: line.customization for line in order.lines if line.open and line.customization in _MISSING}
    return [
        HoldReason(HoldCode.CUSTOMIZATION_MISSING, sku, _MISSING[state].format(sku=sku or "a line without SKU"))
        for sku, state in waiting.items()
    ]


def address_problem(address: Address | None) -> str:
    """What makes an address impossible to ship to, as a sentence without personal data; "" when nothing does."""
    if address is None:
        return ""
    missing = [
        label
        for label, value in (
            ("a name", address.name or address.company),
            ("a street", "".join(address.lines)),
            ("a city", address.city),
            ("a country", address.country),
        )
        if not value.strip()
    ]
    if missing:
        return f"The delivery address lacks {' and '.join(missing)}."
    if not (len(address.country) == 2 and address.country.isalpha()):
        return "The delivery address has an unknown country code."
    return ""
