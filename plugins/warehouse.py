"""The warehouse port: what the platform needs of a WMS, shaped so that an outside one fits as well as ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from plugins.types.values import Address


@dataclass(frozen=True)
class OrderLine:
    """Units of one warehouse SKU."""

    sku: str
    quantity: int


class DemandKind(StrEnum):
    """What a cart may ask of a parcel beyond its contents. OTHER: something this platform has no word for."""

    SERIAL_NUMBER = "SERIAL_NUMBER"
    TRANSPARENCY_CODE = "TRANSPARENCY_CODE"
    SIGNATURE = "SIGNATURE"
    AGE_CHECK = "AGE_CHECK"
    IDENTITY_CHECK = "IDENTITY_CHECK"
    CASH_ON_DELIVERY = "CASH_ON_DELIVERY"
    PALLET = "PALLET"
    GIFT = "GIFT"
    CUSTOMIZATION = "CUSTOMIZATION"
    IOSS = "IOSS"
    OTHER = "OTHER"


@dataclass(frozen=True)
class Demand:
    """One thing asked of the units of some warehouse SKUs.

    Args:
        skus: never empty; which of the order's SKUs it is about.
        value: the IOSS number, the wrapping the buyer paid for with a GIFT, or the cart's word of an OTHER; "" where
            nothing belongs to it. What the buyer wrote (a gift message, a customization) is not here but with the
            recipient's data.
    """

    kind: DemandKind
    skus: tuple[str, ...]
    value: str = ""


@dataclass(frozen=True)
class NewOrder:
    """An order to place. `number` is ours and the warehouse's external id; `recipient_ref` is the row the
    recipient's data is in, for a warehouse that lives in the same database; `marks` are the cart's words for the order
    (PRIME, ...); the promised instants are the first and the last of each window."""

    number: str
    account_id: int
    source: str
    service: str
    recipient: Address = field(repr=False)
    recipient_ref: int
    ship_by: datetime | None
    lines: tuple[OrderLine, ...]
    ship_after: datetime | None = None
    deliver_after: datetime | None = None
    deliver_by: datetime | None = None
    demands: tuple[Demand, ...] = ()
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placed:
    """The warehouse has taken the order now."""


@dataclass(frozen=True)
class Already:
    """The warehouse had an order of this number before."""


@dataclass(frozen=True)
class Refused:
    """The warehouse will not take it as it is; `sentence` says why."""

    sentence: str


@dataclass(frozen=True)
class Later:
    """Not now; ask again."""

    sentence: str


@dataclass(frozen=True)
class Unknown:
    """No telling whether the warehouse has it; `find_order` will."""

    sentence: str


PlaceAnswer = Placed | Already | Refused | Later | Unknown


@dataclass(frozen=True)
class FoundOrder:
    """A warehouse order of a number, with open and shipped quantities per SKU. A split order gives several."""

    number: str
    state: str
    open: tuple[OrderLine, ...]
    shipped: tuple[OrderLine, ...]


@dataclass(frozen=True)
class Cancelled:
    """Nothing of the order will be shipped."""


@dataclass(frozen=True)
class PartlyCancelled:
    """What had not been shipped will not be."""

    shipped: tuple[OrderLine, ...]


@dataclass(frozen=True)
class TooLate:
    """The order is packed or gone."""

    sentence: str


CancelAnswer = Cancelled | PartlyCancelled | TooLate


@dataclass(frozen=True)
class Stock:
    """Units of one SKU: lying in the warehouse, and promised to open orders."""

    sku: str
    on_hand: int
    committed: int


@dataclass(frozen=True)
class KnownSku:
    """A SKU the warehouse can be asked for, and what it calls it."""

    sku: str
    name: str = ""


@dataclass(frozen=True)
class KnownSkus:
    """SKUs that are new or have another name since a cursor, each at least once."""

    skus: tuple[KnownSku, ...]
    cursor: str
    complete: bool


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
    complete: bool


@dataclass(frozen=True)
class ShippedPackage:
    """A package as it is now. `id` is stable, `revision` rises with every correction; `voided` takes it back. Where
    `number_confirmed`, whoever entered a tracking number that was used before was asked, and confirmed it."""

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


@dataclass(frozen=True)
class StoppedOrder:
    """An order the warehouse itself ended: what had not been shipped will not be; `sentence` says why."""

    number: str
    sentence: str


@dataclass(frozen=True)
class Shipments:
    """What happened to orders after a cursor, each change at least once and in order."""

    packages: tuple[ShippedPackage, ...]
    stopped: tuple[StoppedOrder, ...]
    cursor: str
    complete: bool


class Warehouse(Protocol):
    """A WMS. Every method may do I/O and is called outside any transaction.

    `unique_external_id`: placing the same number twice gives Already. Where it is False, an Unknown answer
    is looked up only `settle_s` seconds later and never repeated blindly.
    """

    unique_external_id: bool
    settle_s: int

    def place_orders(self, batch: Sequence[NewOrder]) -> list[PlaceAnswer]:
        """One answer per order, in order; idempotent by number."""
        ...

    def find_order(self, account_id: int, number: str) -> list[FoundOrder]:
        """What the warehouse has under a number; empty where nothing."""
        ...

    def cancel_order(self, account_id: int, number: str) -> CancelAnswer:
        """Ask to stop an order."""
        ...

    def skus(self, account_id: int, cursor: str) -> KnownSkus:
        """Which SKUs there are, new ones since a cursor of an earlier answer, "" for the beginning."""
        ...

    def stock(self, account_id: int, skus: Sequence[str] | None = None) -> list[Stock]:
        """Stock of these SKUs (of all, where None), committed read before on hand; an unknown SKU is left out."""
        ...

    def activity_since(self, account_id: int, cursor: str) -> Activity:
        """What moved since a cursor of an earlier answer, "" for the beginning; `complete` False: ask again."""
        ...

    def shipments_since(self, account_id: int, cursor: str) -> Shipments:
        """What was shipped, corrected, voided or ended by the warehouse since a cursor, as `activity_since`."""
        ...

    def services(self, account_id: int) -> list[Service]:
        """The shipping services an order can ask for."""
        ...
