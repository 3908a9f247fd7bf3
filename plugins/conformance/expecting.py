"""Errors a cart has to raise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plugins.interface import CartError


@contextmanager
def must_raise(kind: type[CartError], when: str) -> Iterator[None]:
    """Fail, with words for the author, where a call ends in any other way than this error.

    Args:
        when: what has happened, to begin the sentence with.
    """
    try:
        yield
    except kind:
        return
    except CartError as error:
        raise AssertionError(f"{when}: raise {kind.__name__}, not {type(error).__name__} ({error})") from error
    raise AssertionError(f"{when}: raise {kind.__name__}; the call ended as if nothing were wrong")
