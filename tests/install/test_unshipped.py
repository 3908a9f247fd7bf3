"""First orders from: which orders wait at the cart while it is set up, and which day leaves none of them out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration, UnshippedLook
from is2_core.accounts.scope import account_scope
from is2_core.install import settings, unshipped
from is2_core.install.settings_form import ORDERS_FROM, day_of, first_instant
from is2_core.orders.models import ReceivedOrder
from tests.support.amazon import NORTHWIND
from tests.support.world import World

# A Monday; the orders of the weekend are open.
FRIDAY = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
EAST, WEST = "Asia/Tokyo", "America/Los_Angeles"


def bought(world: World, *moments: datetime) -> list[str]:
    """Orders that wait at the cart, bought at these moments."""
    ids = world.amazon.generate(NORTHWIND, plain=len(moments))["plain"]
    for order_id, moment in zip(ids, moments, strict=True):
        text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        world.amazon.post(f"orders/{order_id}", {"set": {"createdTime": text}})
    return ids


def in_zone(world: World, zone: str) -> None:
    world.platform = replace(world.platform, config=replace(world.platform.config, timezone=zone))


def look(world: World, store: int) -> UnshippedLook:
    return unshipped.look(world.platform, integration_id=store, scope=account_scope(world.account))


def proposed(world: World, store: int) -> str:
    form = settings.settings_form(
        world.platform, integration_id=store, scope=account_scope(world.account), found=look(world, store)
    )
    return next(entry.value for entry in form if entry.field.key == ORDERS_FROM)


def described(world: World, store: int) -> str:
    return unshipped.describe(world.platform, look(world, store), "Amazon")


@pytest.mark.parametrize(("zone", "day"), [("UTC", "2026-11-20"), (EAST, "2026-11-21"), (WEST, "2026-11-20")])
def test_field_E4_a_weekends_orders_are_told_and_none_is_left_out(world: World, zone: str, day: str) -> None:
    in_zone(world, zone)
    store = world.connect()
    bought(world, FRIDAY, FRIDAY + timedelta(days=1))
    assert described(world, store) == f"Amazon shows 2 orders not shipped yet, the oldest bought on {day}."
    assert proposed(world, store) == day
    world.finish(store, orders_from=proposed(world, store))
    world.settle()
    assert len(world.orders()) == 2
    assert "EXCLUDED" not in {order.state for order in world.orders().values()}


@pytest.mark.parametrize(("zone", "leaves"), [("UTC", True), (EAST, False), (WEST, True)])
def test_field_E4_a_day_that_leaves_orders_out_is_asked_about(world: World, zone: str, leaves: bool) -> None:
    in_zone(world, zone)
    store = world.connect()
    bought(world, FRIDAY)
    look(world, store)
    if not leaves:
        world.finish(store, orders_from="2026-11-21")
        return
    with pytest.raises(unshipped.LeavesOut) as asked:
        world.finish(store, orders_from="2026-11-21")
    assert asked.value.field == ORDERS_FROM
    assert "1 order not shipped yet was bought before this day, the oldest on 2026-11-20" in asked.value.message
    with world.platform.db.read() as session:
        assert session.get_one(Integration, store).finished_at is None
        form = {ORDERS_FROM: "2026-11-21"}
    values = {
        entry.field.key: entry.value
        for entry in settings.settings_form(world.platform, integration_id=store, scope=account_scope(world.account))
    } | form
    ids = {"integration_id": store, "scope": account_scope(world.account)}
    with pytest.raises(unshipped.LeavesOut):
        settings.finish_setup(world.platform, **ids, values=values, leave_out="2026-11-20")
    assert settings.finish_setup(world.platform, **ids, values=values, leave_out="2026-11-21").message


def test_none_waits(world: World) -> None:
    store = world.connect()
    assert described(world, store) == "Amazon shows no order of the last 90 days that is not shipped yet."
    assert proposed(world, store) == "2026-11-23"


def test_shipped_and_amazons_own_orders_do_not_count(world: World) -> None:
    store = world.connect()
    world.amazon.generate(NORTHWIND, amazon_fulfilled=1, cancelled=1)
    assert look(world, store).bought == []


@pytest.mark.parametrize("fault", ["5xx", "429", "403"])
def test_a_cart_that_cannot_be_asked_holds_nothing_up(world: World, fault: str) -> None:
    store = world.connect()
    world.amazon.fault("searchOrders", fault)
    page = look(world, store)
    assert page.message
    assert "could not be asked" in unshipped.describe(world.platform, page, "Amazon")
    assert unshipped.first_day(world.platform, page) == date(2026, 11, 16)
    world.finish(store, orders_from="2026-11-23")


def test_more_than_is_looked_at_is_told_as_at_least(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unshipped, "_PAGES", 1)
    store = world.connect()
    bought(world, *[FRIDAY + timedelta(minutes=number) for number in range(101)])
    assert described(world, store).startswith("Amazon shows at least 100 orders not shipped yet, the oldest bought on")
    with pytest.raises(unshipped.LeavesOut, match="At least 100 orders"):
        world.finish(store, orders_from="2026-11-23")


def test_it_is_asked_once_in_ten_minutes(world: World) -> None:
    store = world.connect()
    for _ in range(3):
        look(world, store)
    assert len(world.amazon.calls("searchOrders")) == 1
    world.clock.advance(timedelta(minutes=10))
    look(world, store)
    assert len(world.amazon.calls("searchOrders")) == 2


def test_a_later_day_drops_no_order_that_waits_here_in_silence(world: World) -> None:
    """Held orders of a weekend, excluded one by one when they are read again."""
    store = world.connect()
    old, new = bought(world, FRIDAY, FRIDAY + timedelta(days=2))
    world.finish(store, orders_from="2026-11-20")
    world.settle()
    assert {world.orders()[order_id].state for order_id in (old, new)} == {"HELD"}
    # A day that drops none is not asked about, and neither is what the warehouse may have.
    world.finish(store, orders_from="2026-11-20")
    with pytest.raises(unshipped.LeavesOut) as asked:
        world.finish(store, orders_from="2026-11-22")
    assert (asked.value.day, asked.value.field) == ("2026-11-22", ORDERS_FROM)
    assert "1 order received and not placed yet was bought before this day, the oldest on 2026-11-20" in str(
        asked.value
    )
    with world.platform.db.read() as session:
        assert session.get_one(Integration, store).orders_from == datetime(2026, 11, 20, tzinfo=UTC)
    form = settings.settings_form(world.platform, integration_id=store, scope=account_scope(world.account))
    values = {entry.field.key: entry.value for entry in form} | {ORDERS_FROM: "2026-11-22"}
    ids = {"integration_id": store, "scope": account_scope(world.account)}
    settings.finish_setup(world.platform, **ids, values=values, leave_out="2026-11-22")
    # Saved again as it is, it asks no more.
    settings.finish_setup(world.platform, **ids, values=values)
    with world.platform.db.write() as session:
        session.execute(sa.update(ReceivedOrder).values(placing_since=world.clock.now()))
    world.finish(store, orders_from="2026-11-23")


def test_saving_again_in_another_zone_does_not_move_the_first_orders(world: World) -> None:
    store = world.connect()
    world.finish(store, orders_from="2026-11-20")
    for zone in (EAST, WEST):
        in_zone(world, zone)
        form = settings.settings_form(world.platform, integration_id=store, scope=account_scope(world.account))
        shown = next(entry.value for entry in form if entry.field.key == ORDERS_FROM)
        world.finish(store, orders_from=shown)
        with world.platform.db.read() as session:
            assert session.get_one(Integration, store).orders_from == datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        ("2026-11-21", EAST, "2026-11-20T15:00"),
        ("2026-11-21", WEST, "2026-11-21T08:00"),
        ("2026-03-08", "America/New_York", "2026-03-08T05:00"),
        ("2026-11-01", "America/New_York", "2026-11-01T04:00"),
        # Midnight does not exist there on this day, and on the other one it comes twice.
        ("2026-03-08", "America/Havana", "2026-03-08T05:00"),
        ("2026-11-01", "America/Havana", "2026-11-01T04:00"),
    ],
)
def test_a_day_begins_with_its_first_moment_there(day: str, zone: str, begins: str) -> None:
    instant = first_instant(day, zone)
    assert instant == datetime.fromisoformat(f"{begins}+00:00")
    assert day_of(instant, zone).isoformat() == day
    assert day_of(instant - timedelta(seconds=1), zone).isoformat() < day
