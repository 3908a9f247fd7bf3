"""The latency that is promised with a quantity: of an integration, of a single item, or left to the cart. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from is2_core.carts.fields import LEAD_DAYS
from plugins.interface import CartManifest

if TYPE_CHECKING:
    from is2_core.accounts.models import Integration

LEAD_DAYS_MANAGED = "lead_days_managed"
"""The setting of an integration whose latency the cart manages: "yes" or "no"."""
MANAGED = "cart"
"""An item's own latency where the cart manages it; "" is that of its integration, anything else a number of days."""


@dataclass(frozen=True)
class Latency:
    """Days promised until tracking is uploaded; None where the cart knows no such thing or manages it by itself."""

    days: int | None = None
    managed: bool = False


def latency_of(integration: Integration, own: str = "") -> Latency:
    """Return what goes with a quantity.

    Args:
        own: the item's own latency.
    """
    typed = str(integration.settings.get(LEAD_DAYS, ""))
    if not typed:
        return Latency()
    if own == MANAGED or (not own and integration.settings.get(LEAD_DAYS_MANAGED) == "yes"):
        return Latency(managed=True)
    return Latency(int(own or typed))


def latency_choices(manifest: CartManifest) -> dict[str, str]:
    """Return what an item's own latency may be, with a label each; empty where the cart knows no latency."""
    field = next((field for field in manifest.store_fields if field.key == LEAD_DAYS), None)
    if field is None:
        return {}
    managed = {MANAGED: manifest.manages_lead_days} if manifest.manages_lead_days else {}
    most = MOST_DAYS if field.maximum is None else field.maximum
    return managed | {str(days): days_label(days) for days in range(field.minimum or 0, most + 1)}


def days_label(days: int) -> str:
    """Return a number of days as pages show it."""
    return f"{days} day{'s' if days != 1 else ''}"


MOST_DAYS = 120
