"""SKUs with more than one place they may be shipped from: what is said of them is true and tells what to do."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.inventory.fulfillment_channels import withheld_for
from is2_core.items.models import CartItem
from plugins.interface import MERCHANT_CHANNEL, ShownInventory
from tests.support.amazon import NORTHWIND
from tests.support.world import World

TWICE = (
    "Amazon lists this SKU twice: shipped by you (5 units) and shipped by Amazon (0 units). A quantity could change "
    "who ships it, so none is sent. Remove one of the two at Amazon, or list what the warehouse ships under a SKU of "
    "its own; it is looked at again before the next push."
)
BY_LOCATION = (
    "Amazon keeps your stock of this SKU by location ({}), and one number cannot be divided among them, so none is "
    "sent. Have Amazon sell it from one place only, without locations; it is looked at again before the next push."
)
EAST, WEST = "0e0e0e0e-1111-2222-3333-444455556666", "1f1f1f1f-1111-2222-3333-444455556666"
SKUS = {
    "TWIN": ({"DEFAULT": 5, "AMAZON_NA": 0}, TWICE),
    "EAST-WEST": ({"DEFAULT": 5, EAST: 3}, BY_LOCATION.format(f"{EAST} besides the usual one")),
    "PLACES": ({WEST: 1, EAST: 3}, BY_LOCATION.format(f"{EAST}, {WEST}")),
    "FBA": ({"AMAZON_NA": 0}, "Amazon ships this SKU from its own stock, so its quantity is never overwritten."),
}


def test_field_G3_what_is_said_of_several_channels_is_true(world: World) -> None:
    world.stock_up((*SKUS, "SHIRT"), 50)
    listed = [{"seller": NORTHWIND, "sku": sku, "channels": channels} for sku, (channels, _) in SKUS.items()]
    world.amazon.post("listings", [*listed, {"seller": NORTHWIND, "sku": "SHIRT", "quantity": 7}])
    store = world.connect()
    world.map_methods(store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY")
    for sku in (*SKUS, "SHIRT"):
        world.add_item(store, sku)
    world.finish(store)
    world.pass_time(minutes=10)
    with world.platform.db.read() as session:
        said = dict(session.execute(sa.select(CartItem.sku, CartItem.withheld)).all())
    assert said == {sku: message for sku, (_, message) in SKUS.items()} | {"SHIRT": ""}
    quantities = {
        entry["sku"]: entry["quantity"] for entry in world.amazon.get("listings", seller=NORTHWIND)["listings"]
    }
    assert [quantities[sku] for sku in ("TWIN", "EAST-WEST", "SHIRT")] == [5, 5, 50]


@pytest.mark.unit
def test_a_location_is_no_stock_of_the_cart() -> None:
    units = {MERCHANT_CHANNEL: 2, "EAST": 3, "CART": 4}
    said = withheld_for(ShownInventory("A", units, locations=frozenset({"EAST"})), "Tiny Shop")
    assert "shipped by you (5 units) and shipped by Tiny Shop (4 units)" in said
    assert withheld_for(ShownInventory("A", {MERCHANT_CHANNEL: 0}), "Tiny Shop") == ""


@pytest.mark.unit
@pytest.mark.parametrize("locations", [{"WEST"}, {MERCHANT_CHANNEL}])
def test_a_location_is_one_of_the_channels(locations: set[str]) -> None:
    with pytest.raises(ValueError, match="location"):
        ShownInventory("A", {MERCHANT_CHANNEL: 2, "EAST": 3}, locations=frozenset(locations))
