"""Whether this flow of control is inside a unit of work. HTTP calls assert that it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy.orm import Session

_depth: ContextVar[int] = ContextVar("is2_unit_depth", default=0)


def in_transaction() -> bool:
    """Whether a unit of work is open here."""
    return _depth.get() > 0


@contextmanager
def open_unit() -> Iterator[None]:
    """Mark a unit of work as open; they do not nest.

    Raises:
        RuntimeError: one is open already.
    """
    if in_transaction():
        raise RuntimeError("a unit of work is open already; units of work do not nest")
    token = _depth.set(1)
    try:
        yield
    finally:
        _depth.reset(token)


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """A part of a unit of work that may fail alone."""
    with session.begin_nested():
        yield
