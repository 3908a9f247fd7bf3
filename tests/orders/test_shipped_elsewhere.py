"""Orders that somebody else confirms at the cart: the warehouse is asked to stop, or a person is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.cases.models import SupportCase
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.orders import actions
from is2_core.orders.fulfillment.elsewhere import Parcel, shipped_elsewhere
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.importing.fetch_order import fetch_this_order
from is2_core.orders.models import OrderEvent, ReceivedOrder, Recipient
from is2_core.orders.states import AckState, ReceivedState
from plugins.warehouse import (
    CancelAnswer,
    NewOrder,
    PlaceAnswer,
    Temporary,
    TooLate,
    WarehouseContext,
    hookimpl,
)
from tests.shipments.test_tracking import METHODS, Dock
from tests.support.buyers import why
from tests.support.world import World

ITEM = ("TENT-2P", 3)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` tells the main stories once more there."""
    return sqlite_url


@pytest.fixture
def dock(world: World) -> Dock:
    return Dock(world)


def three_tents(dock: Dock, **changes: Any) -> str:
    """Book an order of three TENT-2P in one line; returns Amazon's id."""
    (order_id,) = dock.world.amazon.generate(plain=1)["plain"]
    item = dock.world.amazon.order(order_id)["order"]["orderItems"][0]
    item["product"]["sellerSku"], item["quantityOrdered"] = ITEM
    item["fulfillment"] |= {"quantityFulfilled": 0, "quantityUnfulfilled": ITEM[1]}
    dock.world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [item], **changes}})
    dock.world.pass_time(minutes=3)
    return order_id


def placed(dock: Dock) -> str:
    """Three tents in the warehouse."""
    order_id = three_tents(dock)
    dock.world.finish(dock.store)
    dock.world.pass_time(minutes=3)
    assert dock.received(order_id).state == ReceivedState.INJECTED
    return order_id


def by_hand(dock: Dock, order_id: str, units: int | None = None, number: str = "1Z-BY-HAND") -> None:
    """Confirm at Amazon, in Seller Central, what is left or so many units."""
    (item,) = (item["orderItemId"] for item in dock.world.amazon.order(order_id)["order"]["orderItems"])
    ship: dict[str, Any] = {"carrier": "DHL", "trackingNumber": number}
    dock.world.amazon.post(f"orders/{order_id}", {"ship": ship | ({"items": {item: units}} if units else {})})


def one_listing(dock: Dock) -> None:
    """Let the next routine listing see what was done by now, and nothing but one listing."""
    before = len(dock.world.amazon.calls("searchOrders"))
    dock.world.pass_time(minutes=3)
    actions.check_now(dock.world.platform, integration_id=dock.store, scope=account_scope(dock.world.account))
    dock.world.settle()
    assert len(dock.world.amazon.calls("searchOrders")) == before + 1


def cases(dock: Dock) -> list[tuple[str, str]]:
    """(kind, message) of the open cases."""
    with dock.world.platform.db.read() as session:
        rows = session.scalars(sa.select(SupportCase).where(SupportCase.closed_at.is_(None)).order_by(SupportCase.id))
        return [(row.kind, row.message) for row in rows]


def events(dock: Dock, order_id: str) -> list[str]:
    query = sa.select(OrderEvent.code).where(OrderEvent.order_id == dock.received(order_id).id).order_by(OrderEvent.id)
    with dock.world.platform.db.read() as session:
        return list(session.scalars(query))


def test_a_parcel_confirmed_by_hand_is_stopped_within_one_listing(dock: Dock) -> None:
    order_id = placed(dock)
    by_hand(dock, order_id)
    one_listing(dock)
    order = dock.received(order_id)
    assert dock.warehouse_order(order_id).state == "CANCELLED"
    assert order.state == ReceivedState.DISMISSED
    assert why(order).startswith("Shipped elsewhere: Confirmed at Amazon by somebody else")
    assert cases(dock) == []
    assert dock.world.amazon.calls("confirmShipment") == []


