"""Lines and orders that are not shipped from here: by an item's answer or the store's setting, alone or mixed with
ours, to the end and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from is2_tiny import plugin

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.calls.carts import CartRegistry
from is2_core.cases.models import SupportCase
from is2_core.clock import VirtualClock
from is2_core.comparison.models import ComparedOrder
from is2_core.comparison.states import Outcome
from is2_core.embedded_warehouse import packing
from is2_core.inventory.overview import inventory_view
from is2_core.inventory.push.push import push_now
from is2_core.items import custom_items, unknown_skus
from is2_core.items.models import CartItem
from is2_core.items.states import UNKNOWN_SKUS, UnknownSku
from is2_core.orders import actions
from is2_core.orders.activity import waiting_units
from is2_core.orders.models import ImportCursor, ReceivedOrder, Recipient
from is2_core.orders.states import AckState, ReceivedState
from is2_core.orders.wording.events import EventCode
from is2_core.platform import Platform
from tests.shipments.test_tracking import METHODS
from tests.support.parcels import confirming
from tests.support.slow import SlowStore
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
        self.fill(order_id, *lines, **changes)
        return order_id

    def fill(self, order_id: str, *lines: tuple[str, int], **changes: Any) -> None:
        """Let an order have these lines, and wait until it was listed."""
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

    def listed(self) -> None:
        """Let a listing see what is at Amazon now, and what follows it."""
        self.world.pass_time(minutes=3)
        actions.check_now(self.world.platform, integration_id=self.store, scope=account_scope(self.world.account))
        self.world.pass_time(minutes=2)

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
            self.world.platform, item_id=self.item(sku).id, scope=account_scope(self.world.account), mappings=mappings
        )
        self.world.settle()

    def push(self) -> None:
        """Send what is due now, and have the answer."""
        push_now(self.world.platform, integration_id=self.store, scope=account_scope(self.world.account))
        self.world.pass_time(minutes=5)

    def pushed(self) -> dict[str, int | None]:
        with self.world.platform.db.read() as session:
            return dict(session.execute(sa.select(CartItem.sku, CartItem.pushed_quantity)).all())

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

    def ship(self, order_id: str, number: str, **lines: str) -> None:
        """Ship all that the warehouse has of an order, or these units by warehouse SKU, and let the cart be told."""
        row = self.world.warehouse_orders()[self.received(order_id).number]
        confirming(
            packing.ship,
            self.world.platform,
            order_id=row.id,
            carrier="UPS",
            service="Ground",
            tracking_number=number,
            lines=lines or {line.sku: str(line.quantity - line.shipped) for line in row.lines},
            user_id=None,
        )
        self.world.pass_time(minutes=2)

    def confirm_by_hand(self, order_id: str, items: dict[str, int], number: str = "1Z-BY-HAND") -> None:
        """Have the merchant confirm units in Seller Central."""
        ship = {"carrier": "DHL", "trackingNumber": number, "items": items}
        self.world.amazon.post(f"orders/{order_id}", {"ship": ship})

    def cancel_line(self, order_id: str, item_id: str) -> None:
        """Cancel all of one item at Amazon."""
        items = self.at_amazon(order_id)["order"]["orderItems"]
        for item in items:
            if item["orderItemId"] == item_id:
                item["fulfillment"] |= {"quantityUnfulfilled": 0}
                item["cancellation"] = {"cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "MISTAKE"}}
                item["quantityOrdered"] = 0
        self.world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": items}})

    def in_warehouse(self, order_id: str) -> dict[str, int]:
        """Units by warehouse SKU that the warehouse was given."""
        row = self.world.warehouse_orders()[self.received(order_id).number]
        return {line.sku: line.quantity for line in row.lines}

    def cases(self) -> list[str]:
        """Messages of the open cases."""
        with self.world.platform.db.read() as session:
            rows = session.scalars(sa.select(SupportCase).where(SupportCase.closed_at.is_(None)))
            return [row.message for row in rows]

    def at_amazon(self, order_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.world.amazon.order(order_id)
        return found

    def packed(self, order_id: str) -> list[tuple[str, dict[str, int]]]:
        """(tracking number, units per order item) of each package at Amazon."""
        return [
            (each["trackingNumber"], {item["orderItemId"]: item["quantity"] for item in each["packageItems"]})
            for each in self.at_amazon(order_id)["packages"]
        ]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` tells the main stories once more there."""
    return sqlite_url


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


