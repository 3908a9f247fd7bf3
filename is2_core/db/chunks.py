"""Lists of any length in statements, which take so many values and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T", int, str)

# PostgreSQL takes 65,535 parameters in a statement, a common build of SQLite 32,766.
CHUNK = 10_000


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The different values in ascending order, so that rows are locked in one order, in lists that fit."""
    ordered = sorted(set(values))
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))
