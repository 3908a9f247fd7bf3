"""Waiting for something in another process, with a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(happens: Callable[[], T], seconds: float = 60) -> T:
    """The first true answer of `happens`; fails where there is none in time."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        found = happens()
        if found:
            return found
        pause.wait(0.05)
    raise AssertionError(f"not within {seconds} s")
