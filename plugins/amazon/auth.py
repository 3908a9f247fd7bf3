"""Authorization through Login with Amazon: consent, code exchange, refresh, and who the seller is.

Source: the pages "Website Authorization Workflow", "Connect to the SP-API" and "Authorization Errors"; sellers.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from plugins.amazon.api import call, unreadable
from plugins.amazon.endpoints import consent_url, is_consent_address, token_url
from plugins.amazon.errors import one_line, pause
from plugins.amazon.regions import known_sites, region_of
from plugins.interface import (
    AccessToken,
    AuthorizationLost,
    CartContext,
    CartError,
    Connected,
    Effect,
    InstallReply,
    Permanent,
    RateLimited,
    Redirect,
    Reply,
    Secret,
    SellerIdentity,
    SettingsError,
    Temporary,
)

_NOT_SET_UP = "The warehouse has not finished setting up Amazon yet. Please contact the warehouse."
_START_AGAIN = "Please start the installation again."


def begin(ctx: CartContext) -> Redirect:
    """Away to the consent page of the store's region."""
    params = {"application_id": _setting(ctx, "application_id")} | _draft(ctx)
    _setting(ctx, "client_id")
    _client_secret(ctx)
    return Redirect(consent_url(ctx.app, ctx.store.region), params)


def go_on(ctx: CartContext, reply: InstallReply) -> Redirect | Connected:
    """The next step after Amazon sent the browser back.

    Raises:
        SettingsError: the merchant declined, waited too long, or the reply does not fit.
    """
    params = reply.params
    if "amazon_callback_uri" in params:
        return _login_leg(ctx, params)
    if params.get("error") == "access_denied":
        raise SettingsError(
            "You chose Cancel at Amazon, so nothing was connected. Start again whenever you like.", code="CANCELLED"
        )
    if params.get("error"):
        raise SettingsError(
            f"Amazon did not connect the store. {_START_AGAIN}",
            detail=f"consent answered {one_line(params['error'])}",
            code="CONSENT_FAILED",
        )
    code, seller = params.get("spapi_oauth_code"), params.get("selling_partner_id")
    if not code or not seller:
        raise SettingsError(f"Amazon's answer was not complete. {_START_AGAIN}", code="INCOMPLETE_REPLY")
    access_token, refresh_token = _exchange_code(ctx, code, reply.return_url)
    identity = _new_identity(ctx, seller, access_token)
    # The token of the older generation is of no use here; that there is one is all that is kept of it.
    older = bool(params.get("mws_auth_token"))
    return Connected(identity, {"refresh_token": Secret(refresh_token)}, older_authorization=older)


def mint(ctx: CartContext, credentials: Mapping[str, Secret]) -> AccessToken:
    """A fresh access token from the store's refresh token, which Amazon does not rotate.

    Raises:
        AuthorizationLost: the seller revoked the authorization or it lapsed (`invalid_grant`).
        SettingsError: the application's own credentials are refused.
    """
    if "refresh_token" not in credentials:
        raise AuthorizationLost("This store has no authorization at Amazon. Please connect it again.")
    form = {"grant_type": "refresh_token", "refresh_token": credentials["refresh_token"].value}
    lost = AuthorizationLost(
        "Amazon no longer accepts the authorization of this store. Please reconnect it.", code="INVALID_GRANT"
    )
    tokens = _ask_token(ctx, Effect.READ, form, invalid_grant=lost)
    lifetime = tokens.get("expires_in")
    if not isinstance(lifetime, int) or lifetime <= 0:
        raise unreadable("a token without a usable expires_in", Effect.READ)
    return AccessToken(Secret(_token(tokens, "access_token")), ctx.clock.now() + timedelta(seconds=lifetime))


def identify(ctx: CartContext) -> SellerIdentity:
    """The connected store as Amazon shows it now.

    No operation tells a token's seller id, so it is the one given at consent; that the call is answered shows that
    the authorization is good.
    """
    if ctx.store.remote_id is None:
        raise SettingsError("This store is not connected to Amazon yet.", code="NOT_CONNECTED")
    return _identity(ctx, ctx.store.remote_id, None)


