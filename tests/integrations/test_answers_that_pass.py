"""Siblings of "not found once" and of a role gone for a while: confirmations, listings, stock, customizations; and how
soon tracking heals."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.embedded_warehouse import packing
from is2_core.inventory.models import InventorySync
from is2_core.items.models import CartItem
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.states import ReceivedState
from tests.shipments.test_tracking import Dock
from tests.support.parcels import ups_number
from tests.support.stock import Stock
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; how answers are counted is tried on both in `test_refusals.py` and `test_finality.py`."""
    return sqlite_url


def test_field_B3_an_order_not_found_at_its_confirmation_is_confirmed_a_moment_later(world: World) -> None:
    dock = Dock(world)
    order_id = dock.order()
    for operation in ("confirmShipment", "getOrder"):
        world.amazon.fault(operation, "404")
    dock.ship(order_id, ups_number(1))
    assert [package.post_state for package in dock.packages(order_id)] != [PostState.REJECTED]
    world.pass_time(minutes=2)
    assert [package.post_state for package in dock.packages(order_id)] == [PostState.DONE]
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert not any("refused" in text for text in world.timeline(order_id))


def test_an_order_that_is_never_found_at_its_confirmation_is_refused_after_a_day(world: World) -> None:
    dock = Dock(world)
    order_id = dock.order()
    for operation in ("confirmShipment", "getOrder"):
        world.amazon.fault(operation, "404", lasts_s=30 * 3600)
    dock.ship(order_id, ups_number(1))
    for hours in (10, 10):
        world.settle_later(hours=hours)
        assert [package.post_state for package in dock.packages(order_id)] == [PostState.DUE]
    world.settle_later(hours=5)
    assert [package.post_state for package in dock.packages(order_id)] == [PostState.REJECTED]


def test_tracking_is_posted_within_two_minutes_of_the_end_of_an_outage(world: World) -> None:
    dock = Dock(world)
    orders = world.amazon.generate(plain=3)["plain"]
    world.finish(dock.store)
    world.settle_later(minutes=3)
    world.amazon.fault("confirmShipment", "5xx", lasts_s=3600)
    for number, order_id in enumerate(orders):
        lines = {sku: str(units) for sku, units in dock.left(order_id).items()}
        parcel = {"carrier": "UPS", "service": "", "tracking_number": ups_number(number), "lines": lines}
        packing.ship(world.platform, order_id=dock.warehouse_order(order_id).id, user_id=None, **parcel)
    # Two fail in a row, and the third has no turn.
    world.pass_time(minutes=3)
    world.amazon.heal()
    world.pass_time(minutes=2)
    assert {dock.received(order_id).state for order_id in orders} == {ReceivedState.COMPLETED}


def test_a_listing_that_is_not_found_once_keeps_its_stock(world: World) -> None:
    stock = Stock(world)
    stock.finish()
    assert stock.shown()["LAMP-USB"][0] == 50
    stock.jump(hours=25)
    stock.adjust("LAMP-USB", -3)
    world.amazon.fault("searchListingsItems", "omit", sku="LAMP-USB")
    stock.jump(hours=13)
    assert stock.shown()["LAMP-USB"][0] == 47
    stock.adjust("LAMP-USB", -3)
    world.amazon.fault("searchListingsItems", "omit", sku="LAMP-USB", lasts_s=7 * 86_400)
    stock.jump(hours=37)
    assert stock.shown()["LAMP-USB"][0] == 47
    with world.platform.db.read() as session:
        withheld = session.scalars(sa.select(CartItem.withheld).where(CartItem.sku == "LAMP-USB")).one()
    assert "has no listing with this SKU" in withheld


def test_a_role_for_listings_that_is_gone_for_a_while_keeps_no_stock_back_and_tells_nobody(world: World) -> None:
    stock = Stock(world)
    stock.finish()
    stock.jump(hours=25)
    stock.adjust("LAMP-USB", -3)
    world.amazon.fault("searchListingsItems", "403", lasts_s=14 * 3600)
    world.clock.advance(timedelta(hours=13))
    world.pass_time(minutes=30)
    with world.platform.db.read() as session:
        assert session.scalars(sa.select(InventorySync.problem_message)).one() == ""
        assert session.get_one(Integration, stock.store).state == IntegrationState.ACTIVE
    world.amazon.heal()
    world.pass_time(minutes=6)
    assert stock.shown()["LAMP-USB"][0] == 47
