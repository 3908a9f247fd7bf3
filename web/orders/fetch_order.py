"""The form that fetches one order by the cart's number, and what to say afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from is2_core.accounts.models import Integration
from is2_core.orders.importing.fetch_order import can_fetch
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.wording.shown import shown_reason
from plugins.interface import TO_SHIP
from web.access import platform

_OUTCOMES = {
    ReceivedState.STAGED: "It goes to the warehouse next.",
    ReceivedState.HELD: "It waits: see below why, and what to do.",
    ReceivedState.INJECTED: "The warehouse has it.",
    ReceivedState.SHIPPED: "The warehouse has shipped some of it.",
    ReceivedState.COMPLETED: "The warehouse has shipped it.",
    ReceivedState.EXCLUDED: "The warehouse does not ship it.",
    ReceivedState.CANCELLED: "It is cancelled.",
    ReceivedState.QUARANTINED: "It could not be understood and was set aside.",
    ReceivedState.DISMISSED: "It was ended here before, so nothing changes.",
}
_WAITS = "Stock is reserved for it; it goes to the warehouse once the cart lets it."


@dataclass(frozen=True)
class FetchForm:
    """The stores that can be asked, the one chosen, the number typed, and why it was refused."""

    integrations: tuple[Integration, ...]
    chosen: int = 0
    number: str = ""
    error: str = ""


def fetch_form(integrations: Iterable[Integration], chosen: int, number: str, error: str = "") -> FetchForm:
    """The form for these stores; without any where none of them can be asked."""
    return FetchForm(
        tuple(integration for integration in integrations if can_fetch(platform(), integration)), chosen, number, error
    )


def outcome(order: ReceivedOrder, cart: str) -> str:
    """The outcome of fetching an order, for the top of its page."""
    waits = order.state == ReceivedState.STAGED and order.cart_state not in TO_SHIP
    what = _WAITS if waits else _OUTCOMES[ReceivedState(order.state)]
    label = platform().carts.manifest(cart).label
    return " ".join(filter(None, (f"Read from {label}.", what, shown_reason(platform(), order, cart))))
