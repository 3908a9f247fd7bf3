"""What the cart accepted stays accepted, whatever packers, buyers and timing do in which order."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import sqlalchemy as sa

from is2_core.embedded_warehouse import packing
from is2_core.embedded_warehouse.models import WarehousePackage
from is2_core.errors import BadInput, Conflict
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.states import ReceivedState
from tests.orders.test_shipped_elsewhere import by_hand, cases, placed
from tests.shipments.test_tracking import Dock
from tests.support.parcels import confirming
from tests.support.world import World

# Cart SKU -> what it is made of: a kit, one that shares its parts with loose ones, and two SKUs of one thing.
MADE_OF = {
    "BUNDLE-CAMP": {"TENT-2P": 1, "LAMP-USB": 2},
    "TENT-AND-STOVE": {"TENT-2P": 1, "STOVE-MINI": 1},
    "TENT-2P": {"TENT-2P": 1},
    "TENT-ALIAS": {"TENT-2P": 1},
    "LAMP-USB": {"LAMP-USB": 1},
}
ACTS = 14


class Bench:
    """One order of some lines, on which somebody packs by luck."""

    def __init__(self, dock: Dock, rng: random.Random) -> None:
        self._dock, self._rng, self._parcels = dock, rng, 0
        lines = [(rng.choice(sorted(MADE_OF)), rng.randint(1, 3)) for _ in range(rng.randint(1, 4))]
        if rng.random() < 0.5:
            # Two lines that differ in nothing but their ids.
            lines.append(lines[0])
        self.history: list[str] = [f"ordered {lines}"]
        self.order_id = dock.order_of(*lines)
        self.wanted = {str(11 + place): units for place, (_, units) in enumerate(lines)}

    def act(self) -> None:
        """Do one thing, and let the cart hear of it at once, later, or together with the next."""
        doing = self._rng.choice((self._ship, self._ship, self._ship, self._void, self._relabel, self._repack))
        try:
            doing()
        except (BadInput, Conflict) as refused:
            self.history.append(f"refused: {refused}")
        self._dock.world.pass_time(minutes=self._rng.choice((0, 0, 1, 7)))

    def cancel_a_line(self) -> None:
        """The buyer or the seller cancels a line that nothing was shipped of."""
        at_amazon = self._dock.world.amazon.order(self.order_id)["order"]["orderItems"]
        free = [item for item in at_amazon if not item["fulfillment"].get("quantityFulfilled")]
        if len(free) < 2 or len(at_amazon) < 2:
            return
        gone = self._rng.choice(free)
        self.history.append(f"cancelled line {gone['orderItemId']}")
        gone["cancellation"] = {"cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "By mistake"}}
        gone["fulfillment"] |= {"quantityUnfulfilled": 0}
        self._dock.world.amazon.post(f"orders/{self.order_id}", {"set": {"orderItems": at_amazon}})
        self.wanted.pop(gone["orderItemId"])
        self._dock.world.pass_time(minutes=35)

    def finish(self) -> None:
        """Ship all that is left."""
        self._dock.world.pass_time(minutes=16)
        while left := {sku: units for sku, units in self._dock.left(self.order_id).items() if units}:
            self._press(left)
        self._dock.world.pass_time(minutes=31)

    def _ship(self) -> None:
        left = self._dock.left(self.order_id)
        some = {sku: self._rng.randint(0, units) for sku, units in left.items()}
        self._press({sku: units for sku, units in some.items() if units} or left)

    def _press(self, units: dict[str, int]) -> None:
        self.history.append(f"ship {units}")
        order = self._dock.warehouse_order(self.order_id)
        self._call(packing.ship, order_id=order.id, lines=units, number=self._number())

    def _void(self) -> None:
        if package := self._package():
            self.history.append(f"void {package.tracking_number}")
            packing.void_package(self._dock.world.platform, package_id=package.id, user_id=None, reason="label damaged")

    def _relabel(self) -> None:
        if package := self._package():
            self._correct(package, {line.sku: line.quantity for line in package.lines}, self._number())

    def _repack(self) -> None:
        if package := self._package():
            left = self._dock.left(self.order_id)
            held = {line.sku: line.quantity for line in package.lines}
            units = {sku: self._rng.randint(0, held.get(sku, 0) + left.get(sku, 0)) for sku in {*held, *left}}
            self._correct(package, {sku: number for sku, number in units.items() if number} or held)

    def _correct(self, package: WarehousePackage, units: dict[str, int], number: str = "") -> None:
        self.history.append(f"correct {package.tracking_number} to {number} {units}")
        self._call(
            packing.correct_package, package_id=package.id, lines=units, number=number or package.tracking_number
        )

    def _call(self, flow: object, lines: dict[str, int], number: str, **which: int) -> None:
        confirming(
            flow,  # type: ignore[arg-type]
            self._dock.world.platform,
            carrier="UPS",
            service="Ground",
            tracking_number=number,
            lines={sku: str(units) for sku, units in lines.items()},
            user_id=None,
            **which,
        )

    def _package(self) -> WarehousePackage | None:
        order = self._dock.warehouse_order(self.order_id).id
        query = sa.select(WarehousePackage).where(
            WarehousePackage.order_id == order, WarehousePackage.voided_at.is_(None)
        )
        with self._dock.world.platform.db.read() as session:
            rows = list(session.scalars(query.order_by(WarehousePackage.id)))
            for row in rows:
                assert row.lines
        return self._rng.choice(rows) if rows else None

    def _number(self) -> str:
        self._parcels += 1
        return f"1Z{self.order_id.replace('-', '')[-8:]}{self._parcels:04d}"


def told(bench: Bench) -> str:
    return "\n".join(bench.history)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [2, 5, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 46))])
def test_every_unit_reaches_the_cart_once_in_packages_it_takes(world: World, seed: int) -> None:
    rng = random.Random(seed)
    dock = Dock(world)
    world.add_item(dock.store, "TENT-AND-STOVE", ("TENT-2P", "1"), ("STOVE-MINI", "1"))
    world.add_item(dock.store, "TENT-ALIAS", ("TENT-2P", "1"))
    benches = [Bench(dock, rng) for _ in range(3)]
    for act in range(ACTS):
        bench = rng.choice(benches)
        bench.act()
        if act == ACTS // 2 and rng.random() < 0.5:
            bench.cancel_a_line()
    for bench in benches:
        bench.finish()
        packages = dock.packages(bench.order_id)
        assert not [each for each in packages if each.post_state == PostState.REJECTED], told(bench)
        refused = [call for call in world.amazon.calls("confirmShipment") if call["status"] == 400]
        assert refused == [], told(bench)
        shown = dock.shown(bench.order_id)
        at_amazon = Counter[str]()
        for _, _, units in shown.values():
            at_amazon.update(units)
        assert at_amazon == bench.wanted, told(bench)
        live = {each.tracking_number for each in packages if each.post_state == PostState.DONE}
        assert {number for _, number, _ in shown.values()} <= live, told(bench)
        assert dock.received(bench.order_id).state == ReceivedState.COMPLETED, told(bench)
    assert world.quarantined() == []


@pytest.fixture
def dock(world: World) -> Dock:
    return Dock(world)


def test_field_C2_of_a_package_refused_in_part_the_rest_is_confirmed(dock: Dock) -> None:
    order_id = placed(dock)
    # By hand, and no listing has told of it yet.
    by_hand(dock, order_id, 1)
    dock.ship(order_id, "1ZOURS")
    dock.world.pass_time(minutes=10)
    ours = [units for _, number, units in dock.shown(order_id).values() if number == "1ZOURS"]
    assert [list(units.values()) for units in ours] == [[2]]
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert [kind for kind, _ in cases(dock)] == ["SHIPPED_ELSEWHERE"]


def test_field_C2_where_every_unit_is_confirmed_by_hand_nothing_is_left_to_confirm(dock: Dock) -> None:
    order_id = placed(dock)
    by_hand(dock, order_id)
    dock.ship(order_id, "1ZOURS")
    dock.world.pass_time(minutes=10)
    assert [number for _, number, _ in dock.shown(order_id).values()] == ["1Z-BY-HAND"]
    assert dock.received(order_id).state == ReceivedState.COMPLETED
    assert [kind for kind, _ in cases(dock)] == ["SHIPPED_ELSEWHERE"]
