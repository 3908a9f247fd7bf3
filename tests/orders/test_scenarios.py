"""What may befall an import and what follows from it, of the list in docs/reliability.md."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from is2_core.orders.states import AckState, ReceivedState
from tests.amazon.payloads import item, ready_order
from tests.support.amazon import NORTHWIND
from tests.support.stock import iso_time
from tests.support.world import World


@pytest.fixture
def store(world: World) -> int:
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD", "EXPEDITED")
    return store


def sell(world: World, number: int, **changes: object) -> str:
    """Have somebody buy one tent; returns the order's id."""
    now = iso_time(world.clock.now())
    order = ready_order(
        orderId=f"111-2223334-{number:07d}",
        createdTime=now,
        lastUpdatedTime=now,
        orderItems=[item(product={"sellerSku": "TENT-2P", "title": "Tent"})],
    )
    world.amazon.post("orders", [{**order, "seller": NORTHWIND, **changes}])
    return str(order["orderId"])


def test_scenario_F11_of_two_orders_of_one_instant_one_shows_late(world: World, store: int) -> None:
    world.finish(store)
    world.settle()
    world.settle_later(minutes=27)
    seen, late = sell(world, 1), sell(world, 2)
    world.amazon.fault("searchOrders", "omit", times=1, order_id=late)
    world.settle_later(minutes=4)
    assert world.orders().keys() == {seen}
    world.settle_later(minutes=31)
    assert Counter(row.state for row in world.orders().values()) == {ReceivedState.INJECTED: 2}
    assert len(world.warehouse_orders()) == 2


POISON = {
    "no address": {"recipient": {"deliveryAddress": {"countryCode": "US"}}},
    "unknown SKU": {"orderItems": [item(product={"sellerSku": "NOBODY-KNOWS", "title": "?"})]},
    "a quantity that is none": {"orderItems": [item(product={"sellerSku": "TENT-2P"}) | {"quantityOrdered": -1}]},
    "no lines": {"orderItems": []},
}


def test_scenario_F14_one_order_that_cannot_be_taken_among_many(world: World, store: int) -> None:
    good = [sell(world, number) for number in range(20)]
    bad = [sell(world, 100 + number, **changes) for number, changes in enumerate(POISON.values())]
    world.clock.advance(timedelta(minutes=3))
    world.finish(store)
    world.settle()
    orders = world.orders()
    assert {orders[order].state for order in good} == {ReceivedState.INJECTED}
    assert {orders[order].state for order in bad} <= {ReceivedState.HELD, ReceivedState.QUARANTINED}
    assert all(orders[order].reason_code or world.holds(order) for order in bad)
    # It is mended at the cart, comes with the next listing, and goes the whole road once.
    mended = [item(product={"sellerSku": "TENT-2P", "title": "Tent"})]
    world.amazon.post(f"orders/{bad[2]}", {"set": {"orderItems": mended}})
    world.settle_later(minutes=31)
    assert world.orders()[bad[2]].state == ReceivedState.INJECTED
    assert len(world.warehouse_orders()) == 21


def test_scenario_F15_a_page_full_of_them_hinders_no_later_page(world: World, store: int) -> None:
    for number in range(100):
        sell(world, number, orderItems=[item(product={"sellerSku": "TENT-2P"}) | {"quantityOrdered": -1}])
    world.clock.advance(timedelta(minutes=3))
    good = sell(world, 1000)
    world.clock.advance(timedelta(minutes=3))
    world.finish(store)
    world.settle()
    assert world.orders()[good].state == ReceivedState.INJECTED
    assert Counter(row.state for row in world.orders().values())[ReceivedState.QUARANTINED] == 100


def test_scenario_F26_ten_minutes_of_refusals_for_too_many_calls(world: World, store: int) -> None:
    orders = [sell(world, number) for number in range(3)]
    world.clock.advance(timedelta(minutes=3))
    world.amazon.fault("createFeed", "429", lasts_s=600)
    world.finish(store)
    world.pass_time(minutes=10)
    assert {world.orders()[order].ack_state for order in orders} == {AckState.DUE}
    # What the published rate grants in ten minutes, the burst it begins with, and no more.
    assert len(world.amazon.calls("createFeed")) <= 15 + 600 / 120
    world.pass_time(minutes=10)
    assert {world.orders()[order].ack_state for order in orders} == {AckState.DONE}
