"""Checking typed values against declared fields: the one place that says which values are valid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from is2_core.errors import BadInput
from is2_core.text_limits import TextLimit
from is2_core.whole_numbers import whole_number
from plugins.interface import Field, FieldKind

MAX_TEXT = 2000


@dataclass(frozen=True)
class FormField:
    """A declared field with the value to show in it."""

    field: Field
    value: str


@dataclass(frozen=True)
class Checked:
    """Values by key, and what to say about those that are allowed but not advised."""

    values: dict[str, str]
    warnings: tuple[str, ...]


def check_fields(fields: Iterable[Field], given: Mapping[str, str], stored: Mapping[str, str] | None = None) -> Checked:
    """Check every declared field; what is not declared is ignored.

    Args:
        stored: values to keep where a SECRET was left empty.

    Raises:
        BadInput: at the first field that cannot be used.
    """
    values: dict[str, str] = {}
    warnings: list[str] = []
    for field in fields:
        kept = (stored or {}).get(field.key, "") if field.kind is FieldKind.SECRET else ""
        values[field.key] = check_field(field, given.get(field.key, ""), is_set=bool(kept)) or kept
        advice = advice_of(field, values[field.key])
        if advice:
            warnings.append(advice)
    return Checked(values, tuple(warnings))


def check_field(field: Field, typed: str, *, is_set: bool = False) -> str:
    """Return a typed value as it is stored.

    Args:
        is_set: there is a value already, which stays where nothing was typed ("" is returned).

    Raises:
        BadInput: it cannot be used.
    """
    text = typed.strip()
    if not text and field.kind is FieldKind.BOX:
        text = "no"
    if not text:
        if field.required and not is_set:
            raise BadInput(f"{field.label} is missing.", field=field.key)
        return ""
    TextLimit(field.label, most_of(field)).checked(text, field.key)
    if field.kind is FieldKind.INTEGER:
        return _integer(field, text)
    if field.kind is FieldKind.DATE:
        return _date(field, text)
    if field.kind in (FieldKind.YES_NO, FieldKind.BOX) and text not in ("yes", "no"):
        raise BadInput(f"{field.label} is either Yes or No.", field=field.key)
    if field.kind is FieldKind.CHOICE and text not in {value for value, _ in field.choices}:
        raise BadInput(f"{field.label}: choose one of the list.", field=field.key)
    if field.kind in (FieldKind.URL, FieldKind.SHOP_URL):
        return _url(field, text)
    return text


def most_of(field: Field) -> int:
    """Return how many characters may be typed into a field."""
    return field.max_length or MAX_TEXT


def advice_of(field: Field, typed: str) -> str:
    """Return what to say about a value that is allowed but not advised, "" about any other."""
    number = whole_number(typed)
    is_low = number is not None and field.advised_minimum is not None and number < field.advised_minimum
    return field.advice if is_low else ""


def _integer(field: Field, text: str) -> str:
    number = whole_number(text)
    if number is None:
        raise BadInput(f"{field.label} must be a whole number.", field=field.key)
    low, high = field.minimum or 0, field.maximum
    if number < low or (high is not None and number > high):
        bounds = f"between {low} and {high}" if high is not None else f"at least {low}"
        raise BadInput(f"{field.label} must be {bounds}.", field=field.key)
    return str(number)


def _date(field: Field, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadInput(f"{field.label} must be a day such as 2026-11-23.", field=field.key) from None


def _url(field: Field, text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise BadInput(f"{field.label} must be an address such as https://shop.example.com.", field=field.key)
    return text.rstrip("/")


LEAD_DAYS = "lead_days"
