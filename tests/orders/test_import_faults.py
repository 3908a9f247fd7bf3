"""What an import does when the cart misbehaves: nothing is stored by halves, nothing is lost, nothing comes twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.admin import cart_setup
from is2_core.errors import Conflict
from is2_core.install import connect, trip
from is2_core.orders import actions
from is2_core.orders.models import ImportCursor
from is2_core.orders.states import AckState, ReceivedState
from is2_core.tasks.states import TaskState
from plugins.interface import RatePlan
from tests.support.amazon import NORTHWIND
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` tells the main stories once more there."""
    return sqlite_url


@pytest.fixture
def store(world: World) -> int:
    world.stock_up()
    store = world.connect()
    world.map_methods(store, "STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")
    return store


def watermark(world: World) -> object:
    with world.platform.db.read() as session:
        return session.scalar(sa.select(ImportCursor.watermark).where(ImportCursor.kind == "routine"))


@pytest.mark.parametrize("kind", ["5xx", "429", "html_200", "truncate", "400", "refuse", "apply_then_drop"])
def test_scenario_F20_a_useless_answer_stores_nothing_and_is_tried_again(world: World, store: int, kind: str) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    # A 400 is asked once more with fewer datasets.
    world.amazon.fault("searchOrders", kind, times=2 if kind == "400" else 1)
    world.finish(store)
    world.settle()
    assert world.orders() == {}
    assert watermark(world) is None
    (task,) = world.tasks("orders.check")
    assert task.state == TaskState.READY
    assert task.run_at > world.clock.now()
    assert task.error_message
    world.settle_later(minutes=6)
    assert world.orders()[order_id].state == ReceivedState.INJECTED
    assert world.tasks("orders.check")[0].error_message == ""


def test_scenario_F7_a_fault_on_the_second_page_keeps_the_first_and_goes_on_there(world: World, store: int) -> None:
    made = world.amazon.generate(plain=101)["plain"]
    world.amazon.fault("searchOrders", "5xx", times=2, skip=1)
    world.finish(store)
    world.settle()
    assert len(world.orders()) == 100
    assert watermark(world) is None
    world.settle_later(minutes=5)
    world.settle_later(minutes=5)
    assert set(world.orders()) == set(made)
    assert watermark(world) is not None
    assert len(world.warehouse_orders()) == 101


def test_scenario_F8_an_expired_page_token_starts_the_window_again_without_doubles(world: World, store: int) -> None:
    made = world.amazon.generate(plain=101)["plain"]
    world.amazon.fault("searchOrders", "5xx", times=1, skip=1)
    world.finish(store)
    world.settle()
    world.settle_later(hours=25)
    assert set(world.orders()) == set(made)
    assert len(world.warehouse_orders()) == 101


def test_scenario_F9_the_same_page_again_under_new_tokens_ends_with_an_alarm(world: World, store: int) -> None:
    # Held ones will do, and cost less than orders that are placed and acknowledged.
    world.amazon.generate(unmapped_method=201)
    world.amazon.fault("searchOrders", "dup_page", times=50, skip=1)
    world.finish(store)
    world.settle()
    (task,) = world.tasks("orders.check")
    assert task.error_code == "REPEATED_PAGE"
    assert watermark(world) is None
    world.amazon.heal()
    for _ in range(3):
        # The stored page token goes on repeating itself; the third failure on it starts the window again.
        world.settle_later(minutes=10)
    assert len(world.orders()) == 201


