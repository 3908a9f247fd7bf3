"""Plain values and the checks every type of the contract makes on itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal


def require(condition: bool, message: str) -> None:
    """Refuse what does not meet a condition.

    Where a page of orders makes hundreds of a type, it is called only for what is wrong: wording a message takes longer
    than the check.
    """
    if not condition:
        raise ValueError(message)


def require_utc(name: str, value: datetime | None) -> None:
    if value is None or value.tzinfo is UTC:
        return
    require(value.tzinfo is not None and value.utcoffset() == timedelta(0), f"{name} must be an aware UTC time")


def utc(value: datetime) -> datetime:
    """The same instant in UTC; refuses a naive time."""
    require(value.tzinfo is not None, "a time without a zone crossed the seam")
    return value.astimezone(UTC)


@dataclass(frozen=True)
class Secret:
    """A text whose repr hides it, for tokens and keys on their way between core and cart."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


@dataclass(frozen=True)
class Money:
    """An amount in major units (12.50) with its ISO 4217 currency."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not (isinstance(self.amount, Decimal) and self.amount.is_finite()):
            require(False, f"an amount must be a finite Decimal, not {self.amount!r}")
        if not (len(self.currency) == 3 and self.currency.isupper()):
            require(False, f"{self.currency!r} is not a currency code")


@dataclass(frozen=True)
class Address:
    """Where a parcel goes. Personal data: the core stores it encrypted only, and repr hides it."""

    name: str = field(default="", repr=False)
    company: str = field(default="", repr=False)
    lines: tuple[str, ...] = field(default=(), repr=False)
    city: str = field(default="", repr=False)
    district: str = field(default="", repr=False)
    region: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    country: str = ""
    phone: str = field(default="", repr=False)
    kind: str = ""
    instructions: str = field(default="", repr=False)


@dataclass(frozen=True)
class Buyer:
    """Who bought. Personal data, see Address."""

    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    company: str = field(default="", repr=False)
    purchase_order: str = field(default="", repr=False)
