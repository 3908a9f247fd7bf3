"""How an integration is named everywhere."""

from __future__ import annotations

from is2_core.accounts.models import Integration


def integration_name(integration: Integration) -> str:
    """How a store is named everywhere: its nickname, else the seller's name."""
    return integration.nickname or integration.seller_name or "not finished"