def test_a_window_larger_than_the_budget_is_read_to_its_end_after_an_outage(
    world: World, store: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = world.platform.carts.manifest("amazon")
    plans = {**manifest.rate_plans, "searchOrders": RatePlan(0.0056, 2)}
    monkeypatch.setattr(world.platform.carts, "manifest", lambda name: replace(manifest, rate_plans=plans))
    # Held ones will do, and cost less than orders that are placed and acknowledged.
    world.amazon.generate(unmapped_method=201)
    world.amazon.fault("searchOrders", "5xx", times=3)
    world.finish(store)
    for _ in range(8):
        world.settle_later(minutes=4)
    assert len(world.orders()) == 201
    assert watermark(world) is not None


def test_scenario_F12_our_clock_may_be_wrong(world: World, store: int) -> None:
    world.amazon.post("clock", {"advance_s": 600})
    world.finish(store)
    world.settle()
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.touch(order_id)
    world.settle_later(minutes=31)
    assert world.orders()[order_id].state == ReceivedState.INJECTED


def test_scenario_F22_a_lost_feed_answer_sends_the_same_acknowledgements_again(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.fault("createFeed", "apply_then_drop")
    world.finish(store)
    world.settle()
    assert world.orders()[order_id].ack_state == AckState.DUE
    world.settle_later(minutes=2)
    world.settle_later(minutes=5)
    assert world.orders()[order_id].ack_state == AckState.DONE
    assert world.amazon.order(order_id)["merchantOrderId"] == world.orders()[order_id].number


def test_scenario_F24_only_a_refused_line_is_refused(world: World, store: int) -> None:
    bad, good = world.amazon.generate(plain=2)["plain"]
    world.amazon.post("faults", {"operation": "feedProcessed", "kind": "reject", "times": 1, "order_id": bad})
    world.finish(store)
    world.settle()
    world.settle_later(minutes=3)
    found = world.orders()
    assert (found[bad].ack_state, found[good].ack_state) == (AckState.REJECTED, AckState.DONE)
    assert found[bad].ack_message
    assert found[bad].state == ReceivedState.INJECTED


def test_scenario_F25_a_feed_that_ends_fatal_is_sent_again_later(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.fault("feedProcessed", "fatal")
    world.finish(store)
    world.settle()
    world.settle_later(minutes=3)
    assert world.orders()[order_id].ack_state == AckState.DUE
    world.settle_later(minutes=31)
    world.settle_later(minutes=3)
    assert world.orders()[order_id].ack_state == AckState.DONE


def test_scenario_F59_a_revoked_authorization_pauses_the_store_and_a_reconnect_loses_nothing(
    world: World, store: int
) -> None:
    world.finish(store)
    world.settle()
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.touch(order_id)
    world.amazon.post("seller", {"seller": NORTHWIND, "revoke": True})
    world.clock.advance(timedelta(hours=2))
    world.pass_time(minutes=20)
    with world.platform.db.read() as session:
        row = session.get_one(Integration, store)
        assert row.state == IntegrationState.PAUSED
        assert row.pause_message
    with pytest.raises(Conflict):
        actions.check_now(world.platform, integration_id=store, scope=account_scope(world.account))
    calls = len(world.amazon.calls("searchOrders"))
    world.settle_later(hours=2)
    assert len(world.amazon.calls("searchOrders")) == calls
    reconnect(world, store)
    world.settle()
    assert world.orders()[order_id].state == ReceivedState.INJECTED


def test_a_reconnect_with_another_seller_is_refused(world: World, store: int) -> None:
    world.finish(store)
    with pytest.raises(Conflict, match="A2SIMNA0000002"):
        reconnect(world, store, seller="A2SIMNA0000002")


def reconnect(world: World, store: int, seller: str = NORTHWIND) -> None:
    away = connect.step(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        browser="b",
        return_url="http://127.0.0.1:5000/amazon/authorized",
    )
    assert isinstance(away, trip.GoTo)
    connect.come_back(
        world.platform, cart="amazon", user_id=world.owner, browser="b", params=world.consent(away.url, seller)
    )


def test_a_disabled_cart_imports_nothing_and_takes_no_installs(world: World, store: int) -> None:
    world.finish(store)
    cart_setup.disable_cart(world.platform, "amazon")
    world.amazon.generate(plain=1)
    world.settle_later(hours=1)
    assert world.orders() == {}
    cart_setup.enable_cart(world.platform, "amazon")
    world.settle_later(hours=1)
    assert len(world.orders()) == 1


def test_an_order_the_database_refuses_is_quarantined_alone(
    world: World, store: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.amazon.generate(plain=5)["plain"]
    # No shop sends such a number through Amazon's own checks; the database must refuse it all the same.
    world.amazon.post(f"orders/{made[2]}", {"set": {"orderItems": huge(world, made[2])}})
    world.finish(store)
    world.settle()
    states = [world.orders()[one].state for one in made]
    assert states.count(ReceivedState.QUARANTINED) == 1
    assert states[2] == ReceivedState.QUARANTINED
    assert watermark(world) is not None
    assert world.quarantined() == []


def huge(world: World, order_id: str) -> list[dict[str, object]]:
    items = world.amazon.order(order_id)["order"]["orderItems"]
    items[0]["quantityOrdered"] = 2**70
    items[0]["fulfillment"] = {**items[0].get("fulfillment", {}), "quantityFulfilled": 0, "quantityUnfulfilled": 2**70}
    return list(items)


def test_an_earlier_first_day_reads_the_older_orders(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.clock.advance(timedelta(days=3))
    world.finish(store, orders_from=world.clock.now().date().isoformat())
    world.settle()
    assert order_id not in world.orders()
    world.finish(store, orders_from=(world.clock.now() - timedelta(days=8)).date().isoformat())
    world.settle()
    assert world.orders()[order_id].state == ReceivedState.INJECTED


def test_field_H5_orders_generated_as_the_documentation_says_arrive(world: World) -> None:
    """In a store that is connected and was read up to the present."""
    world.finish(world.connect())
    world.settle()
    world.pass_time(hours=2)
    body = {"seller": NORTHWIND, "count": 50}
    made = world.amazon.post("orders/generate", body)["branches"]
    world.pass_time(minutes=32)
    here = world.orders()
    by_amazon = {"amazon_fulfilled"}
    ids = [order_id for branch, order_ids in made.items() if branch not in by_amazon for order_id in order_ids]
    assert len(ids) > 40 and [order_id for order_id in ids if order_id not in here] == []
    assert {len(line.remote_id) for order in here.values() for line in order.lines} == {14, 15}
