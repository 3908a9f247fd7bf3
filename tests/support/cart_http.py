"""A `CartContext` over real HTTP, without the core: what a cart's own tests call it with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from plugins.interface import (
    AccessToken,
    CartContext,
    Effect,
    PlatformSettings,
    Reply,
    Store,
    Temporary,
)

if TYPE_CHECKING:
    import requests

    from plugins.testkit import StillClock


@dataclass
class CartHttp:
    """`plugins.interface.CartHttp` over requests, unlimited; remembers (operation, effect) of each call."""

    session: requests.Session
    calls: list[tuple[str, Effect]] = field(default_factory=list)

    def call(
        self,
        operation: str,
        effect: Effect,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
    ) -> Reply:
        from requests import RequestException

        self.calls.append((operation, effect))
        try:
            answer = self.session.request(
                method, url, params=params, headers=headers, json=json, data=data, timeout=30, allow_redirects=False
            )
        except RequestException as error:
            raise Temporary(
                "The shop did not answer.", detail=operation, code="NO_ANSWER", unknown=effect is Effect.WRITE
            ) from error
        date = answer.headers.get("date")
        return Reply(
            answer.status_code,
            {name.lower(): value for name, value in answer.headers.items()},
            answer.content,
            parsedate_to_datetime(date).astimezone(UTC) if date else None,
        )

    def operations(self) -> list[str]:
        """The names of all calls made, in order."""
        return [operation for operation, _ in self.calls]


class MintedToken:
    """A token source that asks the cart for a token when it has none, or when the one it has was refused."""

    def __init__(self, mint: Callable[[], AccessToken], first: str = "") -> None:
        self._mint = mint
        self._value = first
        self.minted = 0

    def get(self, refused: str | None = None) -> str:
        if not self._value or self._value == refused:
            self._value = self._mint().value.value
            self.minted += 1
        return self._value


class FixedToken:
    """A token source for a cart whose key is its token."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get(self, refused: str | None = None) -> str:
        return self._value


def no_token() -> AccessToken:
    """For calls that must not need a token."""
    raise AssertionError("a token was asked for")


def cart_context(
    http: CartHttp,
    store: Store,
    app: PlatformSettings,
    token: MintedToken | FixedToken | None = None,
    clock: StillClock | None = None,
) -> CartContext:
    """A context for one store."""
    from plugins.testkit import StillClock

    log = logging.LoggerAdapter(logging.getLogger("tests.cart"), {})
    return CartContext(store, app, http, token or MintedToken(no_token), clock or StillClock(), log)
