"""Installing a store through Amazon's consent pages, and who the seller is.

Source: the page "Website Authorization Workflow"; sellers.json.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from plugins.amazon.api import call, unreadable
from plugins.amazon.consent_errors import START_AGAIN, consent_error
from plugins.amazon.endpoints import consent_url, is_consent_address
from plugins.amazon.regions import known_sites, region_of
from plugins.amazon.stores import seller_of
from plugins.amazon.tokens import client_secret, exchange_code, setting
from plugins.interface import (
    CartContext,
    Connected,
    Effect,
    InstallReply,
    Redirect,
    Secret,
    SellerIdentity,
    SettingsError,
)

# Every seller's id is capitals and digits. Spelt otherwise, one that Amazon took for the same would be another here,
# and the seller would be connected twice.
_SELLER_ID = re.compile(r"[A-Z0-9]{1,50}")


def begin(ctx: CartContext) -> Redirect:
    """Away to the consent page: the one of the home marketplace where that is known, else the region's."""
    params = {"application_id": setting(ctx, "application_id")} | _draft(ctx)
    setting(ctx, "client_id")
    client_secret(ctx)
    return Redirect(consent_url(ctx.app, ctx.store.region, ctx.store.home_site), params)


def go_on(ctx: CartContext, reply: InstallReply) -> Redirect | Connected:
    """The next step after Amazon sent the browser back; of the seller it has no more than the browser says.

    Raises:
        SettingsError: the merchant declined, waited too long, or the reply does not fit.
    """
    params = reply.params
    if "amazon_callback_uri" in params:
        return _login_leg(ctx, params)
    if params.get("error"):
        raise consent_error(params["error"], params.get("error_description", ""))
    code, seller = params.get("spapi_oauth_code"), params.get("selling_partner_id")
    if not code or not seller:
        raise SettingsError(f"Amazon's answer was not complete. {START_AGAIN}", code="INCOMPLETE_REPLY")
    if not _SELLER_ID.fullmatch(seller):
        raise SettingsError(f"Amazon's answer names no seller. {START_AGAIN}", code="NO_SELLER")
    refresh_token = exchange_code(ctx, code, reply.return_url)
    # The token of the older generation is of no use here; that there is one is all that is kept of it.
    older = bool(params.get("mws_auth_token"))
    return Connected(SellerIdentity(seller, ""), {"refresh_token": Secret(refresh_token)}, legacy_authorization=older)


def identify(ctx: CartContext) -> SellerIdentity:
    """The connected store as Amazon shows it now.

    No operation tells a token's seller id, so it is the one given at consent, which `seller_proof` proves; that the
    call is answered shows that the authorization is good.

    Raises:
        SettingsError: the store is not connected.
    """
    seller = seller_of(ctx.store)
    operation = "getMarketplaceParticipations"
    answer = call(ctx, operation, Effect.READ, "GET", "/sellers/v1/marketplaceParticipations")
    names: dict[str, str] = {}
    try:
        for row in answer["payload"]:
            if row["participation"]["isParticipating"] is True:
                names[row["marketplace"]["id"]] = row.get("storeName") or ""
    except (LookupError, TypeError, AttributeError) as error:
        raise unreadable(f"{operation}: not the expected shape", Effect.READ) from error
    sites = known_sites(region_of(ctx.store.region), list(names))
    name = next((names[site] for site in sites if names[site]), "")
    return SellerIdentity(remote_id=seller, name=name, sites=sites)


def _login_leg(ctx: CartContext, params: Mapping[str, str]) -> Redirect:
    callback, state = params["amazon_callback_uri"], params.get("amazon_state")
    if not state or not is_consent_address(ctx.app, callback):
        raise SettingsError(
            f"The request did not come from Amazon as expected. {START_AGAIN}",
            detail="the callback address is not one of Amazon's, or amazon_state is missing",
            code="UNKNOWN_CALLBACK",
        )
    return Redirect(callback, {"amazon_state": state} | _draft(ctx))


def _draft(ctx: CartContext) -> dict[str, str]:
    return {"version": "beta"} if ctx.app.values.get("draft") == "yes" else {}
