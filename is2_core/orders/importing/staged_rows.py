"""The rows of staged orders; pure translation from what the cart shows."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from is2_core.orders.addresses.countries import country_code
from is2_core.orders.holds.input import address_of, unknown_values
from is2_core.orders.importing.classify import Classification
from is2_core.orders.states import ENDED, CustomizationState, ReceivedState
from is2_core.orders.wording.events import EventCode, Told
from plugins.interface import Address, Order, OrderLine, OrderReject, OrderState
from plugins.warehouse import MAX_NUMBER

if TYPE_CHECKING:
    from is2_core.accounts.models import Integration
    from is2_core.orders.models import ReceivedOrder

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def order_number(integration: Integration, remote_id: str) -> str:
    """Our number: readable, the same for the same store and cart order, at most MAX_NUMBER characters."""
    number = f"{integration.cart[:2].upper()}{integration.id}-{remote_id}"
    if len(number) <= MAX_NUMBER:
        return number
    return f"{number[: MAX_NUMBER - 17]}-{hashlib.sha256(remote_id.encode()).hexdigest()[:16]}"


def order_row(
    integration: Integration,
    order: Order,
    stored: ReceivedOrder | None,
    classification: Classification,
    now: datetime,
) -> dict[str, Any]:
    """The row of an order, but for what the cart tells under the columns' own names.

    What the cart leaves out of an order it told before is kept: an erased value never takes the place of one.
    """
    has_address, problem = address_of(order, stored)
    kept = stored if order.total is None else None
    return {
        **_known_by(integration, order.remote_id, now),
        "state": classification.state,
        "ended_at": now if classification.state in ENDED else None,
        "cart_state": order.state,
        "unknown": unknown_values(order),
        "has_address": has_address and (classification.needs_recipient or (stored is not None and stored.has_address)),
        "address_problem": problem,
        "cancellation_requested": order.cancellation_request is not None,
        "has_caution": bool(order.caution),
        "total": str(order.total.amount) if order.total else kept.total if kept else "",
        "currency": order.total.currency if order.total else kept.currency if kept else "",
        "cart_created_at": order.created_at,
        "cart_updated_at": order.updated_at,
        "cart_packages": _packages(order, stored) if classification.needs_recipient else None,
    }


def reject_row(
    integration: Integration, reject: OrderReject, stored: ReceivedOrder | None, now: datetime
) -> dict[str, Any]:
    """The row of an order that could not be understood. Where not even its time could, whatever is readable later is
    newer than it."""
    return {
        **_known_by(integration, reject.remote_id, now),
        "state": ReceivedState.QUARANTINED,
        "cart_state": OrderState.UNKNOWN,
        "cart_created_at": stored.cart_created_at if stored else reject.updated_at or now,
        "cart_updated_at": reject.updated_at or (stored.cart_updated_at if stored else LONG_AGO),
    }


def unreadable(reject: OrderReject) -> Told:
    """Why an order that could not be understood is set aside."""
    return Told(EventCode.QUARANTINED, {"message": reject.message})


def _known_by(integration: Integration, remote_id: str, now: datetime) -> dict[str, Any]:
    return {
        "account_id": integration.account_id,
        "integration_id": integration.id,
        "remote_id": remote_id,
        "number": order_number(integration, remote_id),
        "staged_at": now,
        "read_at": now,
        "shown_at": now,
    }


def _packages(order: Order, stored: ReceivedOrder | None) -> list[dict[str, Any]] | None:
    if order.packages is None:
        return stored.cart_packages if stored else None
    return [
        {
            "reference": package.reference,
            "tracking_number": package.tracking_number,
            "carrier": package.carrier,
            "units": {line.remote_id: line.quantity for line in package.lines},
        }
        for package in order.packages
    ]


def line_row(
    order_id: int, line: OrderLine, customized: CustomizationState, classification: Classification
) -> dict[str, Any]:
    """The row of an order's line, but for what the cart tells under the columns' own names."""
    return {
        "order_id": order_id,
        "remote_id": line.remote_id,
        "unit_price": f"{line.unit_price.amount} {line.unit_price.currency}" if line.unit_price else "",
        "gift": bool(line.gift_message or line.gift_wrap),
        "customization": customized,
        "not_from_here": line.sku in classification.not_from_here,
    }


def has_pii(order: Order) -> bool:
    """Whether the cart says anything of an order that has to be sealed."""
    return bool(order.recipient or order.buyer or _lines(order))


def pii_told(order: Order, known: Any) -> dict[str, Any]:
    """Return the part of an order that is sealed: what the cart says now, and what it leaves out as it was known.

    Args:
        known: what was sealed of it before, None where nothing was.
    """
    before = known or {"address": None, "buyer": None, "lines": {}}
    return {
        "address": _as_sealed(order.recipient) if order.recipient else before["address"],
        "buyer": dict(vars(order.buyer)) if order.buyer else before["buyer"],
        "lines": {**before["lines"], **_lines(order)},
    }


def _as_sealed(address: Address) -> dict[str, Any]:
    return {**vars(address), "lines": list(address.lines), "country": country_code(address.country)}


def _lines(order: Order) -> dict[str, dict[str, str]]:
    return {
        line.remote_id: {"gift_message": line.gift_message, "customization_url": line.customization_url}
        for line in order.lines
        if line.gift_message or line.customization_url
    }
