"""Bay 7 in the explorer: who works there, and what must hold between it and IS2. It takes a number twice, decides later
and may not know whether it has an order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import sqlalchemy as sa

from exploration.stores import Connected
from is2_core.clock import VirtualClock
from is2_core.orders.fulfillment.models import Package
from is2_core.platform import Platform
from plugins.warehouse import (
    CancelAnswer,
    NewOrder,
    Pending,
    PlaceAnswer,
    Placed,
    ShippedPackage,
    WarehouseContext,
    hookimpl,
)
from tests.support.bay import ACCEPTED, PENDING, REFUSED, STOPPED, Bay, BayOrder


class PromptBay(Bay):
    """Bay 7, where at times everything is decided at once."""

    prompt = False

    @hookimpl
    def place_orders(self, ctx: WarehouseContext, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        """Take orders."""
        answers = super().place_orders(ctx, orders)
        if not self.prompt:
            return answers
        for order, answer in zip(orders, answers, strict=True):
            if isinstance(answer, Pending):
                self.yards[ctx.account].under(order.number)[-1].state = ACCEPTED
        return [Placed() if isinstance(answer, Pending) else answer for answer in answers]

    @hookimpl
    def cancel_order(self, ctx: WarehouseContext, number: str) -> CancelAnswer:
        """Stop an order."""
        answer = super().cancel_order(ctx, number)
        if not self.prompt or not isinstance(answer, Pending):
            return answer
        self.decide(ctx.account, number)
        return super().cancel_order(ctx, number)


class BayInPlay:
    """The warehouse, and who works there."""

    name = "bay"
    service = "TRUCK"

    def __init__(self, clock: VirtualClock) -> None:
        self.plugin = PromptBay()
        self._clock = clock
        self._parcels = 0

    def receive(self, account: str, sku: str, units: int) -> None:
        """Take units in."""
        self.plugin.receive(account, sku, units)

    def free(self, account: str) -> Mapping[str, int]:
        """Count what no open order needs."""
        yard = self.plugin.yards[account]
        needed = Counter[str]()
        for entry in yard.orders:
            needed.update(entry.open)
        return {sku: units - needed[sku] for sku, units in yard.on_hand.items()}

    def accepted(self, number: str) -> bool:
        """Whether it has said yes."""
        return any(entry.state != PENDING for yard in self.plugin.yards.values() for entry in yard.under(number))

    def doings(self, account: str, rng: random.Random) -> Mapping[Callable[[], bool], int]:
        """Decide, ship, end and receive."""
        yard = self.plugin.yards[account]

        def orders(*states: str) -> list[BayOrder]:
            return [entry for entry in yard.orders if entry.state in states and (entry.open or entry.stop_asked)]

        def decide() -> bool:
            waiting = [entry for entry in orders(PENDING, ACCEPTED) if entry.state == PENDING or entry.stop_asked]
            if waiting:
                self._decide(account, rng.choice(waiting))
            return bool(waiting)

        def ship() -> bool:
            ready = [entry for entry in orders(ACCEPTED) if not entry.stop_asked]
            if not ready:
                return False
            entry = rng.choice(ready)
            units = {sku: rng.randint(0, left) for sku, left in entry.open.items()}
            self._parcels += 1
            label = (f"7{self._parcels:011d}", self._clock.now())
            self.plugin.ship(account, entry.order.number, units if any(units.values()) else entry.open, *label)
            return True

        def end() -> bool:
            ready = [entry for entry in orders(ACCEPTED) if not entry.stop_asked and not any(entry.shipped.values())]
            if ready:
                self.plugin.end(account, rng.choice(ready).order.number, "The gate is shut.")
            return bool(ready)

        def take_in() -> bool:
            self.plugin.receive(account, rng.choice(sorted(yard.on_hand)), rng.randint(1, 9))
            return True

        return {decide: 6, ship: 4, end: 1, take_in: 1}

    def _decide(self, account: str, entry: BayOrder) -> None:
        """Say yes to an order, or to stopping it: first the one, then the other."""
        asked, entry.stop_asked = entry.stop_asked, entry.stop_asked and entry.state != PENDING
        self.plugin.decide(account, entry.order.number)
        if asked and not entry.stop_asked and entry.state == ACCEPTED:
            entry.stop_asked = True

    def heal(self, account: str) -> None:
        """Decide what is open, and from now on at once."""
        for entry in self.plugin.yards[account].orders:
            while entry.state == PENDING or entry.stop_asked:
                self._decide(account, entry)
        self.plugin.prompt = True

    def breaches(self, platform: Platform, store: Connected, *, at_rest: bool) -> Iterator[str]:
        """I1, I4: every order is here once, and IS2 knows every package of it."""
        with platform.db.read() as session:
            known = set(session.scalars(sa.select(Package.warehouse_ref).where(Package.integration_id == store.id)))
        for yard in self.plugin.yards.values():
            there = Counter(entry.order.number for entry in yard.orders if entry.state not in (REFUSED, STOPPED))
            for number, count in there.items():
                if count > 1:
                    yield f"I1: Bay 7 has {number} {count} times"
            for package in yard.news:
                if isinstance(package, ShippedPackage) and package.id not in known:
                    yield f"I4: IS2 does not know package {package.id} of {package.number} in Bay 7"


def explored_warehouse(clock: VirtualClock) -> BayInPlay:
    """Make one for a world."""
    return BayInPlay(clock)
