"""Reads single values out of an order's JSON without trusting any of it.

The messages name fields, never their values, which may be a buyer's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from plugins.interface import Money

TEXT_MAX = 10_000
QUANTITY_MAX = 99_999
_DIGITS_MAX = 12

Json = Mapping[str, Any]


class Unreadable(Exception):
    """A value that cannot be understood; `code` is stable, `message` names the field."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def missing(name: str) -> Unreadable:
    """The error for a required field that is absent."""
    return Unreadable("MISSING_FIELD", f"Amazon sent the order without {name}.")


def wrong(name: str) -> Unreadable:
    """The error for a field of an unexpected kind."""
    return Unreadable("UNREADABLE_FIELD", f"Amazon sent the order with an unreadable {name}.")


def section(source: Json, name: str) -> Json:
    """The object under `name`; empty where it is absent."""
    value = source.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(name)
    return value


def sections(source: Json, name: str) -> list[Json]:
    """The list of objects under `name`; empty where it is absent."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise wrong(name)
    return value


def texts(source: Json, name: str) -> list[str]:
    """The list of texts under `name`; empty where it is absent."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(name)
    return [_checked(entry, name) for entry in value]


def flags(source: Json, name: str) -> list[str]:
    """The names of what is set in the object under `name`, whatever it is set to."""
    return [_checked(flag, name) for flag, value in section(source, name).items() if value]


def text(source: Json, name: str) -> str:
    """The text under `name` exactly as sent; "" where it is absent."""
    value = source.get(name)
    return "" if value is None else _checked(value, name)


def needed_text(source: Json, name: str) -> str:
    """The text under `name`, which must be there and not blank."""
    value = text(source, name)
    if not value.strip():
        raise missing(name)
    return value


def quantity(source: Json, name: str) -> int | None:
    """The number of units under `name`; None where it is absent."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong(name)
    if not 0 <= value <= QUANTITY_MAX:
        raise Unreadable("ABSURD_QUANTITY", f"Amazon sent the order with an impossible {name}.")
    return value


def moment(source: Json, name: str) -> datetime | None:
    """The instant under `name` in UTC; None where it is absent."""
    value = text(source, name)
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise wrong(name)
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise wrong(name) from error


def needed_moment(source: Json, name: str) -> datetime:
    """The instant under `name`, which must be there."""
    value = moment(source, name)
    if value is None:
        raise missing(name)
    return value


def money(source: Json, name: str) -> Money | None:
    """The amount under `name` (`{amount, currencyCode}`); None where it is absent."""
    value = section(source, name)
    if not value:
        return None
    try:
        amount = Money(Decimal(text(value, "amount")), text(value, "currencyCode"))
    except (InvalidOperation, ValueError) as error:
        raise wrong(name) from error
    if abs(amount.amount.adjusted()) > _DIGITS_MAX:
        raise wrong(name)
    return amount


def _checked(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise wrong(name)
    if len(value) > TEXT_MAX:
        raise Unreadable("FIELD_TOO_LONG", f"Amazon sent the order with a {name} longer than {TEXT_MAX} characters.")
    if not _storable(value):
        raise Unreadable("UNREADABLE_TEXT", f"Amazon sent the order with characters in {name} that cannot be stored.")
    return value


def _storable(value: str) -> bool:
    """Whether databases can hold it: no NUL, no lone surrogate (which also stands for bytes that were no UTF-8)."""
    if value.isascii():
        return "\0" not in value
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
