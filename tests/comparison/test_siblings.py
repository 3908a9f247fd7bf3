"""Every kind of open order is compared, within the budget, and what differs is settled or told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.scope import account_scope
from is2_core.cases.models import SupportCase
from is2_core.comparison import runs
from is2_core.comparison.actions import compare_now
from is2_core.comparison.models import ComparedOrder, Comparison
from is2_core.comparison.queries import ComparisonView, last_comparisons
from is2_core.comparison.states import Difference, Outcome
from is2_core.embedded_warehouse import order_handling
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.orders.fulfillment.answers.storing import note_not_taken
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from plugins.warehouse import NewOrder, PlaceAnswer, WarehouseContext, hookimpl
from tests.comparison.test_field_cases import cases, omit, status
from tests.shipments.test_tracking import Dock
from tests.support.world import World

OLD, NEW = "1Z999AA10123456784", "1Z999AA10123456793"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def dock(world: World) -> Dock:
    return Dock(world)


def omit_all(dock: Dock) -> None:
    """Have no listing show any order that there is by now."""
    dock.world.amazon.fault("searchOrders", "omit", older_than_s=0, lasts_s=100 * 86_400)
    dock.world.settle_later(minutes=5)


def last(dock: Dock) -> ComparisonView:
    return last_comparisons(dock.world.platform, dock.world.account)[dock.store]


def outcomes(dock: Dock) -> dict[str, tuple[str, str]]:
    """(outcome, difference) by the cart's id, of the newest comparison of the store."""
    newest = sa.select(sa.func.max(Comparison.id)).where(Comparison.integration_id == dock.store)
    query = (
        sa.select(ReceivedOrder.remote_id, ComparedOrder.outcome, ComparedOrder.difference)
        .join(ComparedOrder, ComparedOrder.order_id == ReceivedOrder.id)
        .where(ComparedOrder.comparison_id == newest.scalar_subquery())
    )
    with dock.world.platform.db.read() as session:
        return {remote_id: (outcome, difference) for remote_id, outcome, difference in session.execute(query)}


def now(dock: Dock) -> str:
    """Press "Compare now" and have it run to its end."""
    said = compare_now(
        dock.world.platform,
        integration_id=dock.store,
        scope=account_scope(dock.world.account),
        user_id=dock.world.owner,
    )
    dock.world.settle()
    return said


def imported(dock: Dock, **mix: int) -> dict[str, str]:
    """One order of each branch, imported; by branch."""
    branches = dock.world.amazon.generate(**mix)
    dock.world.settle_later(minutes=5)
    dock.world.finish(dock.store)
    dock.world.settle_later(minutes=31)
    return {branch: order_ids[0] for branch, order_ids in branches.items()}


def test_every_kind_of_open_order_that_no_listing_shows(dock: Dock) -> None:
    orders = imported(dock, plain=1, pending=1, unmapped_sku=1, bad=1, multi_line=1)
    held, pending, placed, unreadable = (orders[each] for each in ("unmapped_sku", "pending", "plain", "bad"))
    in_part = orders["multi_line"]
    assert dock.received(held).state == ReceivedState.HELD
    assert dock.received(unreadable).state == ReceivedState.QUARANTINED
    assert dock.received(placed).state == dock.received(in_part).state == ReceivedState.INJECTED
    omit_all(dock)
    before = len(dock.world.amazon.calls("getOrder"))
    for order_id in (held, pending, placed):
        dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    items = dock.world.amazon.order(in_part)["order"]["orderItems"]
    units = items[0]["quantityOrdered"]
    items[0]["cancellation"] = {"cancellationExecution": {"cancelledBy": "BUYER"}}
    items[0]["quantityOrdered"] = units
    items[0]["fulfillment"] |= {"quantityFulfilled": 0, "quantityUnfulfilled": 0}
    dock.world.amazon.post(f"orders/{in_part}", {"set": {"orderItems": items}})
    dock.world.settle_later(hours=25)
    assert [dock.received(each).state for each in (held, pending, placed)] == [ReceivedState.CANCELLED] * 3
    assert dock.warehouse_order(placed).state == "CANCELLED"
    assert {kind for kind, _ in cases(dock)} >= {"FEWER_UNITS"}
    assert len(dock.world.amazon.calls("getOrder")) == before + 5
    found = outcomes(dock)
    assert {found[each] for each in (held, pending, placed)} == {(Outcome.PUT_RIGHT, Difference.NEWS)}
    assert found[in_part] == (Outcome.NEEDS_PERSON, Difference.CASE)
    assert found[unreadable] == (Outcome.NEEDS_PERSON, Difference.UNREADABLE)
    view = last(dock)
    assert (view.orders, view.agree, view.put_right, view.need_person, view.not_compared) == (5, 0, 3, 2, 0)


