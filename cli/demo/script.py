"""The story the demo tells, act by act: everything through the panel's pages and the simulator's steering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cli.demo import setup
from cli.demo.participants import Cast, Check, Shop, Wishes
from cli.demo.progress import Show
from cli.demo.stack import Stack
from cli.demo.steps import orders as orders_act, stock as stock_act, token
from cli.demo.steps.packages import PackagesAct
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


class Story:
    """One run."""

    def __init__(self, stack: Stack, wishes: Wishes, show: Show) -> None:
        self._cast = Cast(stack, wishes, show)
        self._packages = PackagesAct(self._cast)
        self._notices: list[Row] = []
        self._examples: list[dict[str, str]] = []

    def tell(self) -> Outcome:
        """Run it from the first sign-in to the comparison.

        Raises:
            DemoError: a page refused something, or it did not come to rest in time.
        """
        cast = self._cast
        orders_act.prepare_platform(cast)
        token.begin(cast)
        self._examples = orders_act.offer_orders(cast)
        orders_act.connect(cast)
        orders_act.read_orders(cast)
        orders_act.fix_holds(cast)
        stock_act.send_first_time(cast)
        self._notices += stock_act.set_remote_fulfillment(cast)
        self._packages.ship()
        cast.rest("Amazon has the tracking numbers")
        self._packages.correct()
        self._packages.cancel()
        stock_act.sell_one(cast)
        stock_act.not_within_the_floor(cast)
        stock_act.send_second_time(cast)
        self._notices += token.end(cast)
        orders_act.let_a_night_pass(cast)
        return self._compare()

    def compare_spoiled(self) -> Outcome:
        """Change at Amazon what `--drop` names, behind IS2's back, and compare once more."""
        self._cast.show.step("Behind IS2's back something is changed at Amazon, and both sides are compared again.")
        self._make_different()
        return self._compare()

    def _compare(self) -> Outcome:
        cast, rows, checks = self._cast, list(self._notices), list(self._cast.checks)
        orders = cast.amazon.orders()
        found: list[Level] = []
        for shop in cast.shops:
            rows += self._orders_and_packages(shop, orders)
            stock, listings = cast.merchant(shop).stock(shop.store), self._listings(shop)
            rows += compare_stock(stock, listings, shop.plan.nickname)
            found += levels(stock, listings, shop.plan.nickname)
            close = f"{shop.plan.nickname}: pushes are 12 hours apart"
            checks.append(Check(close, not too_close(listings), str([run.at for run in listings.runs])))
        wanted = {entry["orderId"] for entry in self._examples}
        listed = [order for merchant in cast.merchants.values() for order in merchant.received_orders()["orders"]]
        return Outcome(
            [plan.nickname for plan in setup.STORES],
            rows,
            found,
            checks,
            [example_of(order, listed) for order in orders if order["orderId"] in wanted],
            cast.amazon.violations(),
        )

    def _orders_and_packages(self, shop: Shop, orders: list[dict[str, Any]]) -> list[Row]:
        cast, name = self._cast, shop.plan.nickname
        is2 = is2_orders(cast.orders_of(shop), shop.ids)
        cart = CartSide.read(orders, cast.amazon.calls(shop.plan.seller), cast.amazon.order, shop.ids)
        return [
            *compare(is2, cart, orders_act.set_up_of(cast, shop), name),
            *compare_packages(is2, cart, shop.shipped_before, name),
        ]

    def _listings(self, shop: Shop) -> ListingsSide:
        runs = runs_of(self._cast.amazon.calls(shop.plan.seller))
        return ListingsSide(shop.listings_before, self._cast.listings_of(shop), runs)

    def _make_different(self) -> None:
        """Nothing is told to anybody before both sides are compared."""
        cast, main = self._cast, self._cast.shop(setup.MAIN)
        if "is2" in cast.wishes.drop:
            # Amazon has an order that nobody has looked for yet.
            made = cast.amazon.generate(main.plan.seller, cast.wishes.seed + 1, None, {"plain": 1})
            main.branches["unseen"] = made["plain"]
        if "cart" in cast.wishes.drop:
            cast.amazon.cancel(main.plain()[-1])
        if "listing" in cast.wishes.drop:
            sku = main.plan.items[0]
            cast.amazon.put_listing(main.plan.seller, sku, quantity=1, lead_days=main.plan.lead_days)
        if "package" in cast.wishes.drop:
            order_id = self._packages.first_order
            packages = cast.amazon.order(order_id)["packages"]
            cast.amazon.change(order_id, {"packages": [{**packages[0], "trackingNumber": "SOMEBODY-ELSES"}]})
