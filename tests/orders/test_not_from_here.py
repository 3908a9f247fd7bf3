"""Lines and orders that are not shipped from here: by an item's answer or the store's setting, alone or mixed with
ours, to the end and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.items import custom_items, unknown_skus
from is2_core.items.models import CartItem
from is2_core.items.states import UNKNOWN_SKUS, UnknownSku
from is2_core.orders.activity import waiting_units
from is2_core.orders.models import ReceivedOrder, Recipient
from is2_core.orders.states import AckState, ReceivedState
from is2_core.orders.wording.events import EventCode
from tests.shipments.test_tracking import METHODS
from tests.support.world import World

GNOME = "GARDEN-GNOME"


class Garage:
    """A store that sells tents from the warehouse, and things its merchant ships himself."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.stock_up()
        self.store = world.connect()
        world.map_methods(self.store, *METHODS)
        world.finish(self.store)
        world.settle()

    def order(self, *lines: tuple[str, int], **changes: Any) -> str:
        """Have somebody buy lines of (cart SKU, quantity), and wait until it was listed; returns Amazon's id."""
        (order_id,) = self.world.amazon.generate(plain=1)["plain"]
        item = self.world.amazon.order(order_id)["order"]["orderItems"][0]
        items = [
            item
            | {"orderItemId": str(11 + number), "quantityOrdered": units}
            | {"product": item["product"] | {"sellerSku": sku}}
            | {"fulfillment": item.get("fulfillment", {}) | {"quantityFulfilled": 0, "quantityUnfulfilled": units}}
            for number, (sku, units) in enumerate(lines)
        ]
        self.world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": items, **changes}})
        self.listed()
        return order_id

    def listed(self) -> None:
        """Let the next listing come, and what follows it."""
        self.world.pass_time(minutes=35)

    def received(self, order_id: str) -> ReceivedOrder:
        return self.world.orders()[order_id]

    def state(self, order_id: str) -> tuple[str, str]:
        order = self.received(order_id)
        return order.state, order.reason_code

    def say(self, answer: UnknownSku, *skus: str) -> None:
        """Answer for cart SKUs, listed or not."""
        for sku in skus:
            with self.world.platform.db.write() as session:
                integration = session.get_one(Integration, self.store)
                unknown_skus.answer_sent_sku(self.world.platform, session, integration, sku, answer)
        self.world.settle()

    def item(self, sku: str) -> CartItem:
        with self.world.platform.db.read() as session:
            return session.scalars(sa.select(CartItem).where(CartItem.sku == sku)).one()

    def map(self, sku: str, *mappings: tuple[str, str]) -> None:
        custom_items.set_mappings(
            self.world.platform, item_id=self.item(sku).id, account_id=self.world.account, mappings=mappings
        )
        self.world.settle()

    def set(self, answer: UnknownSku) -> None:
        """Save the store's setting."""
        self.world.finish(self.store, **{UNKNOWN_SKUS: answer})
        self.world.settle()

    def recipients(self) -> Sequence[Recipient]:
        with self.world.platform.db.read() as session:
            return session.scalars(sa.select(Recipient)).all()

    def waiting(self) -> dict[str, int]:
        with self.world.platform.db.read() as session:
            return waiting_units(session, self.world.account)

    def told(self) -> list[dict[str, str | None]]:
        """What was acknowledged at Amazon: by order the items that have a number of ours."""
        return [
            {item["orderItemId"]: item.get("merchantOrderItemId") for item in order["items"]}
            for order in self.world.amazon.get("acknowledgements")
        ]


@pytest.fixture
def garage(world: World) -> Garage:
    return Garage(world)


@pytest.mark.parametrize("by_setting", [True, False])
def test_an_order_of_which_nothing_is_ours_ends_on_arrival_and_keeps_nothing_of_the_buyer(
    garage: Garage, by_setting: bool
) -> None:
    garage.set(UnknownSku.NOT_FROM_HERE) if by_setting else garage.say(UnknownSku.NOT_FROM_HERE, GNOME)
    order_id = garage.order((GNOME, 2), (GNOME, 1))
    assert garage.state(order_id) == (ReceivedState.EXCLUDED, EventCode.NOT_FROM_HERE)
    order = garage.received(order_id)
    assert (order.has_address, order.ack_state, order.placing_since) == (False, AckState.NONE, None)
    assert garage.recipients() == []
    assert garage.waiting() == {}
    assert garage.world.warehouse_orders() == {}
    assert garage.world.timeline(order_id) == [f"Nothing of it is shipped from here: {GNOME}."]
    assert garage.world.amazon.calls("createFeed") == []
    assert garage.world.amazon.order(order_id)["order"].get("orderAliases", []) == []
    assert garage.world.quarantined() == []
