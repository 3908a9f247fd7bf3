"""The users, stores and servers of one demo, and waiting until their background work is done."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cli.demo.errors import DemoError
from cli.demo.merchant import Integration, Merchant
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
class DemoOptions:
    """The command's options. `drop` names the sides on which something is changed once both agree."""

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
class DemoStore:
    """A store with its orders at Amazon.

    `shipped_before` are package references that Amazon had, by order id, before IS2 read anything, `listings_before`
    its listings by SKU; `stopped` are the orders that the warehouse ended, `by_hand` those confirmed at
    Amazon by hand, `not_from_here` the SKUs that the merchant ships himself.
    """

    plan: StorePlan
    integration: Integration
    branches: dict[str, list[str]] = field(default_factory=dict)
    shipped_before: dict[str, frozenset[str]] = field(default_factory=dict)
    listings_before: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    not_from_here: set[str] = field(default_factory=set)

    @property
    def ids(self) -> frozenset[str]:
        """All its generated orders."""
        return frozenset(order_id for ids in self.branches.values() for order_id in ids)

    def plain(self) -> list[str]:
        """Its orders without anything special."""
        return sorted(self.branches.get("plain", []))


class Demo:
    """The platform, its users and the simulated Amazon during one demo."""

    def __init__(self, stack: Stack, options: DemoOptions, show: Show) -> None:
        self.stack, self.options, self.show = stack, options, show
        self.amazon = Simulator(stack.simulator)
        self.admin, self.packer = Admin(stack.panel), Packer(stack.panel)
        self.merchants = {account: Merchant(stack.panel) for _, _, account in MERCHANTS}
        self.checks: list[Check] = []
        self.stores = [DemoStore(plan, Integration(0, plan.nickname)) for plan in STORES]
        self._limit_s = options.time_limit_s + (MORE_FOR_A_KILL_S if options.kill_worker else 0)
        self._deadline = time.monotonic() + self._limit_s

    def sign_in(self) -> None:
        """Everybody signs in."""
        for person, email in ((self.admin, ADMIN), (self.packer, WAREHOUSE)):
            person.sign_in(email, self.stack.password(email))
        for email, _, account in MERCHANTS:
            self.merchants[account].sign_in(email, self.stack.password(email))

    def store(self, plan: StorePlan) -> DemoStore:
        """The store of a plan."""
        return next(store for store in self.stores if store.plan == plan)

    def merchant(self, store: DemoStore) -> Merchant:
        """Return the owner of a store."""
        return self.merchants[store.plan.account]

    def orders_of(self, store: DemoStore) -> list[dict[str, Any]]:
        """Return a store's orders as the panel lists them."""
        orders = self.merchant(store).received_orders()["orders"]
        return [order for order in orders if order["integration"] == store.integration.id]

    def listings_of(self, store: DemoStore) -> dict[str, dict[str, Any]]:
        """A store's listings at Amazon, by SKU."""
        return {str(listing["sku"]): listing for listing in self.amazon.listings(store.plan.seller)}

    def advance(self, by: str) -> None:
        """Move both clocks, and wait until every store has looked for orders since.

        Raises:
            DemoError: one does not in time.
        """
        before = {store.plan.seller: self._checked_at(store) for store in self.stores}
        self.stack.advance(by)
        while any(self._checked_at(store) == before[store.plan.seller] for store in self.stores):
            self.in_time(f"every store had looked for orders after {by}")

    def _checked_at(self, store: DemoStore) -> str | None:
        return self.merchant(store).checked_at(store.integration)

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
        orders = self.orders_of(self.store(MAIN))
        placed = [order for order in orders if order["acknowledgement"] != "NONE"]
        held = sum(order["state"] == "HELD" for order in orders)
        going = [order for order in orders if order["state"] == "STAGED" and order["cart_state"] != "PENDING"]
        told = sum(order["acknowledgement"] == "DONE" for order in placed)
        self.show.bar("Received", len(orders), max(self.options.count, len(orders)))
        self.show.bar("Placed in the warehouse", len(placed), len(placed) + len(going) + held)
        self.show.bar("Acknowledged to Amazon", told, len(placed))
