"""Column types: aware UTC times, and values that reach the database only encrypted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from is2_core.crypto import Keyring

_keyring: Keyring | None = None


def use_keyring(keyring: Keyring) -> None:
    """Set the process's keyring. A column type has no other way to be told."""
    global _keyring
    _keyring = keyring


def _keys() -> Keyring:
    if _keyring is None:
        raise RuntimeError("no keyring: build a Platform before touching encrypted columns")
    return _keyring


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, stored without its zone so that SQLite compares it as text rightly."""

    impl = sa.DateTime(timezone=False)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Sealed(TypeDecorator[Any]):
    """A JSON value, stored as AES-256-GCM ciphertext with its key id.

    Args:
        purpose: table and column, bound to the ciphertext.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        return _keys().seal(self.purpose, json.dumps(value, ensure_ascii=False).encode())

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else json.loads(_keys().open(self.purpose, value))
