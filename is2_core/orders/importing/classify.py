"""Classifying an order as the cart shows it now; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from is2_core.orders.holds.input import HoldConfig, input_from
from is2_core.orders.holds.reasons import HoldReason, holds_for
from is2_core.orders.states import (
    CLASSIFIED,
    MAY_BE_QUARANTINED,
    WITHOUT_RECIPIENT,
    CustomizationState,
    ReceivedState,
)
from is2_core.orders.wording.events import EventCode, Told, held
from plugins.interface import FulfilledBy, Order, OrderReject, OrderState

if TYPE_CHECKING:
    from is2_core.accounts.models import Integration
    from is2_core.orders.models import ReceivedOrder


@dataclass(frozen=True)
class Classification:
    """The class of an order: its state, what its timeline tells of that (None where it is what it was), why it is
    in that state, what holds it, and which of its cart SKUs are not shipped from here. `stays`: it is followed, but not
    decided about any more."""

    state: ReceivedState
    told: Told | None = None
    reason: Told | None = None
    holds: tuple[HoldReason, ...] = ()
    stays: bool = False
    not_from_here: frozenset[str] = frozenset()

    @property
    def needs_recipient(self) -> bool:
        """Whether the buyer's data has a use here: what the warehouse will not ship is not kept."""
        return self.state not in WITHOUT_RECIPIENT


def classify(
    order: Order,
    stored: ReceivedOrder | None,
    integration: Integration,
    config: HoldConfig,
    customized: Mapping[str, CustomizationState],
) -> Classification:
    """Classify an order as the cart shows it now.

    Args:
        customized: by line of the order, whether what the buyer had made on it is here.
    """
    its = _classify(order, stored, integration, config, customized)
    return replace(its, not_from_here=frozenset(filter(config.not_from_here, (line.sku for line in order.lines))))


def _classify(
    order: Order,
    stored: ReceivedOrder | None,
    integration: Integration,
    config: HoldConfig,
    customized: Mapping[str, CustomizationState],
) -> Classification:
    if stored is not None and (stored.placed_at is not None or stored.state not in CLASSIFIED):
        return Classification(ReceivedState(stored.state), stays=True)
    ended = _ended(order, integration)
    if ended is not None:
        state, told = ended
        return Classification(state, told, told)
    found = input_from(order, stored, customized)
    # Once the warehouse was asked, it is asked for what was shipped from here then.
    if (stored is None or stored.placing_since is None) and found.nothing_from_here(config):
        told = Told(EventCode.NOT_FROM_HERE, {"skus": found.open_skus})
        return Classification(ReceivedState.EXCLUDED, told, told)
    holds = holds_for(found, config)
    if holds:
        return Classification(ReceivedState.HELD, held(holds), holds=holds)
    return Classification(ReceivedState.STAGED, Told(EventCode.STAGED) if stored is None else None)


def _ended(order: Order, integration: Integration) -> tuple[ReceivedState, Told] | None:
    """Where the order waits for its payment or is not shipped from here: its state, and why."""
    if order.fulfilled_by is FulfilledBy.CART:
        return ReceivedState.EXCLUDED, Told(EventCode.FULFILLED_BY_CART)
    if order.state is OrderState.SHIPPED:
        return ReceivedState.EXCLUDED, Told(EventCode.SHIPPED_BEFORE)
    if order.state is OrderState.CANCELLED:
        return ReceivedState.CANCELLED, Told(EventCode.CANCELLED)
    if integration.orders_from and order.created_at < integration.orders_from:
        first = f"{integration.orders_from:%Y-%m-%d %H:%M}"
        return ReceivedState.EXCLUDED, Told(EventCode.BEFORE_FIRST_ORDERS, {"first": first})
    if order.state is OrderState.PENDING:
        return ReceivedState.STAGED, Told(EventCode.PAYMENT_PENDING)
    if not any(line.open for line in order.lines):
        return ReceivedState.EXCLUDED, Told(EventCode.NOTHING_OPEN)
    return None


def quarantines(reject: OrderReject, stored: ReceivedOrder | None) -> bool:
    """Whether an unreadable revision takes the place of what is stored: not once the warehouse may have it."""
    if stored is None:
        return True
    open_here = stored.state in MAY_BE_QUARANTINED and stored.placing_since is None
    return open_here and (reject.updated_at is None or reject.updated_at >= stored.cart_updated_at)
