"""The move from a cart's older API generation, and the notices for integrations that still carry its authorization."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.accounts.access import owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.carts.cart_settings import known_manifest
from is2_core.carts.models import CartSetting
from is2_core.db.locks import LOCK
from is2_core.errors import Conflict
from is2_core.platform import Platform

RUNNING, ENDED = "RUNNING", "ENDED"


def set_migration(platform: Platform, *, cart: str, running: bool) -> None:
    """Turn the migration of a cart on, or end it: ending is the further notice stores were promised.

    Raises:
        Conflict: the cart has no older generation.
    """
    if known_manifest(platform, cart).legacy_authorization is None:
        raise Conflict("This cart has no older API generation.")
    with platform.db.write() as session:
        row = session.get(CartSetting, cart, with_for_update=LOCK)
        if row is None:
            row = CartSetting(cart=cart, values={})
            session.add(row)
        row.migration = RUNNING if running else (ENDED if row.migration else "")
        row.updated_at = platform.clock.now()


def migration_of(platform: Platform, cart: str) -> str:
    """ "" before any migration, RUNNING or ENDED."""
    with platform.db.read() as session:
        return session.scalar(sa.select(CartSetting.migration).where(CartSetting.cart == cart)) or ""


def legacy_notice(platform: Platform, integration: Integration) -> str:
    """Return the notice for an integration that carries an older authorization; "" where there is none."""
    legacy = known_manifest(platform, integration.cart).legacy_authorization
    if legacy is None or not integration.legacy_authorization:
        return ""
    return {RUNNING: legacy.during, ENDED: legacy.ended}.get(migration_of(platform, integration.cart), "")


def hide_legacy_notice(platform: Platform, *, integration_id: int, scope: ChangeScope) -> None:
    """Hide the notice: the merchant has disabled the older authorization after the migration's end.

    Raises:
        Conflict: the migration has not ended.
    """
    with platform.db.write() as session:
        row = owned_integration(session, integration_id, scope)
        migration = session.scalar(sa.select(CartSetting.migration).where(CartSetting.cart == row.cart))
        if migration != ENDED:
            raise Conflict("The older authorization is still needed: do not disable it until further notice.")
        row.legacy_authorization = False