def _login_leg(ctx: CartContext, params: Mapping[str, str]) -> Redirect:
    callback, state = params["amazon_callback_uri"], params.get("amazon_state")
    if not state or not is_consent_address(ctx.app, callback):
        raise SettingsError(
            f"The request did not come from Amazon as expected. {_START_AGAIN}",
            detail="the callback address is not one of Amazon's, or amazon_state is missing",
            code="UNKNOWN_CALLBACK",
        )
    return Redirect(callback, {"amazon_state": state} | _draft(ctx))


def _exchange_code(ctx: CartContext, code: str, redirect_uri: str) -> tuple[str, str]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    late = SettingsError(
        "Amazon's sign-in took longer than 5 minutes or its answer was used before. Please start again.",
        code="CODE_EXPIRED",
    )
    tokens = _ask_token(ctx, Effect.WRITE, form, invalid_grant=late)
    return _token(tokens, "access_token"), _token(tokens, "refresh_token")


def _new_identity(ctx: CartContext, seller: str, access_token: str) -> SellerIdentity:
    region = region_of(ctx.store.region)
    try:
        identity = _identity(ctx, seller, access_token)
    except AuthorizationLost as error:
        raise SettingsError(
            f"Amazon gave access to another region than {region.label}. "
            "Start again and choose the region of your account.",
            detail=error.detail,
            code="OTHER_REGION",
        ) from error
    except SettingsError as error:
        # Amazon says the same of a missing role and of a token of another region.
        raise SettingsError(
            f"{error.sentence} If your account is not one of {region.label}, start again and choose its region.",
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


def _identity(ctx: CartContext, seller: str, access_token: str | None) -> SellerIdentity:
    operation = "getMarketplaceParticipations"
    answer = call(ctx, operation, Effect.READ, "GET", "/sellers/v1/marketplaceParticipations", token=access_token)
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


def _ask_token(
    ctx: CartContext, effect: Effect, form: Mapping[str, str], *, invalid_grant: CartError
) -> dict[str, Any]:
    data = {**form, "client_id": _setting(ctx, "client_id"), "client_secret": _client_secret(ctx)}
    headers = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
    reply = ctx.http.call("lwaToken", effect, "POST", token_url(ctx.app), headers=headers, data=data)
    body = _object(reply)
    if reply.status == 200:
        if body is None:
            raise unreadable(f"the token endpoint answered {len(reply.body)} bytes that are no JSON object", effect)
        return body
    raise _token_failure(ctx, reply, one_line(str((body or {}).get("error", ""))), invalid_grant)


def _token_failure(ctx: CartContext, reply: Reply, error: str, invalid_grant: CartError) -> CartError:
    detail = f"token endpoint: HTTP {reply.status} {error}".rstrip()
    if error == "invalid_grant":
        return invalid_grant
    if error in ("invalid_client", "unauthorized_client"):
        return SettingsError(
            "Amazon does not accept the warehouse's application at the moment. The warehouse has to check its "
            "client secret.",
            detail=detail,
            code="APPLICATION_REFUSED",
        )
    if reply.status == 429:
        return RateLimited(
            "Amazon asks for a pause before the next sign-in.", until=ctx.clock.now() + pause("lwaToken"), detail=detail
        )
    if error and 400 <= reply.status < 500:
        return Permanent("Amazon did not accept the sign-in request.", detail=detail, code="SIGN_IN_REFUSED")
    return Temporary("Amazon's sign-in could not answer just now.", detail=detail, code="SIGN_IN_UNAVAILABLE")


def _object(reply: Reply) -> dict[str, Any] | None:
    try:
        body = json.loads(reply.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _token(tokens: Mapping[str, Any], name: str) -> str:
    value = tokens.get(name)
    if not isinstance(value, str) or not value:
        raise unreadable(f"the token endpoint's answer has no {name}", Effect.READ)
    return value


def _setting(ctx: CartContext, key: str) -> str:
    value = ctx.app.values.get(key, "").strip()
    if not value:
        raise SettingsError(_NOT_SET_UP, detail=f"{key} is empty", code="NOT_SET_UP")
    return value


def _client_secret(ctx: CartContext) -> str:
    secret = ctx.app.secrets.get("client_secret")
    if secret is None or not secret.value:
        raise SettingsError(_NOT_SET_UP, detail="client_secret is empty", code="NOT_SET_UP")
    return secret.value


def _draft(ctx: CartContext) -> dict[str, str]:
    return {"version": "beta"} if ctx.app.values.get("draft") == "yes" else {}
