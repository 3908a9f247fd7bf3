"""A cart's words for its shipping methods."""

from __future__ import annotations

from is2_core.accounts.models import Integration
from is2_core.carts.context import cart_context
from is2_core.platform import Platform
from is2_core.visible_text import visible
from plugins.interface import CartContext, ShippingMappingUI

NO_METHOD = "(no method given)"


def method_key(method: str) -> str:
    """Return the key that is the same for all spellings of a method: trimmed, case-blind."""
    return method.strip().casefold()


def shown_method(method: str) -> str:
    """Return a method as pages show it: an order may come with none, and with characters that cannot be seen."""
    return visible(method) if method.strip() else NO_METHOD


def vocabulary(platform: Platform, integration: Integration, context: CartContext | None = None) -> ShippingMappingUI:
    """The methods the cart knows; empty where it does not say.

    Args:
        context: the integration's, where there is one already.
    """
    if not platform.carts.has(integration.cart, "shipping_mapping_ui"):
        return ShippingMappingUI(())
    ctx = context or cart_context(platform, integration)
    ui: ShippingMappingUI = platform.carts.call(integration.cart, "shipping_mapping_ui", ctx=ctx)
    return ui


def canonical_key(ui: ShippingMappingUI, method: str) -> str:
    """The key of a method's code, whether code, label or alias was given; the text's own key otherwise."""
    key = method_key(method)
    for known in ui.methods:
        if key in {method_key(name) for name in (known.code, known.label, *known.aliases)}:
            return method_key(known.code)
    return key
