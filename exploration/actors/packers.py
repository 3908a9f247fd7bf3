"""The people in the warehouse of a run."""

from __future__ import annotations

import random
from collections.abc import Callable

from exploration.world import World
from is2_core.embedded_warehouse import order_handling, order_queries, packing, receiving
from is2_core.embedded_warehouse.order_queries import Order, Package
from plugins.amazon.simulator.orders.generate import SKUS

CARRIERS = ("UPS", "dhl express", "Yodel", "Pigeon Post")
# As long as the carriers' numbers are; another one would have to be confirmed.
_DIGITS = {"UPS": 12, "dhl express": 10, "Yodel": 8, "Pigeon Post": 6}


class Packers:
    """Ship, correct, void, stop, receive and count by luck."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        self._parcels = 0
        self._doings = (
            *(self._ship_all, self._ship_some) * 5,
            *(self._correct_label, self._correct_contents, self._void, self._void_and_ship) * 2,
            *(self._stop, self._hold, self._release, self._release, self._start),
            *(self._receive, self._receive, self._adjust),
        )

    def act(self) -> None:
        """Somebody does one thing."""
        doing = self._rng.choice(self._doings)
        self._world.trace.add("packer", doing.__name__)
        doing()

    def _ship_all(self) -> None:
        if order := self._order():
            self._ship(order, order.left)

    def _ship_some(self) -> None:
        if order := self._order():
            left = order.left
            some = {sku: self._rng.randint(0, units) for sku, units in left.items()}
            self._ship(order, some if any(some.values()) else left)

    def _ship(self, order: Order, units: dict[str, int]) -> None:
        lines = {sku: str(quantity) for sku, quantity in units.items()}
        self._press(packing.ship, order_id=order.id, **self._label(), lines=lines)

    def _correct_label(self) -> None:
        if package := self._package():
            lines = {sku: str(units) for sku, units in package.units.items()}
            self._press(packing.correct_package, package_id=package.id, **self._label(), lines=lines)

    def _correct_contents(self) -> None:
        if package := self._package():
            label = {name: getattr(package, name) for name in ("carrier", "service", "tracking_number")}
            lines = {sku: str(self._rng.randint(0, units + 1) or 1) for sku, units in package.units.items()}
            self._press(packing.correct_package, package_id=package.id, **label, lines=lines)

    def _void(self) -> None:
        if package := self._package():
            self._press(packing.void_package, package_id=package.id, reason="Came back")

    def _void_and_ship(self) -> None:
        if package := self._package():
            self._press(packing.void_package, package_id=package.id, reason="Damaged box")
            order = order_queries.find_order(self._world.platform, package.order_id)
            assert order is not None
            self._ship(order, order.left)

    def _stop(self) -> None:
        # Seldom: most orders should live to be shipped.
        if self._rng.random() < 0.3 and (order := self._order()):
            self._press(order_handling.stop_order, order_id=order.id, reason="Broken on the shelf")

    def _hold(self) -> None:
        if order := self._order():
            self._press(order_handling.hold_order, order_id=order.id)

    def _release(self) -> None:
        if order := self._order():
            self._press(order_handling.release_order, order_id=order.id)

    def _start(self) -> None:
        if order := self._order():
            self._press(order_handling.start_packing, order_id=order.id)

    def _receive(self) -> None:
        account, sku = self._rng.choice(self._world.accounts), self._rng.choice(sorted(SKUS))
        quantity = str(self._rng.randint(1, 20))
        self._press(receiving.receive, account_id=account, sku=sku, name="", quantity=quantity)

    def _adjust(self) -> None:
        account, sku = self._rng.choice(self._world.accounts), self._rng.choice(sorted(SKUS))
        # Large now and then, so that something sells out or more is promised than there is.
        delta = str(self._rng.choice((-40, -10, -3, -1, 2)))
        self._press(receiving.adjust, account_id=account, sku=sku, delta=delta, reason="Counted")

    def _label(self) -> dict[str, str]:
        self._parcels += 1
        carrier = self._rng.choice(CARRIERS)
        return {
            "carrier": carrier,
            "service": self._rng.choice(("", "Ground")),
            "tracking_number": f"{self._parcels:0{_DIGITS[carrier]}d}",
        }

    def _order(self) -> Order | None:
        rows = [order for order in order_queries.all_orders(self._world.platform) if order.is_open]
        return self._rng.choice(rows) if rows else None

    def _package(self) -> Package | None:
        packages = order_queries.packages_of(self._world.platform)
        rows = [package for package in packages if package.voided_at is None]
        return self._rng.choice(rows) if rows else None

    def _press(self, button: Callable[..., object], **fields: object) -> None:
        self._world.press("packer", button, **fields, user_id=None)
