"""Named fault points, inside the commit and HTTP wrappers only.

In production each is a no-op. Tests and the explorer install a listener that breaks something, or kills its process.
"""

from __future__ import annotations

from collections.abc import Callable

_listener: Callable[[str], None] | None = None


def listen(listener: Callable[[str], None] | None) -> None:
    """Install the one listener, or remove it with None."""
    global _listener
    _listener = listener


def faultpoint(name: str) -> None:
    """Something may break here."""
    if _listener is not None:
        _listener(name)
