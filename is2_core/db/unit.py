"""Whether this flow of control is inside a unit of work. HTTP calls assert that it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from sqlalchemy.orm import Session

T = TypeVar("T")
_AT_END = "at the end of the unit"
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
    """A part of a unit of work that may fail alone; what it left for the end of the unit then falls too."""
    before = {do: len(items) for do, items in session.info.get(_AT_END, {}).items()}
    try:
        with session.begin_nested():
            yield
    except BaseException:
        for do, items in session.info.get(_AT_END, {}).items():
            del items[before.get(do, 0) :]
        raise


def at_end(session: Session, do: Callable[[Session, list[T]], None], item: T) -> None:
    """Leave something for the end of this unit of work: right before the commit, `do` is called once, with all that
    was left for it, in order."""
    session.info.setdefault(_AT_END, {}).setdefault(do, []).append(item)


def do_what_is_left(session: Session) -> None:
    """Do what was left for the end of the unit, and what that leaves in turn."""
    while left := session.info.pop(_AT_END, {}):
        for do, items in left.items():
            do(session, items)
