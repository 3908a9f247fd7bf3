"""Whether a store's connection works."""

from __future__ import annotations

from is2_core.flows.access import owned_integration
from is2_core.flows.ask import ask_cart_now
from is2_core.flows.cart_settings import known_manifest
from is2_core.flows.context import cart_context
from is2_core.flows.errors import Conflict
from is2_core.flows.pausing import resume
from is2_core.models import IntegrationState
from is2_core.platform import Platform
from plugins.interface import SellerIdentity


def test_connection(platform: Platform, *, integration_id: int, account_id: int) -> str:
    """Ask the cart who this store is; a paused store whose connection works goes on. Returns a sentence."""
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, account_id)
    manifest = known_manifest(platform, integration.cart)
    if not platform.carts.has(integration.cart, "check_connection"):
        return f"{manifest.label} offers no way to test the connection."
    identity: SellerIdentity = ask_cart_now(
        platform, integration, "check_connection", ctx=cart_context(platform, integration)
    )
    if identity.remote_id != integration.seller_id:
        raise Conflict(f"The connection answers as another seller ({identity.remote_id}).")
    with platform.db.write() as session:
        row = owned_integration(session, integration_id, account_id)
        # Where the seller has begun to sell since, orders come from as well.
        row.sites = list(identity.sites)
        if row.state == IntegrationState.PAUSED:
            resume(session, row, platform)
    return f"The connection works: {manifest.label} answers as {identity.name} ({identity.remote_id})."
