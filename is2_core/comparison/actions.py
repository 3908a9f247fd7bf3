"""Comparing because a person asks for it."""

from __future__ import annotations

from datetime import timedelta

from is2_core.accounts.access import owned_integration
from is2_core.accounts.scope import ChangeScope
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import is_enabled, known_manifest
from is2_core.comparison.runs import begin, reads_left
from is2_core.errors import Conflict
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue

# What the cart has shown so lately is not asked for again.
LATELY = timedelta(hours=1)


def compare_now(platform: Platform, *, integration_id: int, scope: ChangeScope, user_id: int) -> str:
    """Begin a comparison at once; one that is under way ends as far as it has come. Returns a message.

    Raises:
        Conflict: nothing can be compared now.
    """
    with platform.db.read() as session:
        cart = owned_integration(session, integration_id, scope).cart
    label = known_manifest(platform, cart).label
    if not is_enabled(platform, cart):
        raise Conflict(f"{label} is not enabled on this platform at the moment.")
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope, lock=True)
        if integration.state != IntegrationState.ACTIVE:
            raise Conflict("This store is not active, so nothing can be compared.")
        now = platform.clock.now()
        begin(session, integration, now - LATELY, now, user_id)
        enqueue(session, kind=TaskKind.ORDERS_COMPARE, integration=integration, now=now, priority=NOW)
        left = reads_left(session, integration.id, now)
    if not left:
        return f"Comparing with {label} now, as far as its listings have shown; no more orders can be asked for today."
    return f"Comparing with {label} now. The result appears here in some minutes."
