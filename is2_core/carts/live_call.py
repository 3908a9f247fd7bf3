"""Asking a cart something while a person waits for the page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from is2_core.accounts.models import Integration
from is2_core.calls.http import TAKEN_BY_OTHERS, TAKEN_BY_OWN
from is2_core.calls.live_limits import AllTaken, person_waits
from is2_core.errors import FlowError, PluginBug
from is2_core.platform import Platform
from plugins.interface import CartError, RateLimited, Temporary

_log = logging.getLogger(__name__)


class CartRefused(FlowError):
    """The cart, or the merchant at the cart's pages, said no."""


class CartUnavailable(FlowError):
    """The cart could not be asked."""

    status = 502


class CartBusy(CartUnavailable):
    """So many wait for this cart already that it was not asked."""

    status = 503


class OwnCallsBusy(CartBusy):
    """It is the account's own requests that wait."""

    status = 429


def call_cart_live(
    platform: Platform,
    integration: Integration,
    hook: str,
    *,
    advice: str = "Please try again in a minute.",
    **arguments: Any,
) -> Any:
    """Call one hook about one store, within what `live_limits` allows; what goes wrong becomes a message for the page.

    Args:
        advice: what a person can do where the cart could not be asked just now.

    Raises:
        CartRefused: the cart said no.
        CartBusy: it was not asked, because too many wait for carts already.
        CartUnavailable: it could not be asked, or its plugin is at fault.
    """
    try:
        with person_waits(platform.live_calls, integration.account_id):
            return platform.carts.call(integration.cart, hook, **arguments)
    except (Temporary, RateLimited) as error:
        if error.code in (TAKEN_BY_OWN, TAKEN_BY_OTHERS):
            raise _busy(own=error.code == TAKEN_BY_OWN) from error
        raise CartUnavailable(f"{error.message} {advice}") from error
    except CartError as error:
        raise CartRefused(error.message) from error
    except PluginBug as error:
        _log.error("%s of cart %s failed:\n%s", hook, integration.cart, error.trace)
        raise CartUnavailable(error.message) from error


@contextmanager
def live_call(
    platform: Platform, account_id: int, *, seconds: float | None = None, at_once: bool = False
) -> Iterator[None]:
    """Bound all that is asked of carts inside by one deadline, and count it as one call of the account.

    Args:
        seconds: how long all of it may take, LIVE_S where that is left out; each question inside has LIVE_S at most.
        at_once: count it now rather than at its first request, for what must not begin in vain.

    Raises:
        CartBusy: it is to be counted now, and too many wait for carts already.
    """
    with person_waits(platform.live_calls, account_id, seconds) as call:
        if at_once:
            try:
                call.begin()
            except AllTaken as error:
                raise _busy(own=error.own) from error
        yield


def _busy(*, own: bool) -> CartBusy:
    if own:
        return OwnCallsBusy(
            "Your shop is slow to answer, and other requests of your account wait for it already. Nothing was changed; "
            "please try again in a moment."
        )
    return CartBusy(
        "Several shops are slow to answer at the moment, so yours was not asked. Nothing was changed; please try again "
        "in a moment."
    )
