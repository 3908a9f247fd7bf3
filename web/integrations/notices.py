"""What a store's pages have to say about its authorization."""

from __future__ import annotations

from dataclasses import dataclass

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.integrations.authorization_expiry import Renewal
from is2_core.integrations.legacy_authorization import ENDED, migration_of, older_notice
from is2_core.integrations.renewals import renewal
from web.access import platform


@dataclass(frozen=True)
class Notices:
    """The two notices of a store, which say opposite things and are therefore never worded alike.

    Args:
        renewal: set where the merchant has to renew the authorization, which must not be ignored.
        older: about an authorization of the cart's older generation, "" where there is nothing to say. It can be
            ignored for now, until `older_ended`.
    """

    renewal: Renewal | None = None
    older: str = ""
    older_ended: bool = False


def notices_of(store: Integration) -> Notices:
    """What to show on the store's pages."""
    gone = store.state == IntegrationState.DISCONNECTED or store.cart not in platform().carts.names()
    if gone or store.seller_id is None:
        return Notices()
    return Notices(
        renewal=renewal(platform(), store.id),
        older=older_notice(platform(), store),
        older_ended=migration_of(platform(), store.cart) == ENDED,
    )
