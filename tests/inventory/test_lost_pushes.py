"""Stock that is lost with whole writes: sent again in smaller ones, told of, and in the end refused by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.inventory.push import retries
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule
from plugins.interface import Applied, PendingSubmission, Retry, WriteReply
from tests.support.stock import Stock
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite."""
    return sqlite_url


EVERYTHING = "*"


class Spoiled(Stock):
    """A store of 20 SKUs, and a shop that takes a while over each write and then loses it where `poison` is in it."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(world)
        more = [f"SKU-{number:02}" for number in range(17)]
        world.stock_up(more, 50)
        self.list_at_amazon(*more)
        self.ids |= {sku: world.add_item(self.store, sku) for sku in more}
        self.poison = "SKU-07"
        self.writes: list[list[str]] = []
        self._call = world.platform.carts.call
        monkeypatch.setattr(world.platform.carts, "call", self._answer)
        world.finish(self.store)
        with world.platform.db.write() as session:
            # This shop shows nothing of what it takes.
            session.execute(sa.delete(Schedule).where(Schedule.kind == TaskKind.INVENTORY_DRIFT))

    def _answer(self, cart: str, hook: str, **arguments: Any) -> Any:
        now = self.world.clock.now()
        if hook == "push_inventory":
            skus = {level.key: level.sku for level in arguments["quantities"]}
            self.writes.append(sorted(skus.values()))
            return WriteReply({}, (PendingSubmission(json.dumps(skus), tuple(skus), now + timedelta(seconds=30)),))
        if hook == "poll_submission":
            skus = json.loads(arguments["submission"].handle)
            lost = self.poison == EVERYTHING or self.poison in skus.values()
            result = Retry(now + timedelta(minutes=30)) if lost else Applied()
            return WriteReply(dict.fromkeys(skus, result))
        return self._call(cart, hook, **arguments)

    def wait(self, times: int) -> None:
        """Let so many half hours go by."""
        for _ in range(times):
            self.world.settle_later(minutes=1)
            self.world.settle_later(minutes=30)

    def case(self) -> SupportCase | None:
        with self.world.platform.db.read() as session:
            return session.scalars(sa.select(SupportCase).where(SupportCase.kind == CaseKind.NO_ANSWER)).one_or_none()


@pytest.fixture
def spoiled(world: World, monkeypatch: pytest.MonkeyPatch) -> Spoiled:
    return Spoiled(world, monkeypatch)


def test_a_sku_that_spoils_every_write_ends_up_alone_and_is_refused(spoiled: Spoiled) -> None:
    spoiled.wait(4)
    assert [len(write) for write in spoiled.writes] == [20, 20, *[3] * 6, 2]
    assert sum(row.sent == 50 for row in spoiled.view().rows) in (17, 18)
    spoiled.jump(hours=12)
    assert {row.sku for row in spoiled.view().rows if row.sent != 50} == {spoiled.poison}
    assert [spoiled.poison] in spoiled.writes
    row = spoiled.row(spoiled.poison)
    assert "even all by itself" in row.message
    assert row.due
    # From here on it waits for the next slot, and spoils nothing there.
    writes = len(spoiled.writes)
    spoiled.wait(4)
    assert len(spoiled.writes) == writes
    spoiled.adjust("TENT-2P", -1)
    spoiled.jump(hours=12)
    assert spoiled.row("TENT-2P").sent == 49
    assert spoiled.writes[writes:] == [["TENT-2P"], [spoiled.poison]]


def test_a_person_is_told_after_three_and_until_it_ends(spoiled: Spoiled) -> None:
    spoiled.poison = "TENT-2P"
    spoiled.wait(3)
    assert spoiled.case() is None
    assert spoiled.view().problem is None
    spoiled.wait(1)
    case = spoiled.case()
    assert case is not None
    assert case.closed_at is None
    assert "3 times or more" in case.message
    problem = spoiled.view().problem
    assert problem is not None
    assert problem.code == "LOST"
    assert "TENT-2P" in problem.skus
    assert "came to nothing" in problem.message
    spoiled.poison = ""
    spoiled.jump(hours=12)
    assert spoiled.row("TENT-2P").sent == 50
    assert spoiled.view().problem is None
    case = spoiled.case()
    assert case is not None
    assert case.closed_at is not None


def test_where_every_write_is_lost_the_slots_set_the_pace(spoiled: Spoiled) -> None:
    spoiled.poison = EVERYTHING
    spoiled.wait(4)
    writes = len(spoiled.writes)
    assert writes == 2 + 7
    spoiled.wait(10)
    assert len(spoiled.writes) == writes
    problem = spoiled.view().problem
    assert problem is not None
    assert len(problem.skus) == 20


def test_the_parts_of_what_was_lost_are_few() -> None:
    def lost(count: int, items: int, most: int = 25_000) -> tuple[int, int]:
        tries = {item: retries.Tries("", count, datetime(2026, 1, 1, tzinfo=UTC)) for item in range(items)}
        ((size, places),) = retries.sizes(range(items), tries, most)
        return size, -(-len(places) // size)

    assert lost(1, 500) == (3125, 1)
    assert [lost(count, 500) for count in (2, 3, 4, 9)] == [(63, 8), (48, 11), (8, 63), (8, 63)]
    assert [lost(count, 8) for count in (2, 3)] == [(1, 8), (1, 8)]
    assert lost(2, 25_000) == (391, 64)
