"""AES-256-GCM for personal data and tokens.

A sealed value is `2:<key id>.<base64 of nonce and ciphertext>`: the version of the rule it is bound by, and the key, so
that both can change. Values without a version are of the first rule, which bound them to their column only; they open
until they are sealed again (`db.reseal`).
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# What a value is bound to besides its column: ids and numbers that do not change while it lives.
Key = tuple[int | str | None, ...]
_VERSION = "2:"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class CannotOpen(Exception):
    """A sealed value does not open: it was sealed for another row or column, or its bytes were changed."""


class UnknownKey(Exception):
    """The key it was sealed with is not in this process's keyring; a process that has it may open it."""


@dataclass(frozen=True)
class Keyring:
    """The keys by id; values are sealed with `current` and opened with whichever sealed them."""

    keys: Mapping[str, bytes] = field(repr=False)
    current: str

    @staticmethod
    def parse(text: str) -> Keyring:
        """From `id:base64key[,id:base64key…]`; the first one seals.

        Raises:
            ValueError: no key, a key that is not 32 bytes, or an id twice.
        """
        keys: dict[str, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            key_id, colon, encoded = entry.partition(":")
            if not colon:
                # Not quoted: it is the key itself, likely enough.
                raise ValueError("a key must be an id, a colon and 32 bytes in base64")
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError as error:
                raise ValueError(f"key {key_id!r} is not base64") from error
            if not key_id or len(key) != _KEY_BYTES:
                raise ValueError(f"key {key_id!r} must be an id, a colon and 32 bytes in base64")
            if key_id in keys:
                raise ValueError(f"key id {key_id!r} stands twice")
            keys[key_id] = key
        if not keys:
            raise ValueError("no key given")
        return Keyring(keys, next(iter(keys)))

    @staticmethod
    def generate(key_id: str = "k1") -> str:
        """A fresh keyring of one key, in the form `parse` reads."""
        return f"{key_id}:{base64.b64encode(os.urandom(_KEY_BYTES)).decode()}"

    @property
    def mark(self) -> str:
        """The prefix of each value that is sealed by the present rule and key, and no other."""
        return f"{_VERSION}{self.current}."

    def seal(self, purpose: str, key: Key, value: bytes) -> str:
        """Encrypt.

        Args:
            purpose: table and column; bound to the ciphertext like `key`, so that it opens in no other place.
            key: the row's natural key.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.current].encrypt(nonce, value, _place(purpose, key))
        return self.mark + base64.b64encode(nonce + sealed).decode()

    def open(self, purpose: str, key: Key, sealed: str) -> bytes:
        """Decrypt; a value of the first rule whatever its row is.

        Raises:
            UnknownKey: it was sealed with a key that is not here.
            CannotOpen: it was sealed for another row or column, or its bytes were changed.
        """
        # A key id has no colon, so no value of the first rule begins like this.
        is_bound = sealed.startswith(_VERSION)
        key_id, encoded = key_id_of(sealed), sealed.rpartition(".")[2]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKey(f"a value of {purpose}: key {key_id!r} is not in the keyring")
        try:
            raw = base64.b64decode(encoded)
            place = _place(purpose, key) if is_bound else purpose.encode()
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place)
        except (InvalidTag, ValueError) as error:
            raise CannotOpen(f"a value does not open as {purpose} of this row") from error

    @cached_property
    def _ciphers(self) -> Mapping[str, AESGCM]:
        return {key_id: AESGCM(key) for key_id, key in self.keys.items()}


def key_id_of(sealed: str) -> str:
    """Return which key a value was sealed with."""
    # From the right: base64 has no dot, a key id may.
    return sealed.removeprefix(_VERSION).rpartition(".")[0]


def _place(purpose: str, key: Key) -> bytes:
    return json.dumps([purpose, *key]).encode()
