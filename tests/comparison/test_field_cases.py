"""The comparison follows what no listing tells: the field's cases, with their own inputs."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.cases.models import SupportCase
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.states import ReceivedState
from tests.shipments.test_tracking import Dock
from tests.support.world import World

MISSED = 100 * 86_400


@pytest.fixture
def dock(world: World) -> Dock:
    return Dock(world)


def omit(dock: Dock, order_id: str, **time: float) -> None:
    """Have Amazon leave an order out of its listings for a time."""
    dock.world.amazon.fault("searchOrders", "omit", order_id=order_id, lasts_s=timedelta(**time).total_seconds())


def cases(dock: Dock) -> list[tuple[str, str]]:
    """(kind, message) of the open cases."""
    with dock.world.platform.db.read() as session:
        rows = session.scalars(sa.select(SupportCase).where(SupportCase.closed_at.is_(None)).order_by(SupportCase.id))
        return [(row.kind, row.message) for row in rows]


def status(dock: Dock, order_id: str) -> str:
    found: str = dock.world.amazon.order(order_id)["status"]
    return found


def three_tents(dock: Dock) -> str:
    order_id = dock.order_of(("TENT-2P", 3))
    assert dock.left(order_id) == {"TENT-2P": 3}
    return order_id


def test_field_B1_confirmed_by_hand_and_no_listing_shows_it(dock: Dock) -> None:
    order_id = dock.order()
    omit(dock, order_id, days=100)
    dock.world.amazon.post(f"orders/{order_id}", {"ship": {"carrier": "DHL", "trackingNumber": "BYHAND1"}})
    dock.world.settle_later(hours=28)
    assert dock.warehouse_order(order_id).state == "CANCELLED"
    assert dock.received(order_id).state == ReceivedState.DISMISSED
    assert dock.world.amazon.calls("confirmShipment") == []


def test_field_B2_a_late_update_that_listings_leave_out(dock: Dock) -> None:
    dock.world.finish(dock.store)
    (order_id,) = dock.world.amazon.generate(pending=1)["pending"]
    dock.world.settle_later(hours=1)
    assert dock.received(order_id).cart_state == "PENDING"
    dock.world.settle_later(days=9)
    omit(dock, order_id, hours=12)
    dock.world.amazon.post(f"orders/{order_id}", {"make_payable": True})
    # Listed at no time: when listings show it again, its update lies behind their window.
    for _ in range(5):
        dock.world.settle_later(hours=5)
    assert dock.received(order_id).state == ReceivedState.INJECTED


def test_field_B5_accepted_and_forgotten(dock: Dock) -> None:
    order_id = dock.order()
    dock.world.amazon.fault("confirmShipment", "forget")
    dock.ship(order_id, "1Z999AA10123456784")
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert status(dock, order_id) == "UNSHIPPED"
    for _ in range(2):
        dock.world.settle_later(hours=4)
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert status(dock, order_id) == "SHIPPED"
    assert len(dock.world.amazon.calls("confirmShipment")) == 2
    dock.world.settle_later(days=1)
    dock.world.settle_later(days=1)
    assert len(dock.world.amazon.calls("confirmShipment")) == 2
    assert cases(dock) == []


def test_field_B5_forgotten_again_becomes_a_case(dock: Dock) -> None:
    order_id = dock.order()
    dock.world.amazon.fault("confirmShipment", "forget", times=2)
    dock.ship(order_id, "1Z999AA10123456784")
    for _ in range(3):
        dock.world.settle_later(hours=5)
    ((kind, message),) = cases(dock)
    assert kind == "CONFIRMATION_LOST"
    assert "1Z999AA10123456784" in message
    assert "Amazon" in message
    (package,) = dock.packages(order_id)
    assert package.post_state == PostState.REJECTED
    assert dock.received(order_id).state == ReceivedState.SHIPPED
    assert len(dock.world.amazon.calls("confirmShipment")) == 2


def test_field_B6_the_rest_cancelled_after_part_shipping(dock: Dock) -> None:
    order_id = three_tents(dock)
    dock.ship(order_id, "1Z999AA10123456784", {"TENT-2P": 1})
    assert dock.received(order_id).state == ReceivedState.SHIPPED
    dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    dock.world.settle_later(hours=1)
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert dock.left(order_id) == {"TENT-2P": 0}
