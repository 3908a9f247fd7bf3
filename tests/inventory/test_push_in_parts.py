"""A push that does not fit into one write, or into the budget of one moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.inventory.models import InventoryPushLine
from is2_core.inventory.push import plan
from is2_core.inventory.states import PushResult
from tests.support.stock import Stock
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite."""
    return sqlite_url


@pytest.fixture
def stocked(world: World) -> Stock:
    return Stock(world)


def take_at_once(stocked: Stock, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Let the cart take so many SKUs in a write."""
    carts = stocked.world.platform.carts
    small = replace(carts.manifest("amazon"), inventory_batch=most)
    monkeypatch.setattr(carts, "manifest", lambda name: small)


def sent(stocked: Stock) -> list[str]:
    """The SKUs of all stock feeds, one after the other."""
    return [sku for call in stocked.world.amazon.calls("feedProcessed") for sku in call["skus"]]


def test_a_push_larger_than_the_cart_takes_at_once_goes_in_parts(
    stocked: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_at_once(stocked, monkeypatch, 2)
    # In one marketplace only: a feed there is one part.
    stocked.list_at_amazon(*stocked.ids, marketplaces=["ATVPDKIKX0DER"])
    stocked.finish()
    assert {sku: stocked.shown()[sku] for sku in stocked.ids} == dict.fromkeys(stocked.ids, (50, 3))
    assert stocked.feeds() == 2
    assert not any(row.due for row in stocked.view().rows)
    # One run for the floor, however many parts it had.
    stocked.adjust("TENT-2P", -1)
    stocked.jump(hours=11)
    assert stocked.feeds() == 2


def test_what_the_budget_does_not_carry_follows_within_the_same_run(
    stocked: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five feeds at once are the budget; three SKUs in three marketplaces are nine."""
    take_at_once(stocked, monkeypatch, 1)
    stocked.finish()
    stocked.pass_time(minutes=10)
    assert {sku: stocked.shown()[sku] for sku in stocked.ids} == dict.fromkeys(stocked.ids, (50, 3))
    view = stocked.view()
    assert view.accepted_at is not None
    assert view.next_possible == view.accepted_at + timedelta(hours=12)
    # What moves meanwhile is not of this run.
    stocked.adjust("TENT-2P", -1)
    stocked.pass_time(minutes=30)
    assert stocked.shown()["TENT-2P"] == (50, 3)
    for sku in ("LAMP-USB", "000123"):
        stocked.adjust(sku, -1)
    stocked.jump(hours=12)
    stocked.pass_time(minutes=10)
    assert {sku: stocked.shown()[sku] for sku in stocked.ids} == dict.fromkeys(stocked.ids, (49, 3))
    assert stocked.world.quarantined() == []


def test_the_rest_of_a_run_goes_with_the_numbers_of_its_time(stocked: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    take_at_once(stocked, monkeypatch, 1)
    stocked.world.finish(stocked.store)
    stocked.world.settle()
    with stocked.world.platform.db.read() as session:
        line = session.scalars(sa.select(InventoryPushLine).where(InventoryPushLine.result == PushResult.UNSENT)).one()
    last = next(sku for sku, item_id in stocked.ids.items() if item_id == line.cart_item_id)
    stocked.adjust(last, -7)
    stocked.pass_time(minutes=15)
    assert stocked.shown()[last] == (43, 3)
    assert not stocked.row(last).due


def test_what_no_feed_carried_is_sent_once(stocked: Stock) -> None:
    stocked.world.amazon.fault("createFeed", "429", 1)
    stocked.finish()
    stocked.pass_time(minutes=10)
    assert sorted(set(sent(stocked))) == sorted(stocked.ids)
    with stocked.world.platform.db.read() as session:
        assert set(session.scalars(sa.select(InventoryPushLine.result))) == {PushResult.APPLIED}
    feeds = stocked.feeds()
    stocked.jump(hours=13)
    assert stocked.feeds() == feeds


def test_the_oldest_numbers_go_first(stocked: Stock) -> None:
    stocked.finish()
    for _ in range(2):
        stocked.adjust("TENT-2P", -1)
        stocked.jump(hours=12)
    for sku in stocked.ids:
        stocked.adjust(sku, -1)
    stocked.pass_time(minutes=6)
    with stocked.world.platform.db.read() as session:
        due = [item.sku for item in plan.due_items(session, stocked.store)]
    assert due == ["LAMP-USB", "000123", "TENT-2P"]
