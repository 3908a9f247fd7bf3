"""Orders as a cart shows them, and how they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from plugins.types.values import Address, Buyer, Money, require, require_utc
from plugins.types.writes import PackageLine

CUSTOMIZATION_MAX: Final = 20_000_000


class OrderState(StrEnum):
    """The state of an order at the cart, in the core's terms. UNKNOWN is reported, never guessed."""

    PENDING = "PENDING"
    READY = "READY"
    PARTLY_SHIPPED = "PARTLY_SHIPPED"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


# Paid, and not all of it shipped: the warehouse may ship it.
TO_SHIP: Final = (OrderState.READY, OrderState.PARTLY_SHIPPED)
# The same, and what is held for its unknown state until a person who has looked lets it go.
MAY_BE_PLACED: Final = (*TO_SHIP, OrderState.UNKNOWN)
UNSHIPPED: Final = (OrderState.PENDING, *TO_SHIP)
# Somebody has confirmed units as shipped.
CONFIRMED: Final = (OrderState.PARTLY_SHIPPED, OrderState.SHIPPED)
# Nothing more is to be shipped.
ENDED: Final = (OrderState.CANCELLED, OrderState.SHIPPED)


class FulfilledBy(StrEnum):
    """Who ships the order: the merchant (so: the warehouse) or the cart's own network."""

    MERCHANT = "MERCHANT"
    CART = "CART"
    UNKNOWN = "UNKNOWN"


class QueryBy(StrEnum):
    """Which of an order's two times a window speaks of."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"


@dataclass(frozen=True)
class UnknownValue:
    """A vendor value the cart has no word for; the core holds the order and reports it, and a person may let it go.
    A shipping method is none, whatever the cart calls it: a merchant's shipping mapping decides about it."""

    field: str
    value: str


@dataclass(frozen=True)
class OrderLine:
    """One line of an order.

    Args:
        remote_id: the cart's id of the line.
        sku: the merchant's SKU exactly as in the cart (case, inner spaces, leading zeros kept); may be empty.
        ordered: units ordered.
        cancelled: units cancelled of those.
        open: units still to be shipped.
        gift_message, customization_url: personal data. The address leads to what the buyer had made on it; the core
            has it fetched at once by `fetch_customization`.
        demands: what the buyer or the law asks of these units (serial numbers, a signature, ...): values of
            `HandlingKind`, or the cart's own word where there is none for it.
        ioss: the Import One-Stop Shop number that customs want on the parcel, "" where none.
    """

    remote_id: str
    sku: str
    title: str
    ordered: int
    cancelled: int
    open: int
    unit_price: Money | None = None
    gift_message: str = field(default="", repr=False)
    gift_wrap: str = ""
    customization_url: str = field(default="", repr=False)
    handling_requirements: tuple[str, ...] = ()
    ioss: str = ""

    def __post_init__(self) -> None:
        require(bool(self.remote_id), "an order line needs the cart's id")
        for name in ("ordered", "cancelled", "open"):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= 0):
                require(False, f"{name} of line {self.remote_id} must be 0 or more")
        if self.cancelled + self.open > self.ordered:
            units = f"{self.cancelled} cancelled and {self.open} open of only {self.ordered} ordered"
            require(False, f"line {self.remote_id}: {units}")


@dataclass(frozen=True)
class ConfirmedPackage:
    """A package of an order as the cart shows it, whoever entered it.

    Args:
        reference: the package's within its order: of one that `post_tracking` posted, `Package.reference`; of any other
            one something else.
        lines: never more than one of a line id.
    """

    reference: str
    tracking_number: str
    lines: tuple[PackageLine, ...]
    carrier: str = ""

    def __post_init__(self) -> None:
        ids = [line.remote_id for line in self.lines]
        require(len(ids) == len(set(ids)), f"package {self.reference} repeats a line id")


