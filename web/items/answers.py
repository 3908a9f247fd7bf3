"""How pages word and show what items may say of themselves beside the settings of their integration."""

from __future__ import annotations

from collections.abc import Collection

from is2_core.accounts.models import Integration
from is2_core.carts.latency import days_label, latency_of
from is2_core.items.models import CartItem
from is2_core.items.states import UnknownSku, is_not_from_here, setting_of
from is2_core.items.unknown_skus import Shown
from web.access import platform

ANSWERS = {
    UnknownSku.AS_SET: "As the store's setting says",
    UnknownSku.HOLD: "Hold their orders",
    UnknownSku.NOT_FROM_HERE: "Not shipped from here",
}

SHOWN = {Shown.UNKNOWN: "Unknown to the warehouse", Shown.NOT_FROM_HERE: "Not shipped from here"}


def setting_label(integration: Integration) -> str:
    """Word an integration's setting."""
    return ANSWERS[setting_of(integration.settings)]


def latency_label(integration: Integration) -> str:
    """Word the latency of an integration's settings, "" where its cart knows none."""
    latency = latency_of(integration)
    if latency.managed:
        return platform().carts.manifest(integration.cart).manages_lead_days
    return "" if latency.days is None else days_label(latency.days)


def ships_not_from_here(integration: Integration, item: CartItem, known: Collection[str]) -> bool:
    """Whether an item is not shipped from here.

    Args:
        known: SKUs that the warehouse knows.
    """
    return is_not_from_here(
        item.unknown_sku, setting_of(integration.settings), known=bool(item.mappings) or item.sku in known
    )
