"""Showing where an order goes: whole to those who pack or sell it, masked to everybody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from is2_core.accounts.states import Role
from is2_core.crypto import CannotOpen, UnknownKey
from is2_core.orders.actions import ADDRESS_FIELDS, recipient_of
from is2_core.orders.addresses.label import label_lines
from is2_core.orders.models import ReceivedLine, Recipient
from is2_core.orders.states import CustomizationState
from web import access
from web.access import platform
from web.audit.notes import note_shown

_BUYER_LABELS = {"name": "Buyer", "email": "Email", "company": "Company", "purchase_order": "Purchase order"}
# Enough to see where an order goes and by which rules, too little to see to whom.
_UNMASKED = ("country",)
_MASK = "•••"
_CUSTOMIZATION = "Customization"


@dataclass(frozen=True)
class ShownRecipient:
    """A recipient as this viewer may see it.

    Args:
        values: by `ADDRESS_FIELDS`, "kind" and "instructions"; masked for who may not see them.
        lines: of a label, in the order and form of the country, and the phone.
        buyer: (label, value) pairs about the buyer.
        notes: (the cart's line id, what, text) of gift messages and customization links.
        present: whether there is any address.
        masked: whether this viewer sees it masked.
        erased: whether it was there once and is gone.
        closed: whether something is stored that does not open: it is another order's, or damaged.
    """

    values: dict[str, str] = field(default_factory=dict, repr=False)
    lines: tuple[str, ...] = field(default=(), repr=False)
    buyer: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    notes: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)
    present: bool = False
    masked: bool = False
    erased: bool = False
    closed: bool = False


def shown_recipient(order_id: int, account_id: int) -> ShownRecipient:
    """The recipient of a received order, masked unless the viewer sells or packs it; that they see it is noted."""
    with platform().db.read() as db:
        erased_at = db.scalar(sa.select(Recipient.erased_at).where(Recipient.order_id == order_id))
    try:
        sealed = recipient_of(platform(), order_id=order_id, scope=access.read_scope())
    except (CannotOpen, UnknownKey):
        return ShownRecipient(closed=True)
    shown = shown_address(sealed.get("address"), erased=erased_at is not None, whole=may_see(account_id))
    if not may_see(account_id):
        return shown
    if any(sealed.values()):
        note_shown(f"received order {order_id}", account_id)
    buyer = sealed.get("buyer") or {}
    return replace(
        shown,
        buyer=tuple((label, buyer[key]) for key, label in _BUYER_LABELS.items() if buyer.get(key)),
        notes=tuple(
            (line_id, label, line[key])
            for line_id, line in (sealed.get("lines") or {}).items()
            for key, label in (("gift_message", "Gift message"), ("customization_url", _CUSTOMIZATION))
            if line.get(key)
        ),
    )


def shown_address(address: Mapping[str, Any] | None, *, erased: bool, whole: bool) -> ShownRecipient:
    """An address as a viewer sees it: masked unless `whole`."""
    values = _flat(address) if address else {}
    if not whole:
        values = {key: value if key in _UNMASKED or not value else _MASK for key, value in values.items()}
    lines = tuple(line for line in (*label_lines(values), values.get("phone", "")) if line)
    there = bool(address)
    return ShownRecipient(values, lines, present=there, masked=there and not whole, erased=erased)


def line_notes(recipient: ShownRecipient, lines: Sequence[ReceivedLine]) -> list[tuple[str, str, str]]:
    """(cart SKU, what, text) of what the buyer wrote on lines; without the cart's address of a customization that is
    fetched here, because that address does not last."""
    by_id = {line.remote_id: line for line in lines}
    return [
        (by_id[line_id].sku, label, text)
        for line_id, label, text in recipient.notes
        if line_id in by_id and (label != _CUSTOMIZATION or by_id[line_id].customization == CustomizationState.NONE)
    ]


def _flat(address: Mapping[str, Any]) -> dict[str, str]:
    lines = [*address.get("lines", ()), "", "", ""]
    flat = {"line1": lines[0], "line2": lines[1], "line3": ", ".join(filter(None, lines[2:]))}
    values = {key: str(flat.get(key, address.get(key, ""))) for key in ADDRESS_FIELDS}
    return values | {key: str(address.get(key, "")) for key in ("kind", "instructions")}


def may_see(account_id: int) -> bool:
    """Whether the viewer sells or packs for the account, and so sees its buyers' data."""
    return access.is_member(account_id) or access.has_role(Role.WAREHOUSE)