def test_what_listings_show_costs_no_call_and_agrees(dock: Dock) -> None:
    imported(dock, plain=2, pending=1, unmapped_sku=1)
    dock.world.settle_later(hours=3)
    assert dock.world.amazon.calls("getOrder") == []
    view = last(dock)
    assert (view.orders, view.agree, view.running) == (4, 4, None)


def test_longest_unseen_first_and_no_more_than_a_days_budget(dock: Dock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "READS_A_DAY", 2)
    order_ids = [dock.world.amazon.generate(unmapped_sku=1)["unmapped_sku"][0] for _ in range(5)]
    dock.world.settle_later(minutes=5)
    dock.world.finish(dock.store)
    dock.world.settle_later(minutes=31)
    omit_all(dock)
    for number, order_id in enumerate(order_ids):
        with dock.world.platform.db.write() as session:
            seen = dock.world.clock.now() - timedelta(days=2, hours=number)
            session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.remote_id == order_id).values(shown_at=seen))
    oldest = dock.world.clock.now() - timedelta(days=2, hours=2)
    now(dock)
    asked = [call["path"].rpartition("/")[2] for call in dock.world.amazon.calls("getOrder")]
    assert asked == [order_ids[4], order_ids[3]]
    view = last(dock)
    assert (view.orders, view.agree, view.not_compared, view.oldest_at) == (5, 2, 3, oldest)
    assert "no more orders can be asked for today" in now(dock)
    assert len(dock.world.amazon.calls("getOrder")) == 2
    dock.world.settle_later(hours=25)
    asked = [call["path"].rpartition("/")[2] for call in dock.world.amazon.calls("getOrder")]
    assert asked[2:] == [order_ids[2], order_ids[1]]
    assert last(dock).not_compared == 1 + 2


def test_two_stores_are_compared_apart(dock: Dock) -> None:
    order_id = dock.order()
    other = dock.world.connect("eu", "A2SIMEU0000001")
    dock.world.finish(other)
    dock.world.settle()
    omit(dock, order_id, days=100)
    dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    compare_now(
        dock.world.platform, integration_id=other, scope=account_scope(dock.world.account), user_id=dock.world.owner
    )
    dock.world.settle_later(hours=2)
    assert dock.received(order_id).state == ReceivedState.INJECTED
    now(dock)
    assert dock.received(order_id).state == ReceivedState.CANCELLED
    views = last_comparisons(dock.world.platform, dock.world.account)
    assert (views[dock.store].put_right, views[other].orders) == (1, 0)


class Frozen(EmbeddedWarehouse):
    """The embedded warehouse, reached by a worker that was frozen while it asked: what it asked for arrives late."""

    def __init__(self, dock: Dock) -> None:
        super().__init__(dock.world.platform.db)
        self.late: list[tuple[WarehouseContext, Sequence[NewOrder]]] = []
        self.frozen = True

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        if self.frozen and orders:
            self.late.append((ctx, orders))
            raise RuntimeError("frozen")
        return super().place_orders(ctx, orders)

    def thaw(self) -> None:
        """What was asked for arrives."""
        self.frozen = False
        for ctx, orders in self.late:
            super().place_orders(ctx, orders)


