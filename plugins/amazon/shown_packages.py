"""What Amazon shows of an order's shipping: read back where it refused a package (orders_2026-01-01.json, packages)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from plugins.amazon.api import check, json_object, send, unreadable
from plugins.interface import CartContext, Effect, Package

_PATH = "/orders/2026-01-01/orders"
_NOT_FOUND = 404


@dataclass(frozen=True)
class ShippedOrder:
    """An order's packages: (tracking number, units by order item) of each."""

    packages: tuple[tuple[str, dict[str, int]], ...]
    cancelled: bool
    ship_plus: bool

    def holds(self, package: Package) -> bool:
        """Whether Amazon has all of this package's units under its tracking number.

        Several of Amazon's packages may carry the number: a person may have split what we send as one.
        """
        shown: dict[str, int] = {}
        for tracking_number, units in self.packages:
            if _plain(tracking_number) == _plain(package.tracking_number):
                for item, quantity in units.items():
                    shown[item] = shown.get(item, 0) + quantity
        return all(shown.get(line.remote_id, 0) >= line.quantity for line in package.lines)


def read_shipped_order(ctx: CartContext, order_id: str) -> ShippedOrder | None:
    """The order as it is now; None where this seller has no such order."""
    params = {"includedData": "PACKAGES,FULFILLMENT"}
    reply = send(ctx, "getOrder", Effect.READ, "GET", f"{_PATH}/{quote(order_id, safe='')}", params=params)
    if reply.status == _NOT_FOUND:
        return None
    body = json_object(check(ctx, "getOrder", Effect.READ, reply), Effect.READ)
    try:
        return shipped_order(body["order"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise unreadable("getOrder: packages of an unexpected shape", Effect.READ) from error


def shipped_order(order: dict[str, Any]) -> ShippedOrder:
    """Translate the model's Order."""
    return ShippedOrder(
        packages=tuple(
            (
                str(package.get("trackingNumber") or ""),
                {str(line["orderItemId"]): int(line["quantity"]) for line in package.get("packageItems") or []},
            )
            for package in order.get("packages") or []
        ),
        cancelled=(order.get("fulfillment") or {}).get("fulfillmentStatus") == "CANCELLED",
        ship_plus="FBM_SHIP_PLUS" in (order.get("programs") or []),
    )


def _plain(tracking_number: str) -> str:
    return "".join(tracking_number.split()).casefold()
