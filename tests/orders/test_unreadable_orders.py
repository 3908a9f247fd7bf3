"""Orders of which something is unreadable: placed where no parcel needs it, else set aside with stock kept (E2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.items.states import UnknownSku
from is2_core.items.unknown_skus import answer_sent_sku
from is2_core.orders import actions
from is2_core.orders.activity import waiting_units
from is2_core.orders.importing.staging import stage_singly
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from plugins.interface import FulfilledBy, Order, OrderLine, OrderState, ShippingMappingUI
from tests.support.panel import ALICE, Panel
from tests.support.world import World

TOO_LONG = "x" * 10_001
METHODS = ("STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")


@pytest.fixture
def store(world: World) -> int:
    """A store whose orders are read from now on."""
    world.stock_up()
    store = world.connect()
    world.map_methods(store, *METHODS)
    world.finish(store)
    return store


def made(world: World, **fields: Any) -> str:
    """An order for three tents at Amazon; with these fields it would not pass Amazon's own model."""
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    (line, *_) = world.amazon.order(order_id)["order"]["orderItems"]
    line |= {
        "quantityOrdered": 3,
        "product": line["product"] | {"sellerSku": "TENT-2P"},
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 3},
    }
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [line], **fields}})
    return order_id


def kept(world: World) -> Mapping[str, int]:
    with world.platform.db.read() as session:
        return waiting_units(session, world.account)


def test_field_E2_an_order_whose_total_has_no_currency_is_placed(world: World, store: int) -> None:
    order_id = made(world, proceeds={"grandTotal": {"amount": "0.00", "currencyCode": ""}})
    world.settle_later(minutes=31)
    order = world.orders()[order_id]
    assert (order.state, order.total, order.unreadable) == (ReceivedState.INJECTED, "", ["grandTotal"])
    # Read well later, it is unreadable no more.
    proceeds = {"grandTotal": {"amount": "12.00", "currencyCode": "USD"}}
    world.amazon.post(f"orders/{order_id}", {"set": {"proceeds": proceeds}})
    world.settle_later(minutes=31)
    order = world.orders()[order_id]
    assert (order.total, order.unreadable) == ("12.00", [])


def test_field_E2_what_is_quarantined_still_reserves_what_can_be_read_of_it(world: World, store: int) -> None:
    order_id = made(world, fulfillment={"fulfillmentServiceLevel": TOO_LONG})
    world.settle_later(minutes=31)
    order = world.orders()[order_id]
    assert order.state == ReceivedState.QUARANTINED
    assert [(line.sku, line.open) for line in order.lines] == [("TENT-2P", 3)]
    assert kept(world) == {"TENT-2P": 3}
    # Again and again unreadable, it is reserved once.
    world.amazon.touch(order_id)
    world.settle_later(minutes=31)
    assert kept(world) == {"TENT-2P": 3}
    world.amazon.post(f"orders/{order_id}", {"set": {"fulfillment": {"fulfillmentServiceLevel": "STANDARD"}}})
    world.settle_later(minutes=31)
    order = world.orders()[order_id]
    assert order.state == ReceivedState.INJECTED
    assert [(line.sku, line.ordered, line.open) for line in order.lines] == [("TENT-2P", 3, 3)]
    assert kept(world) == {}


def test_a_line_without_an_id_is_kept_until_it_has_one(world: World, store: int) -> None:
    order_id = made(world)
    (line,) = world.amazon.order(order_id)["order"]["orderItems"]
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [line | {"orderItemId": TOO_LONG}]}})
    world.settle_later(minutes=31)
    assert world.orders()[order_id].state == ReceivedState.QUARANTINED
    assert kept(world) == {"TENT-2P": 3}
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [line]}})
    world.settle_later(minutes=31)
    order = world.orders()[order_id]
    assert order.state == ReceivedState.INJECTED
    assert sum(each.open for each in order.lines) == 3
    assert kept(world) == {}


def test_an_order_that_becomes_unreadable_keeps_what_was_known(world: World, store: int) -> None:
    order_id = made(world, fulfillment={"fulfillmentServiceLevel": "DRONE"})
    world.settle_later(minutes=31)
    assert world.orders()[order_id].state == ReceivedState.HELD
    (line,) = world.amazon.order(order_id)["order"]["orderItems"]
    odd = line | {"orderItemId": TOO_LONG}
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [odd]}})
    world.settle_later(minutes=31)
    order = world.orders()[order_id]
    assert order.state == ReceivedState.QUARANTINED
    assert [(each.title != "", each.open) for each in order.lines] == [(True, 3)]
    assert kept(world) == {"TENT-2P": 3}


def test_a_quarantined_order_that_is_dismissed_gives_its_stock_back(world: World, store: int) -> None:
    order_id = made(world, fulfillment={"fulfillmentServiceLevel": TOO_LONG})
    world.settle_later(minutes=31)
    who = {"scope": account_scope(world.account), "user_id": world.owner}
    actions.dismiss(world.platform, order_id=world.orders()[order_id].id, **who, reason="Not ours")
    assert kept(world) == {}


def test_the_order_s_page_names_what_is_unreadable(panel: Panel) -> None:
    with panel.platform.db.write() as session:
        ours = sa.select(ReceivedOrder.id).where(ReceivedOrder.account_id == panel.northwind)
        order_id = session.scalars(ours).first()
        values = {"unreadable": ["grandTotal", "title"]}
        session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id == order_id).values(values))
    page = panel.browser(ALICE).get(f"/received-orders/{order_id}")
    assert "Unreadable grand total, title No parcel needs it" in page.text


def test_what_is_not_shipped_from_here_keeps_no_stock(world: World, store: int) -> None:
    with world.platform.db.write() as session:
        integration = session.get_one(Integration, store)
        answer_sent_sku(world.platform, session, integration, "SOLD-OUT", UnknownSku.NOT_FROM_HERE)
    order_id = made(world, fulfillment={"fulfillmentServiceLevel": TOO_LONG})
    (line,) = world.amazon.order(order_id)["order"]["orderItems"]
    foreign = line | {"orderItemId": "70000000000009", "product": line["product"] | {"sellerSku": "SOLD-OUT"}}
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [line, foreign]}})
    world.settle_later(minutes=31)
    assert [each.sku for each in world.orders()[order_id].lines] == ["TENT-2P"]


def test_an_order_the_database_will_not_hold_keeps_stock_for_its_other_lines(world: World, store: int) -> None:
    world.settle()
    now = world.clock.now()
    order = Order(
        remote_id="111-1111111-1111111",
        site="",
        state=OrderState.READY,
        fulfilled_by=FulfilledBy.MERCHANT,
        created_at=now,
        updated_at=now,
        lines=(OrderLine("1", "TENT-2P", "Tent", 2, 0, 2), OrderLine("2", "LAMP-USB", "Lamp", 2**70, 0, 2**70)),
    )
    of_amazon = replace(order, remote_id="111-2222222-2222222", fulfilled_by=FulfilledBy.CART)
    with world.platform.db.write() as session:
        integration = session.get_one(Integration, store)
        stage_singly(world.platform, session, integration, ShippingMappingUI(()), [order, of_amazon])
    orders = world.orders()
    assert {row.state for row in orders.values()} == {ReceivedState.QUARANTINED}
    assert [(line.sku, line.open) for line in orders[order.remote_id].lines] == [("TENT-2P", 2)]
    assert orders[of_amazon.remote_id].lines == []
    assert kept(world) == {"TENT-2P": 2}
