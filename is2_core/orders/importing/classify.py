"""What becomes of an order as the cart shows it now; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from is2_core.orders.holds.reasons import (
    ADDRESS_CORRECTED,
    HoldReason,
    LineFacts,
    OrderFacts,
    StoreRules,
    address_problem,
    holds_for,
)
from is2_core.orders.states import (
    CLASSIFIED,
    MAY_BE_SET_ASIDE,
    WITHOUT_RECIPIENT,
    CustomizationState,
    ReceivedState,
)
from plugins.interface import FulfilledBy, Order, OrderReject, OrderState

if TYPE_CHECKING:
    from is2_core.accounts.models import Integration
    from is2_core.orders.models import ReceivedOrder


@dataclass(frozen=True)
class Decision:
    """What becomes of an order: its state, why, and what holds it."""

    state: ReceivedState
    reason: str = ""
    holds: tuple[HoldReason, ...] = ()

    @property
    def needs_recipient(self) -> bool:
        """Whether the buyer's data has a use here: what the warehouse will not ship is not kept."""
        return self.state not in WITHOUT_RECIPIENT


def decide(
    order: Order,
    stored: ReceivedOrder | None,
    integration: Integration,
    rules: StoreRules,
    cart_label: str,
    customized: Mapping[str, CustomizationState],
) -> Decision:
    """What becomes of an order as the cart shows it now; pure.

    Args:
        customized: by line of the order, whether what the buyer had made on it is here.
    """
    if stored is not None and (stored.placed_at is not None or stored.state not in CLASSIFIED):
        return Decision(ReceivedState(stored.state), stored.reason)
    if order.fulfilled_by is FulfilledBy.CART:
        return Decision(ReceivedState.EXCLUDED, f"{cart_label} fulfills this order itself.")
    if order.state is OrderState.SHIPPED:
        return Decision(ReceivedState.EXCLUDED, "Shipped already, before the warehouse had it.")
    if order.state is OrderState.CANCELLED:
        return Decision(ReceivedState.CANCELLED, "Cancelled at the cart before it was placed.")
    if integration.orders_from and order.created_at < integration.orders_from:
        first = f"{integration.orders_from:%Y-%m-%d %H:%M} UTC"
        return Decision(ReceivedState.EXCLUDED, f"Bought before {first}, when the first orders begin.")
    if order.state is OrderState.PENDING:
        return Decision(ReceivedState.STAGED, "The payment is pending at the cart.")
    if not any(line.open for line in order.lines):
        return Decision(ReceivedState.EXCLUDED, "Nothing of it is open to be shipped.")
    holds = holds_for(facts(order, stored, customized), rules)
    return Decision(ReceivedState.HELD if holds else ReceivedState.STAGED, "", holds)


def sets_aside(reject: OrderReject, stored: ReceivedOrder | None) -> bool:
    """Whether an unreadable revision takes the place of what is stored: not once the warehouse may have it."""
    if stored is None:
        return True
    open_here = stored.state in MAY_BE_SET_ASIDE and stored.asked_at is None
    return open_here and (reject.updated_at is None or reject.updated_at >= stored.cart_updated_at)


def facts(order: Order, stored: ReceivedOrder | None, customized: Mapping[str, CustomizationState]) -> OrderFacts:
    """An order as holds see it, together with what is stored of it."""
    kept = keeps_address(order, stored)
    return OrderFacts(
        lines=[LineFacts(line.sku, line.open, customized.get(line.remote_id, "")) for line in order.lines],
        shipping_method=order.shipping_method,
        has_address=order.recipient is not None or kept,
        address_problem=stored.address_problem if stored and kept else address_problem(order.recipient),
        cancellation_requested=order.cancellation_request is not None,
        cancel_reason=order.cancellation_request or "",
        unknown=_unknown(order),
        caution=order.caution,
        waived=frozenset(stored.waived) if stored else frozenset(),
    )


def keeps_address(order: Order, stored: ReceivedOrder | None) -> bool:
    """A value is never overwritten with an erased one, nor a person's correction with what was corrected."""
    return stored is not None and stored.has_address and (order.recipient is None or ADDRESS_CORRECTED in stored.waived)


def _unknown(order: Order) -> list[str]:
    found = [f"{_in_words(value.field)} {value.value!r}" for value in order.unknown]
    if not found and order.state is OrderState.UNKNOWN:
        found.append("an unknown state")
    if not found and order.fulfilled_by is FulfilledBy.UNKNOWN and order.state is not OrderState.PENDING:
        found.append("nothing of who fulfills the order")
    return found


def _in_words(name: str) -> str:
    """A field such as fulfillmentServiceLevel as a merchant reads it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()
