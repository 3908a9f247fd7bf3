"""What is promised beside what was measured, from the orders' own times."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.carts.latency import Latency
from is2_core.inventory.overview import InventoryView, inventory_view
from is2_core.inventory.promise import Taken, enough, promise_text, sku_text, taken, too_long
from is2_core.items.models import CartItem
from is2_core.orders.fulfillment.models import Package, PackageUnits
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from tests.shipments.test_tracking import Dock
from tests.support.panel import ALICE, Panel
from tests.support.world import World

MANAGED_BY = "Amazon manages it"
MEASURED = (
    "You promise 3 days. In the last 30 days your orders shipped after 0.9 (median), 1.8 (95 of 100). Counted: {}."
)
FASTER = " That is a day or more faster than promised: 2 days would do."


def view(world: World, store: int) -> InventoryView:
    return inventory_view(world.platform, integration_id=store, scope=account_scope(world.account))


@pytest.mark.unit
def test_the_days_are_those_of_half_and_of_95_in_100() -> None:
    assert taken([0.9]) == Taken(1, 0.9, 0.9)
    assert taken(range(1, 101)) == Taken(100, 50, 95)
    assert taken([3, 1, 2]) == Taken(3, 2, 3)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("days", "most", "flagged"),
    [
        (3, 1.8, True),
        (3, 2.0, True),
        (3, 2.01, False),
        (2, 1.0, True),
        (2, 1.1, False),
        (1, 0.4, False),
        (0, 0.0, False),
    ],
)
def test_a_day_or_more_too_long_is_what_amazon_flags(days: int, most: float, flagged: bool) -> None:
    found = Taken(40, 0.5, most)
    assert too_long(Latency(days), found) is flagged
    assert (sku_text(Latency(days), found) != "") is flagged


@pytest.mark.unit
def test_field_J1_the_setting_shows_what_was_measured() -> None:
    found = Taken(212, 0.9, 1.8)
    assert promise_text(Latency(3), found, MANAGED_BY) == MEASURED.format("212 orders") + FASTER
    assert promise_text(Latency(2), found, MANAGED_BY).endswith("Counted: 212 orders.")
    assert promise_text(Latency(1), found, MANAGED_BY).endswith(" Some ship later than promised: 2 days would be kept.")
    assert promise_text(Latency(managed=True), found, MANAGED_BY).startswith("Amazon manages it. In the last 30 days")
    assert promise_text(Latency(3), None, MANAGED_BY) == ""
    assert promise_text(Latency(), found, MANAGED_BY) == "", "a cart that knows no latency"
    assert not too_long(Latency(managed=True), found) and not too_long(Latency(9), None)
    assert enough(Taken(1, 0, 0.0)) == 0


def test_field_J1_it_is_measured_from_the_orders_own_times(world: World) -> None:
    dock = Dock(world)
    world.add_item(dock.store, "TENT-2P")
    took = {}
    for number in range(6):
        order_id = dock.order_of(("TENT-2P", 1), ("LAMP-USB", 1))
        dock.ship(order_id, f"1Z{number:016d}")
        took[order_id] = timedelta(days=(0.5, 0.7, 0.9, 0.9, 1.5, 1.8)[number])
    with world.platform.db.write() as session:
        for order_id, time in took.items():
            order = session.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.remote_id == order_id)).one()
            shipped_at = session.scalars(sa.select(Package.shipped_at).where(Package.order_id == order.id)).one()
            order.cart_created_at = shipped_at - time
    found = view(world, dock.store)
    assert found.taken is not None
    assert (found.taken.orders, round(found.taken.median, 3), round(found.taken.most, 3)) == (6, 0.9, 1.8)
    assert promise_text(found.latency, found.taken, MANAGED_BY) == MEASURED.format("6 orders") + FASTER
    rows = {row.sku: row.too_long for row in found.rows}
    assert rows["TENT-2P"] == (
        "It promises 3 days, and 95 of 100 of its 6 orders in the last 30 days shipped after 1.8: 2 days would do."
    )
    # An item's own latency counts; one that is not sold from here is promised nothing.
    with world.platform.db.write() as session:
        session.execute(sa.update(CartItem).where(CartItem.sku == "TENT-2P").values(latency="2"))
    assert {row.sku: row.too_long for row in view(world, dock.store).rows}["TENT-2P"] == ""
    # A voided package took no time, and what shipped long ago says nothing of today.
    with world.platform.db.write() as session:
        first = session.scalars(sa.select(sa.func.min(Package.id))).one()
        session.execute(sa.update(Package).where(Package.id == first).values(voided=True))
    left = view(world, dock.store).taken
    assert left is not None and left.orders == 5
    world.clock.advance(timedelta(days=31))
    assert view(world, dock.store).taken is None


def test_too_few_orders_of_a_sku_say_nothing_of_it(world: World) -> None:
    dock = Dock(world)
    world.add_item(dock.store, "TENT-2P")
    dock.ship(dock.order_of(("TENT-2P", 1)), "1Z0000000000000001")
    found = view(world, dock.store)
    assert found.taken is not None and found.taken.orders == 1
    assert [row.too_long for row in found.rows if row.sku == "TENT-2P"] == [""]


def ship(panel: Panel, sku: str) -> Integration:
    """Have six orders of a SKU shipped half a day after they were bought."""
    store = panel.store(panel.northwind)
    now = panel.clock.now()
    with panel.platform.db.write() as db:
        orders = db.scalars(
            sa.select(ReceivedOrder).where(ReceivedOrder.integration_id == store.id).order_by(ReceivedOrder.id).limit(6)
        ).all()
        for order in orders:
            order.cart_created_at = now - timedelta(days=0.5)
            line = db.scalars(sa.select(ReceivedLine).where(ReceivedLine.order_id == order.id).limit(1)).one()
            line.sku = sku
            db.add(
                Package(
                    account_id=store.account_id,
                    integration_id=store.id,
                    order_id=order.id,
                    warehouse_ref=f"p{order.id}",
                    revision=1,
                    reference="10001",
                    carrier="UPS",
                    tracking_number=f"1Z{order.id}",
                    shipped_at=now,
                    post_state=PostState.DONE,
                    seen_at=now,
                    units=[PackageUnits(line_id=line.id, quantity=1)],
                )
            )
    return store


def test_field_J1_the_pages_show_it_and_lead_to_the_items_latency(panel: Panel) -> None:
    store = ship(panel, "TENT-2P")
    browser = panel.browser(ALICE)
    sentence = "You promise 3 days. In the last 30 days your orders shipped after 0.5 (median), 0.5 (95 of 100)."
    assert sentence in browser.get(f"/integrations/{store.id}/settings").text
    page = browser.get(f"/integrations/{store.id}/stock")
    assert sentence in page.text
    assert "Promises too long (1)" in page.text
    page = browser.get(page.link("1 SKU promises a day or more too long"))
    assert (
        "It promises 3 days, and 95 of 100 of its 6 orders in the last 30 days shipped after 0.5: 1 day would do."
        in (page.text)
    )
    assert "BUNDLE-CAMP" not in page.text
    browser.get(page.link("Change its latency : TENT-2P"))
    page = browser.press("Save latency", latency="1")
    assert "It is sent with the item's next quantity." in page.messages
    assert "Promises too long (0)" in browser.get(f"/integrations/{store.id}/stock").text
    assert "1 SKU has a latency of its own." in browser.get(f"/integrations/{store.id}/settings").text
    assert panel.browser(ALICE).get(f"/integrations/{store.id}/settings").field("Amazon manages it") is not None