def test_where_the_warehouse_shipped_before_the_news_a_case_says_so(dock: Dock) -> None:
    order_id = placed(dock)
    dock.world.amazon.fault("confirmShipment", "503", times=50)
    dock.ship(order_id, "1ZOURS")
    by_hand(dock, order_id)
    dock.world.amazon.heal()
    one_listing(dock)
    ((kind, message),) = cases(dock)
    assert kind == "SHIPPED_ELSEWHERE"
    assert "3 units" in message
    assert "DHL 1Z-BY-HAND" in message
    assert "shipped them already" in message
    dock.world.pass_time(minutes=20)
    assert list(dock.shown(order_id)) == ["1"]
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert [package.post_state for package in dock.packages(order_id)] == [PostState.WAITING]


class Packed(EmbeddedWarehouse):
    """A warehouse that has packed all it was given, and stops nothing any more."""

    @hookimpl
    def cancel_order(self, ctx: WarehouseContext, number: str) -> CancelAnswer:
        return TooLate("The parcel is packed.")


@pytest.mark.parametrize("news", ["by_hand", "cancelled"])
def test_too_late_is_told_to_a_person(dock: Dock, news: str) -> None:
    order_id = placed(dock)
    dock.world.platform.warehouses.replace("embedded", Packed(dock.world.platform.db))
    if news == "by_hand":
        by_hand(dock, order_id)
    else:
        dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    one_listing(dock)
    ((kind, message),) = cases(dock)
    assert kind == "TOO_LATE"
    assert "The parcel is packed." in message
    assert dock.received(order_id).state == ReceivedState.INJECTED
    # Asked once; what goes out all the same is still followed.
    dock.ship(order_id, "1ZOURS")
    dock.world.pass_time(minutes=20)
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert [kind for kind, _ in cases(dock)] == ["TOO_LATE"]


def test_units_confirmed_by_hand_are_told_and_never_posted(dock: Dock) -> None:
    order_id = placed(dock)
    by_hand(dock, order_id, 1)
    one_listing(dock)
    ((kind, message),) = cases(dock)
    assert kind == "SHIPPED_ELSEWHERE"
    assert message.startswith("1 unit of order")
    assert dock.left(order_id) == {"TENT-2P": 3}
    # The packer ships what is still wanted; the warehouse is asked to leave out the rest.
    dock.ship(order_id, "1ZOURS", {"TENT-2P": 2})
    dock.world.pass_time(minutes=2)
    assert dock.left(order_id) == {"TENT-2P": 0}
    assert dock.world.amazon.order(order_id)["status"] == "SHIPPED"
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert cases(dock) == [], "nothing is left to be done"


def test_a_package_that_holds_units_confirmed_by_hand_is_confirmed_for_the_others(dock: Dock) -> None:
    order_id = placed(dock)
    by_hand(dock, order_id, 1)
    one_listing(dock)
    dock.ship(order_id, "1ZOURS")
    dock.world.pass_time(minutes=2)
    (units,) = (units for reference, (_, _, units) in dock.shown(order_id).items() if reference != "1")
    assert list(units.values()) == [2]
    assert dock.received(order_id).state == ReceivedState.COMPLETED


@pytest.mark.parametrize("parts", [[3], [1, 2]])
def test_scenario_F41_our_own_confirmations_coming_back_change_nothing(dock: Dock, parts: list[int]) -> None:
    order_id = placed(dock)
    for number, units in enumerate(parts):
        dock.ship(order_id, f"1ZOURS{number}", {"TENT-2P": units})
        told = events(dock, order_id)
        one_listing(dock)
        assert events(dock, order_id) == told
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert dock.received(order_id).cart_state == "SHIPPED"
    assert cases(dock) == []
    assert dock.left(order_id) == {"TENT-2P": 0}


def test_a_confirmation_of_ours_whose_answer_was_lost_is_ours(dock: Dock) -> None:
    order_id = placed(dock)
    dock.world.amazon.fault("confirmShipment", "apply_then_drop", times=50)
    dock.ship(order_id, "1ZOURS", {"TENT-2P": 1})
    one_listing(dock)
    assert cases(dock) == []
    assert dock.left(order_id) == {"TENT-2P": 2}


def test_the_rest_confirmed_by_hand_after_a_part_from_here_is_stopped(dock: Dock) -> None:
    order_id = placed(dock)
    dock.ship(order_id, "1ZOURS", {"TENT-2P": 1})
    by_hand(dock, order_id)
    one_listing(dock)
    assert dock.left(order_id) == {"TENT-2P": 0}
    assert "the warehouse stopped the rest" in dock.stop_answer(order_id)
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert cases(dock) == []


