"""Notices on an integration's pages about its authorization."""

from __future__ import annotations

from dataclasses import dataclass

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.integrations.authorization_expiry import ExpiryWarning
from is2_core.integrations.expiry_warnings import expiry_warning
from is2_core.integrations.legacy_authorization import ENDED, legacy_notice, migration_of
from web.access import platform


@dataclass(frozen=True)
class Notices:
    """The two notices of an integration, which say opposite things and are therefore never worded alike.

    Args:
        expiry_warning: set where the merchant has to renew the authorization, which must not be ignored.
        legacy: about an authorization of the cart's older generation, "" where there is nothing to say. It can be
            ignored for now, until `legacy_ended`.
    """

    expiry_warning: ExpiryWarning | None = None
    legacy: str = ""
    legacy_ended: bool = False


def notices_of(integration: Integration) -> Notices:
    """Return the notices for an integration's pages."""
    gone = integration.state == IntegrationState.DISCONNECTED or integration.cart not in platform().carts.names()
    if gone or integration.seller_id is None:
        return Notices()
    return Notices(
        expiry_warning=expiry_warning(platform(), integration.id),
        legacy=legacy_notice(platform(), integration),
        legacy_ended=migration_of(platform(), integration.cart) == ENDED,
    )