@dataclass(frozen=True)
class Order:
    """One order as the cart shows it now.

    Args:
        remote_id: the cart's order id.
        site: the cart's id of the marketplace it was bought in ("" where the cart has only one).
        shipping_method: the code the cart's `shipping_mapping_ui` knows, or the raw label.
        marks: programs and other facts worth showing (PRIME, AMAZON_BUSINESS, ...).
        ship_after, ship_by, deliver_after, deliver_by: the earliest and latest promised instants.
        cancellation_request: the buyer's reason ("" where none was given) where a cancellation was asked for, else
            None.
        cart_order_number: our order number as the cart has it linked, else "".
        caution: a sentence why a person should look before the warehouse ships this order, "" where nothing speaks
            against it.
        original_order: the cart's id of the order that this one replaces or was exchanged for, else "".
        unknown: vendor values without a word here.
        packages: what the cart shows as shipped, whoever entered it: by it the core tells what the merchant confirmed
            by hand from what was posted from here. None where the cart does not tell.
        unreadable: the cart's names of fields that could not be read and that no parcel needs (a total, a title): the
            order goes on without them, and its page names them.
    """

    remote_id: str
    site: str
    state: OrderState
    fulfilled_by: FulfilledBy
    created_at: datetime
    updated_at: datetime
    lines: tuple[OrderLine, ...]
    shipping_method: str = ""
    recipient: Address | None = None
    buyer: Buyer | None = None
    total: Money | None = None
    ship_after: datetime | None = None
    ship_by: datetime | None = None
    deliver_after: datetime | None = None
    deliver_by: datetime | None = None
    tags: tuple[str, ...] = ()
    cancellation_request: str | None = None
    cart_order_number: str = ""
    original_order: str = ""
    caution: str = ""
    unknown: tuple[UnknownValue, ...] = ()
    packages: tuple[ConfirmedPackage, ...] | None = None
    unreadable: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(bool(self.remote_id), "an order needs the cart's id")
        for name in ("created_at", "updated_at", "ship_after", "ship_by", "deliver_after", "deliver_by"):
            require_utc(name, getattr(self, name))
        ids = [line.remote_id for line in self.lines]
        require(len(ids) == len(set(ids)), f"order {self.remote_id} repeats a line id")


@dataclass(frozen=True)
class OrderReject:
    """An order of a page that could not be understood: something a parcel needs is missing or cannot be read. The core
    quarantines it visibly.

    Args:
        message: says why, without personal data.
        lines: what can be read of its lines, where the merchant may have to ship them: stock is kept for what is open.
    """

    remote_id: str
    code: str
    message: str
    updated_at: datetime | None = None
    lines: tuple[OrderLine, ...] = ()

    def __post_init__(self) -> None:
        require(bool(self.remote_id), "a rejected order needs the cart's id, or a name that stays the same")
        require_utc("updated_at", self.updated_at)


@dataclass(frozen=True)
class OrderQuery:
    """A window of orders: at least what was created / updated from `start` to `end`, both inclusive.

    `states` empty means every state, and then also orders the cart fulfills itself (the reconcile listing); the routine
    listing names every state and asks for what the merchant fulfills.
    `page` is None for the first page, afterwards the `next_page` of the reply before.
    """

    by: QueryBy
    start: datetime
    end: datetime
    states: tuple[OrderState, ...] = ()
    page: str | None = None

    def __post_init__(self) -> None:
        require_utc("start", self.start)
        require_utc("end", self.end)
        require(self.start <= self.end, "the window ends before it starts")


@dataclass(frozen=True)
class OrderPage:
    """One page of orders.

    Args:
        server_time: the cart's clock at the reply, where it tells.
        notice: a message for the store's page where the cart gave less of every order than usual; what an order of
            such a page lacks is unknown, not gone.
    """

    orders: tuple[Order, ...]
    rejects: tuple[OrderReject, ...] = ()
    next_page: str | None = None
    server_time: datetime | None = None
    notice: str = ""


@dataclass(frozen=True)
class Customization:
    """A customization of a line, as the cart hands it out: a file, at most CUSTOMIZATION_MAX bytes. Personal
    data."""

    name: str
    content_type: str
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        require(bool(self.name) and "/" not in self.name, "a customization needs a plain file name")
        require(0 < len(self.content) <= CUSTOMIZATION_MAX, "a customization is empty or too large")