@pytest.mark.parametrize("cancelled", [True, False])
def test_field_A5_placed_late_by_a_frozen_worker(dock: Dock, cancelled: bool) -> None:
    warehouse = Frozen(dock)
    dock.world.platform.warehouses.replace("embedded", warehouse)
    (order_id,) = dock.world.amazon.generate(plain=1)["plain"]
    dock.world.settle_later(minutes=5)
    dock.world.finish(dock.store)
    dock.world.settle_later(minutes=5)
    order = dock.received(order_id)
    with dock.world.platform.db.write() as session:
        note_not_taken(session, [order.id])
    if cancelled:
        dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
        dock.world.settle_later(minutes=31)
        assert dock.received(order_id).state == ReceivedState.CANCELLED
        with dock.world.platform.db.write() as session:
            # Looked up once more by then, in vain.
            note_not_taken(session, [order.id])
    else:
        with dock.world.platform.db.write() as session:
            session.execute(sa.update(ReceivedOrder).values(state=ReceivedState.HELD))
    warehouse.thaw()
    assert dock.warehouse_order(order_id).state != "CANCELLED"
    dock.world.settle_later(hours=4)
    assert "The warehouse has it, although it had counted as not taken there." in dock.world.timeline(order_id)
    if cancelled:
        assert dock.warehouse_order(order_id).state == "CANCELLED"
    else:
        assert dock.received(order_id).state == ReceivedState.INJECTED
        dock.ship(order_id, NEW)
        assert status(dock, order_id) == "SHIPPED"
    assert cases(dock) == []


def overwrite(dock: Dock, order_id: str, number: str) -> None:
    """Have Amazon show another number for the only package."""
    (package,) = dock.world.amazon.order(order_id)["packages"]
    dock.world.amazon.post(f"orders/{order_id}", {"set": {"packages": [package | {"trackingNumber": number}]}})


def corrected(dock: Dock) -> str:
    order_id = dock.order()
    package = dock.ship(order_id, OLD)
    dock.correct(package, NEW)
    dock.world.settle_later(hours=1)
    dock.world.settle_later(hours=6)
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    (posted,) = dock.packages(order_id)
    assert posted.shown_version == posted.posted_version
    return order_id


@pytest.mark.parametrize("listed", [True, False])
def test_field_A5_an_older_number_is_overwritten_again(dock: Dock, listed: bool) -> None:
    order_id = corrected(dock)
    if not listed:
        # Nothing shows it but the daily reconcile.
        dock.world.amazon.fault("searchOrders", "omit", order_id=order_id, times=1)
    overwrite(dock, order_id, OLD)
    dock.world.settle_later(hours=1)
    dock.world.settle_later(hours=24)
    dock.world.settle_later(hours=4)
    assert [number for _, number, _ in dock.shown(order_id).values()] == [NEW]
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert cases(dock) == []
    assert any(f"shows tracking number {OLD}" in text for text in dock.world.timeline(order_id))


def test_a_number_that_somebody_typed_at_the_shop_is_told_once_and_left(dock: Dock) -> None:
    order_id = corrected(dock)
    posts = len(dock.world.amazon.calls("confirmShipment"))
    overwrite(dock, order_id, "1ZTYPEDTHERE")
    for _ in range(3):
        dock.world.settle_later(hours=5)
    ((kind, message),) = cases(dock)
    assert kind == "NUMBER_CHANGED"
    assert NEW in message
    assert len(dock.world.amazon.calls("confirmShipment")) == posts
    assert dock.received(order_id).state == ReceivedState.COMPLETED


def test_a_part_that_was_forgotten_is_posted_again_and_no_other(dock: Dock) -> None:
    order_id = dock.order_of(("TENT-2P", 3))
    dock.ship(order_id, OLD, {"TENT-2P": 1})
    dock.world.amazon.fault("confirmShipment", "forget")
    dock.ship(order_id, NEW, {"TENT-2P": 1})
    for _ in range(3):
        dock.world.settle_later(hours=4)
    assert [number for _, number, _ in dock.shown(order_id).values()] == [OLD, NEW]
    assert len(dock.world.amazon.calls("confirmShipment")) == 3
    assert dock.received(order_id).state == ReceivedState.SHIPPED


