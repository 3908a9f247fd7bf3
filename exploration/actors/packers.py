"""The people in the warehouse of a run."""

from __future__ import annotations

import random
from collections.abc import Callable

from exploration.actors.doings import Doings
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
        weights = {
            self._ship_all: 5,
            self._ship_some: 5,
            self._correct_label: 2,
            self._correct_contents: 2,
            self._void: 2,
            self._void_and_ship: 2,
            self._stop: 1,
            self._hold: 1,
            self._release: 2,
            self._start: 1,
            self._receive: 2,
            self._adjust: 1,
        }
        self.act = Doings("packer", weights, world, rng).act

    def _ship_all(self) -> bool:
        order = self._order()
        return order is not None and self._ship(order, order.left)

    def _ship_some(self) -> bool:
        order = self._order()
        if order is None:
            return False
        some = {sku: self._rng.randint(0, units) for sku, units in order.left.items()}
        return self._ship(order, some if any(some.values()) else order.left)

    def _ship(self, order: Order, units: dict[str, int]) -> bool:
        lines = {sku: str(quantity) for sku, quantity in units.items()}
        return self._press(packing.ship, order_id=order.id, **self._label(), lines=lines)

    def _correct_label(self) -> bool:
        package = self._package()
        if package is None:
            return False
        lines = {sku: str(units) for sku, units in package.units.items()}
        return self._press(packing.correct_package, package_id=package.id, **self._label(), lines=lines)

    def _correct_contents(self) -> bool:
        package = self._package()
        if package is None:
            return False
        label = {name: getattr(package, name) for name in ("carrier", "service", "tracking_number")}
        lines = {sku: str(self._rng.randint(0, units + 1) or 1) for sku, units in package.units.items()}
        return self._press(packing.correct_package, package_id=package.id, **label, lines=lines)

    def _void(self) -> bool:
        package = self._package()
        return package is not None and self._press(packing.void_package, package_id=package.id, reason="Came back")

    def _void_and_ship(self) -> bool:
        package = self._package()
        if package is None or not self._press(packing.void_package, package_id=package.id, reason="Damaged box"):
            return False
        order = order_queries.find_order(self._world.platform, package.order_id)
        assert order is not None
        return self._ship(order, order.left)

    def _stop(self) -> bool:
        # Seldom: most orders should live to be shipped.
        order = self._order() if self._rng.random() < 0.3 else None
        reason = "Broken on the shelf"
        return order is not None and self._press(order_handling.stop_order, order_id=order.id, reason=reason)

    def _hold(self) -> bool:
        order = self._order()
        return order is not None and self._press(order_handling.hold_order, order_id=order.id)

    def _release(self) -> bool:
        order = self._order()
        return order is not None and self._press(order_handling.release_order, order_id=order.id)

    def _start(self) -> bool:
        order = self._order()
        return order is not None and self._press(order_handling.start_packing, order_id=order.id)

    def _receive(self) -> bool:
        account, sku = self._rng.choice(self._world.accounts), self._rng.choice(sorted(SKUS))
        quantity = str(self._rng.randint(1, 20))
        return self._press(receiving.receive, account_id=account, sku=sku, name="", quantity=quantity)

    def _adjust(self) -> bool:
        account, sku = self._rng.choice(self._world.accounts), self._rng.choice(sorted(SKUS))
        # Large now and then, so that something sells out or more is promised than there is.
        delta = str(self._rng.choice((-40, -10, -3, -1, 2)))
        return self._press(receiving.adjust, account_id=account, sku=sku, delta=delta, reason="Counted")

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

    def _press(self, button: Callable[..., object], **fields: object) -> bool:
        return self._world.press("packer", button, **fields, user_id=None)
