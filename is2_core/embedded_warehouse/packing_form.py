"""The form of a packer, checked as far as that goes without the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from is2_core.errors import BadInput
from is2_core.tracking_numbers import CARRIERS
from is2_core.whole_numbers import whole_number

MAX_CARRIER = 50
MAX_TRACKING = 100
MAX_REASON = 500
# More than any order has.
_MAX_UNITS = 9_999_999


@dataclass(frozen=True)
class Parcel:
    """A parcel as typed: who carries it, and its units by warehouse SKU, all above zero."""

    carrier: str
    service: str
    tracking_number: str
    units: dict[str, int]


def read_parcel(carrier: str, service: str, tracking_number: str, lines: Mapping[str, str]) -> Parcel:
    """Check a typed parcel.

    Args:
        carrier: one of CARRIERS in any case, or another name of at most 50 characters.
        service: the carrier's service, may be empty.
        tracking_number: at most 100 characters.
        lines: warehouse SKU -> quantity as typed; an empty one counts as 0.

    Raises:
        BadInput: with `field` "carrier", "service", "tracking_number", "quantity:<SKU>" or "lines".
    """
    name = _text(carrier, "carrier", "the carrier", MAX_CARRIER)
    known = {each.casefold(): each for each in CARRIERS}
    units = {sku: _units(sku, typed) for sku, typed in lines.items()}
    parcel = Parcel(
        known.get(name.casefold(), name),
        _text(service, "service", "the service", MAX_TRACKING, required=False),
        _text(tracking_number, "tracking_number", "the tracking number", MAX_TRACKING),
        {sku: quantity for sku, quantity in units.items() if quantity},
    )
    if not parcel.units:
        raise BadInput("A package holds at least one unit. Say how many of which SKU.", field="lines")
    return parcel


def read_reason(reason: str) -> str:
    """Check the reason somebody gave.

    Raises:
        BadInput: with `field` "reason".
    """
    return _text(reason, "reason", "the reason", MAX_REASON)


def _text(value: str, field: str, what: str, most: int, *, required: bool = True) -> str:
    text = value.strip()
    if required and not text:
        raise BadInput(f"Give {what}.", field=field)
    if len(text) > most:
        raise BadInput(f"{what[0].upper()}{what[1:]} has more than {most} characters.", field=field)
    if not text.isprintable():
        raise BadInput(f"{what[0].upper()}{what[1:]} contains characters that cannot be printed.", field=field)
    return text


def _units(sku: str, typed: str) -> int:
    units = whole_number(typed.strip() or "0")
    if units is None or units < 0:
        raise BadInput(f"The quantity of {sku} must be a whole number, 0 or more.", field=f"quantity:{sku}")
    if units > _MAX_UNITS:
        raise BadInput(f"The quantity of {sku} is far too large.", field=f"quantity:{sku}")
    return units
