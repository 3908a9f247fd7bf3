"""Reads a listing page by page, and notices one that has no end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

_PAGES_MAX = 100


def walked(hook: str, read: Callable[[str | None], Any]) -> Iterator[Any]:
    """The pages of a listing, from the first to the last.

    Args:
        read: calls the hook with a page token, None for the first page.

    Raises:
        AssertionError: a token is none, or the listing never ends; the text tells what to change.
    """
    seen: set[str] = set()
    token: str | None = None
    for _ in range(_PAGES_MAX):
        page = read(token)
        yield page
        following = getattr(page, "next_page", None)
        if following is None:
            return
        assert isinstance(following, str) and following, (
            f"{hook} gave next_page={following!r}; it is a text that leads on, or None at the end"
        )
        assert following not in seen, (
            f"{hook} gave the same next_page twice, {following!r}: the listing never ends. Return next_page=None with "
            "the last page"
        )
        seen.add(following)
        # The core keeps it as text between two pages.
        token = json.loads(json.dumps(following))
    raise AssertionError(
        f"{hook} gave {_PAGES_MAX} pages, each with another next_page: the listing never ends. Return next_page=None "
        "with the last page; where the shop truly holds so much, let the kit's shop hold less"
    )
