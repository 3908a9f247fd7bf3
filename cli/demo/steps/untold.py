"""Changes at the cart of which nobody is told: confirmed by hand, cancelled without a listing, forgotten."""

from __future__ import annotations

from dataclasses import dataclass

from cli.demo import setup
from cli.demo.participants import Check, Demo
from cli.demo.steps.packages import PackageSteps
from cli.demo.verification.packages import references

_DAYS_S = 2 * 86_400


@dataclass(frozen=True)
class UntoldOrders:
    """Orders of the largest store to which something happens: `equal` has two lines that differ in their ids only."""

    by_hand: str
    late: str
    forgotten: str
    equal: str


def offer(demo: Demo) -> UntoldOrders:
    """Have Amazon offer them."""
    store = demo.store(setup.MAIN)
    made = demo.amazon.generate(store.plan.seller, demo.options.seed + 2, None, {"plain": 4})["plain"]
    store.branches["untold"] = made
    orders = UntoldOrders(*made)
    line = demo.amazon.order(orders.equal)["orderItems"][0] | {"quantityOrdered": 1}
    line["fulfillment"] = line.get("fulfillment", {}) | {"quantityFulfilled": 0, "quantityUnfulfilled": 1}
    other = line | {"orderItemId": str(int(line["orderItemId"]) + 1)}
    demo.amazon.change(orders.equal, {"orderItems": [line, other]})
    return orders


def change_without_a_listing(demo: Demo, orders: UntoldOrders) -> None:
    """A buyer cancels, and no listing shows it for two days."""
    demo.show.step("A buyer cancels an order that Amazon's listings leave out from now on.")
    seller = demo.store(setup.MAIN).plan.seller
    demo.amazon.arm(operation="searchOrders", kind="omit", order_id=orders.late, lasts_s=_DAYS_S, seller=seller)
    demo.amazon.cancel(orders.late)


def confirm_by_hand(demo: Demo, orders: UntoldOrders) -> None:
    """Somebody confirms in Seller Central what lies in the warehouse."""
    demo.show.step("Somebody ships an order from elsewhere, and confirms it at Amazon by hand.")
    store = demo.store(setup.MAIN)
    items = demo.amazon.order(orders.by_hand)["orderItems"]
    demo.amazon.ship(orders.by_hand, {item["orderItemId"]: item["quantityOrdered"] for item in items})
    store.shipped_before[orders.by_hand] = references(demo.amazon.order(orders.by_hand)["packages"])
    store.by_hand.add(orders.by_hand)


def forget_a_confirmation(demo: Demo, orders: UntoldOrders, packages: PackageSteps) -> None:
    """Amazon answers a confirmation with 204, and forgets it."""
    demo.show.step("Amazon takes the confirmation of a package, and forgets it.")
    seller = demo.store(setup.MAIN).plan.seller
    demo.amazon.arm(operation="confirmShipment", kind="forget", seller=seller)
    packages.ship_whole(orders.forgotten)
    demo.rest("the package was confirmed")
    left = len(demo.amazon.order(orders.forgotten).get("packages", []))
    demo.checks.append(
        Check("A confirmation was forgotten, and is sent once more later", left == 0, f"packages: {left}")
    )


def take_back_of_two_equal(demo: Demo, orders: UntoldOrders, packages: PackageSteps) -> None:
    """Two equal lines leave in two packages; the first comes back and is packed again."""
    demo.show.step("Of two equal lines, shipped apart, the first comes back and is shipped again.")
    packages.ship_apart_and_replace_first(orders.equal)
    demo.rest("Amazon has both packages")
