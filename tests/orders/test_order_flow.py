"""Orders from the cart's listing to the acknowledgement."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.scope import account_scope
from is2_core.db.base import Base
from is2_core.items.models import CartItem
from is2_core.orders import actions
from is2_core.orders.models import Recipient
from is2_core.orders.states import AckState, ReceivedState
from is2_core.tasks.models import Schedule
from plugins.amazon.simulator.orders.buyers import SENTINELS
from tests.support.buyers import why
from tests.support.world import SKUS, World

METHODS = ("STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")


@pytest.fixture
def store(world: World) -> int:
    world.stock_up()
    store = world.connect()
    world.map_methods(store, *METHODS)
    return store


def test_a_ready_order_is_staged_placed_and_acknowledged(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(store)
    world.settle()
    order = world.orders()[order_id]
    assert (order.state, order.ack_state) == (ReceivedState.INJECTED, AckState.SENT)
    assert set(world.warehouse_orders()) == {order.number}
    world.settle_later(minutes=2)
    assert world.orders()[order_id].ack_state == AckState.DONE
    seen = world.amazon.order(order_id)
    assert seen["merchantOrderId"] == order.number
    assert seen["buyer_view"] == "Processing"
    assert world.quarantined() == []


def test_every_branch_of_a_store_is_accounted_for_with_its_reason(world: World, store: int) -> None:
    made = world.amazon.generate(
        plain=3,
        amazon_fulfilled=2,
        pending=2,
        cancelled=2,
        bundle=2,
        unmapped_sku=2,
        unmapped_method=2,
        missing_address=2,
        cancellation_request=2,
        gift=1,
        unknown_enum=2,
        bad=2,
        non_ascii=1,
        leading_zero=1,
    )
    world.finish(store)
    world.settle()
    world.settle_later(minutes=2)
    found = world.orders()
    assert set(found) == {order_id for ids in made.values() for order_id in ids}
    states = {branch: {found[order_id].state for order_id in ids} for branch, ids in made.items()}
    placed = {ReceivedState.INJECTED}
    held = {ReceivedState.HELD}
    assert states == {
        "plain": placed,
        "gift": placed,
        "non_ascii": placed,
        "leading_zero": placed,
        "amazon_fulfilled": {ReceivedState.EXCLUDED},
        "pending": {ReceivedState.STAGED},
        "cancelled": {ReceivedState.CANCELLED},
        "bundle": held,
        "unmapped_sku": held,
        "unmapped_method": held,
        "missing_address": held,
        "cancellation_request": held,
        "unknown_enum": held,
        "bad": {ReceivedState.QUARANTINED},
    }
    assert all(why(found[order_id]) for order_id in made["amazon_fulfilled"] + made["cancelled"] + made["bad"])
    codes = {branch: {hold for order_id in made[branch] for hold in world.holds(order_id)} for branch in made}
    assert codes["bundle"] == codes["unmapped_sku"] == {"SKU_UNKNOWN"}
    assert codes["unmapped_method"] == {"METHOD_UNMAPPED"}
    assert codes["missing_address"] == {"ADDRESS_MISSING"}
    assert codes["cancellation_request"] == {"CANCELLATION_REQUESTED"}
    assert "UNKNOWN_VALUE" in codes["unknown_enum"]
    acknowledged = {entry for call in world.amazon.calls("feedProcessed") for entry in call["orders_acknowledged"]}
    assert acknowledged == {order_id for order_id, row in found.items() if row.state == ReceivedState.INJECTED}


def test_adding_what_is_missing_releases_what_waits(world: World, store: int) -> None:
    made = world.amazon.generate(bundle=1, unmapped_method=1)
    world.finish(store)
    world.settle()
    assert world.count_holds() == {"SKU_UNKNOWN": 1, "METHOD_UNMAPPED": 1}
    world.add_item(store, "BUNDLE-CAMP", ("TENT-2P", "1"), ("LAMP-USB", "2"))
    world.map_methods(store, "SCHEDULED")
    world.settle()
    found = world.orders()
    assert {row.state for row in found.values()} == {ReceivedState.INJECTED}
    (bundle,) = made["bundle"]
    units = sum(line.open for line in found[bundle].lines if line.sku == "BUNDLE-CAMP")
    lines = {line.sku: line.quantity for line in world.warehouse_orders()[found[bundle].number].lines}
    assert lines["TENT-2P"] >= units
    assert lines["LAMP-USB"] >= 2 * units


def test_a_custom_item_keeps_its_sku_to_the_letter(world: World, store: int) -> None:
    world.stock_up(["BASE"])
    world.add_item(store, "  000123 x ", ("BASE", "1"))
    with world.platform.db.read() as session:
        assert [row.sku for row in session.scalars(sa.select(CartItem))] == ["000123 x"]


def test_scenario_F21_a_pending_order_waits_for_its_payment_and_then_goes_once(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(pending=1)["pending"]
    world.finish(store)
    world.settle()
    assert world.orders()[order_id].state == ReceivedState.STAGED
    assert world.warehouse_orders() == {}
    world.amazon.post(f"orders/{order_id}", {"make_payable": True})
    world.settle_later(minutes=31)
    assert world.orders()[order_id].state == ReceivedState.INJECTED
    world.settle_later(minutes=31)
    assert len(world.warehouse_orders()) == 1


def test_an_order_cancelled_before_it_is_placed_never_reaches_the_warehouse(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(unmapped_sku=1)["unmapped_sku"]
    world.finish(store)
    world.settle()
    skus = [line.sku for line in world.orders()[order_id].lines]
    world.amazon.post(f"orders/{order_id}", {"cancel": True})
    # Older than an hour: it is read again by id before it is placed.
    world.clock.advance(timedelta(hours=2))
    with world.platform.db.write() as session:
        session.execute(sa.delete(Schedule))
    world.stock_up(skus)
    world.settle()
    assert world.orders()[order_id].state == ReceivedState.CANCELLED
    assert world.warehouse_orders() == {}
    assert world.amazon.calls("getOrder")


def test_an_order_cancelled_after_it_was_placed_is_stopped_in_the_warehouse(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(store)
    world.settle()
    world.amazon.post(f"orders/{order_id}", {"cancel": True})
    world.settle_later(minutes=31)
    order = world.orders()[order_id]
    assert order.state == ReceivedState.CANCELLED
    assert "the warehouse stopped it" in why(order)
    assert world.warehouse_orders()[order.number].state == "CANCELLED"


def test_first_orders_wait_for_review_and_go_on_when_approved(world: World, store: int) -> None:
    first, second = world.amazon.generate(plain=2)["plain"]
    world.finish(store, review_first="yes")
    world.settle()
    assert world.holds(first) == world.holds(second) == {"FIRST_REVIEW"}
    rows = world.orders()
    actions.approve(world.platform, order_id=rows[first].id, scope=account_scope(world.account), user_id=world.owner)
    world.settle()
    assert [world.orders()[one].state for one in (first, second)] == [ReceivedState.INJECTED, ReceivedState.HELD]
    actions.approve_all(world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner)
    world.settle()
    assert world.orders()[second].state == ReceivedState.INJECTED


def test_a_corrected_address_frees_the_order_and_is_not_overwritten(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(missing_address=1)["missing_address"]
    world.finish(store)
    world.settle()
    row = world.orders()[order_id]
    typed = {"name": "Ann Example", "line1": "1 Main St", "city": "Reno", "postal_code": "89501", "country": "us"}
    actions.correct_address(
        world.platform, order_id=row.id, scope=account_scope(world.account), user_id=world.owner, values=typed
    )
    world.settle()
    assert world.orders()[order_id].state == ReceivedState.INJECTED
    sealed = actions.recipient_of(world.platform, order_id=row.id, scope=account_scope(world.account))
    assert sealed["address"]["country"] == "US"


def test_a_dismissed_order_stays_dismissed(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(unmapped_sku=1)["unmapped_sku"]
    world.finish(store)
    world.settle()
    row = world.orders()[order_id]
    actions.dismiss(
        world.platform,
        order_id=row.id,
        scope=account_scope(world.account),
        user_id=world.owner,
        reason="sold elsewhere",
    )
    world.add_item(store, row.lines[0].sku, (SKUS[0], "1"))
    world.settle_later(minutes=31)
    assert world.orders()[order_id].state == ReceivedState.DISMISSED
    assert world.warehouse_orders() == {}


def test_scenario_F10_the_daily_listing_finds_an_order_the_routine_one_was_not_told_of(
    world: World, store: int
) -> None:
    world.finish(store)
    world.settle()
    world.clock.advance(timedelta(hours=3))
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.fault("searchOrders", "omit", times=30)
    world.settle_later(minutes=31)
    assert order_id not in world.orders()
    world.amazon.heal()
    world.settle_later(hours=24)
    assert world.orders()[order_id].late_found


def test_personal_data_is_in_no_column_but_the_sealed_ones(world: World, store: int) -> None:
    world.amazon.generate(plain=3, gift=2, non_ascii=1, missing_address=1, bad=2)
    world.finish(store)
    world.settle_later(minutes=2)
    with world.platform.db.read() as session:
        # As the database holds it: a select by table would open what is sealed.
        text = "\n".join(
            str(tuple(row))
            for table in Base.metadata.sorted_tables
            for row in session.execute(sa.select(sa.literal_column("*")).select_from(sa.table(table.name)))
        )
    assert "INJECTED" in text
    assert [sentinel for sentinel in SENTINELS if sentinel in text] == []


def test_no_buyers_data_is_kept_of_orders_the_warehouse_will_not_ship(world: World, store: int) -> None:
    made = world.amazon.generate(plain=2, cancelled=2)
    shipped, plain = made["plain"]
    world.amazon.post(f"orders/{shipped}", {"set": {"fulfillment": {"fulfillmentStatus": "SHIPPED"}}})
    world.finish(store)
    world.settle()
    found = world.orders()
    assert found[shipped].state == ReceivedState.EXCLUDED
    with world.platform.db.read() as session:
        kept = set(session.scalars(sa.select(Recipient.order_id)))
    assert kept == {found[plain].id}
