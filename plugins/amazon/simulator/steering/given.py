"""Checks the values that steering is given; whatever does not fit is a ValueError that says what would."""

from collections.abc import Collection
from typing import Any

from plugins.amazon.simulator.access.buckets import Rate

# Longer than any trial, and nothing overflows.
YEAR_S = 366 * 86400
_MOST = 10**9


def flag(value: Any, name: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def number(value: Any, name: str, least: float = 0, most: float = _MOST) -> float:
    """A number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}")
    return value


def count(value: Any, name: str, least: int = 0, most: int = _MOST) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")
    return value


def text(value: Any, name: str) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text")
    return value


def one_of(value: Any, name: str, known: Collection[str]) -> str:
    """One of these words."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(sorted(known))}; it is {value!r}")
    return value


def texts(value: Any, name: str, known: Collection[str] | None = None) -> list[str]:
    """A list of texts, or of these words."""
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list")
    return [text(each, name) if known is None else one_of(each, name, known) for each in value]


def table(value: Any, name: str) -> dict[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")
    return value


def only(body: dict[str, Any], whose: str, known: Collection[str]) -> None:
    """Nothing but these keys."""
    if unknown := body.keys() - set(known):
        raise ValueError(f"{whose} has no {min(unknown)!r}; known: {', '.join(sorted(known))}")


def rate(per_second: Any, burst: Any, operation: str) -> Rate:
    """Figures of a bucket."""
    return number(per_second, f"the rate of {operation}"), count(burst, f"the burst of {operation}")
