"""What a cart asks of a parcel beyond its contents, from the cart's words to the warehouse's. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from is2_core.orders.states import CustomizationState
from plugins.warehouse import Demand, DemandKind

if TYPE_CHECKING:
    from is2_core.orders.models import ReceivedLine, ReceivedOrder

_KINDS = {
    "serialNumber": DemandKind.SERIAL_NUMBER,
    "transparencyCode": DemandKind.TRANSPARENCY_CODE,
    "signatureConfirmation": DemandKind.SIGNATURE,
    "recipientAgeVerification": DemandKind.AGE_CHECK,
    "recipientIdentityVerification": DemandKind.IDENTITY_CHECK,
    "cashOnDelivery": DemandKind.CASH_ON_DELIVERY,
    "palletDelivery": DemandKind.PALLET,
}
"""The words of `OrderLine.demands` that this platform understands; any other is handed on as it is."""


def kind_of(word: str) -> DemandKind:
    """What a cart's word means; OTHER where this platform has no word for it."""
    return _KINDS.get(word, DemandKind.OTHER)


def demands_of(order: ReceivedOrder, components: Iterable[tuple[int, str, int]]) -> tuple[Demand, ...]:
    """What is asked of an order's units, each thing once with all SKUs it is about.

    Args:
        components: (line id, warehouse SKU, quantity in one unit) of the lines that are placed; a line without any is
            not shipped, and nothing is asked for it.
    """
    skus: dict[int, list[str]] = {}
    for line_id, sku, _ in components:
        skus.setdefault(line_id, []).append(sku)
    found: dict[tuple[DemandKind, str], dict[str, None]] = {}
    for line in order.lines:
        for asked in _asked_of(line) if line.id in skus else ():
            found.setdefault(asked, {}).update(dict.fromkeys(skus[line.id]))
    return tuple(Demand(kind, tuple(about), value) for (kind, value), about in found.items())


def _asked_of(line: ReceivedLine) -> Iterator[tuple[DemandKind, str]]:
    for word in line.demands:
        kind = kind_of(word)
        yield kind, word if kind is DemandKind.OTHER else ""
    if line.gift:
        yield DemandKind.GIFT, line.gift_wrap
    # Also while it is being fetched or could not be: a person may have released the order all the same.
    if line.customization != CustomizationState.NONE:
        yield DemandKind.CUSTOMIZATION, ""
    if line.ioss:
        yield DemandKind.IOSS, line.ioss
