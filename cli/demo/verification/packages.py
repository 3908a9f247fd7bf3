"""Packages of both sides beside each other: under which reference, with which tracking number, holding what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cli.demo.verification.comparison import CartSide, Row

PACKAGES = "Packages with their tracking numbers"
COMPLETED = "Completed, and shipped for the buyer"


def references(packages: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The references of packages as Amazon lists them."""
    return frozenset(str(package["packageReferenceId"]) for package in packages)


def compare_packages(
    is2: Iterable[Mapping[str, Any]], cart: CartSide, shipped_before: Mapping[str, frozenset[str]], store: str
) -> list[Row]:
    """A store's rows about what the warehouse shipped.

    Args:
        shipped_before: by order id, references of packages that somebody else had shipped.
    """
    orders = list(is2)
    ours = frozenset(
        _described(order["cart_id"], package["reference"], package["tracking_number"], package["units"])
        for order in orders
        for package in order["packages"]
        if package["posted"] != "VOIDED" and package["units"]
    )
    theirs = frozenset(
        _described(
            order_id,
            package["packageReferenceId"],
            package["trackingNumber"],
            {item["orderItemId"]: item["quantity"] for item in package["packageItems"]},
        )
        for order_id, order in cart.details.items()
        for package in order.get("packages", [])
        if package["packageReferenceId"] not in shipped_before.get(order_id, frozenset())
    )
    completed = frozenset(str(order["cart_id"]) for order in orders if order["state"] == "COMPLETED")
    elsewhere = {
        order_id for order_id, before in shipped_before.items() if before >= references(_packages_of(cart, order_id))
    }
    shipped = cart.where(lambda order: order["status"] == "SHIPPED") & cart.acknowledged - elsewhere
    return [Row(PACKAGES, ours, theirs, store), Row(COMPLETED, completed, shipped, store)]


def _packages_of(cart: CartSide, order_id: str) -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = cart.details.get(order_id, {}).get("packages", [])
    return packages


def _described(order_id: str, reference: str, tracking_number: str, units: Mapping[str, int]) -> str:
    contents = ", ".join(f"{count} of item {line}" for line, count in sorted(units.items()))
    return f"{order_id} package {reference}: {tracking_number} ({contents})"
