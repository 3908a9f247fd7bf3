"""AES-256-GCM for personal data and tokens, with a key id in front of every value so that keys can rotate."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32


class CannotOpen(Exception):
    """A sealed value does not open: unknown key, other purpose, or changed bytes."""


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
            key_id, _, encoded = entry.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error as error:
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

    def seal(self, purpose: str, value: bytes) -> str:
        """Encrypt; `purpose` (table and column) is bound to it, so that it opens in no other column."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self.keys[self.current]).encrypt(nonce, value, purpose.encode())
        return f"{self.current}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, purpose: str, sealed: str) -> bytes:
        """Decrypt.

        Raises:
            CannotOpen: unknown key id, other purpose, or changed bytes.
        """
        # From the right: base64 has no dot, a key id may.
        key_id, _, encoded = sealed.rpartition(".")
        key = self.keys.get(key_id)
        if key is None:
            raise CannotOpen(f"key {key_id!r} is not in the keyring")
        raw = base64.b64decode(encoded)
        try:
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode())
        except InvalidTag as error:
            raise CannotOpen(f"a value sealed for {purpose} does not open") from error
