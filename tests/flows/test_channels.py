"""Reading who ships a SKU before its stock is sent, where the shop allows few calls."""

from __future__ import annotations

from tests.support.amazon import NORTHWIND
from tests.support.world import World

METHODS = ("STANDARD", "Express", "SECOND_DAY", "NEXT_DAY")


def test_skus_that_are_read_one_by_one_are_all_sent(world: World) -> None:
    skus = [f"SHIRT,{number:02d}" for number in range(30)]
    world.stock_up(skus, 50)
    world.amazon.post("listings", [{"seller": NORTHWIND, "sku": sku, "quantity": 7} for sku in skus])
    world.amazon.post("limits", {"enforced": True})
    store = world.connect()
    world.map_methods(store, *METHODS)
    for sku in skus:
        world.add_item(store, sku)
    world.finish(store)
    world.pass_time(minutes=10)
    listings = world.amazon.get("listings", seller=NORTHWIND)["listings"]
    assert {entry["quantity"] for entry in listings if entry["sku"] in skus} == {50}
