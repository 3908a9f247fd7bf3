"""Posts shipped packages by confirmShipment (ordersV0.json), one call each.

The call has no idempotency key, but a package reference sent again edits that package: repeating does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from plugins.amazon.api import check, send, unreadable
from plugins.amazon.errors import Problem, read_problem, until_calls
from plugins.amazon.manifest import RATE_PLANS
from plugins.amazon.shipping.carriers import OTHER, readable
from plugins.amazon.shipping.shown_packages import ShippedOrder, read_shipped_order
from plugins.interface import (
    Applied,
    CartContext,
    Effect,
    Package,
    RateLimited,
    Rejected,
    Reply,
    Result,
    Retry,
    Temporary,
    WriteReply,
)

_OPERATION = "confirmShipment"
# What failed goes behind what had no turn, and yet all of it again within two minutes of the end of an outage.
_SOON = timedelta(minutes=1)
_LATER = timedelta(seconds=90)
_CLOCKS_DIFFER = timedelta(minutes=1)
# Where Amazon does not answer at all, each further package would only wait for the deadline of its call.
_FAILURES_MAX = 2
_CONFIRMED = 204
# Texts of a 400, as developers report them; Amazon documents none. The first ones refuse a correction, whatever state
# the order is in.
_CORRECTION_REFUSALS = (
    (
        ("InvalidPackageVersion",),
        Rejected(
            "PACKAGE_CHANGED",
            "Amazon has a newer version of this package than the one sent: somebody changed it in Seller Central. "
            "Please compare the tracking there.",
        ),
    ),
    (
        ("maximum number of allowed updates",),
        Rejected(
            "TOO_MANY_CORRECTIONS",
            "Amazon takes no further correction of this package: it was corrected too often. Please enter the "
            "tracking number in Seller Central.",
        ),
    ),
)
# The same texts stand for a package that is not found and for an order that needs none: the order tells which.
_SHIPPED_REFUSALS = (
    (
        ("PackageToUpdateNotFound", "already fulfilled"),
        Rejected(
            "ALREADY_FULFILLED",
            "Amazon shows this order as shipped in full already, without this package, and takes no further one.",
        ),
    ),
)
_REFUSALS = (
    (
        ("NonexistentOrderItem", "OrderItemId is invalid"),
        Rejected(
            "ITEM_NOT_FOUND",
            "Amazon does not know an item of this package in the order any more: it was cancelled, or the order "
            "changed after it was packed. Please check the order in Seller Central.",
        ),
    ),
)
# What these say is about all packages, any other 4xx about the one that was sent.
_ABOUT_ALL = (401, 403, 429)


def post(ctx: CartContext, packages: Sequence[Package]) -> WriteReply:
    """Confirm each package; one that is refused does not stop the others.

    Where failures in a row hold packages up, those that failed wait longer than those that had no turn: else the same
    ones would fail first every time.

    Raises:
        AuthorizationLost, SettingsError, Permanent: the whole call is of no use; packages confirmed before may be
            posted again.
    """
    results: dict[str, Result] = {}
    failed: list[str] = []
    in_a_row = 0
    rest_at: datetime | None = None
    for package in packages:
        if in_a_row == _FAILURES_MAX:
            break
        try:
            results[package.key] = _post_one(ctx, package)
            in_a_row = 0
        except RateLimited as error:
            # One package for each single token would be a run of its own.
            calls = min(len(packages) - len(results), RATE_PLANS[_OPERATION].burst)
            rest_at = until_calls(error, _OPERATION, ctx.clock.now(), calls).until
            break
        except Temporary as error:
            ctx.log.warning("package %s of %s: %s", package.reference, package.order_id, error.detail or error.code)
            results[package.key] = Retry(ctx.clock.now() + _SOON)
            failed.append(package.key)
            in_a_row += 1
    now = ctx.clock.now()
    rest = [package.key for package in packages if package.key not in results]
    if rest and in_a_row == _FAILURES_MAX:
        results |= {key: Retry(now + _LATER) for key in failed}
    return WriteReply(results | {key: Retry(rest_at or now + _SOON) for key in rest})


def confirmation(package: Package, site: str, now: datetime) -> dict[str, Any]:
    """The request's body (ConfirmShipmentRequest).

    Args:
        site: the marketplace of the order.
        now: Amazon refuses a ship date in the future, by its own clock.
    """
    shipped_at = min(package.shipped_at, now - _CLOCKS_DIFFER).astimezone(UTC)
    detail: dict[str, Any] = {
        # A string: since January 2026 Amazon refuses a JSON number here (selling-partner-api-models issue 5094).
        "packageReferenceId": package.reference,
        "carrierCode": package.carrier_code or OTHER,
        "trackingNumber": package.tracking_number,
        "shipDate": shipped_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "orderItems": [{"orderItemId": line.remote_id, "quantity": line.quantity} for line in package.lines],
    }
    if detail["carrierCode"] == OTHER:
        detail["carrierName"] = readable(package.carrier_name)
    if service := readable(package.service):
        detail["shippingMethod"] = service
    return {"marketplaceId": site, "packageDetail": detail}


def refuse(package: Package) -> Rejected | None:
    """Why a package must not be sent: Amazon would only answer that something is missing."""
    if not package.tracking_number.strip():
        return Rejected("NO_TRACKING_NUMBER", "Amazon takes no package without a tracking number.")
    if package.carrier_code in ("", OTHER) and not readable(package.carrier_name):
        return Rejected(
            "NO_CARRIER",
            "Amazon takes no package without a carrier. Please name one in the warehouse, or have an administrator "
            "give this carrier a code.",
        )
    return None


def _post_one(ctx: CartContext, package: Package) -> Result:
    if (refusal := refuse(package)) is not None:
        return refusal
    body = confirmation(package, package.site or ctx.store.home_site, ctx.clock.now())
    path = f"/orders/v0/orders/{quote(package.order_id, safe='')}/shipmentConfirmation"
    reply = send(ctx, _OPERATION, Effect.WRITE, "POST", path, body=body)
    if 400 <= reply.status < 500 and reply.status not in _ABOUT_ALL:
        return _refused(ctx, package, reply)
    check(ctx, _OPERATION, Effect.WRITE, reply)
    if reply.status != _CONFIRMED:
        raise unreadable(f"{_OPERATION}: HTTP {reply.status} in place of 204", Effect.WRITE)
    return Applied()


def _refused(ctx: CartContext, package: Package, reply: Reply) -> Result:
    problem = read_problem(reply)
    if not problem.readable:
        raise Temporary("Amazon gave an unexpected answer.", detail=problem.summary())
    # Amazon's texts are not documented; what the order shows tells more surely what a refusal means.
    shown = read_shipped_order(ctx, package.order_id)
    if shown is None:
        return Rejected("ORDER_NOT_FOUND", "Amazon does not know this order.", may_pass=True)
    return _meaning(package, shown, problem)


def _meaning(package: Package, shown: ShippedOrder, problem: Problem) -> Result:
    # Before any text: after a lost answer Amazon may find a repeat older than the package it holds, which is the same.
    if shown.holds(package):
        return Applied()
    text = f"{problem.message} {problem.details}"
    if (refusal := _told(text, _CORRECTION_REFUSALS)) is not None:
        return refusal
    if shown.ship_plus:
        return Rejected(
            "SHIP_PLUS", "This is a Ship+ order: its label has to be bought from Amazon, which then knows the tracking."
        )
    if shown.cancelled:
        return Rejected("ORDER_CANCELLED", "The order is cancelled at Amazon, so it takes no tracking any more.")
    if shown.shipped and (refusal := _told(text, _SHIPPED_REFUSALS)) is not None:
        return refusal
    told = _told(text, _REFUSALS)
    return told or Rejected(problem.code or "REFUSED", f"Amazon refused the package: {problem.message or problem.code}")


def _told(text: str, table: Sequence[tuple[Sequence[str], Rejected]]) -> Rejected | None:
    return next((refusal for terms, refusal in table if any(word in text for word in terms)), None)
