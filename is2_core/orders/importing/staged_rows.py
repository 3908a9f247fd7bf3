"""The rows of staged orders; pure translation from what the cart shows."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from is2_core.orders.holds.facts import facts
from is2_core.orders.importing.classify import Decision
from is2_core.orders.states import AckState, CustomizationState, ReceivedState
from plugins.interface import Order, OrderLine, OrderReject, OrderState

if TYPE_CHECKING:
    from is2_core.accounts.models import Integration
    from is2_core.orders.models import ReceivedOrder

MAX_NUMBER = 64
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def order_number(integration: Integration, remote_id: str) -> str:
    """Our number: readable, the same for the same store and cart order, at most 64 characters."""
    number = f"{integration.cart[:2].upper()}{integration.id}-{remote_id}"
    if len(number) <= MAX_NUMBER:
        return number
    return f"{number[: MAX_NUMBER - 17]}-{hashlib.sha256(remote_id.encode()).hexdigest()[:16]}"


def order_row(
    integration: Integration,
    order: Order,
    stored: ReceivedOrder | None,
    decision: Decision,
    now: datetime,
    late_before: datetime | None,
) -> dict[str, Any]:
    """The row of an order.

    What the cart leaves out of an order it told before is kept: an erased value never takes the place of one.
    """
    seen = facts(order, stored, {})
    known = stored if order.total is None else None
    return {
        "account_id": integration.account_id,
        "integration_id": integration.id,
        "remote_id": order.remote_id,
        "site": order.site,
        "number": order_number(integration, order.remote_id),
        "state": decision.state,
        "cart_state": order.state,
        "reason": decision.reason,
        "shipping_method": order.shipping_method,
        "marks": list(order.marks),
        "unknown": list(seen.unknown),
        "waived": [],
        "has_address": seen.has_address and (decision.needs_recipient or (stored is not None and stored.has_address)),
        "address_problem": seen.address_problem,
        "cancellation_requested": seen.cancellation_requested,
        "cancel_reason": seen.cancel_reason,
        "total": str(order.total.amount) if order.total else known.total if known else "",
        "currency": order.total.currency if order.total else known.currency if known else "",
        "cart_created_at": order.created_at,
        "cart_updated_at": order.updated_at,
        "ship_after": order.ship_after,
        "ship_by": order.ship_by,
        "deliver_after": order.deliver_after,
        "deliver_by": order.deliver_by,
        "original_order": order.original_order,
        "caution": order.caution,
        "staged_at": now,
        "read_at": now,
        "late_found": late_before is not None and order.updated_at < late_before,
        "ack_state": AckState.NONE,
        "ack_sentence": "",
        "ack_tries": 0,
        "stop_answer": "",
        "cart_packages": _packages(order, stored) if decision.needs_recipient else None,
    }


def reject_row(
    integration: Integration, reject: OrderReject, stored: ReceivedOrder | None, now: datetime
) -> dict[str, Any]:
    """The row of an order that could not be understood. Where not even its time could, whatever is readable later is
    newer than it."""
    seen = reject.updated_at or now
    known = stored.cart_updated_at if stored else LONG_AGO
    return {
        "account_id": integration.account_id,
        "integration_id": integration.id,
        "remote_id": reject.remote_id,
        "site": "",
        "number": order_number(integration, reject.remote_id),
        "state": ReceivedState.QUARANTINED,
        "cart_state": OrderState.UNKNOWN,
        "reason": reject.sentence,
        "shipping_method": "",
        "marks": [],
        "unknown": [],
        "waived": [],
        "has_address": False,
        "address_problem": "",
        "cancellation_requested": False,
        "cancel_reason": "",
        "total": "",
        "currency": "",
        "cart_created_at": seen,
        "cart_updated_at": reject.updated_at or known,
        "ship_after": None,
        "ship_by": None,
        "deliver_after": None,
        "deliver_by": None,
        "original_order": "",
        "caution": "",
        "staged_at": now,
        "read_at": now,
        "late_found": False,
        "ack_state": AckState.NONE,
        "ack_sentence": "",
        "ack_tries": 0,
        "stop_answer": "",
        "cart_packages": None,
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


def line_row(order_id: int, line: OrderLine, customized: CustomizationState) -> dict[str, Any]:
    """The row of an order's line."""
    return {
        "order_id": order_id,
        "remote_id": line.remote_id,
        "sku": line.sku,
        "title": line.title,
        "ordered": line.ordered,
        "cancelled": line.cancelled,
        "open": line.open,
        "unit_price": f"{line.unit_price.amount} {line.unit_price.currency}" if line.unit_price else "",
        "gift": bool(line.gift_message or line.gift_wrap),
        "gift_wrap": line.gift_wrap,
        "demands": list(line.demands),
        "ioss": line.ioss,
        "customization": customized,
    }


def tells_of_people(order: Order) -> bool:
    """Whether the cart says anything of an order that has to be sealed."""
    return bool(order.recipient or order.buyer or _lines(order))


def personal(order: Order, known: Any, *, keep: bool) -> dict[str, Any]:
    """What is sealed of an order: what the cart says now, and what it leaves out as it was known.

    Args:
        known: what was sealed of it before, None where nothing was.
        keep: let the address stay as it was.
    """
    before = known or {"address": None, "buyer": None, "lines": {}}
    return {
        "address": asdict(order.recipient) if order.recipient and not keep else before["address"],
        "buyer": asdict(order.buyer) if order.buyer else before["buyer"],
        "lines": {**before["lines"], **_lines(order)},
    }


def _lines(order: Order) -> dict[str, dict[str, str]]:
    return {
        line.remote_id: {"gift_message": line.gift_message, "customization_url": line.customization_url}
        for line in order.lines
        if line.gift_message or line.customization_url
    }
