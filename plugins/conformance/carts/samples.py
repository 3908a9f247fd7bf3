"""Sample entries for a cart's writes, made of the orders and SKUs it listed; and the buyer's data of an order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from plugins.interface import (
    AcknowledgedLine,
    Acknowledgement,
    CartManifest,
    InventoryQuantity,
    Order,
    Package,
    PackageLine,
)

NUMBER_MAX = 64
_TOO_SHORT = 5


def acknowledgement(order: Order) -> Acknowledgement:
    """The order under a number of ours."""
    lines = tuple(AcknowledgedLine(line.remote_id, str(place)) for place, line in enumerate(order.lines, start=1))
    number = f"IS2-{order.remote_id}"[:NUMBER_MAX]
    return Acknowledgement(f"ack-{order.remote_id}", order.remote_id, number, order.site, lines)


def package(order: Order, manifest: CartManifest, shipped_at: datetime) -> Package:
    """All open units of an order in one package."""
    name, code = next(iter(manifest.carrier_codes.items()), ("Hill Couriers", ""))
    return Package(
        key=f"package-{order.remote_id}",
        order_id=order.remote_id,
        site=order.site,
        reference="1",
        cart_ref=None,
        carrier_code=code,
        carrier_name=name,
        service="Ground",
        tracking_number="1ZKIT00001",
        shipped_at=shipped_at,
        lines=tuple(PackageLine(line.remote_id, line.open) for line in order.lines if line.open),
    )


def inventory_quantity(sku: str, remote_id: str, available: int, manifest: CartManifest) -> InventoryQuantity:
    """So many units of a SKU."""
    has_lead_days = any(field.key == "lead_days" for field in manifest.store_fields)
    return InventoryQuantity(f"stock-{sku}", sku, remote_id, available, lead_days=3 if has_lead_days else None)


def pii_texts(order: Order) -> Iterator[str]:
    """The personal data of an order, except what is too short to be told from any other text."""
    texts: list[Any] = [line.gift_message for line in order.lines] + [line.customization_url for line in order.lines]
    for person in (order.recipient, order.buyer):
        if person is not None:
            hidden = (getattr(person, field.name) for field in dataclasses.fields(person) if not field.repr)
            texts += [text for value in hidden for text in ([value] if isinstance(value, str) else value)]
    # A city or a region says little about a person, and is part of many a harmless text.
    if order.recipient is not None:
        harmless = {order.recipient.city, order.recipient.region, order.recipient.district}
        texts = [text for text in texts if text not in harmless]
    return (text for text in texts if len(text) >= _TOO_SHORT)