def test_one_that_a_person_entered_after_it_was_lost_twice_ends_the_case(dock: Dock) -> None:
    order_id = dock.order()
    dock.world.amazon.fault("confirmShipment", "forget", times=2)
    dock.ship(order_id, NEW)
    for _ in range(3):
        dock.world.settle_later(hours=5)
    assert [kind for kind, _ in cases(dock)] == ["CONFIRMATION_LOST"]
    assert outcomes(dock)[order_id] == (Outcome.NEEDS_PERSON, Difference.CONFIRMATION_LOST)
    dock.world.amazon.post(f"orders/{order_id}", {"ship": {"carrier": "UPS", "trackingNumber": NEW}})
    for _ in range(2):
        dock.world.settle_later(hours=5)
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert cases(dock) == []
    with dock.world.platform.db.read() as session:
        assert session.scalars(sa.select(SupportCase.closed_at)).all() != [None]


def test_once_not_found_is_no_fact_and_again_and_again_is_a_case(dock: Dock, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = dock.order()
    omit_all(dock)
    call = dock.world.platform.carts.call
    lost = True

    def without(cart: str, hook: str, **arguments: object) -> object:
        return None if lost and hook == "fetch_order" else call(cart, hook, **arguments)

    monkeypatch.setattr(dock.world.platform.carts, "call", without)
    dock.world.settle_later(hours=25)
    assert outcomes(dock)[order_id] == (Outcome.NOT_COMPARED, Difference.NOT_FOUND)
    assert cases(dock) == []
    dock.world.settle_later(hours=13)
    dock.world.settle_later(hours=13)
    assert [kind for kind, _ in cases(dock)] == ["NOT_AT_CART"]
    assert outcomes(dock)[order_id] == (Outcome.NEEDS_PERSON, Difference.NOT_FOUND)
    assert dock.received(order_id).state == ReceivedState.INJECTED
    lost = False
    dock.world.settle_later(hours=4)
    assert outcomes(dock)[order_id] == (Outcome.AGREES, Difference.NONE)
    assert cases(dock) == []


@pytest.mark.parametrize("listed", [True, False])
def test_field_B6_a_rest_the_warehouse_had_ended_and_is_cancelled_then(dock: Dock, listed: bool) -> None:
    order_id = dock.order_of(("TENT-2P", 3))
    dock.ship(order_id, NEW, {"TENT-2P": 1})
    number = dock.warehouse_order(order_id).id
    order_handling.stop_order(dock.world.platform, order_id=number, reason="water damage", user_id=None)
    dock.world.settle_later(minutes=6)
    assert dock.received(order_id).state == ReceivedState.SHIPPED
    assert [kind for kind, _ in cases(dock)] == ["WAREHOUSE_STOPPED"]
    if not listed:
        omit_all(dock)
    dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    dock.world.settle_later(hours=1)
    dock.world.settle_later(hours=26)
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert cases(dock) == []


def test_what_the_warehouse_ended_needs_a_person_until_the_cart_ends_it_too(dock: Dock) -> None:
    order_id = dock.order()
    number = dock.warehouse_order(order_id).id
    order_handling.stop_order(dock.world.platform, order_id=number, reason="water damage", user_id=None)
    dock.world.settle_later(minutes=6)
    assert dock.received(order_id).state == ReceivedState.CANCELLED
    now(dock)
    assert outcomes(dock)[order_id] == (Outcome.NEEDS_PERSON, Difference.CASE)
    omit_all(dock)
    dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    dock.world.settle_later(hours=25)
    assert cases(dock) == []
    now(dock)
    assert outcomes(dock) == {}


def test_a_confirmation_that_was_forgotten_before_the_order_was_cancelled_is_told(dock: Dock) -> None:
    order_id = dock.order()
    dock.world.amazon.fault("confirmShipment", "forget")
    dock.ship(order_id, OLD)
    dock.world.amazon.post(f"orders/{order_id}", {"cancel": True})
    for _ in range(2):
        dock.world.settle_later(hours=4)
    ((kind, message),) = cases(dock)
    assert kind == "TOO_LATE"
    assert "Intercept the parcel" in message
    (package,) = dock.packages(order_id)
    assert package.post_state == "REJECTED"
