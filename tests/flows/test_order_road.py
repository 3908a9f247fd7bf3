"""The order road from the cart's listing to the acknowledgement."""

from __future__ import annotations

from is2_core.models import AckState, ReceivedState
from tests.support.world import World


def test_a_ready_order_is_staged_placed_and_acknowledged(world: World) -> None:
    world.stock_up()
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    store = world.connect()
    world.map_methods(store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")
    world.finish(store)
    world.settle()
    order = world.orders()[order_id]
    assert (order.state, order.ack_state) == (ReceivedState.INJECTED, AckState.SENT)
    assert set(world.warehouse_orders()) == {order.number}
    world.settle_later(minutes=2)
    assert world.orders()[order_id].ack_state == AckState.DONE
    seen = world.amazon.order(order_id)
    assert seen["merchantOrderId"] == order.number
    assert seen["buyer_view"] == "Processing"
    assert world.quarantined() == []
