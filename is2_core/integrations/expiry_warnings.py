"""Which integrations must be reconnected soon."""

from __future__ import annotations

from is2_core.accounts.models import Credential, Integration
from is2_core.carts.cart_settings import known_manifest
from is2_core.integrations.authorization_expiry import ExpiryWarning, warning
from is2_core.platform import Platform


def expiry_warning(platform: Platform, integration_id: int) -> ExpiryWarning | None:
    """Return the warning for an integration, None where its authorization is good for more than 30 days or for ever."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, integration_id)
        credential = session.get(Credential, integration_id)
    manifest = known_manifest(platform, integration.cart)
    if credential is None or manifest.authorization_life is None:
        return None
    return warning(manifest.label, credential.authorized_at + manifest.authorization_life, platform.clock.now())
