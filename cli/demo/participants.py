"""Everybody the demo's story is about, and the waiting for what they set going."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cli.demo.errors import DemoError
from cli.demo.merchant import Merchant, Store
from cli.demo.progress import Show
from cli.demo.setup import MAIN, STORES, StorePlan
from cli.demo.stack import Stack
from cli.demo.staff import Admin, Packer
from cli.demo.steering import Simulator
from cli.trial import ADMIN, MERCHANTS, WAREHOUSE
from is2_core.tasks.kinds import TaskKind

# A killed worker's task is due again when its lease has run out.
MORE_FOR_A_KILL_S = 90.0
_LOOK_EVERY_S = 1.0
# Amazon is asked half a minute later what became of a feed; nothing else goes on until then.
_ONLY_ASKING, _UNTIL_ASKED = {TaskKind.SUBMISSIONS_POLL}, "30s"
# The nightly comparison of stock waits some minutes for the orders of its own time, which it has asked for. Less than
# a lease at a time: whoever is at work goes on.
_COMPARING, _ONLY_COMPARING, _STEP = (
    TaskKind.INVENTORY_DRIFT,
    {TaskKind.INVENTORY_DRIFT, TaskKind.ORDERS_CHECK, *_ONLY_ASKING},
    "40s",
)


@dataclass(frozen=True)
class Wishes:
    """What this demo is to show. `drop` names what is made different on one side once both agree."""

    count: int = 300
    seed: int = 1
    model_file: str | None = None
    kill_worker: bool = False
    drop: frozenset[str] = frozenset()
    time_limit_s: float = 175.0


@dataclass(frozen=True)
class Check:
    """Something that must have been seen on the way, and what was seen."""

    name: str
    holds: bool
    seen: str


@dataclass
class Shop:
    """A store with its orders at Amazon.

    `shipped_before` are package references that Amazon had, by order id, before IS2 read anything, `listings_before`
    its listings by SKU; `stopped` are the orders that the warehouse ended.
    """

    plan: StorePlan
    store: Store
    branches: dict[str, list[str]] = field(default_factory=dict)
    shipped_before: dict[str, frozenset[str]] = field(default_factory=dict)
    listings_before: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)

    @property
    def ids(self) -> frozenset[str]:
        """All its generated orders."""
        return frozenset(order_id for ids in self.branches.values() for order_id in ids)

    def plain(self) -> list[str]:
        """Its orders without anything special."""
        return sorted(self.branches.get("plain", []))


class Cast:
    """The platform, its people and the simulated Amazon, during one run."""

    def __init__(self, stack: Stack, wishes: Wishes, show: Show) -> None:
        self.stack, self.wishes, self.show = stack, wishes, show
        self.amazon = Simulator(stack.simulator)
        self.admin, self.packer = Admin(stack.panel), Packer(stack.panel)
        self.merchants = {account: Merchant(stack.panel) for _, _, account in MERCHANTS}
        self.checks: list[Check] = []
        self.shops = [Shop(plan, Store(0, plan.nickname)) for plan in STORES]
        self._limit_s = wishes.time_limit_s + (MORE_FOR_A_KILL_S if wishes.kill_worker else 0)
        self._deadline = time.monotonic() + self._limit_s

    def sign_in(self) -> None:
        """Everybody signs in."""
        for person, email in ((self.admin, ADMIN), (self.packer, WAREHOUSE)):
            person.sign_in(email, self.stack.password(email))
        for email, _, account in MERCHANTS:
            self.merchants[account].sign_in(email, self.stack.password(email))

    def shop(self, plan: StorePlan) -> Shop:
        """The store of a plan."""
        return next(shop for shop in self.shops if shop.plan == plan)

    def merchant(self, shop: Shop) -> Merchant:
        """Whose store it is."""
        return self.merchants[shop.plan.account]

    def orders_of(self, shop: Shop) -> list[dict[str, Any]]:
        """What the panel lists of a store's orders."""
        orders = self.merchant(shop).received_orders()["orders"]
        return [order for order in orders if order["integration"] == shop.store.integration]

    def listings_of(self, shop: Shop) -> dict[str, dict[str, Any]]:
        """A store's listings at Amazon, by SKU."""
        return {str(listing["sku"]): listing for listing in self.amazon.listings(shop.plan.seller)}

    def advance(self, by: str) -> None:
        """Move both clocks, and wait until every store has looked for orders since.

        Raises:
            DemoError: one does not in time.
        """
        before = {shop.plan.seller: self._checked_at(shop) for shop in self.shops}
        self.stack.advance(by)
        while any(self._checked_at(shop) == before[shop.plan.seller] for shop in self.shops):
            self.in_time(f"every store had looked for orders after {by}")

    def _checked_at(self, shop: Shop) -> str | None:
        return self.merchant(shop).checked_at(shop.store)

    def rest(self, what: str, only: Iterable[str] = ()) -> None:
        """Wait until no work of these kinds (of any, where none is named) is open.

        Raises:
            DemoError: it is not in time.
        """
        kinds = set(only)
        while True:
            self.look()
            open_tasks = {kind for merchant in self.merchants.values() for kind in merchant.open_tasks()}
            waiting = open_tasks & kinds if kinds else open_tasks
            if not waiting:
                return
            if waiting <= _ONLY_ASKING:
                self.stack.advance(_UNTIL_ASKED)
            elif _COMPARING in waiting and waiting <= _ONLY_COMPARING:
                self.stack.advance(_STEP)
            self.in_time(what, f"open work: {', '.join(sorted(waiting))}")

    def in_time(self, what: str, detail: str = "") -> None:
        """Pause for a moment before looking again.

        Raises:
            DemoError: the demo has taken too long.
        """
        if time.monotonic() > self._deadline:
            end = f" ({detail})" if detail else ""
            raise DemoError(f"Not all was done within {self._limit_s:g} s: waited until {what}{end}.")
        time.sleep(_LOOK_EVERY_S)

    def look(self) -> None:
        """Show how far the orders of the largest store are."""
        orders = self.orders_of(self.shop(MAIN))
        placed = [order for order in orders if order["acknowledgement"] != "NONE"]
        held = sum(order["state"] == "HELD" for order in orders)
        going = [order for order in orders if order["state"] == "STAGED" and order["cart_state"] != "PENDING"]
        told = sum(order["acknowledgement"] == "DONE" for order in placed)
        self.show.bar("Received", len(orders), max(self.wishes.count, len(orders)))
        self.show.bar("Placed in the warehouse", len(placed), len(placed) + len(going) + held)
        self.show.bar("Acknowledged to Amazon", told, len(placed))
