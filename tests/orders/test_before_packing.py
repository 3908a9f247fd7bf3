"""A stop reaches the packer: what is not wanted any more, or not so, is read and stopped before it is packed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.embedded_warehouse import order_handling, packing
from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.errors import Conflict
from is2_core.orders import actions
from is2_core.orders.packing.before_packing import BeforePacking
from is2_core.orders.states import ReceivedState
from is2_core.warehouses.calls import warehouse_of
from tests.support.parcels import ups_number
from tests.support.side_by_side import Threads
from tests.support.world import World


class Packer:
    """An order that the embedded warehouse has since half an hour, and who is about to pack it."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.stock_up()
        self.store = world.connect()
        world.map_methods(self.store, "STANDARD")
        (self.order_id,) = world.amazon.generate(plain=1)["plain"]
        world.finish(self.store)
        world.settle()
        world.settle_later(minutes=3)
        self.number = world.orders()[self.order_id].number
        # As the form shows it, whatever becomes of the order afterwards.
        self.lines = {line.sku: str(line.quantity) for line in self.row.lines}
        world.clock.advance(timedelta(minutes=20))

    def change(self, **change: Any) -> None:
        self.world.amazon.post(f"orders/{self.order_id}", change)

    def move_away(self) -> None:
        recipient = copy.deepcopy(self.world.amazon.order(self.order_id)["order"]["recipient"])
        recipient["deliveryAddress"] |= {"addressLine1": "9 Other Road", "city": "Elsewhere"}
        self.change(set={"recipient": recipient})

    def read(self) -> BeforePacking:
        return actions.read_before_packing(self.world.platform, number=self.number, account_id=self.world.account)

    @property
    def asked(self) -> int:
        return len(self.world.amazon.calls("getOrder"))

    @property
    def row(self) -> WarehouseOrder:
        return self.world.warehouse_orders()[self.number]

    def ship(self) -> int:
        parcel = {"carrier": "UPS", "service": "", "tracking_number": ups_number(1), "lines": self.lines}
        return packing.ship(self.world.platform, order_id=self.row.id, user_id=None, **parcel)

    def cases(self) -> set[str]:
        with self.world.platform.db.read() as session:
            return set(session.scalars(sa.select(SupportCase.kind).where(SupportCase.closed_at.is_(None))))


@pytest.fixture
def packer(world: World) -> Packer:
    return Packer(world)


@pytest.mark.parametrize(
    ("change", "message", "state", "case"),
    [
        (lambda packer: packer.change(cancel=True), "Cancelled at Amazon", ReceivedState.CANCELLED, None),
        (lambda packer: packer.change(ship=True), "Confirmed at Amazon", ReceivedState.DISMISSED, None),
        (
            lambda packer: packer.change(request_cancel=True),
            "The buyer asked at Amazon to cancel it",
            ReceivedState.CANCELLED,
            CaseKind.WAREHOUSE_STOPPED,
        ),
        (
            lambda packer: packer.move_away(),
            "The address was changed at Amazon",
            ReceivedState.CANCELLED,
            CaseKind.WAREHOUSE_STOPPED,
        ),
    ],
    ids=["cancelled", "confirmed by hand", "cancellation requested", "address changed"],
)
def test_what_changed_at_the_cart_reaches_the_packer_before_anything_is_packed(
    packer: Packer, change: Callable[[Packer], None], message: str, state: ReceivedState, case: CaseKind | None
) -> None:
    change(packer)
    told = packer.read()
    assert told.stopped.startswith("Do not pack this order. ")
    assert (message in told.stopped, told.unread, packer.asked) == (True, "", 1)
    assert packer.world.orders()[packer.order_id].state == state
    assert (packer.row.state, packer.row.stopped) == (WarehouseState.CANCELLED, True)
    assert packer.row.stop_reason
    with pytest.raises(Conflict, match="cancelled"):
        packer.ship()
    with pytest.raises(Conflict):
        order_handling.start_packing(packer.world.platform, order_id=packer.row.id, user_id=None)
    assert packer.cases() == ({case} if case else set())
    # The task that was asked for besides finds it done, and says nothing twice.
    before = packer.world.timeline(packer.order_id)
    packer.world.settle()
    assert packer.world.timeline(packer.order_id) == before
    assert packer.world.quarantined() == []
    # Whoever comes later is told without a call.
    assert packer.read().stopped
    assert packer.asked == 1


