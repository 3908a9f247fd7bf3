"""The demo's steps in their order, all through the panel's pages and the simulator's steering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cli.demo import setup
from cli.demo.participants import Check, Demo, DemoOptions, DemoStore
from cli.demo.progress import Show
from cli.demo.stack import Stack
from cli.demo.steps import (
    mixed as mixed_steps,
    orders as order_steps,
    stock as stock_steps,
    token,
    untold as untold_steps,
)
from cli.demo.steps.packages import PackageSteps
from cli.demo.verification.comparison import CartSide, Example, Row, compare, example_of, is2_orders
from cli.demo.verification.packages import compare_packages
from cli.demo.verification.stock import Level, ListingsSide, compare_stock, levels, runs_of, too_close


@dataclass(frozen=True)
class Outcome:
    """Both sides compared."""

    stores: list[str]
    rows: list[Row]
    levels: list[Level]
    checks: list[Check]
    examples: list[Example]
    violations: list[dict[str, Any]]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        held = all(check.holds for check in self.checks)
        accounted = all(each.accounted_for for each in self.examples)
        return all(row.same for row in self.rows) and held and accounted and not self.violations


class Script:
    """One run."""

    def __init__(self, stack: Stack, options: DemoOptions, show: Show) -> None:
        self._demo = Demo(stack, options, show)
        self._packages = PackageSteps(self._demo)
        self._notices: list[Row] = []
        self._examples: list[dict[str, str]] = []

    def run(self) -> Outcome:
        """Run it from the first sign-in to the comparison.

        Raises:
            DemoError: a page refused something, or it did not come to rest in time.
        """
        demo = self._demo
        order_steps.prepare_platform(demo)
        token.begin(demo)
        self._examples = order_steps.offer_orders(demo)
        untold = untold_steps.offer(demo)
        order_steps.connect(demo)
        order_steps.read_orders(demo)
        mixed = mixed_steps.leave_out(demo)
        order_steps.fix_holds(demo)
        untold_steps.change_without_a_listing(demo, untold)
        stock_steps.send_first_time(demo)
        self._notices += stock_steps.set_remote_fulfillment(demo)
        self._packages.ship(mixed)
        demo.rest("Amazon has the tracking numbers")
        if mixed is not None:
            mixed_steps.confirm_the_rest(demo, mixed)
        untold_steps.confirm_by_hand(demo, untold)
        untold_steps.forget_a_confirmation(demo, untold, self._packages)
        untold_steps.take_back_of_two_equal(demo, untold, self._packages)
        self._packages.correct()
        self._packages.cancel()
        stock_steps.sell_one(demo)
        stock_steps.not_within_the_floor(demo)
        stock_steps.send_second_time(demo)
        self._notices += token.end(demo)
        order_steps.let_a_night_pass(demo)
        return self._compare()

    def compare_spoiled(self) -> Outcome:
        """Change at Amazon what `--drop` names, behind IS2's back, and compare once more."""
        self._demo.show.step("Behind IS2's back something is changed at Amazon, and both sides are compared again.")
        self._make_different()
        return self._compare()

    def _compare(self) -> Outcome:
        demo, rows, checks = self._demo, list(self._notices), list(self._demo.checks)
        orders = demo.amazon.orders()
        found: list[Level] = []
        for store in demo.stores:
            rows += self._orders_and_packages(store, orders)
            stock, listings = demo.merchant(store).stock(store.integration), self._listings(store)
            rows += compare_stock(stock, listings, store.plan.nickname)
            found += levels(stock, listings, store.plan.nickname)
            close = f"{store.plan.nickname}: pushes are 12 hours apart"
            checks.append(Check(close, not too_close(listings), str([run.at for run in listings.runs])))
        wanted = {entry["orderId"] for entry in self._examples}
        listed = [order for merchant in demo.merchants.values() for order in merchant.received_orders()["orders"]]
        return Outcome(
            [plan.nickname for plan in setup.STORES],
            rows,
            found,
            checks,
            [example_of(order, listed) for order in orders if order["orderId"] in wanted],
            demo.amazon.violations(),
        )

    def _orders_and_packages(self, store: DemoStore, orders: list[dict[str, Any]]) -> list[Row]:
        demo, name = self._demo, store.plan.nickname
        is2 = is2_orders(demo.orders_of(store), store.ids)
        cart = CartSide.read(orders, demo.amazon.calls(store.plan.seller), demo.amazon.order, store.ids)
        return [
            *compare(is2, cart, order_steps.set_up_of(demo, store), name),
            *compare_packages(is2, cart, store.shipped_before, name),
        ]

    def _listings(self, store: DemoStore) -> ListingsSide:
        runs = runs_of(self._demo.amazon.calls(store.plan.seller))
        return ListingsSide(store.listings_before, self._demo.listings_of(store), runs)

    def _make_different(self) -> None:
        """Nothing is told to anybody before both sides are compared."""
        demo, main = self._demo, self._demo.store(setup.MAIN)
        if "is2" in demo.options.drop:
            # Amazon has an order that nobody has looked for yet.
            made = demo.amazon.generate(main.plan.seller, demo.options.seed + 1, None, {"plain": 1})
            main.branches["unseen"] = made["plain"]
        if "cart" in demo.options.drop:
            demo.amazon.cancel(main.plain()[-1])
        if "listing" in demo.options.drop:
            sku = main.plan.items[0]
            demo.amazon.put_listing(main.plan.seller, sku, quantity=1, lead_days=main.plan.lead_days)
        if "package" in demo.options.drop:
            order_id = self._packages.first_order
            packages = demo.amazon.order(order_id)["packages"]
            demo.amazon.change(order_id, {"packages": [{**packages[0], "trackingNumber": "SOMEBODY-ELSES"}]})
