"""The label of an order: its stored state is never shown, and what is under way is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.wording.events import EventCode
from is2_core.orders.wording.labels import STATE_LABELS, order_label
from plugins.interface import OrderState
from plugins.warehouse import WaitsFor

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def an_order(state: ReceivedState, **rest: Any) -> ReceivedOrder:
    values = {"cart_state": OrderState.READY, "placing_since": None, "waits_for": "", "reason_code": "", **rest}
    return ReceivedOrder(state=state, **values)


@pytest.mark.parametrize(
    ("order", "label"),
    [
        (an_order(ReceivedState.STAGED), "Received"),
        (an_order(ReceivedState.STAGED, cart_state=OrderState.PENDING), "Waiting for payment"),
        (an_order(ReceivedState.STAGED, placing_since=NOW), "On its way to the warehouse"),
        (an_order(ReceivedState.HELD, placing_since=NOW), "On hold"),
        (an_order(ReceivedState.INJECTED), "In warehouse"),
        (an_order(ReceivedState.INJECTED, waits_for=WaitsFor.STOCK), "In warehouse: waiting for stock"),
        (an_order(ReceivedState.INJECTED, waits_for=WaitsFor.HOLD), "In warehouse: on hold there"),
        (an_order(ReceivedState.SHIPPED, waits_for=WaitsFor.PACKING), "Shipped"),
        (an_order(ReceivedState.DISMISSED, reason_code=EventCode.DISMISSED), "Will not ship"),
        (an_order(ReceivedState.DISMISSED, reason_code=EventCode.CLOSED_ELSEWHERE), "Shipped elsewhere"),
        (an_order(ReceivedState.DISMISSED, reason_code=EventCode.STOPPED_ELSEWHERE), "Shipped elsewhere"),
        (an_order(ReceivedState.EXCLUDED, reason_code=EventCode.SHIPPED_BEFORE), "Not shipped from here"),
    ],
)
def test_what_is_under_way_is_told(order: ReceivedOrder, label: str) -> None:
    assert order_label(order) == label


@pytest.mark.parametrize("state", list(ReceivedState))
def test_every_state_has_a_label_that_is_not_its_stored_word(state: ReceivedState) -> None:
    stored_word_too = {ReceivedState.SHIPPED, ReceivedState.COMPLETED, ReceivedState.CANCELLED}
    assert (STATE_LABELS[state].upper() == state) == (state in stored_word_too)


def test_every_thing_an_order_waits_for_has_a_label() -> None:
    labels = {order_label(an_order(ReceivedState.INJECTED, waits_for=waits)) for waits in WaitsFor}
    assert len(labels) == len(WaitsFor)
