"""Writes to a cart, and its answers: every input key exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from plugins.types.values import require, require_utc


class Effect(StrEnum):
    """Whether a call only reads, or changes something at the cart (then a lost answer means *unknown*)."""

    READ = "READ"
    WRITE = "WRITE"


@dataclass(frozen=True)
class AcknowledgedLine:
    """One line of an acknowledgement: the cart's line id and ours."""

    remote_id: str
    number: str


@dataclass(frozen=True)
class Acknowledgement:
    """ "We have this order under our number." `key` comes back in the reply. `lines` are those that are shipped from
    here; others of a mixed order are somebody else's."""

    key: str
    order_id: str
    number: str
    site: str
    lines: tuple[AcknowledgedLine, ...]


@dataclass(frozen=True)
class InventoryQuantity:
    """The absolute quantity to show for one SKU.

    Args:
        remote_id: what `read_inventory` or the item list gave for this SKU.
        available: units to offer, never negative.
        held_here: units this cart itself still holds unshipped.
        lead_days: days promised until tracking is uploaded, or None where the cart knows no such thing.
        lead_days_managed: the cart or the seller there sets the days: the quantity alone is sent, and what is there
            stays. Only where the manifest says that the cart `manages_lead_days` (since 2.1).
    """

    key: str
    sku: str
    remote_id: str
    available: int
    held_here: int = 0
    lead_days: int | None = None
    lead_days_managed: bool = False

    def __post_init__(self) -> None:
        require(not self.lead_days_managed or self.lead_days is None, f"{self.sku}: managed lead days are not sent")
        require(self.available >= 0, f"{self.sku}: a quantity cannot be negative")


MERCHANT_CHANNEL: Final = "MERCHANT"


@dataclass(frozen=True)
class ShownInventory:
    """Stock as the cart shows it.

    Args:
        fulfillment_channels: units by who ships: MERCHANT_CHANNEL is the merchant, any other name the cart or a third
            party. The core writes stock only where the merchant's is the only one. Empty where the cart does not say.
        locations: those of these names that are not of somebody else, but further places of the merchant's own, each
            with units of its own (since 2.1).
        remote_id: what the core keeps with the item and hands back in `InventoryQuantity.remote_id`.
    """

    sku: str
    fulfillment_channels: Mapping[str, int]
    lead_days: int | None = None
    remote_id: str = ""
    locations: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        require(self.locations <= self.fulfillment_channels.keys(), f"{self.sku}: a location is a channel too")
        require(MERCHANT_CHANNEL not in self.locations, f"{self.sku}: the merchant's channel is no further location")


@dataclass(frozen=True)
class NotRead:
    """A SKU the budget left no call for: nothing is known of it, and the core asks again at `when` (UTC)."""

    sku: str
    when: datetime

    def __post_init__(self) -> None:
        require_utc("when", self.when)


@dataclass(frozen=True)
class PackageLine:
    """Units of one order line inside a package."""

    remote_id: str
    quantity: int

    def __post_init__(self) -> None:
        require(self.quantity > 0, "a package line has at least one unit")


@dataclass(frozen=True)
class Package:
    """One shipped package of one order.

    Args:
        reference: a positive whole number, the package's within its order, stable over corrections.
        cart_ref: what an earlier post of the same package returned, None at the first.
        carrier_code: the cart's code of the carrier, "" where none is known for `carrier_name`, which is as the
            warehouse gave it: perhaps "", very long, or with characters that cannot be seen.
        lines: the cart's units this package completes, never empty.
        sibling_references: those of the order's other packages of ours, voided ones too. Several may travel under one
            tracking number, and none stands for another; what the cart shows under any other reference, somebody else
            has entered.
    """

    key: str
    order_id: str
    site: str
    reference: str
    cart_ref: str | None
    carrier_code: str
    carrier_name: str
    service: str
    tracking_number: str
    shipped_at: datetime
    lines: tuple[PackageLine, ...]
    sibling_references: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        require_utc("shipped_at", self.shipped_at)
        require(bool(self.lines), "a package posted to a cart completes units of it")
        require(self.reference.isdigit() and int(self.reference) > 0, "a package's reference is a positive number")
        require(self.reference not in self.sibling_references, "a package is none of its own siblings")


@dataclass(frozen=True)
class Applied:
    """The cart has it. `cart_ref` is kept by the core and handed back with later writes of the same key."""

    cart_ref: str | None = None


@dataclass(frozen=True)
class Rejected:
    """The cart refused this one for good; `message` is shown to the merchant.

    `may_pass`: it may say otherwise a while later (it did not find the order). Then the core asks again, and believes
    it once it has lasted.
    """

    code: str
    message: str
    may_pass: bool = False


@dataclass(frozen=True)
class Retry:
    """Not now; ask for the same key again at `when` (UTC)."""

    when: datetime

    def __post_init__(self) -> None:
        require_utc("when", self.when)


Result = Applied | Rejected | Retry


@dataclass(frozen=True)
class PendingSubmission:
    """Slow work the cart accepted: ask `poll_submission` for these keys at `ask_at`."""

    handle: str
    keys: tuple[str, ...]
    ask_at: datetime

    def __post_init__(self) -> None:
        require_utc("ask_at", self.ask_at)
        require(bool(self.handle) and bool(self.keys), "a pending submission needs a handle and keys")


@dataclass(frozen=True)
class WriteReply:
    """The answer to a write: each input key exactly once, in `results` or inside one pending submission."""

    results: Mapping[str, Result] = field(default_factory=dict)
    pending: tuple[PendingSubmission, ...] = ()

    def __post_init__(self) -> None:
        keys = list(self.results) + [key for submission in self.pending for key in submission.keys]
        twice = [key for key, count in Counter(keys).items() if count > 1]
        require(not twice, f"a write reply names a key twice: {', '.join(twice)}")

    def keys(self) -> set[str]:
        """All keys this reply speaks of."""
        return set(self.results) | {key for submission in self.pending for key in submission.keys}


@dataclass(frozen=True)
class Submission:
    """A pending submission handed back to be asked about; `kind` is the verb that made it."""

    handle: str
    kind: str
    keys: tuple[str, ...]
    sent_at: datetime
