"""Packages on their way to the cart: parts, bundles, corrections, voids, and what becomes of the order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.scope import account_scope
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.db.engine import Database
from is2_core.embedded_warehouse import order_handling, packing
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehousePackage
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.errors import PluginBug
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.packages import FIRST_REFERENCE
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.wording.shown import stop_answer, timeline
from is2_core.shipments import tracking
from plugins.warehouse import Shipments, WarehouseContext, hookimpl
from tests.support.buyers import why
from tests.support.parcels import confirming
from tests.support.world import World

FIRST, SECOND = str(FIRST_REFERENCE), str(FIRST_REFERENCE + 1)
METHODS = ("STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")


class Dock:
    """A store whose orders lie in the warehouse, and somebody who ships them."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.stock_up()
        self.store = world.connect()
        world.map_methods(self.store, *METHODS)
        world.add_item(self.store, "BUNDLE-CAMP", ("TENT-2P", "1"), ("LAMP-USB", "2"))

    def stop_answer(self, order_id: str) -> str:
        """How the warehouse answered to being asked to stop an order, as its page tells it."""
        order = self.received(order_id)
        with self.world.platform.db.read() as session:
            return stop_answer(timeline(self.world.platform, session, order, "amazon"))

    def order(self, branch: str = "plain") -> str:
        """An order of that branch, placed in the warehouse; returns the cart's id."""
        (order_id,) = self.world.amazon.generate(**{branch: 1})[branch]
        self._place(order_id)
        return order_id

    def order_of(self, *lines: tuple[str, int]) -> str:
        """A placed order with these lines of (cart SKU, quantity); returns the cart's id."""
        (order_id,) = self.world.amazon.generate(plain=1)["plain"]
        order = self.world.amazon.order(order_id)["order"]
        item = order["orderItems"][0]
        items = [
            item
            | {"orderItemId": str(11 + number), "quantityOrdered": units}
            | {"product": item["product"] | {"sellerSku": sku}}
            | {"fulfillment": item.get("fulfillment", {}) | {"quantityFulfilled": 0, "quantityUnfulfilled": units}}
            for number, (sku, units) in enumerate(lines)
        ]
        self.world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": items}})
        self._place(order_id)
        return order_id

    def _place(self, order_id: str) -> None:
        self.world.amazon.touch(order_id)
        self.world.pass_time(minutes=3)
        self.world.finish(self.store)
        self.world.pass_time(minutes=3)
        assert self.received(order_id).state == ReceivedState.INJECTED

    def received(self, order_id: str) -> ReceivedOrder:
        return self.world.orders()[order_id]

    def warehouse_order(self, order_id: str) -> WarehouseOrder:
        return self.world.warehouse_orders()[self.received(order_id).number]

    def left(self, order_id: str) -> dict[str, int]:
        return {line.sku: line.quantity - line.shipped for line in self.warehouse_order(order_id).lines}

    def ship(self, order_id: str, number: str, lines: dict[str, int] | None = None, carrier: str = "UPS") -> int:
        package = confirming(
            packing.ship,
            self.world.platform,
            order_id=self.warehouse_order(order_id).id,
            carrier=carrier,
            service="Ground",
            tracking_number=number,
            lines={sku: str(units) for sku, units in (lines or self.left(order_id)).items()},
            user_id=None,
        )
        self.world.pass_time(minutes=1)
        return package

    def correct(self, package_id: int, number: str, lines: dict[str, int] | None = None, carrier: str = "UPS") -> None:
        with self.world.platform.db.read() as session:
            held = {line.sku: line.quantity for line in session.get_one(WarehousePackage, package_id).lines}
        confirming(
            packing.correct_package,
            self.world.platform,
            package_id=package_id,
            carrier=carrier,
            service="Ground",
            tracking_number=number,
            lines={sku: str(units) for sku, units in (lines or held).items()},
            user_id=None,
        )
        self.world.pass_time(minutes=1)

    def void(self, package_id: int) -> None:
        packing.void_package(self.world.platform, package_id=package_id, user_id=None, reason="label damaged")
        self.world.pass_time(minutes=1)

    def packages(self, order_id: str) -> list[Package]:
        received = self.received(order_id).id
        with self.world.platform.db.read() as session:
            return list(session.scalars(sa.select(Package).where(Package.order_id == received).order_by(Package.id)))

    def shown(self, order_id: str) -> dict[str, tuple[str, str, dict[str, int]]]:
        """Reference -> carrier, tracking number, units per order item, as Amazon has the packages."""
        found: list[dict[str, Any]] = self.world.amazon.order(order_id)["packages"]
        return {
            entry["packageReferenceId"]: (
                entry["carrier"],
                entry["trackingNumber"],
                {item["orderItemId"]: item["quantity"] for item in entry["packageItems"]},
            )
            for entry in found
        }

    def numbers(self, order_id: str) -> dict[str, Counter[str]]:
        """Tracking number -> units per order item, as Amazon has them, under whatever references."""
        found: dict[str, Counter[str]] = {}
        for _, number, units in self.shown(order_id).values():
            found.setdefault(number, Counter()).update(units)
        return found

    def units(self, order_id: str) -> dict[str, int]:
        return {line.remote_id: line.placed for line in self.received(order_id).lines}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` tells the main stories once more there."""
    return sqlite_url


@pytest.fixture
def dock(world: World) -> Dock:
    return Dock(world)


def test_a_shipped_order_has_its_tracking_at_amazon_and_is_completed(dock: Dock) -> None:
    order_id = dock.order()
    dock.ship(order_id, "1Z0001")
    assert dock.shown(order_id) == {FIRST: ("UPS", "1Z0001", dock.units(order_id))}
    assert dock.world.amazon.order(order_id)["status"] == "SHIPPED"
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    (package,) = dock.packages(order_id)
    assert (package.post_state, package.posted_version) == (PostState.DONE, package.version)
    assert package.posted_at is not None
    assert dock.world.quarantined() == []


def test_a_bundle_in_two_packages_counts_when_its_last_part_ships(dock: Dock) -> None:
    order_id = dock.order("bundle")
    bundle = dock.received(order_id).lines[0]
    left = dock.left(order_id)
    dock.ship(order_id, "1Z0001", {"TENT-2P": left["TENT-2P"]})
    (first,) = dock.packages(order_id)
    assert first.post_state == PostState.WAITING
    assert dock.shown(order_id) == {}
    assert dock.received(order_id).state == ReceivedState.SHIPPED
    dock.ship(order_id, "1Z0002")
    assert [package.post_state for package in dock.packages(order_id)] == [PostState.WAITING, PostState.DONE]
    assert dock.shown(order_id)[SECOND][2][bundle.remote_id] == bundle.placed
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_scenario_F42_a_correction_edits_the_same_package(dock: Dock) -> None:
    order_id = dock.order()
    package = dock.ship(order_id, "1Z0001")
    dock.correct(package, "1Z0009", carrier="FedEx")
    assert dock.shown(order_id) == {FIRST: ("FedEx", "1Z0009", dock.units(order_id))}


def test_a_posted_package_that_completes_nothing_any_more_hands_its_reference_on(dock: Dock) -> None:
    order_id = dock.order("bundle")
    bundle = dock.received(order_id).lines[0]
    left = dock.left(order_id)
    first = dock.ship(order_id, "1Z0001")
    dock.correct(first, "1Z0001", {"TENT-2P": left["TENT-2P"]})
    dock.ship(order_id, "1Z0002", {"LAMP-USB": left["LAMP-USB"]})
    assert dock.shown(order_id) == {FIRST: ("UPS", "1Z0002", {bundle.remote_id: bundle.placed})}
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_a_package_shipped_before_another_was_voided_goes_in_its_place_where_it_must(dock: Dock) -> None:
    order_id = dock.order("multi_line")
    left = dock.left(order_id)
    one = next(iter(left))
    first = dock.ship(order_id, "1Z0001", {one: left[one]})
    dock.world.amazon.fault("confirmShipment", "5xx", times=3)
    second = dock.ship(order_id, "1Z0002", {sku: units for sku, units in left.items() if sku != one})
    dock.void(first)
    dock.correct(second, "1Z0002", left)
    dock.world.amazon.heal()
    dock.world.pass_time(minutes=15)
    assert dock.numbers(order_id) == {"1Z0002": dock.units(order_id)}
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_a_chain_of_voided_packages_ends_in_one_at_amazon(dock: Dock) -> None:
    order_id = dock.order("multi_line")
    left = dock.left(order_id)
    one = next(iter(left))
    first = dock.ship(order_id, "1Z0001", {one: left[one]})
    dock.world.amazon.fault("confirmShipment", "5xx", times=9)
    second = dock.ship(order_id, "1Z0002", {sku: units for sku, units in left.items() if sku != one})
    dock.void(second)
    dock.void(first)
    third = dock.ship(order_id, "1Z0003")
    dock.void(third)
    dock.world.amazon.heal()
    dock.ship(order_id, "1Z0004")
    dock.world.pass_time(minutes=15)
    assert dock.numbers(order_id) == {"1Z0004": dock.units(order_id)}
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_units_freed_by_a_correction_arrive_before_the_package_that_takes_them(dock: Dock) -> None:
    order_id = dock.order("multi_line")
    left = dock.left(order_id)
    one = next(iter(left))
    first = dock.ship(order_id, "1Z0001")
    rest = {sku: units for sku, units in left.items() if sku != one}
    dock.world.amazon.fault("confirmShipment", "5xx")
    dock.correct(first, "1Z0001", rest)
    dock.ship(order_id, "1Z0002", {one: left[one]})
    dock.world.pass_time(minutes=30)
    assert {reference: number for reference, (_, number, _) in dock.shown(order_id).items()} == {
        FIRST: "1Z0001",
        SECOND: "1Z0002",
    }
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_a_voided_package_is_replaced_by_the_next_one_under_its_reference(dock: Dock) -> None:
    order_id = dock.order()
    package = dock.ship(order_id, "1Z0001")
    dock.void(package)
    assert dock.received(order_id).state == ReceivedState.INJECTED
    dock.ship(order_id, "1Z0002")
    assert dock.shown(order_id) == {FIRST: ("UPS", "1Z0002", dock.units(order_id))}
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_scenario_F39_a_lost_answer_leaves_one_package(dock: Dock) -> None:
    order_id = dock.order()
    dock.world.amazon.fault("confirmShipment", "apply_then_drop", times=2)
    dock.ship(order_id, "1Z0001")
    dock.world.pass_time(minutes=10)
    assert dock.shown(order_id) == {FIRST: ("UPS", "1Z0001", dock.units(order_id))}
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_a_carrier_amazon_has_no_code_for_goes_as_other_with_its_name(dock: Dock) -> None:
    order_id = dock.order()
    dock.ship(order_id, "CM-17", carrier="City Messenger")
    posted = [call for call in dock.world.amazon.calls("confirmShipment") if call["status"] == 204]
    assert len(posted) == 1
    assert "City Messenger" in str(dock.world.amazon.order(order_id)["packages"])


def test_a_refused_package_says_why_and_can_be_posted_again(dock: Dock) -> None:
    order_id = dock.order()
    dock.world.amazon.fault("confirmShipment", "400")
    dock.ship(order_id, "1Z0001")
    (package,) = dock.packages(order_id)
    assert package.post_state == PostState.REJECTED
    assert package.post_message
    assert dock.received(order_id).state == ReceivedState.SHIPPED
    tracking.post_again(
        dock.world.platform, package_id=package.id, scope=account_scope(dock.world.account), user_id=dock.world.owner
    )
    dock.world.pass_time(minutes=1)
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_the_warehouse_can_end_an_order_and_everybody_hears_of_it(dock: Dock) -> None:
    order_id = dock.order()
    order_handling.stop_order(
        dock.world.platform, order_id=dock.warehouse_order(order_id).id, reason="water damage", user_id=None
    )
    dock.world.pass_time(minutes=1)
    order = dock.received(order_id)
    assert (order.state, why(order)) == (
        ReceivedState.CANCELLED,
        "The warehouse ended this order: water damage",
    )
    with dock.world.platform.db.read() as session:
        case = session.scalars(sa.select(SupportCase).where(SupportCase.kind == CaseKind.WAREHOUSE_STOPPED)).one()
    assert "cancel it there or ship it from elsewhere" in case.message


def test_a_cancellation_of_a_partly_shipped_order_stops_the_rest(dock: Dock) -> None:
    order_id = dock.order("bundle")
    dock.ship(order_id, "1Z0001", {"TENT-2P": 1})
    dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    dock.world.pass_time(minutes=35)
    assert "the warehouse stopped the rest" in dock.stop_answer(order_id)
    assert dock.left(order_id) == {"TENT-2P": 0, "LAMP-USB": 0}


def test_a_package_confirmed_by_other_means_is_left_as_it_is(dock: Dock) -> None:
    (order_id,) = dock.world.amazon.generate(partially_shipped=1)["partially_shipped"]
    before = dock.shown(order_id)
    dock.world.finish(dock.store)
    dock.world.pass_time(minutes=3)
    dock.ship(order_id, "1Z0001")
    assert before.items() <= dock.shown(order_id).items()
    assert len(dock.shown(order_id)) == len(before) + 1
    assert dock.world.amazon.order(order_id)["status"] == "SHIPPED"


def test_an_order_shipped_by_hand_under_the_same_number_is_completed(dock: Dock) -> None:
    order_id = dock.order()
    order = dock.world.amazon.order(order_id)["order"]
    lines = [{"orderItemId": item, "quantity": units} for item, units in dock.units(order_id).items()]
    by_hand = {
        "packageReferenceId": "1",
        "createdTime": order["lastUpdatedTime"],
        "packageStatus": {"status": "SHIPPED"},
        "carrier": "UPS",
        "shipTime": order["lastUpdatedTime"],
        "trackingNumber": "1Z777",
        "packageItems": lines,
    }
    fulfillment = order["fulfillment"] | {"fulfillmentStatus": "SHIPPED"}
    dock.world.amazon.post(f"orders/{order_id}", {"set": {"packages": [by_hand], "fulfillment": fulfillment}})
    dock.ship(order_id, "1Z777")
    assert list(dock.shown(order_id)) == ["1"]
    assert dock.received(order_id).state == ReceivedState.COMPLETED


@pytest.mark.parametrize(
    ("faults", "states"),
    [
        # Refused at first, and again once the second one is accepted.
        ([{"skip": 0}, {"skip": 1}], [PostState.REJECTED, PostState.DONE]),
        ([None, {"skip": 0}], [PostState.DONE, PostState.REJECTED]),
    ],
)
def test_of_two_packages_under_one_number_neither_stands_for_the_other(
    dock: Dock, faults: list[dict[str, int] | None], states: list[PostState]
) -> None:
    order_id = dock.order("partially_shipped")
    ((sku, _),) = dock.left(order_id).items()
    for fault in faults:
        if fault is not None:
            dock.world.amazon.fault("confirmShipment", "400", **fault)
        dock.ship(order_id, "MASTER", {sku: 1})
    assert [package.post_state for package in dock.packages(order_id)] == states


def test_a_package_whose_answer_was_lost_and_that_was_voided_is_replaced_too(dock: Dock) -> None:
    order_id = dock.order()
    dock.world.amazon.fault("confirmShipment", "apply_then_drop")
    package = confirming(
        packing.ship,
        dock.world.platform,
        order_id=dock.warehouse_order(order_id).id,
        carrier="UPS",
        service="Ground",
        tracking_number="1Z0001",
        lines={sku: str(units) for sku, units in dock.left(order_id).items()},
        user_id=None,
    )
    dock.world.settle()
    assert dock.shown(order_id)[FIRST][1] == "1Z0001"
    dock.void(package)
    dock.ship(order_id, "1Z0002")
    dock.world.pass_time(minutes=15)
    assert dock.shown(order_id) == {FIRST: ("UPS", "1Z0002", dock.units(order_id))}


def test_one_package_takes_the_places_of_two_that_were_voided(dock: Dock) -> None:
    order_id = dock.order("partially_shipped")
    ((sku, units),) = dock.left(order_id).items()
    assert units == 2
    before = dock.shown(order_id)
    both = [dock.ship(order_id, number, {sku: 1}) for number in ("1Z0001", "1Z0002")]
    for package in both:
        dock.void(package)
    # Amazon holds a unit in each place and takes none back: the new number has to stand in both.
    third = dock.ship(order_id, "1Z0003")
    ((item, _),) = dock.units(order_id).items()
    taken = {FIRST: ("UPS", "1Z0003", {item: 1}), SECOND: ("UPS", "1Z0003", {item: 1})}
    assert dock.shown(order_id) == before | taken
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    dock.correct(third, "1Z0004", carrier="FedEx")
    taken = {reference: ("FedEx", "1Z0004", {item: 1}) for reference in taken}
    assert dock.shown(order_id) == before | taken
    dock.void(third)
    assert dock.received(order_id).state == ReceivedState.INJECTED
    for number in ("1Z0005", "1Z0006"):
        dock.ship(order_id, number, {sku: 1})
    assert dock.numbers(order_id).items() >= {"1Z0005": {item: 1}, "1Z0006": {item: 1}}.items()
    assert set(dock.shown(order_id)) == {*before, FIRST, SECOND}
    assert dock.received(order_id).state == ReceivedState.COMPLETED


@pytest.mark.parametrize("sku", ["TENT-2P", "TENT-TWO"])
def test_field_C1_a_replacement_takes_the_units_of_the_voided_package(dock: Dock, sku: str) -> None:
    """Lines 11 and 12 of one SKU, or of two the cart knows and the warehouse does not."""
    dock.world.add_item(dock.store, "TENT-TWO", ("TENT-2P", "1"))
    order_id = dock.order_of(("TENT-2P", 1), (sku, 1))
    one, two = dock.units(order_id)
    first = dock.ship(order_id, "1ZA", {"TENT-2P": 1})
    dock.ship(order_id, "1ZB", {"TENT-2P": 1})
    dock.void(first)
    dock.ship(order_id, "1ZC", {"TENT-2P": 1})
    assert dock.shown(order_id) == {FIRST: ("UPS", "1ZC", {one: 1}), SECOND: ("UPS", "1ZB", {two: 1})}
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert [call["status"] for call in dock.world.amazon.calls("confirmShipment")] == [204, 204, 204]


def test_units_cancelled_after_placing_are_told_of_and_not_posted(dock: Dock) -> None:
    order_id = dock.order("multi_line")
    gone, kept = dock.received(order_id).lines[:2]
    with dock.world.platform.db.write() as session:
        session.execute(
            sa.update(ReceivedLine).where(ReceivedLine.id == gone.id).values(cancelled=gone.ordered, open=0)
        )
    dock.ship(order_id, "1Z0001")
    (package,) = dock.packages(order_id)
    assert gone.id not in {entry.line_id for entry in package.units}
    assert kept.id in {entry.line_id for entry in package.units}


def test_a_package_the_cart_chokes_on_hinders_no_other(dock: Dock, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = dock.order(), dock.order()
    call = dock.world.platform.carts.call

    def choke(cart: str, hook: str, **arguments: Any) -> Any:
        if hook == "post_tracking" and any(entry.tracking_number == "1ZBAD" for entry in arguments["packages"]):
            raise PluginBug(cart, hook, "a trace")
        return call(cart, hook, **arguments)

    monkeypatch.setattr(dock.world.platform.carts, "call", choke)
    for order_id, number in ((first, "1ZBAD"), (second, "1ZGOOD")):
        confirming(
            packing.ship,
            dock.world.platform,
            order_id=dock.warehouse_order(order_id).id,
            carrier="UPS",
            service="Ground",
            tracking_number=number,
            lines={sku: str(units) for sku, units in dock.left(order_id).items()},
            user_id=None,
        )
    dock.world.pass_time(minutes=1)
    assert [entry.post_state for entry in dock.packages(first)] == [PostState.REJECTED]
    assert [entry.post_state for entry in dock.packages(second)] == [PostState.DONE]


class AsksNobody(EmbeddedWarehouse):
    """As a warehouse elsewhere: whoever types a number there is not asked about it."""

    @hookimpl
    def shipments_since(self, ctx: WarehouseContext, cursor: str) -> Shipments:
        news = super().shipments_since(ctx, cursor)
        return replace(news, packages=tuple(replace(entry, number_confirmed=False) for entry in news.packages))


class OtherClock(EmbeddedWarehouse):
    """A warehouse that says that parcels were shipped so long after they really were."""

    def __init__(self, db: Database, off: timedelta) -> None:
        super().__init__(db)
        self._off = off

    @hookimpl
    def shipments_since(self, ctx: WarehouseContext, cursor: str) -> Shipments:
        news = super().shipments_since(ctx, cursor)
        return replace(
            news, packages=tuple(replace(entry, shipped_at=entry.shipped_at + self._off) for entry in news.packages)
        )


@pytest.mark.parametrize("off", [timedelta(days=-3), timedelta(hours=6)], ids=["before the order", "in the future"])
def test_field_F4_a_parcel_is_shipped_after_its_order_and_not_in_the_future(dock: Dock, off: timedelta) -> None:
    order_id = dock.order()
    dock.world.platform.warehouses.replace("embedded", OtherClock(dock.world.platform.db, off))
    dock.ship(order_id, "1Z0001")
    dock.world.finish(dock.store)
    (package,) = dock.world.amazon.order(order_id)["order"]["packages"]
    order = dock.received(order_id)
    assert order.cart_created_at <= datetime.fromisoformat(package["shipTime"]) <= dock.world.clock.now()
    assert order.state == ReceivedState.COMPLETED


@pytest.mark.parametrize(
    ("typed", "carrier", "service"),
    [
        ("FedEx Ground", "FedEx", "Ground"),
        ("USPS Priority Mail", "USPS", "Priority Mail"),
        ("DHL Paket", "DHL-Paket", None),
        ("Bob's Van", "Bob's Van", None),
    ],
)
def test_field_F2_amazon_hears_carrier_and_service_of_what_was_typed(
    dock: Dock, typed: str, carrier: str, service: str | None
) -> None:
    order_id = dock.order()
    confirming(
        packing.ship,
        dock.world.platform,
        order_id=dock.warehouse_order(order_id).id,
        carrier=typed,
        service="",
        tracking_number="123456789012",
        lines={sku: str(units) for sku, units in dock.left(order_id).items()},
        user_id=None,
    )
    dock.world.pass_time(minutes=1)
    dock.world.finish(dock.store)
    (package,) = dock.world.amazon.order(order_id)["order"]["packages"]
    assert (package["carrier"], package.get("shippingService")) == (carrier, service)
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_one_number_for_two_orders_raises_a_case_where_nobody_was_asked(dock: Dock) -> None:
    def case() -> SupportCase | None:
        with dock.world.platform.db.read() as session:
            return session.scalar(sa.select(SupportCase).where(SupportCase.kind == CaseKind.NUMBER_TWICE))

    first, second, third = dock.order(), dock.order(), dock.order()
    dock.ship(first, "1Z0001")
    dock.ship(second, "1Z0001")
    assert case() is None
    dock.world.platform.warehouses.replace("embedded", AsksNobody(dock.world.platform.db))
    package = dock.ship(third, "1z-0001")
    raised = case()
    assert raised is not None and raised.closed_at is None
    assert f"tracking number 1z-0001 of order {dock.received(third).number} for another order too" in raised.message
    assert dock.numbers(third) == {"1z-0001": dock.units(third)}
    dock.correct(package, "1Z0003")
    ended = case()
    assert ended is not None and ended.closed_at is not None