def test_our_number_entered_by_hand_before_it_is_known_here_stops_nothing(dock: Dock) -> None:
    order_id = placed(dock)
    by_hand(dock, order_id, 1, "1z-ou rs")
    one_listing(dock)
    assert [kind for kind, _ in cases(dock)] == ["SHIPPED_ELSEWHERE"]
    dock.ship(order_id, "1ZOURS", {"TENT-2P": 1})
    assert cases(dock) == []
    dock.ship(order_id, "1ZREST", {"TENT-2P": 2})
    dock.world.pass_time(minutes=2)
    assert dock.world.amazon.order(order_id)["status"] == "SHIPPED"
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_an_order_whose_rest_is_cancelled_after_part_shipping_completes(dock: Dock) -> None:
    order_id = placed(dock)
    dock.ship(order_id, "1ZOURS", {"TENT-2P": 1})
    dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    one_listing(dock)
    assert dock.left(order_id) == {"TENT-2P": 0}
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_scenario_F43_what_a_refusal_has_to_do_with_is_read_at_once(dock: Dock) -> None:
    in_part, cancelled = placed(dock), placed(dock)
    by_hand(dock, in_part, 1)
    dock.world.amazon.post(f"orders/{cancelled}", {"cancel": True})
    listings = len(dock.world.amazon.calls("searchOrders"))
    dock.ship(in_part, "1ZOURS")
    dock.ship(cancelled, "1ZLATE", {"TENT-2P": 1})
    assert len(dock.world.amazon.calls("searchOrders")) == listings
    assert [list(units.values()) for _, _, units in dock.shown(in_part).values()] == [[1], [2]]
    assert dock.received(in_part).state == ReceivedState.COMPLETED
    assert dock.left(cancelled) == {"TENT-2P": 0}, "the warehouse packs no more of what is cancelled"
    assert sorted(kind for kind, _ in cases(dock)) == ["SHIPPED_ELSEWHERE", "TOO_LATE"]


def test_a_refused_package_that_somebody_enters_at_the_cart_is_done(dock: Dock) -> None:
    entered, in_part = placed(dock), placed(dock)
    dock.world.amazon.fault("confirmShipment", "400", times=2)
    dock.ship(entered, "1ZOURS")
    dock.ship(in_part, "1ZTHREE")
    assert [dock.packages(each)[0].post_state for each in (entered, in_part)] == [PostState.REJECTED] * 2
    by_hand(dock, entered, number="1Z-OURS")
    by_hand(dock, in_part, 1)
    for order_id in (entered, in_part):
        where = {"integration_id": dock.store, "scope": account_scope(dock.world.account), "user_id": dock.world.owner}
        fetch_this_order(dock.world.platform, remote_id=order_id, **where)
    dock.world.settle()
    assert [dock.received(each).state for each in (entered, in_part)] == [ReceivedState.COMPLETED] * 2
    assert list(dock.shown(entered)) == ["1"]
    assert [list(units.values()) for _, _, units in dock.shown(in_part).values()] == [[1], [2]]


def test_scenario_F44_parcels_that_left_before_nobody_wanted_them_are_told_of(dock: Dock) -> None:
    part, whole, hand = placed(dock), placed(dock), placed(dock)
    dock.world.amazon.fault("confirmShipment", "503", times=50)
    dock.ship(part, "1ZPART", {"TENT-2P": 1})
    dock.ship(whole, "1ZWHOLE")
    dock.ship(hand, "1ZHAND", {"TENT-2P": 1})
    for order_id in (part, whole):
        dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    by_hand(dock, hand)
    dock.world.amazon.heal()
    one_listing(dock)
    dock.world.pass_time(minutes=2)
    told = dict(cases(dock))
    assert sorted(kind for kind, _ in cases(dock)) == ["SHIPPED_ELSEWHERE", "TOO_LATE", "TOO_LATE"]
    assert "Intercept what it has shipped in vain" in told["SHIPPED_ELSEWHERE"]
    assert "Intercept the parcel, or expect it back" in told["TOO_LATE"]
    for order_id in (part, whole, hand):
        assert dock.received(order_id).state == ReceivedState.COMPLETED
        assert dock.left(order_id) == {"TENT-2P": 0}
        ended = dock.world.timeline(order_id)
        assert "Everything is shipped, and the cart has the tracking." not in ended


