"""A store's token, as the core keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from plugins.interface import AccessToken, Clock, Secret

_EARLY = timedelta(minutes=5)


class KeptToken:
    """Minted when it is first asked for, when it nears its end, and when it was refused.

    Args:
        mint: None where the cart has no `mint_access_token`: then the credential "token" is the token.
    """

    def __init__(self, credentials: Mapping[str, Secret], mint: Callable[[], AccessToken] | None, clock: Clock) -> None:
        self._credentials = credentials
        self._mint = mint
        self._clock = clock
        self._held: AccessToken | None = None
        self.minted = 0

    def get(self, refused: str | None = None) -> str:
        """See `plugins.interface.TokenSource.get`."""
        if self._mint is None:
            return self._credentials["token"].value
        held = self._held
        if held is None or held.value.value == refused or held.expires_at - self._clock.now() <= _EARLY:
            held = self._held = self._mint()
            self.minted += 1
        return held.value.value


class NoToken:
    """There is none, and asking for it is a mistake."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def get(self, refused: str | None = None) -> str:
        """Fail."""
        raise AssertionError(self._reason)
