"""What the embedded warehouse reports, and which orders its stock suffices for."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.clock import VirtualClock
from is2_core.embedded_warehouse import order_handling, receiving
from is2_core.embedded_warehouse.models import WarehouseActivity, WarehouseFeed
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.errors import FlowError
from is2_core.platform import Platform
from plugins.warehouse import Already, Cancelled, OrderLine, PartlyCancelled, Placed, Refused, TooLate, WaitsFor
from tests.support.depot import Depot


@pytest.fixture
def depot(platform: Platform, clock: VirtualClock) -> Depot:
    made = Depot(platform, clock)
    made.receive("TENT", 10)
    made.receive("LAMP", 10)
    return made


def moved_since(depot: Depot, cursor: str) -> tuple[set[str], str]:
    activity = depot.warehouse.activity_since(cursor)
    assert activity.complete
    return set(activity.skus), activity.cursor


def news_since(depot: Depot, cursor: str) -> tuple[list[tuple[str, int]], str]:
    shipments = depot.warehouse.shipments_since(cursor)
    assert shipments.complete
    return [(package.id, package.revision) for package in shipments.packages], shipments.cursor


def test_every_kind_of_movement_is_reported_once_read_from_its_cursor(depot: Depot) -> None:
    moved, cursor = moved_since(depot, "")
    assert moved == {"TENT", "LAMP"}
    assert moved_since(depot, cursor) == (set(), cursor)

    def moves(*expected: str) -> None:
        nonlocal cursor
        moved, cursor = moved_since(depot, cursor)
        assert moved == set(expected)

    order = depot.order("A", {"TENT": 2, "LAMP": 1})
    moves("TENT", "LAMP")
    package = depot.ship(order, {"TENT": "1"})
    moves("TENT")
    depot.correct(package, {"TENT": "1"}, tracking_number="other")
    moves()
    depot.correct(package, {"LAMP": "1"})
    moves("TENT", "LAMP")
    depot.void(package)
    moves("LAMP")
    depot.stop(order)
    moves("TENT", "LAMP")
    depot.order("B", {"TENT": 3})
    moves("TENT")
    depot.warehouse.cancel_order("B")
    moves("TENT")
    receiving.adjust(depot.platform, account_id=depot.account, sku="LAMP", delta="-1", reason="lost", user_id=None)
    moves("LAMP")


def test_what_the_warehouse_refuses_or_knows_already_moves_nothing(depot: Depot) -> None:
    order = depot.new_order("A", {"TENT": 2})
    assert depot.place(order, order, depot.new_order("B", {"BOAT": 1})) == [
        Placed(),
        Already(),
        Refused("The warehouse has no SKU 'BOAT'."),
    ]
    _, cursor = moved_since(depot, "")
    assert depot.place(order) == [Already()]
    assert moved_since(depot, cursor)[0] == set()


def test_accounts_do_not_hear_of_each_other(depot: Depot) -> None:
    other = depot.open_account("Contoso")
    depot.receive("TENT", 5, account=other)
    depot.order("A", {"TENT": 1}, account=other)
    assert depot.place(depot.new_order("B", {"LAMP": 1}), depot.new_order("C", {})) == [
        Placed(),
        Refused("The order has nothing to ship."),
    ]
    assert depot.warehouse_of(other).activity_since("").skus == ("TENT",)
    before = depot.warehouse_of(other).shipments_since("")
    assert [(each.number, each.waits_for) for each in before.waiting] == [("A", WaitsFor.PACKING)]
    depot.ship(depot.order("D", {"LAMP": 1}), {"LAMP": "1"})
    assert depot.warehouse_of(other).shipments_since(before.cursor) == replace(before, waiting=())


def test_a_package_is_reported_with_each_revision(depot: Depot) -> None:
    order = depot.order("A", {"TENT": 2})
    _, cursor = news_since(depot, "")
    first = depot.ship(order, {"TENT": "1"})
    (package,) = depot.warehouse.shipments_since(cursor).packages
    assert (package.number, package.id, package.revision, package.voided) == ("A", str(first), 1, False)
    assert (package.carrier, package.service, package.tracking_number) == ("UPS", "Ground", "1Z999")
    assert package.shipped_at == depot.clock.now()
    assert package.lines == (OrderLine("TENT", 1),)
    second = depot.ship(order, {"TENT": "1"})
    news, cursor = news_since(depot, cursor)
    assert news == [(str(first), 1), (str(second), 1)]
    depot.clock.advance(timedelta(hours=1))
    depot.correct(second, {"TENT": "1"}, tracking_number="1Z000")
    depot.void(first)
    news, cursor = news_since(depot, cursor)
    assert news == [(str(second), 2), (str(first), 2)]
    corrected, voided = depot.warehouse.shipments_since("").packages
    assert (corrected.tracking_number, corrected.voided) == ("1Z000", False)
    assert corrected.shipped_at == package.shipped_at
    assert voided.voided
    assert voided.lines == (OrderLine("TENT", 1),)
    assert news_since(depot, cursor) == ([], cursor)


def test_an_order_the_warehouse_ends_is_reported_and_one_the_cart_cancelled_is_not(depot: Depot) -> None:
    stopped, cancelled = depot.order("A", {"TENT": 2}), depot.order("B", {"TENT": 2})
    depot.stop(stopped, "moths")
    depot.warehouse.cancel_order("B")
    news = depot.warehouse.shipments_since("")
    assert [(row.number, row.message) for row in news.stopped] == [("A", "moths")]
    assert depot.warehouse.shipments_since(news.cursor).stopped == ()
    assert depot.state("B") == "CANCELLED"
    with pytest.raises(FlowError, match="cancelled"):
        depot.ship(cancelled, {"TENT": "1"})


def test_long_news_come_in_pages_without_gap_or_repetition(depot: Depot) -> None:
    depot.platform.warehouses.replace("embedded", EmbeddedWarehouse(depot.platform.db, page=2))
    packages = [depot.ship(depot.order(f"N{n}", {"TENT": 1}), {"TENT": "1"}) for n in range(5)]
    depot.stop(depot.order("LAST", {"LAMP": 1}))
    seen: list[str] = []
    cursor, complete = "", False
    while not complete:
        news = depot.warehouse.shipments_since(cursor)
        seen += [package.id for package in news.packages] + [row.number for row in news.stopped]
        assert all(each.waits_for is WaitsFor.NOTHING for each in news.waiting)
        assert len(news.packages) + len(news.stopped) <= 2
        cursor, complete = news.cursor, news.complete
    assert seen == [*(str(package) for package in packages), "LAST"]

    for sku in ("A", "B", "C", "D"):
        depot.receive(sku, 1)
    first = depot.warehouse.activity_since(cursor)
    second = depot.warehouse.activity_since(first.cursor)
    assert ((first.skus, first.complete), (second.skus, second.complete)) == ((("A", "B"), False), (("C", "D"), True))


def test_a_sku_that_moves_between_two_pages_is_in_the_later_one(depot: Depot) -> None:
    depot.platform.warehouses.replace("embedded", EmbeddedWarehouse(depot.platform.db, page=1))
    first = depot.warehouse.activity_since("")
    assert (first.skus, first.complete) == (("TENT",), False)
    depot.receive("LAMP", 1)
    assert depot.warehouse.activity_since(first.cursor).skus == ("LAMP",)


def test_the_record_of_movements_does_not_grow_with_time(depot: Depot) -> None:
    for _ in range(5):
        depot.receive("TENT", 1)
    with depot.platform.db.read() as session:
        rows = session.scalars(sa.select(WarehouseActivity.sku).order_by(WarehouseActivity.sku)).all()
        assert list(rows) == ["LAMP", "TENT"]
        assert session.scalars(sa.select(WarehouseFeed.position)).one() == 7


def test_a_change_that_is_refused_leaves_no_position(depot: Depot) -> None:
    before = depot.warehouse.activity_since("")
    order = depot.order("A", {"TENT": 1})
    after = depot.warehouse.activity_since(before.cursor)
    with pytest.raises(FlowError):
        depot.ship(order, {"TENT": "2"})
    assert depot.warehouse.activity_since(after.cursor).cursor == after.cursor


def test_a_cancelled_order_gives_the_same_answer_when_asked_again(depot: Depot) -> None:
    part, whole, none = (depot.order(number, {"TENT": 2}) for number in ("PART", "WHOLE", "NONE"))
    depot.ship(part, {"TENT": "1"})
    depot.ship(whole, {"TENT": "2"})
    assert none
    for _ in range(2):
        assert depot.warehouse.cancel_order("PART") == PartlyCancelled((OrderLine("TENT", 1),))
        assert depot.warehouse.cancel_order("WHOLE") == TooLate("The warehouse has already shipped the order.")
        assert depot.warehouse.cancel_order("NONE") == Cancelled()
        assert depot.warehouse.cancel_order("NEVER") == Cancelled()
    assert [depot.state(number) for number in ("PART", "WHOLE", "NONE")] == ["COMPLETED", "COMPLETED", "CANCELLED"]
    assert depot.warehouse.stock(["TENT"])[0].committed == 0


def test_a_package_taken_back_from_a_cancelled_order_is_not_shipped_again(depot: Depot) -> None:
    order = depot.order("A", {"TENT": 2})
    package = depot.ship(order, {"TENT": "1"})
    depot.warehouse.cancel_order("A")
    depot.void(package)
    assert (depot.state("A"), depot.lines("A"), depot.on_hand("TENT")) == ("CANCELLED", {"TENT": (0, 0)}, 10)
    assert depot.warehouse.cancel_order("A") == Cancelled()


def test_received_units_lift_the_most_urgent_back_orders_they_cover(depot: Depot) -> None:
    soon, later = depot.clock.now() + timedelta(days=1), depot.clock.now() + timedelta(days=3)
    depot.order("FIRST", {"TENT": 8})
    depot.order("WHENEVER", {"TENT": 3})
    depot.order("LATER", {"TENT": 3}, ship_by=later)
    depot.order("SOON", {"TENT": 4, "LAMP": 1}, ship_by=soon)
    depot.order("HUGE", {"TENT": 90}, ship_by=soon)
    waiting = ("WHENEVER", "LATER", "SOON", "HUGE")
    assert {depot.state(number) for number in waiting} == {"BACK_ORDER"}
    depot.receive("LAMP", 50)
    depot.receive("TENT", 1)
    assert [depot.state(number) for number in waiting] == ["BACK_ORDER", "PENDING", "BACK_ORDER", "BACK_ORDER"]
    depot.receive("TENT", 4)
    assert [depot.state(number) for number in waiting] == ["BACK_ORDER", "PENDING", "PENDING", "BACK_ORDER"]
    depot.warehouse.cancel_order("FIRST")
    assert [depot.state(number) for number in waiting] == ["PENDING", "PENDING", "PENDING", "BACK_ORDER"]


def test_lost_units_put_the_least_urgent_pending_orders_back(depot: Depot) -> None:
    soon = depot.clock.now() + timedelta(days=1)
    packed = depot.order("PACKED", {"TENT": 4})
    depot.order("SOON", {"TENT": 3}, ship_by=soon)
    depot.order("WHENEVER", {"TENT": 3})
    order_handling.start_packing(depot.platform, order_id=packed, user_id=None)
    states = ("PACKED", "SOON", "WHENEVER")
    receiving.adjust(depot.platform, account_id=depot.account, sku="TENT", delta="-1", reason="torn", user_id=None)
    assert [depot.state(number) for number in states] == ["IN_PROCESS", "PENDING", "BACK_ORDER"]
    receiving.adjust(depot.platform, account_id=depot.account, sku="TENT", delta="-8", reason="fire", user_id=None)
    assert [depot.state(number) for number in states] == ["IN_PROCESS", "BACK_ORDER", "BACK_ORDER"]
    assert depot.warehouse.stock(["TENT"])[0].committed == 10


def test_changes_at_the_same_time_take_their_turns(depot: Depot) -> None:
    orders = [depot.order(f"N{n}", {"TENT": 1}) for n in range(8)]
    problems: list[BaseException] = []

    def work(order: int) -> None:
        try:
            parcel = {"carrier": "Courier", "tracking_number": f"PARCEL{order:06d}"}
            depot.void(depot.ship(order, {"TENT": "1"}, **parcel))
            depot.ship(order, {"TENT": "1"}, **parcel)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert depot.on_hand("TENT") == 2
    news = depot.warehouse.shipments_since("")
    assert len(news.packages) == 16
    # 2 received, 8 placed, 24 shipped and voided: no two share a position.
    assert news.cursor == "34"
