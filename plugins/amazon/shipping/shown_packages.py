"""The packages Amazon shows of an order: read back where it refused a package (orders_2026-01-01.json, packages)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from plugins.amazon.api import check, json_object, send, unreadable
from plugins.amazon.errors import read_problem
from plugins.amazon.shipping.carriers import readable
from plugins.interface import CartContext, Effect, Package

_PATH = "/orders/2026-01-01/orders"
_NOT_FOUND = 404
_BAD_REQUEST = 400


@dataclass(frozen=True)
class ShownPackage:
    """A package as Amazon shows it; `service` is "" where it names none, `units` are by order item."""

    reference: str
    tracking_number: str
    carrier: str
    service: str
    units: Mapping[str, int]

    def has_number_of(self, package: Package) -> bool:
        """Whether it carries the package's tracking number."""
        return _plain(self.tracking_number) == _plain(package.tracking_number)

    def is_like(self, package: Package) -> bool:
        """Whether it is the package just as it is sent: number, carrier, units, and the service where both name one."""
        carriers = {_plain(package.carrier_code), _plain(readable(package.carrier_name))}
        service = readable(package.service)
        other_service = self.service and service and _plain(self.service) != _plain(service)
        units = {line.remote_id: line.quantity for line in package.lines}
        return (
            self.has_number_of(package)
            and dict(self.units) == units
            and _plain(self.carrier) in carriers
            and not other_service
        )


@dataclass(frozen=True)
class ShippedOrder:
    """An order's packages, and what keeps it from taking more."""

    packages: tuple[ShownPackage, ...] = ()
    shipped: bool = False
    cancelled: bool = False
    ship_plus: bool = False

    def holds(self, package: Package) -> bool:
        """Whether Amazon has this package: under our reference just as it was sent, else all its units under its
        tracking number in packages that somebody else entered; a person may have split what we send as one."""
        own = [shown for shown in self.packages if shown.reference == package.reference]
        if own:
            return own[0].is_like(package)
        units: dict[str, int] = {}
        for shown in self.packages:
            if shown.has_number_of(package) and shown.reference not in package.sibling_references:
                for item, quantity in shown.units.items():
                    units[item] = units.get(item, 0) + quantity
        return all(units.get(line.remote_id, 0) >= line.quantity for line in package.lines)


def read_shipped_order(ctx: CartContext, order_id: str) -> ShippedOrder | None:
    """The order as it is now; None where this seller has no such order.

    Where Amazon refuses the question itself, an order of which nothing is known: what the package was refused for then
    has to be judged by its text alone.
    """
    params = {"includedData": "PACKAGES,FULFILLMENT"}
    reply = send(ctx, "getOrder", Effect.READ, "GET", f"{_PATH}/{quote(order_id, safe='')}", params=params)
    if reply.status == _NOT_FOUND:
        return None
    if reply.status == _BAD_REQUEST:
        ctx.log.warning("the packages of order %s could not be read back: %s", order_id, read_problem(reply).summary())
        return ShippedOrder()
    order = json_object(check(ctx, "getOrder", Effect.READ, reply), Effect.READ).get("order")
    if not order:
        # As the version before this one answers for an id that is well formed but unknown.
        return None
    try:
        return shipped_order(order)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise unreadable("getOrder: packages of an unexpected shape", Effect.READ) from error


def shipped_order(order: dict[str, Any]) -> ShippedOrder:
    """Translate the model's Order."""
    status = (order.get("fulfillment") or {}).get("fulfillmentStatus")
    return ShippedOrder(
        packages=tuple(
            ShownPackage(
                reference=str(package.get("packageReferenceId") or ""),
                tracking_number=str(package.get("trackingNumber") or ""),
                carrier=str(package.get("carrier") or ""),
                service=str(package.get("shippingService") or ""),
                units={str(line["orderItemId"]): int(line["quantity"]) for line in package.get("packageItems") or []},
            )
            for package in order.get("packages") or []
        ),
        shipped=status == "SHIPPED",
        cancelled=status == "CANCELLED",
        ship_plus="FBM_SHIP_PLUS" in (order.get("programs") or []),
    )


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
