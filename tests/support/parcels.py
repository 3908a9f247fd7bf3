"""Tracking numbers that look right, and what a person does who was asked about one that does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from is2_core.errors import Unconfirmed

T = TypeVar("T")


def ups_number(serial: int) -> str:
    """A tracking number of UPS, with its check digit."""
    body = f"999AA1{serial:09d}"
    values = [int(sign) if sign.isdigit() else (ord(sign) - 63) % 10 for sign in body]
    return f"1Z{body}{-(sum(values[0::2]) + 2 * sum(values[1::2])) % 10}"


def confirming(flow: Callable[..., T], *args: Any, **values: Any) -> T:
    """Call a packing flow, and confirm the tracking number where it asks."""
    try:
        return flow(*args, **values)
    except Unconfirmed as asked:
        return flow(*args, **values, confirmed=asked.confirmation)
