"""Stores so large that one statement does not take all their SKUs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.db import chunks
from is2_core.db.locks import lock_rows
from is2_core.items.activity import components_of, make_due, mark_due
from is2_core.items.models import CartItem
from is2_core.warehouses.calls import warehouse_of
from tests.support.world import World

# PostgreSQL takes 65,535 parameters; some builds of SQLite take fewer.
MOST = 32_766
MANY = 35_000


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite, which is faster with so many."""
    return sqlite_url


@pytest.fixture
def longest(world: World) -> Iterator[list[int]]:
    """How many parameters each statement has."""
    found: list[int] = [0]

    def note(_connection: Any, _cursor: Any, _statement: str, parameters: Any, *_: Any) -> None:
        found.append(len(parameters))

    sa.event.listen(world.platform.db.engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(world.platform.db.engine, "before_cursor_execute", note)


def test_a_list_of_any_length_is_taken(world: World, longest: list[int]) -> None:
    world.stock_up(("TENT-2P",), 5)
    # The core learns which SKUs the warehouse knows.
    world.settle()
    store = world.connect()
    item = world.add_item(store, "TENT-2P")
    skus = ["TENT-2P", *(f"SKU-{number}" for number in range(MANY))]
    ids = range(item, item + MANY)
    with world.platform.db.write() as session:
        before = session.get_one(CartItem, item).due_version
        assert components_of(session, world.account, store, skus) == {"TENT-2P": {"TENT-2P": 1}}
        assert lock_rows(session, CartItem.id, ids) == {item}
        make_due(session, ids)
        mark_due(session, world.account, skus)
        assert session.scalar(sa.select(CartItem.due_version)) == before + 2
    (row,) = warehouse_of(world.platform, "embedded", world.account).stock(skus)
    assert (row.sku, row.on_hand) == ("TENT-2P", 5)
    assert chunks.CHUNK < max(longest) < MOST


def test_chunks_are_ascending_and_name_each_value_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 2)
    assert list(chunks.chunks([5, 3, 1, 3, 4])) == [[1, 3], [4, 5]]
    assert list(chunks.chunks([])) == []
