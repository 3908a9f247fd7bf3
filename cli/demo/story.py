"""The story the demo tells, step by step: everything through the panel's pages and the simulator's steering."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.demo import setup
from cli.demo.driver import Panel, Store
from cli.demo.errors import DemoError
from cli.demo.ledger import CartSide, Example, Row, compare, example_of, is2_orders
from cli.demo.oracle import SetUp
from cli.demo.progress import Show
from cli.demo.stack import Stack
from cli.demo.steering import Simulator
from cli.trial import APPLICATION, SIMULATED_CART, SIMULATOR_ENVIRONMENT

TIME_LIMIT_S = 170.0
# A killed worker's task is due again when its lease has run out.
MORE_FOR_A_KILL_S = 90.0
FIRST_ORDERS_FROM = timedelta(days=2)
# Amazon lists nothing of the last two minutes, and IS2 keeps half a minute away from that.
PAST_THE_LAG_S = 200.0
KILL_DELAY_S = 6.0
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Wishes:
    """What this demo is to show."""

    count: int = 300
    seed: int = 1
    model_file: str | None = None
    kill_worker: bool = False
    drop: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outcome:
    """Both sides compared."""

    rows: list[Row]
    examples: list[Example]
    violations: list[dict[str, Any]]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        accounted = all(each.accounted_for for each in self.examples)
        return all(row.same for row in self.rows) and accounted and not self.violations


class Story:
    """One run."""

    def __init__(self, stack: Stack, wishes: Wishes, show: Show) -> None:
        self._stack = stack
        self._wishes = wishes
        self._show = show
        self._amazon = Simulator(stack.simulator)
        self._merchant = Panel(stack.panel)
        self._limit_s = TIME_LIMIT_S + (MORE_FOR_A_KILL_S if wishes.kill_worker else 0)
        self._deadline = time.monotonic() + self._limit_s
        self._branches: dict[str, list[str]] = {}

    def tell(self) -> Outcome:
        """Run it from the first sign-in to the comparison.

        Raises:
            DemoError: a page refused something, or it did not come to rest in time.
        """
        self._prepare_platform()
        examples = self._offer_orders()
        store = self._connect(examples)
        self._import(store)
        self._fix_holds(store)
        self._rest("everything is placed and acknowledged")
        self._cancel_some(store)
        return self._compare(examples)

    def _prepare_platform(self) -> None:
        self._show.step("The admin types the settings of Amazon; the warehouse receives stock.")
        admin, warehouse = Panel(self._stack.panel), Panel(self._stack.panel)
        admin.sign_in("admin@is2.example", self._stack.password("admin@is2.example"))
        settings = {**APPLICATION, "simulator_url": self._stack.simulator}
        admin.set_up_cart(SIMULATED_CART, SIMULATOR_ENVIRONMENT, settings)
        warehouse.sign_in("warehouse@is2.example", self._stack.password("warehouse@is2.example"))
        for sku, name in setup.STOCK.items():
            warehouse.receive_stock(sku, name, setup.UNITS)

    def _offer_orders(self) -> list[dict[str, str]]:
        self._branches = self._amazon.generate(setup.SELLER, self._wishes.count, self._wishes.seed)
        # Before the stores are connected: whoever has an order in a marketplace sells there.
        return self._amazon.load_examples(self._wishes.model_file) if self._wishes.model_file else []

    def _connect(self, examples: list[dict[str, str]]) -> Store:
        self._show.step("The merchant connects the store: region, consent, settings, Finish Setup.")
        merchant = self._merchant
        merchant.sign_in("owner@northwind.example", self._stack.password("owner@northwind.example"))
        if "is2" in self._wishes.drop:
            # Amazon has the order and never lists it.
            self._amazon.arm(operation="searchOrders", kind="omit", times=10_000, order_id=self._plain_orders()[0])
        if self._wishes.kill_worker:
            self._amazon.arm(operation="searchOrders", kind="delay", seconds=KILL_DELAY_S, seller=setup.SELLER)
        orders_from = (datetime.now(UTC) - FIRST_ORDERS_FROM).date().isoformat()
        sellers = {entry["seller"]: entry["region"] for entry in examples if entry["seller"] != setup.SELLER}
        for seller, region in sellers.items():
            merchant.install(SIMULATED_CART, region, seller, setup.store_settings(orders_from, f"Examples {region}"))
        store = merchant.install(
            SIMULATED_CART, setup.REGION, setup.SELLER, setup.store_settings(orders_from, "Northwind")
        )
        for method, service in setup.SHIPPING.items():
            merchant.add_shipping_mapping(store, method, service)
        for sku in setup.CUSTOM_ITEMS:
            merchant.add_custom_item(store, sku, {})
        return store

    def _import(self, store: Store) -> None:
        self._show.step("Check now: Amazon's orders are read.")
        self._merchant.check_now(store)
        if self._wishes.kill_worker:
            self._kill_worker()
        self._rest("all orders are read", only=("orders.check",))

    def _kill_worker(self) -> None:
        while not self._stack.kill_busy_worker():
            self._in_time("a worker was busy")
        self._show.step("A worker was killed in the middle of the import.")

    def _fix_holds(self, store: Store) -> None:
        orders = [order for order in self._look()["orders"] if order["integration"] == store.integration]
        held = {(hold["code"], hold["subject"]) for order in orders for hold in order["holds"]}
        waiting = sum(bool(order["holds"]) for order in orders)
        self._show.step(f"{waiting} orders are held; the missing mappings are added, which frees what waits for them.")
        for method, service in setup.LATE_SHIPPING.items():
            self._merchant.add_shipping_mapping(store, method, service)
        for sku, components in self._late_items().items():
            if ("SKU_UNKNOWN", sku) in held:
                self._merchant.add_custom_item(store, sku, components)

    def _late_items(self) -> dict[str, dict[str, int]]:
        mystery = {
            item["product"]["sellerSku"]
            for order_id in self._branches.get("unmapped_sku", [])
            for item in self._amazon.order(order_id)["orderItems"]
        } - setup.STOCK.keys()
        return {**setup.LATE_ITEMS, **dict.fromkeys(sorted(mystery), setup.LATE_MYSTERY)}

    def _cancel_some(self, store: Store) -> None:
        orders = self._branches.get("cancel_after", [])
        if not orders:
            return
        self._show.step(f"Buyers cancel {len(orders)} orders that the warehouse has already; Amazon's clock moves on.")
        for order_id in orders:
            self._amazon.cancel(order_id)
        self._amazon.advance(PAST_THE_LAG_S)
        # The first listing still ends by the old clock; its answer tells how far Amazon's is ahead.
        for _ in range(2):
            self._merchant.check_now(store)
            self._rest("the cancellations are in")

    def _compare(self, examples: list[dict[str, str]]) -> Outcome:
        if "cart" in self._wishes.drop:
            # Amazon changes its mind behind IS2's back: nothing is told to anybody before both are compared.
            self._amazon.cancel(self._plain_orders()[-1])
        listed = self._look()["orders"]
        ids = frozenset(order_id for ids in self._branches.values() for order_id in ids)
        orders = self._amazon.orders()
        cart = CartSide.read(orders, self._amazon.calls(), self._amazon.order, ids)
        set_up = SetUp(skus={*setup.STOCK, *self._late_items()}, methods={*setup.SHIPPING, *setup.LATE_SHIPPING})
        wanted = {entry["orderId"] for entry in examples}
        return Outcome(
            compare(is2_orders(listed, ids), cart, set_up),
            [example_of(order, listed) for order in orders if order["orderId"] in wanted],
            self._amazon.violations(),
        )

    def _plain_orders(self) -> list[str]:
        return sorted(self._branches["plain"])

    def _rest(self, what: str, only: tuple[str, ...] = ()) -> None:
        """Wait until no work of these kinds (of any, where none is named) is open."""
        while True:
            seen = self._look()
            waiting = {kind for kind in seen["open_tasks"] if not only or kind in only}
            if not waiting:
                return
            self._in_time(what, f"open work: {', '.join(sorted(waiting))}")

    def _in_time(self, what: str, detail: str = "") -> None:
        if time.monotonic() > self._deadline:
            end = f" ({detail})" if detail else ""
            raise DemoError(f"Not all was done within {self._limit_s:g} s: waited until {what}{end}.")
        time.sleep(_LOOK_EVERY_S)

    def _look(self) -> dict[str, Any]:
        seen = self._merchant.received_orders()
        orders = seen["orders"]
        placed = [order for order in orders if order["acknowledgement"] != "NONE"]
        held = sum(order["state"] == "HELD" for order in orders)
        going = [order for order in orders if order["state"] == "STAGED" and order["cart_state"] != "PENDING"]
        told = sum(order["acknowledgement"] == "DONE" for order in placed)
        self._show.bar("Received", len(orders), max(self._wishes.count, len(orders)))
        self._show.bar("Placed in the warehouse", len(placed), len(placed) + len(going) + held)
        self._show.bar("Acknowledged to Amazon", told, len(placed))
        return seen