def test_of_a_mixed_order_our_lines_alone_are_placed_acknowledged_and_confirmed(garage: Garage) -> None:
    garage.say(UnknownSku.NOT_FROM_HERE, GNOME)
    order_id = garage.order(("TENT-2P", 2), (GNOME, 3), ("TENT-2P", 1), (GNOME, 1))
    order = garage.received(order_id)
    assert (order.state, order.ack_state) == (ReceivedState.INJECTED, AckState.DONE)
    assert [(line.remote_id, line.placed, line.not_from_here) for line in order.lines] == [
        ("11", 2, False),
        ("12", 0, True),
        ("13", 1, False),
        ("14", 0, True),
    ]
    assert garage.in_warehouse(order_id) == {"TENT-2P": 3}
    assert garage.at_amazon(order_id)["merchantItemIds"].keys() == {"11", "13"}
    garage.ship(order_id, "1Z1", **{"TENT-2P": "2"})
    assert garage.received(order_id).state == ReceivedState.SHIPPED
    garage.ship(order_id, "1Z2")
    assert garage.received(order_id).state == ReceivedState.COMPLETED
    assert garage.packed(order_id) == [("1Z1", {"11": 2}), ("1Z2", {"13": 1})]
    assert garage.at_amazon(order_id)["order"]["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
    # What is left there is the merchant's, and no difference: neither before nor after he ships it.
    garage.confirm_by_hand(order_id, {"12": 3})
    garage.listed()
    garage.confirm_by_hand(order_id, {"14": 1})
    garage.listed()
    assert garage.received(order_id).state == ReceivedState.COMPLETED
    assert not any(line.shipped_elsewhere or line.cancelled_late for line in garage.received(order_id).lines)
    assert garage.cases() == []
    assert garage.world.quarantined() == []


def test_the_merchant_ships_his_part_first(garage: Garage) -> None:
    garage.say(UnknownSku.NOT_FROM_HERE, GNOME)
    order_id = garage.order(("TENT-2P", 1), (GNOME, 2))
    garage.confirm_by_hand(order_id, {"12": 2})
    garage.listed()
    order = garage.received(order_id)
    assert (order.state, order.not_wanted_at, order.lines[0].shipped_elsewhere) == (ReceivedState.INJECTED, None, 0)
    # Now our part, confirmed by somebody else as well: that is to be stopped, and only that is told.
    garage.confirm_by_hand(order_id, {"11": 1}, number="1Z-OURS")
    garage.listed()
    assert garage.state(order_id) == (ReceivedState.DISMISSED, EventCode.STOPPED_ELSEWHERE)
    told = [text for text in garage.world.timeline(order_id) if "by somebody else" in text]
    assert "1Z-OURS" in told[0]
    assert "1Z-BY-HAND" not in told[0]


def test_an_order_whose_last_line_of_ours_is_cancelled_before_it_is_placed_ends(garage: Garage) -> None:
    garage.say(UnknownSku.NOT_FROM_HERE, GNOME)
    order_id = garage.order(("CHAIR", 1), (GNOME, 1))
    assert garage.world.holds(order_id) == {"SKU_UNKNOWN"}
    garage.cancel_line(order_id, "11")
    garage.listed()
    assert garage.state(order_id) == (ReceivedState.EXCLUDED, EventCode.NOT_FROM_HERE)
    assert garage.world.holds(order_id) == set()


def test_an_order_whose_last_line_of_ours_is_cancelled_in_the_warehouse_is_stopped(garage: Garage) -> None:
    garage.say(UnknownSku.NOT_FROM_HERE, GNOME)
    order_id = garage.order(("TENT-2P", 1), (GNOME, 1))
    garage.cancel_line(order_id, "11")
    garage.listed()
    order = garage.received(order_id)
    assert (order.state, order.stopped) == (ReceivedState.CANCELLED, True)
    assert garage.cases() == []
    assert garage.packed(order_id) == []


def test_lines_stay_placed_whatever_is_said_of_their_sku_afterwards(garage: Garage) -> None:
    order_id = garage.order(("TENT-2P", 1), ("LAMP-USB", 1))
    garage.say(UnknownSku.NOT_FROM_HERE, "LAMP-USB")
    garage.listed()
    assert [line.not_from_here for line in garage.received(order_id).lines] == [False, False]
    garage.ship(order_id, "1Z1")
    assert garage.packed(order_id) == [("1Z1", {"11": 1, "12": 1})]
    assert garage.received(order_id).state == ReceivedState.COMPLETED
    mixed = garage.order(("TENT-2P", 1), ("LAMP-USB", 1))
    garage.say(UnknownSku.AS_SET, "LAMP-USB")
    garage.listed()
    assert [line.not_from_here for line in garage.received(mixed).lines] == [False, True]
    assert garage.in_warehouse(mixed) == {"TENT-2P": 1}
    garage.say(UnknownSku.NOT_FROM_HERE, "LAMP-USB")
    # The next one is another matter, although the warehouse has a SKU of that name.
    assert garage.state(garage.order(("LAMP-USB", 1))) == (ReceivedState.EXCLUDED, EventCode.NOT_FROM_HERE)


def test_an_order_that_waits_follows_the_answer_and_reserves_nothing_that_is_not_shipped_from_here(
    garage: Garage,
) -> None:
    unmapped = garage.order(("TENT-2P", 1), ("LAMP-USB", 2), fulfillment={"fulfillmentServiceLevel": "SCHEDULED"})
    assert garage.waiting() == {"TENT-2P": 1, "LAMP-USB": 2}
    garage.say(UnknownSku.NOT_FROM_HERE, "LAMP-USB")
    assert garage.world.holds(unmapped) == {"METHOD_UNMAPPED"}
    assert garage.waiting() == {"TENT-2P": 1}
    garage.say(UnknownSku.NOT_FROM_HERE, "TENT-2P")
    assert garage.state(unmapped) == (ReceivedState.EXCLUDED, EventCode.NOT_FROM_HERE)
    assert garage.world.holds(unmapped) == set()
    assert garage.waiting() == {}


def test_what_waits_for_its_payment_reserves_our_lines_alone(garage: Garage) -> None:
    garage.say(UnknownSku.NOT_FROM_HERE, GNOME, "LAMP-USB")
    (order_id,) = garage.world.amazon.generate(pending=1)["pending"]
    garage.fill(order_id, ("LAMP-USB", 2), ("TENT-2P", 1))
    assert garage.state(order_id) == (ReceivedState.STAGED, EventCode.PAYMENT_PENDING)
    assert garage.waiting() == {"TENT-2P": 1}


@pytest.mark.parametrize("undo", ["mapping", "item's answer", "item removed", "setting", "known to the warehouse"])
def test_what_ended_is_read_again_and_goes_on_when_the_answer_is_taken_back(garage: Garage, undo: str) -> None:
    by_item = undo in ("mapping", "item's answer", "item removed")
    garage.say(UnknownSku.NOT_FROM_HERE, GNOME) if by_item else garage.set(UnknownSku.NOT_FROM_HERE)
    order_id, cancelled, shipped = (garage.order((GNOME, 2)) for _ in range(3))
    garage.world.amazon.post(f"orders/{cancelled}", {"cancel": True})
    garage.confirm_by_hand(shipped, {"11": 2})
    # Not listed yet when the answer is taken back.
    if undo == "mapping":
        garage.map(GNOME, ("TENT-2P", "1"), ("LAMP-USB", "2"))
    elif undo == "item's answer":
        garage.say(UnknownSku.AS_SET, GNOME)
        assert garage.world.holds(order_id) == {"SKU_UNKNOWN"}
        garage.map(GNOME, ("TENT-2P", "1"), ("LAMP-USB", "2"))
    elif undo == "item removed":
        custom_items.remove_item(
            garage.world.platform, item_id=garage.item(GNOME).id, scope=account_scope(garage.world.account)
        )
        garage.world.settle()
        assert garage.world.holds(order_id) == {"SKU_UNKNOWN"}
        garage.world.add_item(garage.store, GNOME, ("TENT-2P", "1"), ("LAMP-USB", "2"))
    elif undo == "setting":
        garage.set(UnknownSku.HOLD)
        assert garage.world.holds(order_id) == {"SKU_UNKNOWN"}
        garage.world.add_item(garage.store, GNOME, ("TENT-2P", "1"), ("LAMP-USB", "2"))
    else:
        garage.world.stock_up([GNOME])
    garage.world.pass_time(minutes=10)
    order = garage.received(order_id)
    assert (order.state, order.ack_state) == (ReceivedState.INJECTED, AckState.DONE)
    known = undo == "known to the warehouse"
    assert garage.in_warehouse(order_id) == ({GNOME: 2} if known else {"TENT-2P": 2, "LAMP-USB": 4})
    assert garage.state(cancelled) == (ReceivedState.CANCELLED, EventCode.CANCELLED)
    assert garage.state(shipped) == (ReceivedState.EXCLUDED, EventCode.SHIPPED_BEFORE)
    garage.ship(order_id, "1Z1")
    assert garage.received(order_id).state == ReceivedState.COMPLETED
    assert garage.packed(order_id) == [("1Z1", {"11": 2})]
    assert garage.world.quarantined() == []


def test_what_cannot_be_read_at_that_moment_is_asked_for_again(garage: Garage) -> None:
    garage.say(UnknownSku.NOT_FROM_HERE, GNOME)
    order_id, other = garage.order((GNOME, 1)), garage.order((GNOME, 1))
    garage.world.amazon.fault("getOrder", "5xx")
    garage.map(GNOME, ("TENT-2P", "1"))
    assert sorted(garage.received(each).state for each in (order_id, other)) == ["EXCLUDED", "INJECTED"]
    garage.world.pass_time(minutes=5)
    assert [garage.received(each).state for each in (order_id, other)] == [ReceivedState.INJECTED] * 2


def test_the_items_own_answer_wins_over_the_setting(garage: Garage) -> None:
    garage.set(UnknownSku.NOT_FROM_HERE)
    garage.say(UnknownSku.HOLD, GNOME)
    held, ended = garage.order((GNOME, 1)), garage.order(("CHAIR", 1))
    assert garage.world.holds(held) == {"SKU_UNKNOWN"}
    assert garage.state(ended) == (ReceivedState.EXCLUDED, EventCode.NOT_FROM_HERE)
    garage.say(UnknownSku.AS_SET, GNOME)
    assert garage.state(held) == (ReceivedState.EXCLUDED, EventCode.NOT_FROM_HERE)


def test_a_line_without_sku_is_held_whatever_the_setting_says(garage: Garage) -> None:
    garage.set(UnknownSku.NOT_FROM_HERE)
    order_id = garage.order(("TENT-2P", 1), ("", 1))
    assert garage.world.holds(order_id) == {"SKU_UNKNOWN"}


def test_kits_go_with_what_is_not_shipped_from_here(garage: Garage) -> None:
    garage.world.add_item(garage.store, "BUNDLE-CAMP", ("TENT-2P", "1"), ("LAMP-USB", "2"))
    garage.set(UnknownSku.NOT_FROM_HERE)
    order_id = garage.order((GNOME, 1), ("BUNDLE-CAMP", 2), (GNOME, 1))
    assert garage.in_warehouse(order_id) == {"TENT-2P": 2, "LAMP-USB": 4}
    garage.ship(order_id, "1Z1", **{"TENT-2P": "2"})
    assert garage.packed(order_id) == []
    garage.ship(order_id, "1Z2")
    assert garage.packed(order_id) == [("1Z2", {"12": 2})]
    assert garage.received(order_id).state == ReceivedState.COMPLETED


def test_no_inventory_is_sent_for_what_is_not_shipped_from_here(garage: Garage) -> None:
    for sku in ("TENT-2P", "LAMP-USB"):
        garage.world.add_item(garage.store, sku)
    garage.world.finish(garage.store, inventory_every="43200")
    garage.say(UnknownSku.NOT_FROM_HERE, "LAMP-USB")
    garage.push()
    assert garage.pushed() == {"TENT-2P": 1000, "LAMP-USB": None}
    view = inventory_view(garage.world.platform, integration_id=garage.store, scope=account_scope(garage.world.account))
    shown = {row.sku: (row.not_from_here, row.due, row.withheld) for row in view.rows}
    assert shown == {"TENT-2P": (False, False, ""), "LAMP-USB": (True, False, "")}
    garage.say(UnknownSku.AS_SET, "LAMP-USB")
    # The push by schedule.
    garage.world.settle_later(hours=12)
    garage.world.pass_time(minutes=5)
    assert garage.pushed() == {"TENT-2P": 1000, "LAMP-USB": 1000}


@pytest.mark.parametrize("shipped", [True, False])
def test_what_the_cart_has_of_other_lines_is_no_difference(garage: Garage, shipped: bool) -> None:
    garage.say(UnknownSku.NOT_FROM_HERE, GNOME)
    order_id, ended = garage.order(("TENT-2P", 1), (GNOME, 1)), garage.order((GNOME, 1))
    if shipped:
        garage.ship(order_id, "1Z1")
    garage.world.pass_time(hours=6)
    with garage.world.platform.db.read() as session:
        compared = dict(session.execute(sa.select(ComparedOrder.order_id, ComparedOrder.outcome)).all())
    assert set(compared.values()) <= {Outcome.AGREES}
    assert garage.received(order_id).id in compared
    assert garage.received(ended).id not in compared
    assert garage.received(order_id).state == (ReceivedState.COMPLETED if shipped else ReceivedState.INJECTED)
    assert garage.cases() == []


def without_single_orders() -> ModuleType:
    """The Tiny cart as one that cannot tell one order."""
    made = ModuleType("listing_tiny")
    kept = {name: value for name, value in vars(plugin).items() if not name.startswith("__") and name != "fetch_order"}
    made.__dict__.update(kept)
    return made


def test_a_cart_that_cannot_tell_one_order_lists_again_from_the_oldest(platform: Platform, clock: VirtualClock) -> None:
    store = SlowStore(platform, clock)
    carts = CartRegistry()
    carts.add("tiny", without_single_orders)
    store.platform = replace(store.platform, carts=carts)
    bought = clock.now()
    ids = store.orders(3, state=ReceivedState.EXCLUDED, reason_code=EventCode.NOT_FROM_HERE)
    clock.advance(timedelta(days=3))
    with store.platform.db.write() as session:
        session.add(ImportCursor(integration_id=store.id, kind="routine", watermark=clock.now()))
    store.run_once("orders.reopen")
    with store.platform.db.read() as session:
        assert session.scalars(sa.select(ImportCursor.watermark)).one() == bought
    store.run_once("orders.check")
    assert store.count(ReceivedOrder.state == ReceivedState.STAGED) == len(ids)
