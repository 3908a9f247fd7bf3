"""Reading who ships a SKU before its stock is sent, where the shop allows few calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.items.models import CartItem
from plugins.interface import ShownInventory
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


def test_field_G2_a_refused_list_of_marketplaces_stops_no_stock(world: World) -> None:
    skus = [f"SHIRT{number:02d}" for number in range(50)]
    world.stock_up(skus, 50)
    world.amazon.post("listings", [{"seller": NORTHWIND, "sku": sku, "quantity": 7} for sku in skus])
    world.amazon.post("limits", {"enforced": True})
    for operation in ("searchListingsItems", "getListingsItem"):
        world.amazon.post("faults", {"operation": operation, "kind": "one_marketplace", "lasts_s": 86_400})
    store = world.connect()
    world.map_methods(store, *METHODS)
    for sku in skus:
        world.add_item(store, sku)
    world.finish(store)
    world.pass_time(minutes=10)
    listings = world.amazon.get("listings", seller=NORTHWIND)["listings"]
    assert {entry["quantity"] for entry in listings if entry["sku"] in skus} == {50}


def test_a_sku_that_was_never_given_a_quantity_gets_its_first(world: World) -> None:
    world.stock_up(("SHIRT",), 50)
    world.amazon.post("listings", [{"seller": NORTHWIND, "sku": "SHIRT", "channels": {}}])
    store = world.connect()
    world.map_methods(store, *METHODS)
    world.add_item(store, "SHIRT")
    world.finish(store)
    world.pass_time(minutes=10)
    listings = world.amazon.get("listings", seller=NORTHWIND)["listings"]
    assert [entry["quantity"] for entry in listings if entry["sku"] == "SHIRT"] == [50]


def test_where_the_cart_does_not_say_who_ships_a_sku_nothing_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = world.platform.carts.call

    def silent(cart: str, hook: str, **arguments: Any) -> Any:
        answer = call(cart, hook, **arguments)
        if hook != "read_inventory":
            return answer
        return [
            replace(entry, fulfillment_channels={}) if isinstance(entry, ShownInventory) else entry for entry in answer
        ]

    monkeypatch.setattr(world.platform.carts, "call", silent)
    world.stock_up(("SHIRT",), 50)
    world.amazon.post("listings", [{"seller": NORTHWIND, "sku": "SHIRT", "quantity": 7}])
    store = world.connect()
    world.map_methods(store, *METHODS)
    item_id = world.add_item(store, "SHIRT")
    world.finish(store)
    world.pass_time(minutes=10)
    listings = world.amazon.get("listings", seller=NORTHWIND)["listings"]
    assert [entry["quantity"] for entry in listings if entry["sku"] == "SHIRT"] == [7]
    with world.platform.db.read() as session:
        withheld = session.scalars(sa.select(CartItem.withheld).where(CartItem.id == item_id)).one()
    assert withheld == (
        "Amazon does not say who ships this SKU, so no stock is sent for it. Please give it a quantity there once."
    )
