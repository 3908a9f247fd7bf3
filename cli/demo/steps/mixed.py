"""A mixed order: the merchant ships one of its items, the warehouse the rest."""

from __future__ import annotations

from dataclasses import dataclass

from cli.demo import setup
from cli.demo.participants import Check, Demo
from cli.demo.verification.packages import references


@dataclass(frozen=True)
class Mixed:
    """The order, and the SKU of it that the merchant ships."""

    order_id: str
    sku: str


def leave_out(demo: Demo) -> Mixed | None:
    """Of an order that waits for its SKU the merchant says that it is not shipped from here; None where there is no
    such order."""
    store = demo.store(setup.MAIN)
    offered = set(store.branches.get("unmapped_sku", []))
    for order in demo.orders_of(store):
        unknown = [hold["subject"] for hold in order["holds"] if hold["code"] == "SKU_UNKNOWN"]
        if order["cart_id"] in offered and len(order["holds"]) == len(unknown) == 1:
            demo.show.step("A mixed order: the merchant says of one SKU that it is not shipped from here.")
            mixed = Mixed(order["cart_id"], unknown[0])
            demo.merchant(store).ship_not_from_here(mixed.order_id, mixed.sku)
            store.not_from_here.add(mixed.sku)
            return mixed
    return None


def confirm_the_rest(demo: Demo, mixed: Mixed) -> None:
    """The warehouse's part is through; the merchant confirms his own at Amazon."""
    store = demo.store(setup.MAIN)
    (here,) = (order for order in demo.orders_of(store) if order["cart_id"] == mixed.order_id)
    before = demo.amazon.order(mixed.order_id)
    seen = f"here {here['state']}, at Amazon {before['fulfillment']['fulfillmentStatus']}"
    done = seen == "here COMPLETED, at Amazon PARTIALLY_SHIPPED"
    demo.checks.append(Check("A mixed order is completed with what is shipped from here", done, seen))
    demo.show.step("The merchant confirms his part of the mixed order at Amazon.")
    items = {
        item["orderItemId"]: item["quantityOrdered"]
        for item in before["orderItems"]
        if item["product"].get("sellerSku") == mixed.sku
    }
    demo.amazon.ship(mixed.order_id, items)
    after = references(demo.amazon.order(mixed.order_id)["packages"])
    store.shipped_before[mixed.order_id] |= after - references(before.get("packages", []))
