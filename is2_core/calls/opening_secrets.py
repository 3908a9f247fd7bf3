"""Secrets as plugins get them, and when each was set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from is2_core.crypto import UnknownKey
from plugins.errors import Temporary
from plugins.types.values import Secret


class OpeningSecrets(Mapping[str, Secret]):
    """Secrets by their keys, opened when the first is asked for: most of what a plugin does needs none.

    Asking for one raises:
        Temporary: this process lacks the key they are sealed with.
    """

    def __init__(self, find: Callable[[], Mapping[str, str]]) -> None:
        self._find = find

    @cached_property
    def _found(self) -> Mapping[str, Secret]:
        try:
            return {key: Secret(value) for key, value in self._find().items()}
        except UnknownKey as error:
            message = "This server lacks the key that the secrets an administrator entered are encrypted with."
            raise Temporary(message, detail=str(error), code="NO_KEY") from error

    def __getitem__(self, key: str) -> Secret:
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def set_at(
    before: Mapping[str, str], stored: Mapping[str, str], now: Mapping[str, str], at: datetime
) -> dict[str, str]:
    """Return when each secret got its present value (ISO), by key; those that are empty are left out.

    Args:
        before: the same, as it is stored.
        stored, now: the secrets as they are stored, and as they will be.
    """
    return {
        key: before[key] if key in before and stored.get(key) == value else at.isoformat()
        for key, value in now.items()
        if value
    }
