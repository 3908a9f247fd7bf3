"""Labels of received orders for people: by state, by what the cart says and by what is under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from is2_core.orders.states import ReceivedState
from is2_core.orders.wording.events import EventCode
from plugins.interface import OrderState
from plugins.warehouse import WaitsFor

if TYPE_CHECKING:
    from is2_core.orders.models import ReceivedOrder

STATE_LABELS: Final[Mapping[ReceivedState, str]] = {
    ReceivedState.STAGED: "Received",
    ReceivedState.HELD: "On hold",
    ReceivedState.INJECTED: "In warehouse",
    ReceivedState.SHIPPED: "Shipped",
    ReceivedState.COMPLETED: "Completed",
    ReceivedState.CANCELLED: "Cancelled",
    ReceivedState.EXCLUDED: "Not shipped from here",
    ReceivedState.QUARANTINED: "Needs attention",
    ReceivedState.DISMISSED: "Will not ship",
}
WAITS_LABELS: Final[Mapping[WaitsFor, str]] = {
    WaitsFor.STOCK: "Waiting for stock",
    WaitsFor.HOLD: "On hold there",
    WaitsFor.PACKING: "To be packed",
    WaitsFor.BEING_PACKED: "Being packed",
    WaitsFor.NOTHING: "Nothing left to pack",
}
# Reasons of an order that will not ship from here because somebody else has shipped it.
_SHIPPED_ELSEWHERE = (EventCode.STOPPED_ELSEWHERE, EventCode.CLOSED_ELSEWHERE)


def order_label(order: ReceivedOrder) -> str:
    """Return where an order stands, as pages say it: its state alone does not tell whether its buyer has paid, whether
    the warehouse was asked to take it, or what it waits for there."""
    state = ReceivedState(order.state)
    if state is ReceivedState.DISMISSED and order.reason_code in _SHIPPED_ELSEWHERE:
        return "Shipped elsewhere"
    if state is ReceivedState.STAGED and order.cart_state == OrderState.PENDING:
        return "Waiting for payment"
    if state is ReceivedState.STAGED and order.placing_since is not None:
        return "On its way to the warehouse"
    if state is ReceivedState.INJECTED and order.waits_for:
        waits = WAITS_LABELS[WaitsFor(order.waits_for)]
        return f"{STATE_LABELS[state]}: {waits[0].lower()}{waits[1:]}"
    return STATE_LABELS[state]
