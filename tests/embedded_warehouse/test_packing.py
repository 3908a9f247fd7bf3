"""Packing in the embedded warehouse: parts, corrections, voids, stops, and everything that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.clock import VirtualClock
from is2_core.embedded_warehouse import order_handling, packing, receiving
from is2_core.embedded_warehouse.models import (
    StockMovement,
    WarehouseActivity,
    WarehouseFeed,
    WarehouseOrder,
    WarehouseOrderLine,
    WarehousePackage,
    WarehousePackageLine,
    WarehouseSku,
)
from is2_core.errors import BadInput, Conflict, FlowError, NotFound, Unconfirmed
from is2_core.platform import Platform
from is2_core.tasks.models import Task
from tests.support.depot import Depot
from tests.support.parcels import ups_number

WRITTEN = (
    StockMovement,
    Task,
    WarehouseActivity,
    WarehouseFeed,
    WarehouseOrder,
    WarehouseOrderLine,
    WarehousePackage,
    WarehousePackageLine,
    WarehouseSku,
)


@pytest.fixture
def depot(platform: Platform, clock: VirtualClock) -> Depot:
    made = Depot(platform, clock)
    made.receive("TENT", 10)
    made.receive("LAMP", 3)
    return made


@pytest.fixture
def order(depot: Depot) -> int:
    return depot.order("AM1-7", {"TENT": 4, "LAMP": 2})


def everything(depot: Depot) -> list[Any]:
    """Every row that packing may write."""
    with depot.platform.db.read() as session:
        return [tuple(row) for table in WRITTEN for row in session.execute(sa.select(*sa.inspect(table).columns)).all()]


def refused(depot: Depot, kind: type[FlowError], act: Callable[[], object]) -> FlowError:
    """What is refused writes nothing."""
    before = everything(depot)
    with pytest.raises(kind) as caught:
        act()
    assert everything(depot) == before
    return caught.value


def test_an_order_is_shipped_in_parts(depot: Depot, order: int) -> None:
    order_handling.start_packing(depot.platform, order_id=order, user_id=None)
    assert depot.state("AM1-7") == "IN_PROCESS"
    depot.ship(order, {"TENT": "1", "LAMP": "2"})
    assert (depot.state("AM1-7"), depot.lines("AM1-7")) == ("IN_PROCESS", {"TENT": (4, 1), "LAMP": (2, 2)})
    last = depot.ship(order, {"TENT": " 3 ", "LAMP": ""})
    assert (depot.state("AM1-7"), depot.lines("AM1-7")) == ("COMPLETED", {"TENT": (4, 4), "LAMP": (2, 2)})
    assert {line.sku: line.quantity for line in depot.package(last).lines} == {"TENT": 3}
    assert (depot.on_hand("TENT"), depot.on_hand("LAMP")) == (6, 1)
    assert depot.ledger("TENT") == [
        (10, "received"),
        (-1, "shipped AM1-7 package 1"),
        (-3, "shipped AM1-7 package 2"),
    ]
    assert depot.warehouse.stock(["TENT"])[0].committed == 0


def test_a_pending_order_can_be_shipped_at_once(depot: Depot, order: int) -> None:
    depot.ship(order, {"TENT": "1"})
    assert depot.state("AM1-7") == "IN_PROCESS"


def test_carrier_names_are_kept_as_the_list_writes_them(depot: Depot, order: int) -> None:
    package = depot.package(depot.ship(order, {"TENT": "1"}, carrier=" ups ", tracking_number=" 1Z 1\n", service=" "))
    assert (package.carrier, package.tracking_number, package.service) == ("UPS", "1Z 1", "")
    package = depot.package(depot.ship(order, {"TENT": "1"}, carrier="Bob's Van"))
    assert package.carrier == "Bob's Van"


@pytest.mark.parametrize(
    ("lines", "field", "message"),
    [
        ({"TENT": "5"}, "quantity:TENT", "Only 4 units of TENT are left to ship in this order."),
        ({"LAMP": "3"}, "quantity:LAMP", "Only 2 units of LAMP are left to ship in this order."),
        ({"TENT": "two"}, "quantity:TENT", "The quantity of TENT must be a whole number, 0 or more."),
        ({"TENT": "-1"}, "quantity:TENT", "The quantity of TENT must be a whole number, 0 or more."),
        ({"TENT": "1.5"}, "quantity:TENT", "The quantity of TENT must be a whole number, 0 or more."),
        ({"TENT": "1_0"}, "quantity:TENT", "The quantity of TENT must be a whole number, 0 or more."),
        ({"TENT": "²"}, "quantity:TENT", "The quantity of TENT must be a whole number, 0 or more."),
        ({"TENT": "9" * 5000}, "quantity:TENT", "The quantity of TENT is far too large."),
        ({"TENT": "0", "LAMP": ""}, "lines", "A package holds at least one unit. Say how many of which SKU."),
        ({}, "lines", "A package holds at least one unit. Say how many of which SKU."),
        ({"BOAT": "1"}, "quantity:BOAT", "This order has no SKU BOAT."),
        ({"tent": "1"}, "quantity:tent", "This order has no SKU tent."),
    ],
)
def test_units_that_cannot_be_shipped(
    depot: Depot, order: int, lines: dict[str, str], field: str, message: str
) -> None:
    error = refused(depot, BadInput, lambda: depot.ship(order, lines))
    assert (error.message, error.field) == (message, field)


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"carrier": "  "}, "carrier", "Give the carrier."),
        ({"carrier": "x" * 51}, "carrier", "The carrier has more than 50 characters."),
        ({"carrier": "U\0PS"}, "carrier", "The carrier contains characters that cannot be printed."),
        ({"tracking_number": "\n"}, "tracking_number", "Give the tracking number."),
        ({"tracking_number": "1" * 101}, "tracking_number", "The tracking number has more than 100 characters."),
        (
            {"tracking_number": "1Z\u200b9"},
            "tracking_number",
            "The tracking number contains characters that cannot be printed.",
        ),
        ({"service": "x\ty"}, "service", "The service contains characters that cannot be printed."),
    ],
)
def test_a_label_that_cannot_be_read(
    depot: Depot, order: int, changed: dict[str, str], field: str, message: str
) -> None:
    error = refused(depot, BadInput, lambda: depot.ship(order, {"TENT": "1"}, **changed))
    assert (error.message, error.field) == (message, field)


def test_units_that_are_not_there_are_not_shipped(depot: Depot) -> None:
    order = depot.order("BIG", {"TENT": 12})
    assert depot.state("BIG") == "BACK_ORDER"
    error = refused(depot, BadInput, lambda: depot.ship(order, {"TENT": "11"}))
    assert error.message == "Only 10 units of TENT are on hand."
    error = refused(depot, Conflict, lambda: order_handling.start_packing(depot.platform, order_id=order, user_id=None))
    assert "Not all of this order is in stock yet" in error.message
    depot.ship(order, {"TENT": "10"})
    assert depot.state("BIG") == "BACK_ORDER"
    depot.receive("TENT", 1)
    assert depot.state("BIG") == "BACK_ORDER"
    depot.receive("TENT", 1)
    assert depot.state("BIG") == "PENDING"
    depot.ship(order, {"TENT": "2"})
    assert depot.state("BIG") == "COMPLETED"


def test_a_back_order_shipped_first_leaves_others_waiting(depot: Depot) -> None:
    depot.order("OTHER", {"TENT": 6})
    order = depot.order("BIG", {"TENT": 12})
    depot.ship(order, {"TENT": "8"})
    assert (depot.state("OTHER"), depot.state("BIG")) == ("BACK_ORDER", "BACK_ORDER")


def test_a_page_sent_twice_ships_once(depot: Depot, order: int) -> None:
    depot.ship(order, {"TENT": "2"}, expected_packages="0")
    error = refused(depot, Conflict, lambda: depot.ship(order, {"TENT": "2"}, expected_packages="0"))
    assert "was shipped a moment ago" in error.message
    # A void in between does not make the old page right again.
    with depot.platform.db.read() as session:
        package = session.scalars(sa.select(WarehousePackage.id)).one()
    depot.void(package)
    refused(depot, Conflict, lambda: depot.ship(order, {"TENT": "2"}, expected_packages="0"))
    depot.ship(order, {"TENT": "2"}, expected_packages="1")


def test_an_order_that_is_over_is_not_shipped_again(depot: Depot, order: int) -> None:
    depot.ship(order, {"TENT": "4", "LAMP": "2"})
    error = refused(depot, Conflict, lambda: depot.ship(order, {"TENT": "1"}))
    assert error.message == "This order is completed; nothing of it is left to ship."
    for act in (
        lambda: depot.stop(order),
        lambda: order_handling.hold_order(depot.platform, order_id=order, user_id=None),
        lambda: order_handling.release_order(depot.platform, order_id=order, user_id=None),
        lambda: order_handling.start_packing(depot.platform, order_id=order, user_id=None),
    ):
        refused(depot, Conflict, act)


def test_a_line_shipped_whole_is_not_shipped_again(depot: Depot, order: int) -> None:
    depot.ship(order, {"LAMP": "2"})
    error = refused(depot, BadInput, lambda: depot.ship(order, {"LAMP": "1", "TENT": "1"}))
    assert error.message == "No unit of LAMP is left to ship in this order."


def test_a_corrected_package_keeps_its_time_and_moves_the_difference(depot: Depot, order: int) -> None:
    package = depot.ship(order, {"TENT": "4", "LAMP": "1"})
    shipped_at = depot.clock.now()
    depot.clock.advance(timedelta(hours=1))
    depot.correct(package, {"TENT": "3", "LAMP": "2"}, carrier="FedEx", tracking_number="77")
    row = depot.package(package)
    assert (row.carrier, row.tracking_number, row.revision, row.shipped_at) == ("FedEx", "77", 2, shipped_at)
    assert {line.sku: line.quantity for line in row.lines} == {"TENT": 3, "LAMP": 2}
    assert depot.lines("AM1-7") == {"TENT": (4, 3), "LAMP": (2, 2)}
    assert (depot.on_hand("TENT"), depot.on_hand("LAMP")) == (7, 1)
    assert depot.ledger("TENT")[-1] == (1, "corrected AM1-7 package 1")
    assert depot.ledger("LAMP")[-1] == (-1, "corrected AM1-7 package 1")


def test_a_correction_can_complete_an_order_and_open_it_again(depot: Depot, order: int) -> None:
    package = depot.ship(order, {"TENT": "4"})
    depot.correct(package, {"TENT": "4", "LAMP": "2"})
    assert depot.state("AM1-7") == "COMPLETED"
    depot.correct(package, {"LAMP": "2"})
    assert (depot.state("AM1-7"), depot.lines("AM1-7")) == ("IN_PROCESS", {"TENT": (4, 0), "LAMP": (2, 2)})


def test_what_cannot_be_corrected(depot: Depot, order: int) -> None:
    package = depot.ship(order, {"TENT": "2"})
    depot.ship(order, {"TENT": "1"})
    error = refused(depot, BadInput, lambda: depot.correct(package, {"TENT": "4"}))
    assert error.message == "Only 1 unit of TENT is left to ship in this order."
    assert refused(depot, BadInput, lambda: depot.correct(package, {"TENT": "0"})).field == "lines"
    refused(depot, BadInput, lambda: depot.correct(package, {"TENT": "2", "BOAT": "1"}))
    refused(depot, BadInput, lambda: depot.correct(package, {"TENT": "2"}, tracking_number=""))
    error = refused(depot, BadInput, lambda: depot.correct(package, {"TENT": "2"}))
    assert error.message == "Nothing about this package is different."
    depot.correct(package, {"TENT": "2"}, tracking_number="2", expected_revision="1")
    error = refused(
        depot, Conflict, lambda: depot.correct(package, {"TENT": "2"}, tracking_number="3", expected_revision="1")
    )
    assert "was changed a moment ago" in error.message
    depot.void(package)
    error = refused(depot, Conflict, lambda: depot.correct(package, {"TENT": "2"}))
    assert "was voided" in error.message


def test_a_voided_package_comes_back_and_the_order_opens_again(depot: Depot, order: int) -> None:
    depot.ship(order, {"LAMP": "2"})
    package = depot.ship(order, {"TENT": "4"})
    assert depot.state("AM1-7") == "COMPLETED"
    depot.void(package)
    assert (depot.state("AM1-7"), depot.lines("AM1-7")) == ("IN_PROCESS", {"TENT": (4, 0), "LAMP": (2, 2)})
    assert depot.on_hand("TENT") == 10
    assert depot.ledger("TENT")[-1] == (4, "voided AM1-7 package 2 (came back)")
    row = depot.package(package)
    assert (row.revision, row.voided_at) == (2, depot.clock.now())
    error = refused(depot, Conflict, lambda: depot.void(package))
    assert error.message == "This package was voided already."
    depot.ship(order, {"TENT": "4"})
    assert depot.ledger("TENT")[-1] == (-4, "shipped AM1-7 package 3")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\0b"])
def test_voiding_and_stopping_need_a_reason(depot: Depot, order: int, reason: str) -> None:
    package = depot.ship(order, {"TENT": "1"})
    for act in (
        lambda: packing.void_package(depot.platform, package_id=package, user_id=None, reason=reason),
        lambda: order_handling.stop_order(depot.platform, order_id=order, user_id=None, reason=reason),
    ):
        assert refused(depot, BadInput, act).field == "reason"


def test_a_stopped_order_releases_what_was_not_shipped(depot: Depot, order: int) -> None:
    package = depot.ship(order, {"TENT": "1"})
    depot.stop(order, " moths ")
    assert (depot.state("AM1-7"), depot.lines("AM1-7")) == ("COMPLETED", {"TENT": (1, 1), "LAMP": (0, 0)})
    assert depot.warehouse.stock(["TENT", "LAMP"])[1].committed == 0
    refused(depot, Conflict, lambda: depot.ship(order, {"TENT": "1"}))
    refused(depot, Conflict, lambda: depot.stop(order))
    depot.void(package)
    assert (depot.state("AM1-7"), depot.lines("AM1-7")) == ("CANCELLED", {"TENT": (0, 0), "LAMP": (0, 0)})
    assert depot.on_hand("TENT") == 10


def test_an_order_on_hold_is_not_shipped_until_released(depot: Depot, order: int) -> None:
    order_handling.hold_order(depot.platform, order_id=order, user_id=None)
    assert depot.state("AM1-7") == "ON_HOLD"
    assert "on hold" in refused(depot, Conflict, lambda: depot.ship(order, {"TENT": "1"})).message
    refused(depot, Conflict, lambda: order_handling.hold_order(depot.platform, order_id=order, user_id=None))
    depot.order("OTHER", {"TENT": 8})
    assert depot.state("OTHER") == "PENDING"
    order_handling.release_order(depot.platform, order_id=order, user_id=None)
    assert depot.state("AM1-7") == "BACK_ORDER"
    depot.receive("TENT", 2)
    assert depot.state("AM1-7") == "PENDING"


def test_a_hold_lets_others_be_packed_and_its_release_is_at_once_where_units_are_there(
    depot: Depot, order: int
) -> None:
    depot.order("OTHER", {"TENT": 8})
    assert depot.state("OTHER") == "BACK_ORDER"
    order_handling.hold_order(depot.platform, order_id=order, user_id=None)
    assert depot.state("OTHER") == "PENDING"
    depot.warehouse.cancel_order("OTHER")
    order_handling.release_order(depot.platform, order_id=order, user_id=None)
    assert depot.state("AM1-7") == "PENDING"


def test_what_is_not_there(depot: Depot, order: int) -> None:
    refused(depot, NotFound, lambda: depot.ship(order + 1, {"TENT": "1"}))
    refused(depot, NotFound, lambda: depot.correct(1, {"TENT": "1"}))
    refused(depot, NotFound, lambda: depot.void(1))
    refused(depot, NotFound, lambda: depot.stop(order + 1))


def test_the_platform_hears_of_every_change_at_once(depot: Depot, order: int) -> None:
    package = 0

    def ship() -> None:
        nonlocal package
        package = depot.ship(order, {"TENT": "1"})

    for act in (
        ship,
        lambda: depot.correct(package, {"TENT": "2"}),
        lambda: depot.void(package),
        lambda: depot.stop(order),
        lambda: depot.receive("TENT", 1),
        lambda: receiving.adjust(
            depot.platform, account_id=depot.account, sku="TENT", delta="-1", reason="torn", user_id=None
        ),
    ):
        before = depot.asked_to_read()
        act()
        assert depot.asked_to_read() == before + 1


def test_stock_that_cannot_be_booked(depot: Depot) -> None:
    def adjust(sku: str, delta: str, reason: str = "counted") -> Callable[[], object]:
        return lambda: receiving.adjust(
            depot.platform, account_id=depot.account, sku=sku, delta=delta, reason=reason, user_id=None
        )

    assert refused(depot, BadInput, adjust("BOAT", "5")).message == "The warehouse has no SKU BOAT."
    assert refused(depot, BadInput, adjust("TENT", "-11")).field == "delta"
    assert refused(depot, BadInput, adjust("TENT", "1", "a\0b")).field == "reason"
    assert refused(depot, BadInput, adjust("TENT", "1000000")).field == "quantity"
    assert refused(depot, BadInput, lambda: depot.receive("TENT", 1_000_000)).field == "quantity"


def asked(depot: Depot, order: int, number: str, **values: str) -> str:
    """What shipping under that number asks about; "" where it was shipped."""
    try:
        packing.ship(
            depot.platform,
            order_id=order,
            carrier=values.get("carrier", "UPS"),
            service="",
            tracking_number=number,
            lines={"TENT": "1"},
            user_id=None,
        )
    except Unconfirmed as question:
        return question.message
    return ""


def test_field_F1_a_number_used_before_is_asked_about_but_not_within_an_order_nor_after_a_void(depot: Depot) -> None:
    number = ups_number(1)
    depot.receive("TENT", 20)
    first, second = depot.order("N-1", {"TENT": 3}), depot.order("N-2", {"TENT": 3})
    assert asked(depot, first, number) == ""
    assert asked(depot, first, number.lower()) == ""
    assert asked(depot, second, f"{number[:5]} {number[5:]}").endswith("was used before, for order N-1.")
    with depot.platform.db.read() as session:
        shipped = session.scalars(sa.select(WarehousePackage.id)).all()
    assert len(shipped) == 2
    for package in shipped:
        depot.void(package)
    assert asked(depot, second, number) == ""


def test_a_number_of_another_account_is_asked_about_without_naming_what_it_is_of(depot: Depot) -> None:
    number = ups_number(1)
    other = depot.open_account("Harbor")
    depot.receive("TENT", 20)
    depot.receive("TENT", 20, other)
    assert asked(depot, depot.order("H-1", {"TENT": 3}, account=other), number) == ""
    assert asked(depot, depot.order("N-1", {"TENT": 3}), number) == f"{number} was used before, for another order."
