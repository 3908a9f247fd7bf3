"""Errors a cart raises when a *whole call* failed, each class named by what the core does next.

Anything else that escapes a cart is a plugin bug: the admin gets the traceback, the merchant one plain
message, and every other store goes on.
"""

from __future__ import annotations

from datetime import datetime, timedelta


class CartError(Exception):
    """Base of all.

    Args:
        message: what is wrong, for the merchant; no personal data, no secrets. What happens next depends on who asked
            (a task is tried again, a person is told to), so the core says it.
        detail: for the admin's log, likewise clean.
        code: stable, for tests and support.
        may_pass: whether asking the shop again may be answered otherwise. SettingsError and AuthorizationLost are
            believed only once they have lasted; with False, where the cart knows it without having asked the shop, at
            once.
    """

    default_code = "CART_ERROR"

    def __init__(self, message: str, *, detail: str = "", code: str = "", may_pass: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.code = code or self.default_code
        self.may_pass = may_pass


class SettingsError(CartError):
    """A setting is wrong, or access is refused; once it has lasted, the store is paused until a person changes it or
    the shop answers otherwise."""

    default_code = "SETTINGS"


class AuthorizationLost(CartError):
    """The shop no longer takes the authorization; once it has lasted, the store is paused and the merchant is asked to
    reconnect. Everything waiting stays waiting."""

    default_code = "AUTHORIZATION_LOST"


class RateLimited(CartError):
    """Out of budget; the task is put back until `until` (UTC). No attempt is counted.

    `refill` is how long each further call takes to come back at the rate in force; None where that is not known. The
    core tells it where it refuses a call itself, for work that needs several.
    """

    default_code = "RATE_LIMITED"

    def __init__(
        self, message: str, *, until: datetime, refill: timedelta | None = None, detail: str = "", code: str = ""
    ) -> None:
        super().__init__(message, detail=detail, code=code)
        self.until, self.refill = until, refill


class Temporary(CartError):
    """Went wrong for now; tried again with growing pauses.

    `unknown` is True where a write may have been applied although no usable answer came back.
    """

    default_code = "TEMPORARY"

    def __init__(self, message: str, *, detail: str = "", code: str = "", unknown: bool = False) -> None:
        super().__init__(message, detail=detail, code=code)
        self.unknown = unknown


class PageExpired(CartError):
    """The page token is no longer good; the window is read again from its start."""

    default_code = "PAGE_EXPIRED"


class Permanent(CartError):
    """Will never work as asked; a person must look."""

    default_code = "PERMANENT"
