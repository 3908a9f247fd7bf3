"""Named fault points, inside the commit and HTTP wrappers only.

In production each is a no-op. A test arms one by environment (`IS2_FAULT=name:hit`: SIGKILL self at that hit
of that name); the explorer installs a listener of its own.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable

_listener: Callable[[str], None] | None = None
_hits: Counter[str] = Counter()


def listen(listener: Callable[[str], None] | None) -> None:
    """Install the one listener, or remove it with None."""
    global _listener
    _listener = listener


def faultpoint(name: str) -> None:
    """Something may break here."""
    if _listener is not None:
        _listener(name)
    armed = os.environ.get("IS2_FAULT")
    if armed:
        target, _, hit = armed.rpartition(":")
        _hits[name] += 1
        if name == target and _hits[name] == int(hit):
            os.kill(os.getpid(), signal.SIGKILL)