def test_an_order_as_it_was_is_packed_and_read_once_in_a_quarter_of_an_hour(packer: Packer) -> None:
    assert packer.read() == BeforePacking()
    assert packer.asked == 1
    packer.world.clock.advance(timedelta(minutes=14))
    assert packer.read() == BeforePacking()
    assert packer.asked == 1
    packer.world.clock.advance(timedelta(minutes=2))
    assert packer.read() == BeforePacking()
    assert packer.asked == 2
    packer.ship()


def test_an_order_the_listing_has_shown_just_now_is_not_asked_for(packer: Packer) -> None:
    packer.world.amazon.touch(packer.order_id)
    packer.world.settle_later(minutes=11)
    assert packer.read() == BeforePacking()
    assert packer.asked == 0


@pytest.mark.parametrize("kind", ["5xx", "refuse", "429", "html_200", "404", "403"])
def test_a_cart_that_cannot_be_asked_stops_nobody_and_is_told(packer: Packer, kind: str) -> None:
    packer.change(cancel=True)
    packer.world.amazon.fault("getOrder", kind, times=2)
    told = packer.read()
    assert told.stopped == ""
    assert told.unread.startswith("Whether this order is still wanted could not be asked of Amazon: ")
    assert told.unread.endswith(" You may pack it all the same.")
    assert packer.row.state == WarehouseState.PENDING
    packer.world.amazon.heal()
    packer.world.clock.advance(timedelta(minutes=6))
    assert "Cancelled at Amazon" in packer.read().stopped


def test_the_store_of_a_paused_integration_is_not_asked(packer: Packer) -> None:
    with packer.world.platform.db.write() as session:
        session.execute(sa.update(Integration).values(state=IntegrationState.PAUSED))
    assert "the store is not active. You may pack it all the same." in packer.read().unread
    assert packer.asked == 0


def test_an_order_typed_into_the_warehouse_or_of_another_account_is_none_of_ours(packer: Packer) -> None:
    platform = packer.world.platform
    assert actions.read_before_packing(platform, number="BY-HAND", account_id=packer.world.account) == BeforePacking()
    assert actions.read_before_packing(platform, number=packer.number, account_id=99) == BeforePacking()
    assert packer.asked == 0


def test_a_buyers_request_that_a_person_has_let_ship_does_not_stop_it_again(packer: Packer) -> None:
    packer.change(request_cancel=True)
    packer.world.settle_later(minutes=31)
    assert packer.cases() == {CaseKind.CANCELLATION_REQUESTED}
    with packer.world.platform.db.write() as session:
        session.execute(sa.update(SupportCase).values(closed_at=packer.world.clock.now()))
    packer.world.clock.advance(timedelta(minutes=20))
    assert packer.read() == BeforePacking()
    assert packer.asked == 1


def test_a_new_address_that_a_listing_shows_stops_the_warehouse_too_and_a_new_phone_does_not(packer: Packer) -> None:
    recipient = copy.deepcopy(packer.world.amazon.order(packer.order_id)["order"]["recipient"])
    recipient["deliveryAddress"] |= {"phone": "+1 555 0100", "name": "A. Buyer"}
    packer.change(set={"recipient": recipient})
    packer.world.settle_later(minutes=31)
    assert packer.row.state == WarehouseState.PENDING
    packer.move_away()
    packer.world.settle_later(minutes=31)
    assert packer.row.state == WarehouseState.CANCELLED
    assert packer.cases() == {CaseKind.WAREHOUSE_STOPPED}


def test_a_stop_that_comes_between_the_form_and_its_sending_wins(packer: Packer) -> None:
    """Both lock the account's warehouse first; whoever ships decides on what the stop has left, on two connections."""
    platform = packer.world.platform
    assert packer.read() == BeforePacking()
    warehouse = warehouse_of(platform, "embedded", packer.world.account)
    refused: list[str] = []

    def ship() -> None:
        with pytest.raises(Conflict) as error:
            packer.ship()
        refused.append(error.value.message)

    with Threads(platform.db) as threads, platform.db.write() as session:
        # The stop is under way: it has its lock, and is not committed.
        session.execute(sa.text("UPDATE warehouse_feed SET position = position + 1"))
        row = session.scalars(sa.select(WarehouseOrder).where(WarehouseOrder.number == packer.number)).one()
        row.stopped, row.state = True, WarehouseState.CANCELLED
        session.flush()
        shipping = threads.start(ship)
        threads.until_blocked(shipping)
    assert refused == ["This order is cancelled; nothing of it is left to ship."]
    assert warehouse.find_order(packer.number)[0].shipped == ()


def test_a_packer_has_calls_that_background_work_leaves_alone(packer: Packer) -> None:
    manifest = packer.world.platform.carts.manifest("amazon")
    plan = manifest.rate_plans["getOrder"]
    assert 0 < plan.kept < plan.burst
