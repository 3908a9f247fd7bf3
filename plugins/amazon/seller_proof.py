"""Proves that an authorization is of the seller whose id the browser brought.

Source: listingsItems_2021-08-01.json. No operation tells the selling partner id of a token, but the Listings Items API
has it in its path and answers for the token's own seller only.
"""

from __future__ import annotations

from urllib.parse import quote

from plugins.amazon.api import call, unreadable
from plugins.amazon.auth import identify
from plugins.amazon.errors import ROLES
from plugins.amazon.regions import region_of
from plugins.interface import AuthorizationLost, CartContext, Effect, Permanent, SellerIdentity, SettingsError

_SEARCH = "searchListingsItems"


def prove(ctx: CartContext) -> SellerIdentity:
    """Return who the seller is, after a call that Amazon answers for this seller alone: one listing of one marketplace
    the seller takes part in, the least it can be asked for.

    Raises:
        SettingsError: Amazon refuses it; the message names the seller and the role.
    """
    identity = _identity(ctx)
    home, sites = ctx.store.home_site, identity.sites
    params = {
        "marketplaceIds": home if home in sites else sites[0],
        "pageSize": "1",
        "includedData": "summaries",
    }
    path = f"/listings/2021-08-01/items/{quote(identity.remote_id, safe='')}"
    try:
        answer = call(ctx, _SEARCH, Effect.READ, "GET", path, params=params)
    except (SettingsError, Permanent) as error:
        # Amazon says the same of a seller who is another, and of a missing role.
        raise SettingsError(
            f"Amazon did not confirm that you are the seller {identity.remote_id}: it refused access to this seller's "
            "listings. Either the warehouse's application, or your authorization of it, lacks the role "
            f"{ROLES[_SEARCH]} (ask the warehouse), or you signed in as another seller.",
            detail=error.detail,
            code="SELLER_NOT_PROVED",
        ) from error
    if not isinstance(answer.get("items"), list):
        raise unreadable(f"{_SEARCH}: not the expected shape", Effect.READ)
    return identity


def _identity(ctx: CartContext) -> SellerIdentity:
    region = region_of(ctx.store.region)
    try:
        identity = identify(ctx)
    except AuthorizationLost as error:
        if error.code == "INVALID_GRANT":
            raise
        raise SettingsError(
            f"Amazon gave access to another region than {region.label}. "
            "Start again and choose the region of your account.",
            detail=error.detail,
            code="OTHER_REGION",
        ) from error
    except SettingsError as error:
        # Amazon says the same of a missing role and of a token of another region.
        raise SettingsError(
            f"{error.message} If the account of seller {ctx.store.remote_id} is not one of {region.label}, start "
            "again and choose its region.",
            detail=error.detail,
            code=error.code,
        ) from error
    if not identity.sites:
        raise SettingsError(
            f"This Amazon account sells in no marketplace of {region.label}. "
            "Start again and choose the region of your account.",
            code="NO_MARKETPLACE",
        )
    return identity
