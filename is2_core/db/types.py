"""Column types: aware UTC times, and values that reach the database only encrypted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.types import TypeDecorator

from is2_core.crypto import CannotOpen, Key, Keyring, UnknownKey
from is2_core.db.rows import built
from is2_core.settings.key_providers import KeySource

_log = logging.getLogger(__name__)
_keyring: Keyring | None = None
_source: KeySource | None = None


def use_keyring(keyring: Keyring, source: KeySource | None = None) -> None:
    """Set the process's keyring, and where it is had from while the process runs. A column type has no other way to be
    told."""
    global _keyring, _source
    _keyring, _source = keyring, source


def keyring() -> Keyring:
    """Return the process's keyring."""
    if _source is not None:
        return _source.keyring()
    if _keyring is None:
        raise RuntimeError("no keyring: build a Platform before touching encrypted columns")
    return _keyring


def _open(purpose: str, key: Key, sealed: str) -> bytes:
    """Decrypt; where the key is missing, it may have been added since this process asked for its keys."""
    held = keyring()
    try:
        return held.open(purpose, key, sealed)
    except UnknownKey:
        renewed = _source.renewed(held) if _source is not None else None
        if renewed is None:
            raise
        return renewed.open(purpose, key, sealed)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, stored without its zone so that SQLite compares it as text rightly."""

    impl = sa.DateTime(timezone=False)
    cache_ok = True

    # The whole way in one step: an order has a dozen times, and SQLite's own type formats them in Python.
    def bind_processor(self, dialect: sa.Dialect) -> Callable[[datetime | None], str | datetime | None]:
        return _as_text if dialect.name == "sqlite" else _without_zone

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        return _from_text if dialect.name == "sqlite" else _with_zone


# Of a batch most rows have the same few instants, and to convert one takes longer than to find it.
_SAME = 4096


@lru_cache(_SAME)
def _without_zone(value: datetime | None) -> datetime | None:
    return None if value is None else _utc(value).replace(tzinfo=None)


def _with_zone(value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(tzinfo=UTC)


@lru_cache(_SAME)
def _as_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    # Without its "+00:00".
    return (value if value.tzinfo is UTC else _utc(value)).isoformat(" ", "microseconds")[:26]


@lru_cache(_SAME)
def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value + "+00:00")


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a naive time cannot be stored")
    return value.astimezone(UTC)


@dataclass(frozen=True)
class SealedValue:
    """A JSON value as a sealed column holds it: encrypted, and bound to the column and to its row's natural key."""

    purpose: str
    text: str = field(repr=False)

    def open(self, *key: int | str | None) -> Any:
        """Decrypt.

        Args:
            key: the values of the columns that the column's type names as its key, in that order.

        Raises:
            UnknownKey: it was sealed with a key that is not in the keyring.
            CannotOpen: it was sealed for another row or column, or is damaged.
        """
        return json.loads(_open(self.purpose, key, self.text))


class Sealed(TypeDecorator[SealedValue]):
    """A JSON value, encrypted for its row: `seal` makes what is stored, `SealedValue.open` reads it.

    A type sees no row, so whoever writes or reads names the row's key; a statement may hold any number of them.

    Args:
        purpose: table and column.
        key: the columns ("table.column") that name the row, of its own table or of those it leads to by foreign keys.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, purpose: str, *, key: tuple[str, ...]) -> None:
        super().__init__()
        self.purpose = purpose
        self.key = key

    def process_bind_param(self, value: SealedValue | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, SealedValue) or value.purpose != self.purpose:
            raise TypeError(f"{self.purpose} takes only what was sealed for it")
        return value.text

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> SealedValue | None:
        return None if value is None else SealedValue(self.purpose, value)


def seal(column: sa.ColumnElement[Any] | QueryableAttribute[Any], value: Any, *key: int | str | None) -> SealedValue:
    """Encrypt a JSON value for one row of a sealed column.

    Args:
        key: the values of the columns that the column's type names as its key, in that order.
    """
    kind = built(_type_of, column)
    if not isinstance(kind, Sealed) or len(key) != len(kind.key):
        raise TypeError(f"{column} is not sealed by a key of {len(key)} parts")
    text = keyring().seal(kind.purpose, key, json.dumps(value, ensure_ascii=False).encode())
    return SealedValue(kind.purpose, text)


# What could not be shown for want of its key; None where nothing is being shown.
_unread: ContextVar[list[str] | None] = ContextVar("unread", default=None)


@contextmanager
def showing() -> Iterator[list[str]]:
    """Let texts that are opened meanwhile be shown only: one whose key is missing is left out like a damaged one, and
    told in the list that is handed over. Anywhere else a missing key ends the work: another process may have it."""
    unread: list[str] = []
    token = _unread.set(unread)
    try:
        yield unread
    finally:
        _unread.reset(token)


def opened(value: SealedValue | None, *key: int | str | None) -> Any:
    """Open what is there; None where nothing is, or where it was sealed for something else.

    Raises:
        UnknownKey: its key is missing, and it is not only shown.
    """
    try:
        return None if value is None else value.open(*key)
    except CannotOpen as error:
        _log.error("a sealed value stays unread: %s", error)
        return None
    except UnknownKey as error:
        unread = _unread.get()
        if unread is None:
            raise
        unread.append(str(error))
        return None


def _type_of(column: sa.ColumnElement[Any] | QueryableAttribute[Any]) -> object:
    return column.type


def seal_mark() -> str:
    """Return what begins each text that is sealed by the present rule and key."""
    return keyring().mark
