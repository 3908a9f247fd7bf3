"""All that a hold can depend on, of an order just read and of a stored one; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from is2_core.items.states import UnknownSku, is_not_from_here
from is2_core.orders.holds.addresses import address_problem
from plugins.interface import FulfilledBy, Order, OrderState

if TYPE_CHECKING:
    from is2_core.orders.models import ReceivedOrder
    from is2_core.orders.states import CustomizationState
    from is2_core.orders.stored import StoredOrder


@dataclass(frozen=True)
class LineInput:
    """The facts of one line that a hold can depend on. `customization` is a CustomizationState, or "" for none."""

    sku: str
    open: int
    customization: str = ""


@dataclass(frozen=True)
class HoldInput:
    """The facts of one order that a hold can depend on. `waived` are a person's waivers (`holds.reasons.waiver`)."""

    lines: Sequence[LineInput]
    shipping_method: str
    has_address: bool
    address_problem: str
    cancellation_requested: bool
    unknown: Sequence[str]
    cancel_reason: str = ""
    has_caution: bool = False
    caution: str = ""
    waived: frozenset[str] = frozenset()

    @property
    def open_skus(self) -> Sequence[str]:
        """The cart SKUs of which something is open, each once."""
        return list(dict.fromkeys(line.sku for line in self.lines if line.open))

    def nothing_from_here(self, config: HoldConfig) -> bool:
        """Whether something of the order is open, and none of that is shipped from here."""
        return bool(self.open_skus) and all(map(config.not_from_here, self.open_skus))


@dataclass(frozen=True)
class MethodConfig:
    """A shipping mapping: the warehouse service, and whether orders wait."""

    service: str
    hold: bool


@dataclass(frozen=True)
class HoldConfig:
    """Settings of an integration, and SKUs of the warehouse, that decide holds.

    Args:
        methods: by canonical method key.
        mappings: cart SKU -> {warehouse SKU: quantity}.
        warehouse_skus: SKUs the warehouse knows for this account.
        method_keys: canonical key by method as it stands on orders.
        answers: cart SKU -> its item's `UnknownSku`, of those that have one.
        unknown_skus: the integration's `UnknownSku`.
    """

    methods: Mapping[str, MethodConfig] = field(default_factory=dict)
    mappings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    warehouse_skus: frozenset[str] = frozenset()
    method_keys: Mapping[str, str] = field(default_factory=dict)
    review_first: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
    unknown_skus: str = UnknownSku.HOLD

    def not_from_here(self, sku: str) -> bool:
        """Whether a line of this cart SKU is not shipped from here. One without a SKU may be anything: it is held."""
        if not sku:
            return False
        answer, known = self.answers.get(sku, UnknownSku.AS_SET), self.components(sku) is not None
        return is_not_from_here(answer, self.unknown_skus, known=known)

    def components(self, sku: str) -> Mapping[str, int] | None:
        """Return the components of one cart unit of `sku` in the warehouse; None where that is unknown. A mapping wins
        over a warehouse SKU of the same name."""
        mapped = self.mappings.get(sku)
        if mapped:
            return mapped
        return {sku: 1} if sku in self.warehouse_skus else None

    def method(self, shipping_method: str) -> MethodConfig | None:
        """The mapping of a shipping method as it stands on an order."""
        key = self.method_keys.get(shipping_method)
        return None if key is None else self.methods.get(key)


def input_from(order: Order, stored: ReceivedOrder | None, customized: Mapping[str, CustomizationState]) -> HoldInput:
    """An order as the cart shows it now, together with what is stored of it.

    Args:
        customized: by line of the order, whether what the buyer had made on it is here.
    """
    has_address, problem = address_of(order, stored)
    corrected = stored is not None and stored.address_corrected
    return HoldInput(
        lines=[LineInput(line.sku, line.open, customized.get(line.remote_id, "")) for line in order.lines],
        shipping_method=order.shipping_method,
        has_address=has_address or corrected,
        address_problem="" if corrected else problem,
        cancellation_requested=order.cancellation_request is not None,
        cancel_reason=order.cancellation_request or "",
        unknown=unknown_values(order),
        has_caution=bool(order.caution),
        caution=order.caution,
        waived=frozenset(stored.waived) if stored else frozenset(),
    )


def input_of(order: StoredOrder) -> HoldInput:
    """A stored order."""
    return HoldInput(
        lines=[LineInput(line.sku, line.open, line.customization) for line in order.lines],
        shipping_method=order.shipping_method,
        has_address=order.has_address or order.address_corrected,
        address_problem="" if order.address_corrected else order.address_problem,
        cancellation_requested=order.cancellation_requested,
        cancel_reason=order.cancel_reason,
        has_caution=order.has_caution,
        caution=order.caution,
        # Of a release before, which counted methods among them.
        unknown=[value for value in order.unknown if value.partition(": ")[2] != order.shipping_method],
        waived=frozenset(order.waived),
    )


def address_of(order: Order, stored: ReceivedOrder | None) -> tuple[bool, str]:
    """Whether the cart has given an address, now or before, and what makes it impossible to ship to."""
    if order.recipient is None and stored is not None:
        return stored.has_address, stored.address_problem
    return order.recipient is not None, address_problem(order.recipient)


def unknown_values(order: Order) -> list[str]:
    """Each value of the cart without a word here, as "field: value"; a field alone where it tells nothing there. What
    it calls the shipping method is none: a shipping mapping decides about it, whatever it is called."""
    found = [f"{value.field}: {value.value}" for value in order.unknown if value.value != order.shipping_method]
    if not found and order.state is OrderState.UNKNOWN:
        found.append("state")
    if not found and order.fulfilled_by is FulfilledBy.UNKNOWN and order.state is not OrderState.PENDING:
        found.append("fulfilled_by")
    return found