def test_a_package_taken_back_after_the_rest_was_stopped_is_told_of(dock: Dock) -> None:
    order_id = placed(dock)
    package = dock.ship(order_id, "1ZOURS", {"TENT-2P": 1})
    dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    one_listing(dock)
    assert (dock.received(order_id).state, cases(dock)) == (ReceivedState.COMPLETED, [])
    dock.void(package)
    ((kind, message),) = cases(dock)
    assert kind == "WAREHOUSE_STOPPED"
    assert "ship them from elsewhere" in message


def test_what_was_never_placed_and_is_confirmed_by_hand_is_over(dock: Dock) -> None:
    quarantined = three_tents(dock, fulfillment={"fulfillmentServiceLevel": "SCHEDULED"})
    excluded = three_tents(dock, fulfillment={"fulfillmentServiceLevel": "SCHEDULED"})
    dock.world.finish(dock.store)
    dock.world.pass_time(minutes=3)
    for order_id, state in ((quarantined, ReceivedState.QUARANTINED), (excluded, ReceivedState.EXCLUDED)):
        with dock.world.platform.db.write() as session:
            row = sa.update(ReceivedOrder).where(ReceivedOrder.remote_id == order_id)
            session.execute(row.values(state=state, reason_code="QUARANTINED"))
        by_hand(dock, order_id)
    one_listing(dock)
    for order_id in (quarantined, excluded):
        order = dock.received(order_id)
        assert (order.state, order.holds) == (ReceivedState.EXCLUDED, [])
        assert why(order) == "Shipped already, before the warehouse had it."
    assert (dock.world.warehouse_orders(), cases(dock)) == ({}, [])


class Meanwhile(EmbeddedWarehouse):
    """The embedded warehouse; something happens while it is being asked to take orders."""

    def __init__(self, dock: Dock, units: int | None) -> None:
        super().__init__(dock.world.platform.db)
        self._dock, self._units = dock, units

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        for order in orders:
            order_id = order.number.partition("-")[2]
            by_hand(self._dock, order_id, self._units)
            self._dock.world.clock.advance(timedelta(minutes=3))
            orders_of_the_store = {"integration_id": self._dock.store, "scope": account_scope(self._dock.world.account)}
            fetch_this_order(
                self._dock.world.platform, user_id=self._dock.world.owner, remote_id=order_id, **orders_of_the_store
            )
        return super().place_orders(ctx, orders)


@pytest.mark.parametrize("units", [None, 1])
def test_what_is_confirmed_while_the_warehouse_is_being_asked_is_stopped_or_told(dock: Dock, units: int | None) -> None:
    order_id = three_tents(dock)
    dock.world.platform.warehouses.replace("embedded", Meanwhile(dock, units))
    dock.world.finish(dock.store)
    dock.world.pass_time(minutes=2)
    order = dock.received(order_id)
    if units is None:
        assert (order.state, order.ack_state) == (ReceivedState.EXCLUDED, AckState.NOT_NEEDED)
        assert dock.warehouse_order(order_id).state == "CANCELLED"
    else:
        assert order.state == ReceivedState.INJECTED
        assert [kind for kind, _ in cases(dock)] == ["SHIPPED_ELSEWHERE"]


def test_a_held_order_confirmed_by_hand_is_over(dock: Dock) -> None:
    order_id = three_tents(dock, fulfillment={"fulfillmentServiceLevel": "SCHEDULED"})
    dock.world.finish(dock.store)
    dock.world.pass_time(minutes=3)
    assert dock.received(order_id).state == ReceivedState.HELD
    by_hand(dock, order_id)
    one_listing(dock)
    order = dock.received(order_id)
    assert (order.state, order.holds) == (ReceivedState.EXCLUDED, [])
    dock.world.map_methods(dock.store, "SCHEDULED")
    dock.world.pass_time(minutes=2)
    assert dock.world.warehouse_orders() == {}


def test_a_dismissed_order_confirmed_by_hand_is_no_news(dock: Dock) -> None:
    order_id = three_tents(dock, fulfillment={"fulfillmentServiceLevel": "SCHEDULED"})
    dock.world.finish(dock.store)
    dock.world.pass_time(minutes=3)
    actions.shipped_elsewhere(
        dock.world.platform,
        order_id=dock.received(order_id).id,
        scope=account_scope(dock.world.account),
        user_id=dock.world.owner,
        note="our shop",
    )
    by_hand(dock, order_id)
    one_listing(dock)
    assert dock.received(order_id).state == ReceivedState.DISMISSED
    assert cases(dock) == []


