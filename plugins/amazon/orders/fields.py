"""Reads single values out of an order's JSON without trusting any of it.

The messages name fields, never their values, which may be a buyer's. What a parcel needs is read by the functions,
which raise; everything else through a `Reader`, which notes what it cannot read and goes on without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from plugins.interface import Money

TEXT_MAX = 10_000
QUANTITY_MAX = 99_999
_DIGITS_MAX = 12

Json = Mapping[str, Any]
T = TypeVar("T")


class Unreadable(Exception):
    """A value that cannot be understood; `code` is stable, `message` names the field."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Reader:
    """Reads an order's fields and keeps the names of those that could not be read.

    Args:
        nothing_ships: nothing is shipped from the order any more, so that nothing of it is needed.
    """

    def __init__(self, *, nothing_ships: bool = False) -> None:
        self.nothing_ships = nothing_ships
        self._unreadable: dict[str, None] = {}

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The names of the fields that could not be read."""
        return tuple(self._unreadable)

    def spare(self, name: str, read: Callable[[], T], otherwise: T) -> T:
        """Read a field that no parcel needs."""
        try:
            return read()
        except Unreadable:
            self._unreadable[name] = None
            return otherwise

    def needed(self, name: str, read: Callable[[], T], otherwise: T) -> T:
        """Read a field that a parcel needs, where there is still going to be one.

        Raises:
            Unreadable: it cannot be read.
        """
        return self.spare(name, read, otherwise) if self.nothing_ships else read()

    def text(self, source: Json, name: str) -> str:
        """The text under `name`, which no parcel needs."""
        try:
            return text(source, name)
        except Unreadable:
            self._unreadable[name] = None
            return ""

    def texts(self, source: Json, name: str) -> list[str]:
        """The texts under `name`, which no parcel needs, without those that cannot be read."""
        return [found for entry in self._entries(source, name) if (found := self.text({name: entry}, name))]

    def section(self, source: Json, name: str) -> Json:
        """The object under `name`, of which no parcel needs anything."""
        try:
            return section(source, name)
        except Unreadable:
            self._unreadable[name] = None
            return {}

    def sections(self, source: Json, name: str) -> list[Json]:
        """The objects under `name`, of which no parcel needs anything, without those that cannot be read."""
        return [found for entry in self._entries(source, name) if (found := self.section({name: entry}, name))]

    def _entries(self, source: Json, name: str) -> list[Any]:
        # Most lists are absent, and there are many in an order.
        return self.spare(name, lambda: _entries(source, name), []) if name in source else []


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
    value = _entries(source, name)
    if not all(isinstance(entry, dict) for entry in value):
        raise wrong(name)
    return value


def texts(source: Json, name: str) -> list[str]:
    """The list of texts under `name`; empty where it is absent."""
    return [_checked(entry, name) for entry in _entries(source, name)]


def _entries(source: Json, name: str) -> list[Any]:
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(name)
    return value


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
