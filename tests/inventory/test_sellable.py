"""The number that is offered of an item, from what the warehouse says."""

from __future__ import annotations

import pytest

from is2_core.inventory.sellable import MOST, SkuStock, sellable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("on_hand", "committed", "offered", "clamped"),
    [(5, 2, 3, False), (2, 5, 0, False), (-4, 0, 0, False), (MOST, 0, MOST, False), (MOST + 1, 0, MOST, True)],
)
def test_scenario_F38_below_zero_or_beyond_the_limit(on_hand: int, committed: int, offered: int, clamped: bool) -> None:
    found = sellable({"TENT-2P": 1}, {"TENT-2P": SkuStock(on_hand=on_hand, committed=committed)})
    assert found is not None
    assert (found.quantity, found.calculation["clamped"]) == (offered, clamped)
    (component,) = found.calculation["components"]
    assert component["sellable"] == on_hand - committed


def test_scenario_F36_an_item_made_of_nothing_the_warehouse_knows_is_offered_by_no_number() -> None:
    stock = {"TENT-2P": SkuStock(on_hand=5, committed=0)}
    assert sellable({}, stock) is None
    assert sellable({"NOBODY-KNOWS": 1}, stock) is None
    assert sellable({"TENT-2P": 1, "NOBODY-KNOWS": 1}, stock) is None
