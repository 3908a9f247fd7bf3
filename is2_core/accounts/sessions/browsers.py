"""Which browser a `User-Agent` header is of, in few words, for the list of sessions; *pure*.

Headers as of Chrome, Edge, Firefox, Safari and Opera in 2026: each calls itself by the names of those before it, so the
order counts (https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/Browser_detection_using_the_user_agent).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def short_name(user_agent: str) -> str:
    """Return such as "Firefox on Windows"."""
    return f"{_first(_BROWSERS, user_agent) or 'Unknown browser'} on {_first(_SYSTEMS, user_agent) or 'another system'}"


def _first(names: Iterable[tuple[str, str]], user_agent: str) -> str:
    return next((label for part, label in names if part in user_agent), "")
