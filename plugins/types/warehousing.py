"""Values that cross between the core and a warehouse: frozen, checked, and no row id of either side among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from plugins.types.handling import HandlingKind
from plugins.types.values import Address, require, require_utc


@dataclass(frozen=True)
class OrderLine:
    """Units of one warehouse SKU; `items` are the cart's ids of the lines they are of, opaque to the warehouse."""

    sku: str
    quantity: int
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class HandlingRequirement:
    """One thing that is asked of the units of some warehouse SKUs.

    Args:
        skus: never empty; which of the order's SKUs it is about.
        value: the IOSS number, the wrapping the buyer paid for with a GIFT, or the cart's word of an OTHER; "" where
            nothing belongs to it.
    """

    kind: HandlingKind
    skus: tuple[str, ...]
    value: str = ""


@dataclass(frozen=True)
class GiftMessage:
    """The words of the buyer for the units of a cart's line. Personal data."""

    item: str
    skus: tuple[str, ...]
    text: str = field(repr=False)


@dataclass(frozen=True)
class CustomizationFile:
    """The file of something the buyer had made on the units of a cart's line. Personal data."""

    item: str
    skus: tuple[str, ...]
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class NewOrder:
    """An order to place.

    Args:
        number: the platform's, at most 50 characters; the warehouse's external id.
        source: the name of the store it was bought in, for people.
        service: a `Service.code` of this warehouse.
        lines: never two of a SKU.
        tags: the cart's marks of the order (PRIME, ...).
        ship_after, ship_by, deliver_after, deliver_by: the first and the last promised instants, UTC.
    """

    number: str
    source: str
    service: str
    recipient: Address = field(repr=False)
    lines: tuple[OrderLine, ...]
    ship_after: datetime | None = None
    ship_by: datetime | None = None
    deliver_after: datetime | None = None
    deliver_by: datetime | None = None
    requirements: tuple[HandlingRequirement, ...] = ()
    tags: tuple[str, ...] = ()
    gift_messages: tuple[GiftMessage, ...] = field(default=(), repr=False)
    customizations: tuple[CustomizationFile, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        skus = [line.sku for line in self.lines]
        require(len(skus) == len(set(skus)), f"order {self.number} repeats a SKU")


@dataclass(frozen=True)
class Placed:
    """The warehouse has accepted the order."""


@dataclass(frozen=True)
class Already:
    """The warehouse had accepted an order of this number before."""


@dataclass(frozen=True)
class Refused:
    """The warehouse will not take it as it is; `message` says why, to the merchant."""

    message: str


@dataclass(frozen=True)
class Retry:
    """Not now; it has nothing of the order, and is to be asked again. `message` says what keeps the warehouse, and
    nothing of the order: it is told of all that wait."""

    message: str


@dataclass(frozen=True)
class Unknown:
    """No telling whether the warehouse has it; `find_order` will. `message` as that of `Retry`."""

    message: str


@dataclass(frozen=True)
class Pending:
    """The warehouse has been asked and decides later: `answers_since` brings the answer, and where it has not come by
    `look_again_at` (UTC), the order is looked up, or asked to be stopped, once more."""

    look_again_at: datetime

    def __post_init__(self) -> None:
        require_utc("look_again_at", self.look_again_at)


@dataclass(frozen=True)
class Cancelled:
    """Nothing of the order will be shipped; also where the warehouse never had it."""


@dataclass(frozen=True)
class PartlyCancelled:
    """The rest, which had not been shipped, will not be."""

    shipped: tuple[OrderLine, ...]


@dataclass(frozen=True)
class TooLate:
    """The order is packed or gone."""

    message: str


PlaceAnswer = Placed | Already | Refused | Retry | Unknown | Pending
CancelAnswer = Cancelled | PartlyCancelled | TooLate | Pending


@dataclass(frozen=True)
class LateAnswer:
    """How the warehouse decided what was `Pending`: it accepted or refused the order, or answers to being asked to stop
    it."""

    number: str
    answer: Placed | Refused | Cancelled | PartlyCancelled | TooLate


@dataclass(frozen=True)
class Answers:
    """Late answers after a cursor, each at least once and in order."""

    answers: tuple[LateAnswer, ...]
    cursor: str
    complete: bool = True


@dataclass(frozen=True)
class FoundOrder:
    """A warehouse order of a number, with open and shipped units. A split order gives several. `accepted` is False
    while the warehouse has not decided about it."""

    number: str
    open: tuple[OrderLine, ...]
    shipped: tuple[OrderLine, ...]
    accepted: bool = True


@dataclass(frozen=True)
class KnownSku:
    """A SKU that orders can be made of, and what the warehouse calls it."""

    sku: str
    name: str = ""


@dataclass(frozen=True)
class KnownSkus:
    """SKUs that are new or have another name after a cursor, each at least once."""

    skus: tuple[KnownSku, ...]
    cursor: str
    complete: bool = True


@dataclass(frozen=True)
class Stock:
    """Units of one SKU: lying in the warehouse, and promised to open orders, as of an instant (UTC). Nothing older than
    a day is sent to a cart."""

    sku: str
    on_hand: int
    committed: int
    as_of: datetime

    def __post_init__(self) -> None:
        require_utc("as_of", self.as_of)


@dataclass(frozen=True)
class Service:
    """A shipping service of the warehouse."""

    code: str
    label: str


@dataclass(frozen=True)
class Activity:
    """SKUs that moved after a cursor (received, adjusted, promised, released, shipped), each at least once."""

    skus: tuple[str, ...]
    cursor: str
    complete: bool = True


@dataclass(frozen=True)
class ShippedPackage:
    """A package as it is now.

    Args:
        number: the order's.
        id: stable. `revision` rises with every correction; `voided` takes the package back.
        carrier: a name of `carriers`, or any other.
        number_confirmed: whoever entered a tracking number that was used before was asked, and confirmed it.
    """

    number: str
    id: str
    revision: int
    carrier: str
    service: str
    tracking_number: str
    shipped_at: datetime
    voided: bool
    lines: tuple[OrderLine, ...]
    number_confirmed: bool = False

    def __post_init__(self) -> None:
        require_utc("shipped_at", self.shipped_at)


@dataclass(frozen=True)
class StoppedOrder:
    """An order the warehouse itself ended: what had not been shipped will not be; `message` says why."""

    number: str
    message: str


class WaitsFor(StrEnum):
    """A thing an open order waits for in the warehouse. NOTHING: it is ended, all that will be shipped is."""

    STOCK = "STOCK"
    HOLD = "HOLD"
    PACKING = "PACKING"
    BEING_PACKED = "BEING_PACKED"
    NOTHING = "NOTHING"


@dataclass(frozen=True)
class WaitingOrder:
    """An order, and the thing it waits for since its last change."""

    number: str
    waits_for: WaitsFor


@dataclass(frozen=True)
class Shipments:
    """Changes of orders after a cursor, each change at least once and in order.

    Args:
        waiting: what open orders wait for; empty where the warehouse does not tell.
    """

    packages: tuple[ShippedPackage, ...]
    stopped: tuple[StoppedOrder, ...]
    cursor: str
    complete: bool = True
    waiting: tuple[WaitingOrder, ...] = ()
