"""Translates an order of the Orders API v2026-01-01 (orders_2026-01-01.json) into the core's words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from plugins.amazon.orders.fields import (
    Json,
    Reader,
    Unreadable,
    moment,
    money,
    needed_moment,
    needed_text,
    section,
    sections,
    text,
    wrong,
)
from plugins.amazon.orders.lines import contradicts_itself, read_cancellation_request, read_lines, reserved_lines
from plugins.amazon.orders.pii import read_buyer, read_recipient
from plugins.amazon.shipping.shown_packages import shipped_order
from plugins.interface import (
    ENDED,
    Address,
    ConfirmedPackage,
    FulfilledBy,
    Order,
    OrderLine,
    OrderReject,
    OrderState,
    PackageLine,
    UnknownValue,
)

T = TypeVar("T")

STATES = {
    "PENDING": OrderState.PENDING,
    "PENDING_AVAILABILITY": OrderState.PENDING,
    "UNSHIPPED": OrderState.READY,
    "PARTIALLY_SHIPPED": OrderState.PARTLY_SHIPPED,
    "SHIPPED": OrderState.SHIPPED,
    "CANCELLED": OrderState.CANCELLED,
}
"""UNFULFILLABLE is left out on purpose: it says that Amazon cannot ship a unit, which is no state of ours."""

_FULFILLED_BY = {"MERCHANT": FulfilledBy.MERCHANT, "AMAZON": FulfilledBy.CART}
_ABSENT = "(absent)"
_METHOD = "fulfillmentServiceLevel"
_ORIGINAL = "_ORIGINAL_ID"
# Programs whose orders are no ordinary parcels of the warehouse's.
_CAUTIONS = {
    "FBM_SHIP_PLUS": "This is a Ship+ order: its label has to be bought from Amazon. The warehouse's own label would "
    "not be accepted there.",
    "AMAZON_EASY_SHIP": "This is an Easy Ship order: Amazon picks it up and prints its label.",
    "DELIVERY_BY_AMAZON": "This order is delivered by Amazon: it may not want the warehouse's own label.",
    "IN_STORE_PICK_UP": "The buyer picks this order up in a store; its address is that store's own.",
}
# Programs whose orders are ordinary parcels; whatever else Amazon names may ask for something nobody here has heard of.
# Source: getOrder of Orders v2026-01-01, `programs` of an order and of its items.
_ORDINARY = {
    "AMAZON_BAZAAR",
    "AMAZON_BUSINESS",
    "AMAZON_HAUL",
    "INVOICE_BY_AMAZON",
    "PREMIUM",
    "PREORDER",
    "PRIME",
    "SUBSCRIBE_AND_SAVE",
    "TRANSPARENCY",
}
_CANCELLED_YET_OPEN = (
    "Amazon counts an item of this order as cancelled and, at the same time, all of its units as still to be shipped. "
    "Look at the order in Seller Central before it ships."
)
# What reads badly when its letters are merely put in lower case.
_TAGS = {"FBM_SHIP_PLUS": "Ship+"}
_ID_MAX = 64
# What changes as an order goes its way.
_PASSING = ("lastUpdatedTime", "fulfillment", "packages")
_UNKNOWN_MAX = 64


def parse_order(raw: Any) -> Order | OrderReject:
    """The order, or why it cannot be understood. Never raises; the reason holds no value of the order.

    Only what a parcel needs makes a reject, and what says when and whether it ships: ids, SKUs, quantities, address,
    shipping method, what goes into it or onto it, states, the order's two times. Of anything else that cannot be read
    the order keeps the name.
    """
    try:
        if not isinstance(raw, dict):
            raise wrong("orderId")
        return _read_order(raw)
    except Unreadable as error:
        return OrderReject(_reject_id(raw), error.code, error.message, _updated_at(raw), _reserved(raw))


def _read_order(raw: Json) -> Order:
    remote_id = needed_text(raw, "orderId")
    if len(remote_id) > _ID_MAX:
        raise wrong("orderId")
    fulfillment = section(raw, "fulfillment")
    unknown: list[UnknownValue] = []
    state = _known(fulfillment, "fulfillmentStatus", STATES, OrderState.UNKNOWN, unknown)
    fulfilled_by = _known(fulfillment, "fulfilledBy", _FULFILLED_BY, FulfilledBy.UNKNOWN, unknown)
    by_cart = fulfilled_by is FulfilledBy.CART
    # Nothing is shipped from such an order any more, but its state has to come through: a broken line of a
    # cancelled order must not hide the cancellation.
    reader = Reader(nothing_ships=by_cart or state in ENDED)
    items: list[Json] = reader.needed("orderItems", lambda: sections(raw, "orderItems"), [])

    programs = [program for source in (raw, *items) for program in reader.texts(source, "programs")]

    def bound(window: str, name: str) -> datetime | None:
        return reader.spare(window, lambda: moment(section(fulfillment, window), name), None)

    buyer = None if by_cart else read_buyer(reader.section(raw, "buyer"), reader)

    def address() -> Address | None:
        found = read_recipient(section(raw, "recipient"), reader)
        is_nameless = found is not None and not found.name and not found.company
        return replace(found, name=buyer.name) if found and is_nameless and buyer else found

    return Order(
        remote_id=remote_id,
        site=reader.text(reader.section(raw, "salesChannel"), "marketplaceId"),
        state=state,
        fulfilled_by=fulfilled_by,
        created_at=needed_moment(raw, "createdTime"),
        updated_at=needed_moment(raw, "lastUpdatedTime"),
        lines=read_lines(items, state, reader),
        shipping_method=reader.needed(_METHOD, lambda: text(fulfillment, _METHOD), ""),
        # Personal data of orders the warehouse never ships is not taken in at all.
        recipient=None if by_cart else reader.needed("recipient", address, None),
        buyer=buyer,
        total=reader.spare("grandTotal", lambda: money(section(raw, "proceeds"), "grandTotal"), None),
        ship_after=bound("shipByWindow", "earliestDateTime"),
        ship_by=bound("shipByWindow", "latestDateTime"),
        deliver_after=bound("deliverByWindow", "earliestDateTime"),
        deliver_by=bound("deliverByWindow", "latestDateTime"),
        tags=_tags(raw, items, programs, reader),
        cancellation_request=reader.needed("cancellation", lambda: read_cancellation_request(items, reader), None),
        cart_order_number=_cart_order_number(raw, reader),
        caution=reader.needed("cancellation", lambda: _caution(items, programs), ""),
        original_order=_original_order(raw, reader),
        unknown=tuple(unknown),
        packages=None if by_cart else reader.spare("packages", lambda: _packages(raw), None),
        unreadable=reader.unreadable,
    )


def _known(source: Json, name: str, table: dict[str, T], otherwise: T, unknown: list[UnknownValue]) -> T:
    value = text(source, name)
    if value in table:
        return table[value]
    unknown.append(UnknownValue(name, value[:_UNKNOWN_MAX] or _ABSENT))
    return otherwise


def _tags(raw: Json, items: Sequence[Json], programs: Sequence[str], reader: Reader) -> tuple[str, ...]:
    tags = list(programs)
    for item in items:
        tags += [reader.text(other, "associationType") for other in reader.sections(item, "associatedOrderItems")]
    # REPLACEMENT_ORIGINAL_ID marks a replacement, EXCHANGE_ORIGINAL_ID an exchange.
    for other in reader.sections(raw, "associatedOrders"):
        tags.append(reader.text(other, "associationType").removesuffix(_ORIGINAL))
    channel = reader.text(reader.section(raw, "salesChannel"), "channelName")
    if channel != "AMAZON":
        tags.append(channel)
    return tuple(_TAGS.get(mark, mark) for mark in dict.fromkeys(tags) if mark)


def _caution(items: Sequence[Json], programs: Sequence[str]) -> str:
    found = [text for program, text in _CAUTIONS.items() if program in programs]
    new = [program[:_UNKNOWN_MAX] for program in dict.fromkeys(programs) if program not in _ORDINARY | _CAUTIONS.keys()]
    if new:
        found.append(
            f"Amazon counts this order under {', '.join(new)}, which this platform does not know. Look at the order in "
            "Seller Central before it ships."
        )
    return " ".join([*found, *([_CANCELLED_YET_OPEN] if contradicts_itself(items) else [])])


def _cart_order_number(raw: Json, reader: Reader) -> str:
    for alias in reader.sections(raw, "orderAliases"):
        if reader.text(alias, "aliasType") == "SELLER_ORDER_ID":
            return reader.text(alias, "aliasId")
    return ""


def _original_order(raw: Json, reader: Reader) -> str:
    for other in reader.sections(raw, "associatedOrders"):
        if reader.text(other, "associationType").endswith(_ORIGINAL):
            return reader.text(other, "orderId")[:_ID_MAX]
    return ""


def _packages(raw: Json) -> tuple[ConfirmedPackage, ...] | None:
    """The packages Amazon shows; None where it shows none, for it leaves them out where they were not asked for."""
    if raw.get("packages") is None:
        return None
    try:
        packages = tuple(
            ConfirmedPackage(shown.reference, shown.tracking_number, _package_lines(shown.units), shown.carrier)
            for shown in shipped_order({"packages": raw["packages"]}).packages
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise wrong("packages") from error
    for package in packages:
        for value in (package.reference, package.tracking_number, package.carrier):
            text({"packages": value}, "packages")
    return packages


def _package_lines(units: Mapping[str, int]) -> tuple[PackageLine, ...]:
    return tuple(PackageLine(item, quantity) for item, quantity in units.items() if quantity)


def _reserved(raw: Any) -> tuple[OrderLine, ...]:
    """The units of an order that cannot be understood which stock is kept for; none where Amazon ships it or it is
    over."""
    if not isinstance(raw, dict):
        return ()
    reader = Reader()
    fulfillment = reader.section(raw, "fulfillment")
    state = STATES.get(reader.text(fulfillment, "fulfillmentStatus"))
    if reader.text(fulfillment, "fulfilledBy") == "AMAZON" or state in ENDED:
        return ()
    return reserved_lines(reader.sections(raw, "orderItems"))


def _reject_id(raw: Any) -> str:
    """Amazon's order id, or for an order without a usable one a name that stays the same while it goes its way."""
    try:
        remote_id = needed_text(raw, "orderId") if isinstance(raw, dict) else ""
    except Unreadable:
        remote_id = ""
    if remote_id and len(remote_id) <= _ID_MAX:
        return remote_id
    return "unreadable-" + hashlib.sha256(json.dumps(_lasting(raw), sort_keys=True).encode()).hexdigest()[:16]


def _lasting(raw: Any) -> Any:
    return {name: value for name, value in raw.items() if name not in _PASSING} if isinstance(raw, dict) else raw


def _updated_at(raw: Any) -> datetime | None:
    try:
        return moment(raw, "lastUpdatedTime") if isinstance(raw, dict) else None
    except Unreadable:
        return None
