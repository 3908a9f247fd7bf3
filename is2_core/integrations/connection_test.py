"""Whether a store's connection works, and what it reaches."""

from __future__ import annotations

import logging

from is2_core.accounts.access import owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import is_enabled, known_manifest
from is2_core.carts.context import cart_context
from is2_core.carts.live_call import CartRefused, call_cart_live, live_call
from is2_core.errors import Conflict, PluginBug
from is2_core.integrations.pausing import resume
from is2_core.integrations.refusals import forget_failed_tests, note_failed_test
from is2_core.integrations.seller_proof import prove_connected
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from plugins.interface import AuthorizationLost, CartError, SellerIdentity, SettingsError

_log = logging.getLogger(__name__)


def test_connection(platform: Platform, *, integration_id: int, scope: ChangeScope) -> str:
    """Ask the cart who this store is; a paused store whose connection works goes on. A refusal is shown at once, and
    counts as one answer. Returns a message.

    Raises:
        CartRefused, CartUnavailable: the connection does not work, or could not be tested.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
    manifest = known_manifest(platform, integration.cart)
    if not platform.carts.has(integration.cart, "check_connection"):
        return f"{manifest.label} offers no way to test the connection."
    with live_call(platform, integration.account_id):
        try:
            identity: SellerIdentity = call_cart_live(
                platform, integration, "check_connection", ctx=cart_context(platform, integration)
            )
        except CartRefused as error:
            if isinstance(error.__cause__, AuthorizationLost | SettingsError):
                note_failed_test(platform, integration.id, error.__cause__)
            raise
        if identity.remote_id != integration.seller_id:
            raise Conflict(f"The connection answers as another seller ({identity.remote_id}).")
        prove_connected(platform, integration)
    with platform.db.write() as session:
        row = owned_integration(session, integration_id, scope, lock=True)
        # Where the seller has begun to sell since, orders come from as well.
        row.sites = list(identity.sites)
        forget_failed_tests(session, row.id)
        if row.state == IntegrationState.PAUSED:
            resume(session, row, platform, on_trial=True)
    return f"The connection works: {manifest.label} answers as {identity.name} ({identity.remote_id})."


def learn_sites(platform: Platform, run: TaskRun) -> None:
    """Take note of the marketplaces the seller sells in by now, so that orders are asked for in all of them. A cart
    that cannot be asked leaves those that are known: orders matter more."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    if not (is_enabled(platform, integration.cart) and platform.carts.has(integration.cart, "check_connection")):
        return
    try:
        identity: SellerIdentity = platform.carts.call(
            integration.cart,
            "check_connection",
            ctx=cart_context(platform, integration, before_call=run.heartbeat),
        )
    except (CartError, PluginBug) as error:
        detail = error.trace if isinstance(error, PluginBug) else error
        _log.warning("integration %s: its marketplaces were not read: %s", integration.id, detail)
        return
    if identity.remote_id != integration.seller_id or not identity.sites or [*identity.sites] == integration.sites:
        return
    with run.write() as session:
        session.get_one(Integration, integration.id).sites = list(identity.sites)
