"""A push knows what was bought before it: it waits for the store's newest orders, but not for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.orders.importing import freshness
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule
from is2_core.tasks.queue import enqueue
from tests.support.stock import Stock
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` repeats the main cases there."""
    return sqlite_url


@pytest.fixture
def moved(world: World) -> Stock:
    """A store whose TENT-2P has moved, twelve hours after it was sent; nothing is done on schedule for a day."""
    stocked = Stock(world)
    stocked.finish()
    stocked.jump(hours=12)
    with world.platform.db.write() as session:
        session.execute(sa.update(Schedule).values(next_at=world.clock.now() + timedelta(days=1)))
    stocked.adjust("TENT-2P", -1)
    stocked.pass_time(minutes=20)
    return stocked


def test_scenario_F37_what_was_bought_just_now_is_not_offered_again(moved: Stock) -> None:
    moved.sell("TENT-2P", 4)
    moved.pass_time(minutes=3)
    assert moved.world.orders() == {}
    assert "as soon as the newest orders are here" in moved.push_now()
    moved.pass_time(minutes=5)
    assert moved.shown()["TENT-2P"] == (45, 3)
    assert moved.view().problem is None
    assert moved.world.quarantined() == []


def test_a_push_with_fresh_orders_or_nothing_due_lists_none(moved: Stock) -> None:
    moved.push_now()
    moved.pass_time(minutes=5)
    listings = len(moved.world.amazon.calls("searchOrders"))
    moved.jump(hours=12)
    with moved.world.platform.db.write() as session:
        store = session.get_one(Integration, moved.store)
        enqueue(session, kind=TaskKind.INVENTORY_PUSH, integration=store, now=moved.world.clock.now())
    moved.world.settle()
    assert len(moved.world.amazon.calls("searchOrders")) == listings


def test_where_orders_cannot_be_read_the_page_says_so_and_the_push_goes_without_them_in_the_end(moved: Stock) -> None:
    moved.world.amazon.fault("searchOrders", "5xx", 10_000)
    moved.push_now()
    moved.pass_time(minutes=30)
    problem = moved.view().problem
    assert problem is not None
    assert (problem.code, "waits for the newest orders" in problem.message) == ("ORDERS", True)
    tries = len(moved.world.amazon.calls("searchOrders"))
    moved.pass_time(hours=5)
    assert moved.shown()["TENT-2P"] == (50, 3)
    # The listing's own back-off, of half an hour in the end, and nothing of ours.
    assert len(moved.world.amazon.calls("searchOrders")) - tries <= 25
    moved.pass_time(hours=1)
    assert moved.shown()["TENT-2P"] == (49, 3)
    assert moved.view().problem is None


def test_time_in_which_nobody_tried_is_no_outage(moved: Stock) -> None:
    """The store was paused, or nothing ran, while a push waited."""
    moved.world.amazon.fault("searchOrders", "5xx", 1)
    moved.push_now()
    moved.world.settle()
    moved.sell("TENT-2P", 4)
    moved.world.clock.advance(freshness.WAIT_FOR_ORDERS * 2)
    moved.pass_time(minutes=5)
    assert moved.shown()["TENT-2P"] == (45, 3)
