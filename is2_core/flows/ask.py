"""Asking a cart something while a person waits for the page."""

from __future__ import annotations

import logging
from typing import Any

from is2_core.carts import PluginBug
from is2_core.flows.errors import FlowError
from is2_core.models import Integration
from is2_core.platform import Platform
from plugins.interface import CartError, RateLimited, Temporary

_log = logging.getLogger(__name__)


class CartRefused(FlowError):
    """The cart, or the merchant at the cart's pages, said no."""


class CartUnavailable(FlowError):
    """The cart could not be asked."""

    status = 502


def ask_cart_now(
    platform: Platform,
    integration: Integration,
    hook: str,
    *,
    advice: str = "Please try again in a minute.",
    **arguments: Any,
) -> Any:
    """Call one hook about one store; what goes wrong becomes a sentence for the page.

    Args:
        advice: what a person can do where the cart could not be asked just now.

    Raises:
        CartRefused: the cart said no.
        CartUnavailable: it could not be asked, or its plugin is at fault.
    """
    try:
        return platform.carts.call(integration.cart, hook, **arguments)
    except (Temporary, RateLimited) as error:
        raise CartUnavailable(f"{error.sentence} {advice}") from error
    except CartError as error:
        raise CartRefused(error.sentence) from error
    except PluginBug as error:
        _log.error("%s of cart %s failed:\n%s", hook, integration.cart, error.trace)
        raise CartUnavailable(error.sentence) from error