def test_an_order_over_before_it_arrives_keeps_nothing_of_its_buyer(world: World) -> None:
    world.stock_up()
    store = world.connect()
    world.map_methods(store, *METHODS)
    world.finish(store)
    world.pass_time(minutes=3)
    made = world.amazon.generate(gift=2, customized=1, plain=1)
    for order_id in (order_id for ids in made.values() for order_id in ids):
        world.amazon.post(f"orders/{order_id}", {"ship": True})
    world.pass_time(minutes=35)
    found = world.orders()
    assert {order.state for order in found.values()} == {ReceivedState.EXCLUDED}
    assert {line.customization for order in found.values() for line in order.lines} == {"NONE"}
    with world.platform.db.read() as session:
        assert session.scalars(sa.select(Recipient)).all() == []
        assert session.get_one(Integration, store).state == "ACTIVE"
    assert world.tasks("inventory.activity") == []


def parcel(reference: str, number: str, **units: int) -> Parcel:
    return Parcel(reference, number, {int(line[1:]): count for line, count in units.items()})


@pytest.mark.parametrize(
    ("shipped", "shown", "ours", "elsewhere", "sure"),
    [
        # A cart that shows no packages: only units.
        ({1: 2}, None, [], {1: 2}, True),
        ({1: 2}, None, [parcel("10001", "A", l1=2)], {}, True),
        ({1: 3}, None, [parcel("10001", "A", l1=2)], {1: 1}, False),
        # Ours by reference, whatever was edited there.
        ({1: 2}, [parcel("10001", "edited", l1=2)], [parcel("10001", "A", l1=1)], {}, True),
        # Ours by number, as far as it holds that many.
        ({1: 3}, [parcel("1", "a ", l1=3)], [parcel("10001", "A", l1=2)], {1: 1}, True),
        # One number twice: the second time it is not ours any more.
        ({1: 2}, [parcel("1", "A", l1=1), parcel("2", "A", l1=1)], [parcel("10001", "A", l1=1)], {1: 1}, True),
        # No number is no number of ours.
        ({1: 1}, [parcel("1", "", l1=1)], [parcel("10001", "", l1=1)], {1: 1}, True),
        # Counted, but not shown: one on its way there, the other somebody else's.
        ({1: 2}, [], [parcel("10001", "A", l1=1)], {1: 1}, True),
    ],
)
def test_what_is_ours_is_told_by_reference_number_and_units(
    shipped: dict[int, int],
    shown: list[Parcel] | None,
    ours: list[Parcel],
    elsewhere: dict[int, int],
    sure: bool,
) -> None:
    found = shipped_elsewhere(shipped, shown, ours)
    assert {line: units for line, units in found.units.items() if units} == elsewhere
    assert found.sure is sure or not elsewhere


class Busy(EmbeddedWarehouse):
    """The embedded warehouse; it answers nobody who wants something stopped."""

    @hookimpl
    def cancel_order(self, ctx: WarehouseContext, number: str) -> CancelAnswer:
        raise Temporary("The warehouse does not answer.", code="WAREHOUSE_DOWN", unknown=False)


@pytest.mark.parametrize(("units", "code"), [(1, "STOPPED_IN_PART"), (3, "PACKAGE")])
def test_what_leaves_before_the_warehouse_hears_of_the_stop_is_told(dock: Dock, units: int, code: str) -> None:
    order_id = placed(dock)
    by_hand(dock, order_id)
    platform = dock.world.platform
    platform.warehouses.replace("embedded", Busy(platform.db))
    one_listing(dock)
    assert cases(dock) == [], "the warehouse is being asked to stop all of it"
    dock.ship(order_id, "1ZLATE", {"TENT-2P": units})
    platform.warehouses.replace("embedded", EmbeddedWarehouse(platform.db))
    dock.world.pass_time(minutes=5)
    assert code in events(dock, order_id)
    ((kind, message),) = cases(dock)
    assert kind == "SHIPPED_ELSEWHERE"
    assert "3 units" in message
    one_listing(dock)
    assert len(cases(dock)) == 1
