"""Orders, a stop, stock and packages end to end through a warehouse that is not the embedded one."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Account
from is2_core.accounts.scope import account_scope
from is2_core.errors import BadInput
from is2_core.items import shipping_mappings
from is2_core.items.models import KnownSku
from is2_core.orders import actions
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import AckState, ReceivedState
from tests.support.amazon import NORTHWIND
from tests.support.bay import Bay
from tests.support.saved_rows import save
from tests.support.wire import acknowledged
from tests.support.world import SKUS, World

METHODS = ("STANDARD", "Express", "SECOND_DAY", "NEXT_DAY")


class Journey:
    """A store that is shipped from Bay 7."""

    def __init__(self, world: World) -> None:
        self.world, self.bay = world, Bay()
        world.platform.warehouses.replace("bay", self.bay)
        with world.platform.db.read() as session:
            self.code = session.scalars(sa.select(Account.code).where(Account.id == world.account)).one()
        for sku in SKUS:
            self.bay.receive(self.code, sku, 50)
        self.store = world.connect(wms_target="bay")
        for method in METHODS:
            shipping_mappings.add_shipping_mapping(
                world.platform,
                integration_id=self.store,
                scope=account_scope(world.account),
                method=method,
                service="TRUCK",
            )
        world.amazon.post("listings", [{"seller": NORTHWIND, "sku": "TENT-2P", "quantity": 7}])
        world.add_item(self.store, "TENT-2P", ("TENT-2P", "1"))

    def order(self, order_id: str) -> ReceivedOrder:
        """An order as it is received."""
        return self.world.orders()[order_id]

    def decide(self, order_id: str, *, accept: bool = True) -> None:
        """Bay 7 decides about an order, and is read at its time."""
        self.bay.decide(self.code, self.order(order_id).number, accept=accept)
        self.world.pass_time(minutes=6)

    def shown(self) -> dict[str, int]:
        """SKU -> quantity at Amazon."""
        listings = self.world.amazon.get("listings", seller=NORTHWIND)["listings"]
        return {entry["sku"]: entry["quantity"] for entry in listings}


@pytest.fixture
def journey(world: World) -> Journey:
    return Journey(world)


def test_orders_go_through_another_warehouse_and_nothing_is_acknowledged_before_it_is_accepted(
    journey: Journey,
) -> None:
    world, bay = journey.world, journey.bay
    taken, refused, stopped = world.amazon.generate(plain=3)["plain"]
    world.finish(journey.store)
    world.pass_time(minutes=10)
    yard = bay.yards[journey.code]
    assert len(yard.orders) == 3
    for entry in (taken, refused, stopped):
        order = journey.order(entry)
        assert (order.state, order.placed_at, order.ack_state) == (ReceivedState.STAGED, None, AckState.NONE)
    assert acknowledged(world) == set()
    # What crosses is values: no id of a row, whole people, lines with the cart's ids.
    sent = yard.under(journey.order(taken).number)[0].order
    assert sent.recipient.name and sent.source and sent.lines[0].items == (journey.order(taken).lines[0].remote_id,)

    journey.decide(taken)
    order = journey.order(taken)
    assert (order.state, order.waits_for) == (ReceivedState.INJECTED, "PACKING")
    assert acknowledged(world) == {taken}
    journey.decide(refused, accept=False)
    assert world.holds(refused) == {"WAREHOUSE_REFUSED"}
    assert journey.order(refused).ack_state == AckState.NONE

    journey.decide(stopped)
    assert journey.order(stopped).state == ReceivedState.INJECTED
    world.amazon.post(f"orders/{stopped}", {"cancel": True})
    world.pass_time(minutes=35)
    assert journey.order(stopped).stop_asked_at is None
    assert yard.under(journey.order(stopped).number)[0].stop_asked
    journey.decide(stopped)
    assert journey.order(stopped).state == ReceivedState.CANCELLED

    number = journey.order(taken).number
    units = dict(yard.under(number)[0].open)
    bay.ship(journey.code, number, units, "1Z999AA10123456784", world.clock.now())
    world.pass_time(minutes=30)
    assert journey.order(taken).state == ReceivedState.COMPLETED
    with world.platform.db.read() as session:
        (package,) = session.scalars(sa.select(Package)).all()
    assert (package.tracking_number, package.posted_at is not None) == ("1Z999AA10123456784", True)
    assert world.quarantined() == []


@pytest.mark.parametrize("trouble", ["unknown", "lost"])
def test_an_unknown_answer_is_looked_up_and_the_order_placed_once(journey: Journey, trouble: str) -> None:
    world = journey.world
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    journey.bay.next_answers = [trouble]
    world.finish(journey.store)
    world.pass_time(minutes=10)
    number = journey.order(order_id).number
    assert len(journey.bay.yards[journey.code].under(number)) == 1
    assert journey.order(order_id).placed_at is None
    journey.decide(order_id)
    assert journey.order(order_id).state == ReceivedState.INJECTED
    assert len(journey.bay.yards[journey.code].under(number)) == 1


def test_an_answer_that_is_never_told_is_looked_for(journey: Journey) -> None:
    world = journey.world
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(journey.store)
    world.pass_time(minutes=5)
    yard = journey.bay.yards[journey.code]
    journey.bay.decide(journey.code, journey.order(order_id).number)
    yard.late.clear()
    world.pass_time(minutes=20)
    assert journey.order(order_id).state == ReceivedState.STAGED
    world.pass_time(minutes=15)
    assert journey.order(order_id).state == ReceivedState.INJECTED


def test_stock_comes_from_the_integrations_own_warehouse_and_not_where_it_is_old(journey: Journey) -> None:
    world, bay = journey.world, journey.bay
    world.stock_up(("TENT-2P", "ELSEWHERE"), 9)
    bay.stock_age = timedelta(hours=25)
    world.finish(journey.store)
    world.pass_time(minutes=10)
    assert journey.shown()["TENT-2P"] == 7
    bay.stock_age = timedelta(hours=1)
    world.pass_time(minutes=45)
    assert journey.shown()["TENT-2P"] == 50
    with world.platform.db.read() as session:
        known = set(session.execute(sa.select(KnownSku.wms_target, KnownSku.sku)).all())
    assert ("embedded", "ELSEWHERE") in known and ("bay", "ELSEWHERE") not in known
    with pytest.raises(BadInput, match="no SKU ELSEWHERE"):
        world.add_item(journey.store, "X", ("ELSEWHERE", "1"))


def test_the_warehouse_is_chosen_where_there_are_several(journey: Journey) -> None:
    with pytest.raises(BadInput, match="Choose the warehouse"):
        journey.world.connect("eu", "A2SIMEU0000001", wms_target="")
    with pytest.raises(BadInput, match="Choose the warehouse"):
        journey.world.connect("eu", "A2SIMEU0000001", wms_target="nowhere")


def test_scenario_F55_a_backup_of_before_the_orders_came_repeats_nothing(journey: Journey) -> None:
    world, bay = journey.world, journey.bay
    order_id, other = world.amazon.generate(plain=2)["plain"]
    world.finish(journey.store)
    backup = save(world.platform.db.engine)
    world.pass_time(minutes=10)
    journey.decide(order_id)
    journey.decide(other)
    number = journey.order(order_id).number
    units = dict(bay.yards[journey.code].under(number)[0].open)
    bay.ship(journey.code, number, units, "1Z999AA10123456784", world.clock.now())
    world.pass_time(minutes=30)
    assert journey.order(order_id).state == ReceivedState.COMPLETED

    backup.restore(world.platform.db.engine)
    world.pass_time(minutes=60)
    # What is shipped at the cart when it is first seen needs nothing from here.
    assert journey.order(order_id).state == ReceivedState.EXCLUDED
    assert journey.order(other).state == ReceivedState.INJECTED
    assert [len(bay.yards[journey.code].under(journey.order(each).number)) for each in (order_id, other)] == [1, 1]
    assert len(world.amazon.order(order_id)["packages"]) == 1
    assert acknowledged(world) == {order_id, other}


@pytest.mark.parametrize("change", [{"cancel": True}, {"ship": True}])
def test_a_stop_reaches_another_warehouse_in_the_minute_it_is_read(journey: Journey, change: dict[str, bool]) -> None:
    world = journey.world
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(journey.store)
    world.pass_time(minutes=10)
    journey.decide(order_id)
    number = journey.order(order_id).number
    world.amazon.post(f"orders/{order_id}", change)
    (asked,) = journey.bay.yards[journey.code].under(number)
    while not asked.stop_asked:
        listed = len(world.amazon.calls("searchOrders"))
        world.pass_time(minutes=1)
        # Asked to stop as soon as a listing has shown it, and not a minute later.
        shown = len(world.amazon.calls("searchOrders")) > listed
        (asked,) = journey.bay.yards[journey.code].under(number)
        assert asked.stop_asked is shown


def test_a_packer_elsewhere_is_asked_to_stop_by_reading_an_order(journey: Journey) -> None:
    world = journey.world
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    world.finish(journey.store)
    world.pass_time(minutes=10)
    journey.decide(order_id)
    number = journey.order(order_id).number
    world.clock.advance(timedelta(minutes=20))
    world.amazon.post(f"orders/{order_id}", {"cancel": True})
    told = actions.read_before_packing(world.platform, number=number, account_id=world.account)
    assert told.stopped == (
        "Do not pack this order. It is not wanted any more, and the warehouse is being asked to stop it."
    )
    assert journey.bay.yards[journey.code].under(number)[0].stop_asked
