"""Functions that RQ jobs of the tests name; each leaves its mark in a file."""

from __future__ import annotations

import time
from pathlib import Path


def mark(path: str, text: str) -> None:
    """Add a line."""
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def fail() -> None:
    """Raise."""
    raise ValueError("on purpose")


def swallow_everything(path: str, seconds: float) -> None:
    """Wait with a broad except around it, as a careless plugin does, then go on."""
    try:
        time.sleep(seconds)
    except Exception:
        mark(path, "swallowed the timeout")
    mark(path, "went on")
