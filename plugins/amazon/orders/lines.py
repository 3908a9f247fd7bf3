"""Translates the items of an Amazon order (orders_2026-01-01.json, OrderItem) into order lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from plugins.amazon.errors import one_line
from plugins.amazon.orders.fields import (
    QUANTITY_MAX,
    Json,
    Reader,
    Unreadable,
    flags,
    missing,
    money,
    needed_text,
    quantity,
    section,
    text,
)
from plugins.interface import HandlingKind, OrderLine, OrderState

_CONSTRAINTS = {
    "signatureConfirmation": HandlingKind.SIGNATURE,
    "recipientAgeVerification": HandlingKind.AGE_CHECK,
    "recipientIdentityVerification": HandlingKind.IDENTITY_CHECK,
    "cashOnDelivery": HandlingKind.CASH_ON_DELIVERY,
    "palletDelivery": HandlingKind.PALLET,
}


def read_lines(items: Sequence[Json], state: OrderState, reader: Reader) -> tuple[OrderLine, ...]:
    """The lines of an order; without those that are broken, where nothing is going to be shipped from it.

    Raises:
        Unreadable: a line is broken, or there is none.
    """
    lines: dict[str, OrderLine] = {}
    for item in items:
        line = reader.needed("orderItems", partial(_new_line, item, state, reader, lines), None)
        if line is not None:
            lines[line.remote_id] = line
    if not lines and not reader.nothing_ships:
        raise Unreadable("NO_LINES", "Amazon sent the order without any item to ship.")
    return tuple(lines.values())


def reserved_lines(items: Sequence[Json]) -> tuple[OrderLine, ...]:
    """The units of a broken order that somebody may have to ship, as far as they can be read: no more than that stock
    is kept for them. A line whose id is unreadable gets one that tells so."""
    lines: dict[str, OrderLine] = {}
    for number, item in enumerate(items, start=1):
        reader = Reader(nothing_ships=True)
        sku = reader.text(reader.section(item, "product"), "sellerSku")
        units = _units_that_may_ship(item, reader)
        if not sku or not units:
            continue
        line_id = reader.text(item, "orderItemId")
        if not line_id.strip() or line_id in lines:
            line_id = f"unreadable-{number}"
        lines[line_id] = OrderLine(line_id, sku, "", ordered=units, cancelled=0, open=units)
    return tuple(lines.values())


def _units_that_may_ship(item: Json, reader: Reader) -> int:
    """Count what is open, else what was ordered less what was shipped."""
    fulfillment = reader.section(item, "fulfillment")

    def units(source: Json, name: str) -> int | None:
        return reader.spare(name, lambda: quantity(source, name), None)

    still_open = units(fulfillment, "quantityUnfulfilled")
    if still_open is None:
        still_open = (units(item, "quantityOrdered") or 0) - (units(fulfillment, "quantityFulfilled") or 0)
    return min(max(still_open, 0), QUANTITY_MAX)


def read_cancellation_request(items: Sequence[Json], reader: Reader) -> str | None:
    """The buyer's reason ("" for none) where a cancellation was asked for and is not carried out yet, else None.

    Raises:
        Unreadable: whether something was cancelled cannot be read.
    """
    reasons = []
    for item in items:
        cancellation = section(item, "cancellation")
        if cancellation.get("cancellationRequest") is not None and not cancellation.get("cancellationExecution"):
            request = reader.section(cancellation, "cancellationRequest")
            reasons.append(one_line(reader.text(request, "cancelReason")))
    return "; ".join(dict.fromkeys(filter(None, reasons))) if reasons else None


def contradicts_itself(items: Sequence[Json]) -> bool:
    """Whether an item counts as cancelled while all that was not shipped of it still counts as open.

    Amazon says by whom an item was cancelled, not how many units, and it is not known whether the open ones fall at
    once. A cancellation in part leaves fewer units open than were ordered, so it is not meant here.
    """
    executed = [item for item in items if section(item, "cancellation").get("cancellationExecution") is not None]
    return any(map(_is_wholly_open, executed))


def _is_wholly_open(item: Json) -> bool:
    fulfillment = section(item, "fulfillment")
    shipped = quantity(fulfillment, "quantityFulfilled") or 0
    still_open = quantity(fulfillment, "quantityUnfulfilled") or 0
    return still_open > 0 and shipped + still_open == quantity(item, "quantityOrdered")


def _new_line(item: Json, state: OrderState, reader: Reader, before: Mapping[str, OrderLine]) -> OrderLine | None:
    line = _read_line(item, state, reader)
    if line is not None and line.remote_id in before:
        raise Unreadable("REPEATED_LINE", "Amazon sent the order with the same item twice.")
    return line


def _read_line(item: Json, state: OrderState, reader: Reader) -> OrderLine | None:
    ordered = quantity(item, "quantityOrdered")
    if ordered is None:
        raise missing("quantityOrdered")
    if ordered == 0:
        # A cancelled item may stay in the list with nothing ordered, and whether it then says so is not known.
        return None
    executed = section(item, "cancellation").get("cancellationExecution") is not None
    cancelled, still_open = _cancelled_and_open(item, state, ordered, executed)
    if not isinstance(item.get("product"), dict):
        raise missing("product")
    product = section(item, "product")
    fulfillment = section(item, "fulfillment")
    # Message, wrapping and tax number go into the parcel or onto it.
    gift = section(section(fulfillment, "packing"), "giftOption")
    abroad = section(section(fulfillment, "shipping"), "internationalShipping")
    return OrderLine(
        remote_id=needed_text(item, "orderItemId"),
        sku=text(product, "sellerSku"),
        title=reader.text(product, "title"),
        ordered=ordered,
        cancelled=cancelled,
        open=still_open,
        unit_price=reader.spare("unitPrice", lambda: money(section(product, "price"), "unitPrice"), None),
        gift_message=text(gift, "giftMessage"),
        gift_wrap=text(gift, "giftWrapLevel"),
        customization_url=text(section(product, "customization"), "customizedUrl"),
        handling_requirements=_handling_requirements(item, reader),
        ioss=text(abroad, "iossNumber").strip(),
    )


def _cancelled_and_open(item: Json, state: OrderState, ordered: int, executed: bool) -> tuple[int, int]:
    fulfillment = section(item, "fulfillment")
    fulfilled = quantity(fulfillment, "quantityFulfilled")
    unfulfilled = quantity(fulfillment, "quantityUnfulfilled")
    if state is OrderState.CANCELLED:
        return max(ordered - (fulfilled or 0), 0), 0
    if state is OrderState.PENDING:
        return (ordered, 0) if executed else (0, ordered)
    if unfulfilled is None:
        if fulfilled is None:
            fulfilled = ordered if state is OrderState.SHIPPED else 0
        unfulfilled = 0 if executed else max(ordered - fulfilled, 0)
    if (fulfilled or 0) + unfulfilled > ordered:
        raise Unreadable("ABSURD_QUANTITY", "Amazon sent the order with more units shipped and open than were ordered.")
    # Amazon says by whom an item was cancelled, not how many units: those neither shipped nor open.
    return ordered - (fulfilled or 0) - unfulfilled, unfulfilled


def _handling_requirements(item: Json, reader: Reader) -> tuple[str, ...]:
    """Return the special needs of the units; a constraint that is new to us keeps Amazon's name."""
    fulfillment = section(item, "fulfillment")
    constraints = flags(section(fulfillment, "shipping"), "shippingConstraints")
    handling_requirements = [str(_CONSTRAINTS.get(name, name)) for name in constraints]
    if section(section(fulfillment, "packing"), "serialNumberRequirement"):
        handling_requirements.append(HandlingKind.SERIAL_NUMBER)
    if "TRANSPARENCY" in reader.texts(item, "programs"):
        handling_requirements.append(HandlingKind.TRANSPARENCY_CODE)
    return tuple(handling_requirements)
