"""What happens between two commits, and after something lasted long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.admin import cart_setup
from is2_core.calls.carts import CartRegistry
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.install import connect
from is2_core.items.models import CartItem
from is2_core.jobs import HANDLERS
from is2_core.orders import actions
from is2_core.orders.models import ImportCursor, ReceivedOrder
from is2_core.orders.states import AckState, ReceivedState
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.models import Task
from is2_core.tasks.runner import run_next
from is2_core.tasks.states import TaskState
from plugins.interface import CartError, Permanent, Temporary
from plugins.warehouse import (
    FoundOrder,
    NewOrder,
    PlaceAnswer,
    Unknown,
    WarehouseContext,
    WarehouseManifest,
    hookimpl,
)
from tests.support.amazon import APPLICATION
from tests.support.buyers import why
from tests.support.world import NotedWakeups, World

METHODS = ("STANDARD", "Express", "SECOND_DAY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "FREE_ECONOMY")


@pytest.fixture
def store(world: World) -> int:
    world.stock_up()
    store = world.connect()
    world.map_methods(store, *METHODS)
    return store


class Between(EmbeddedWarehouse):
    """The embedded warehouse; something happens right after it has taken orders."""

    def __init__(self, world: World, then: Callable[[], None]) -> None:
        super().__init__(world.platform.db)
        self._then = then

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        answers = super().place_orders(ctx, orders)
        then, self._then = self._then, lambda: None
        then()
        return answers


def put_between(world: World, then: Callable[[], None]) -> None:
    world.platform.warehouses.replace("embedded", Between(world, then))


def crash() -> None:
    raise SystemExit("the worker is gone")


def only_order(world: World) -> ReceivedOrder:
    (order,) = world.orders().values()
    return order


def test_an_order_dismissed_while_the_warehouse_takes_it_is_stopped_there(world: World, store: int) -> None:
    world.amazon.generate(plain=1)

    def dismiss() -> None:
        actions.dismiss(
            world.platform,
            order_id=only_order(world).id,
            scope=account_scope(world.account),
            user_id=world.owner,
            reason="sold at the door",
        )

    put_between(world, dismiss)
    world.finish(store)
    world.settle_later(minutes=1)
    order = only_order(world)
    assert (order.state, order.ack_state) == (ReceivedState.DISMISSED, AckState.NOT_NEEDED)
    assert [row.state for row in world.warehouse_orders().values()] == ["CANCELLED"]


def test_scenario_F18_an_order_cancelled_after_a_crash_between_warehouse_and_commit_is_stopped_there(
    world: World, store: int
) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    put_between(world, crash)
    world.finish(store)
    with pytest.raises(SystemExit):
        world.settle()
    assert len(world.warehouse_orders()) == 1
    world.amazon.post(f"orders/{order_id}", {"cancel": True})
    world.settle_later(minutes=31)
    world.settle_later(minutes=2)
    assert only_order(world).state == ReceivedState.CANCELLED
    assert [row.state for row in world.warehouse_orders().values()] == ["CANCELLED"]


def test_a_crash_between_warehouse_and_commit_places_nothing_twice(world: World, store: int) -> None:
    world.amazon.generate(plain=3)
    put_between(world, crash)
    world.finish(store)
    with pytest.raises(SystemExit):
        world.settle()
    world.settle_later(minutes=2)
    assert {order.state for order in world.orders().values()} == {ReceivedState.INJECTED}
    assert len(world.warehouse_orders()) == 3


class Vague(EmbeddedWarehouse):
    """A warehouse without unique numbers that loses its first answer and shows an order only once it has settled."""

    SETTLE_S = 120

    def __init__(self, world: World, taken: bool) -> None:
        super().__init__(world.platform.db)
        self.taken, self.asked = taken, 0
        self._settled_at = world.clock.now() + timedelta(seconds=self.SETTLE_S)

    @hookimpl
    def warehouse_manifest(self) -> WarehouseManifest:
        return replace(super().warehouse_manifest(), unique_external_id=False, settle_s=self.SETTLE_S)

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        if not orders:
            return []
        self.asked += 1
        if self.asked > 1:
            return super().place_orders(ctx, orders)
        if self.taken:
            super().place_orders(ctx, orders)
        return [Unknown("No answer.") for _ in orders]

    @hookimpl
    def find_order(self, ctx: WarehouseContext, number: str) -> list[FoundOrder]:
        return super().find_order(ctx, number) if ctx.clock.now() >= self._settled_at else []


@pytest.mark.parametrize("taken", [True, False])
def test_an_unknown_answer_is_looked_up_after_settling_and_never_repeated_blindly(
    world: World, store: int, taken: bool
) -> None:
    world.amazon.generate(plain=1)
    warehouse = Vague(world, taken)
    world.platform.warehouses.replace("embedded", warehouse)
    world.finish(store)
    world.settle()
    world.settle_later(seconds=30)
    assert warehouse.asked == 1
    for _ in range(4):
        world.settle_later(minutes=2)
    assert only_order(world).state == ReceivedState.INJECTED
    assert len(world.warehouse_orders()) == 1
    assert warehouse.asked == (1 if taken else 2)


def test_a_line_that_left_the_order_is_not_shipped(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(multi_line=1)["multi_line"]
    world.finish(store, review_first="yes")
    world.settle()
    remaining = world.amazon.order(order_id)["order"]["orderItems"][:1]
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": remaining}})
    world.settle_later(minutes=31)
    actions.approve_all(world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner)
    world.settle()
    (placed,) = world.warehouse_orders().values()
    assert [line.sku for line in placed.lines] == [remaining[0]["product"]["sellerSku"]]


@pytest.mark.parametrize("believed_s", [3600, -3600])
def test_a_corrected_clock_stops_no_import(world: World, store: int, believed_s: int) -> None:
    """Our clock was an hour off, which was learned, and then somebody set it right."""
    world.finish(store)
    world.settle()
    with world.platform.db.write() as session:
        session.execute(sa.update(Integration).values(server_skew_s=believed_s))
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.touch(order_id)
    for _ in range(3):
        world.settle_later(minutes=31)
    assert world.orders()[order_id].state == ReceivedState.INJECTED


def test_a_day_without_answers_about_a_feed_stops_no_acknowledgement(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(store)
    world.settle()
    world.amazon.fault("getFeed", "5xx", times=1000)
    for _ in range(12):
        world.settle_later(hours=2)
    assert world.orders()[order_id].ack_state == AckState.SENT
    world.amazon.heal()
    for _ in range(4):
        world.settle_later(minutes=30)
    assert world.orders()[order_id].ack_state == AckState.DONE
    assert world.quarantined() == []


def test_a_task_set_aside_is_asked_for_again_by_the_next_listing(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(store)
    world.settle()
    with world.platform.db.write() as session:
        session.execute(sa.update(Task).where(Task.kind == "submissions.poll").values(state=TaskState.QUARANTINED))
    world.settle_later(minutes=31)
    world.settle_later(minutes=1)
    assert world.orders()[order_id].ack_state == AckState.DONE


def test_an_earlier_first_day_chosen_during_a_listing_is_not_lost(
    world: World, store: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.clock.advance(timedelta(days=3))
    world.finish(store, orders_from=world.clock.now().date().isoformat())
    call = CartRegistry.call
    changed: list[bool] = []

    def change_meanwhile(self: CartRegistry, name: str, hook: str, **arguments: Any) -> Any:
        answer = call(self, name, hook, **arguments)
        if hook == "fetch_orders" and not changed:
            changed.append(True)
            world.finish(store, orders_from=(world.clock.now() - timedelta(days=8)).date().isoformat())
        return answer

    monkeypatch.setattr(CartRegistry, "call", change_meanwhile)
    world.settle_later(minutes=1)
    assert world.orders()[order_id].state == ReceivedState.INJECTED


def test_a_corrected_client_secret_lets_every_paused_store_go_on(world: World, store: int) -> None:
    world.finish(store)
    world.settle()
    newer = "a-newer-client-secret-that-nobody-typed"
    world.amazon.post("application", {"rotate_secret": newer, "old_valid_s": 0})
    for _ in range(7):
        world.settle_later(minutes=25)
    with world.platform.db.read() as session:
        assert session.get_one(Integration, store).state == IntegrationState.PAUSED
    settings = {**APPLICATION, "simulator_url": world.amazon.address, "client_secret": newer}
    cart_setup.save_cart_settings(world.platform, "amazon", "simulator", settings)
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.amazon.touch(order_id)
    world.settle_later(minutes=31)
    assert world.orders()[order_id].state == ReceivedState.INJECTED


@pytest.mark.parametrize(
    ("error", "state"), [(Permanent, ReceivedState.QUARANTINED), (Temporary, ReceivedState.STAGED)]
)
def test_one_order_that_cannot_be_read_again_blocks_no_other(
    world: World, store: int, monkeypatch: pytest.MonkeyPatch, error: type[CartError], state: ReceivedState
) -> None:
    made = world.amazon.generate(plain=3)["plain"]
    world.finish(store, review_first="yes")
    world.settle()
    with world.platform.db.write() as session:
        session.execute(sa.update(ReceivedOrder).values(read_at=world.clock.now() - timedelta(hours=2)))
    call = CartRegistry.call

    def poisoned(self: CartRegistry, name: str, hook: str, **arguments: Any) -> Any:
        if arguments.get("remote_id") == made[0]:
            raise error("Amazon refuses this one.")
        return call(self, name, hook, **arguments)

    monkeypatch.setattr(CartRegistry, "call", poisoned)
    actions.approve_all(world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner)
    world.settle()
    found = world.orders()
    assert [found[one].state for one in made] == [state, ReceivedState.INJECTED, ReceivedState.INJECTED]
    task = world.tasks("orders.place")[0]
    assert "Amazon refuses this one." in (why(found[made[0]]), task.error_message)


def test_settings_can_be_saved_when_the_first_day_is_long_ago(world: World, store: int) -> None:
    world.finish(store)
    first = (world.clock.now() - timedelta(days=5)).date().isoformat()
    world.clock.advance(timedelta(days=200))
    assert world.finish(store, orders_from=first, nickname="later").message


def test_a_mended_order_leaves_quarantine(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    good = world.amazon.order(order_id)["order"]["orderItems"]
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [{**good[0], "quantityOrdered": -5}]}})
    world.finish(store)
    world.settle()
    assert world.orders()[order_id].state == ReceivedState.QUARANTINED
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": good}})
    world.settle_later(minutes=31)
    assert world.orders()[order_id].state == ReceivedState.INJECTED


def test_an_unreadable_revision_takes_a_held_order_out_of_the_way(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(store, review_first="yes")
    world.settle()
    good = world.amazon.order(order_id)["order"]["orderItems"]
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": [{**good[0], "quantityOrdered": -5}]}})
    world.settle_later(minutes=31)
    order = world.orders()[order_id]
    assert order.state == ReceivedState.QUARANTINED
    assert order.holds == []
    actions.approve_all(world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner)
    world.settle()
    assert world.warehouse_orders() == {}


def test_an_unfinished_store_with_items_can_be_discarded(world: World, store: int) -> None:
    world.add_item(store, "A", ("TENT-2P", "1"))
    connect.discard_setup(world.platform, integration_id=store, scope=account_scope(world.account))
    with world.platform.db.read() as session:
        assert session.scalars(sa.select(Integration)).all() == []
        assert session.scalars(sa.select(CartItem)).all() == []


def test_a_task_that_waits_although_its_store_does_not_is_woken(world: World, store: int) -> None:
    world.finish(store)
    with world.platform.db.write() as session:
        session.execute(sa.update(Task).values(state=TaskState.WAITING))
    assert tick(world.platform, NotedWakeups()).due


def test_a_plugins_error_shows_no_buyer_in_the_log(
    world: World, store: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def leak(platform: Any, run: Any) -> None:
        try:
            raise KeyError("Erika Mustermann, Heidestr. 17")
        except KeyError as error:
            raise ValueError("Erika Mustermann") from error

    world.finish(store)
    with caplog.at_level(logging.DEBUG):
        while run_next(world.platform, dict.fromkeys(HANDLERS, leak)):
            pass
    assert "ValueError" in caplog.text
    assert "Erika" not in caplog.text


def test_a_cursor_is_left_alone_by_a_listing_that_failed(world: World, store: int) -> None:
    world.finish(store)
    world.settle()
    with world.platform.db.read() as session:
        before = session.scalars(sa.select(ImportCursor.watermark)).all()
    world.amazon.fault("searchOrders", "html_200", times=3)
    world.settle_later(minutes=31)
    with world.platform.db.read() as session:
        assert session.scalars(sa.select(ImportCursor.watermark)).all() == before
