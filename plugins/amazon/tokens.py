"""Login with Amazon's token endpoint: codes and refresh tokens become access tokens.

Source: the pages "Connect to the SP-API", "Authorization Errors" and "Rotate your LWA client secret".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from plugins.amazon.api import unreadable
from plugins.amazon.endpoints import token_url
from plugins.amazon.errors import one_line, pause
from plugins.interface import (
    AccessToken,
    AuthorizationLost,
    CartContext,
    CartError,
    Effect,
    Permanent,
    RateLimited,
    Reply,
    Secret,
    SettingsError,
    Temporary,
)

_OPERATION = "lwaToken"
_NOT_SET_UP = "The warehouse has not finished setting up Amazon yet. Please contact the warehouse."


@dataclass(frozen=True)
class _Answer:
    """A reply of the token endpoint; `error` is its OAuth error code, "" where it names none."""

    reply: Reply
    body: dict[str, Any] | None
    error: str

    @property
    def refuses_the_secret(self) -> bool:
        return self.error == "invalid_client" or (self.reply.status == 401 and bool(self.error))


def exchange_code(ctx: CartContext, code: str, redirect_uri: str) -> str:
    """The refresh token for an authorization code, which is good once and for 5 minutes.

    Raises:
        SettingsError: the code is late or used, or the application's own credentials are refused.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    late = SettingsError(
        "Amazon's sign-in took longer than 5 minutes or its answer was used before. Please start again.",
        code="CODE_EXPIRED",
    )
    tokens = _ask(ctx, Effect.WRITE, form, invalid_grant=late)
    return _token(tokens, "refresh_token")


def mint(ctx: CartContext, credentials: Mapping[str, Secret]) -> AccessToken:
    """A fresh access token from the store's refresh token, which Amazon does not rotate.

    Raises:
        AuthorizationLost: the seller revoked the authorization or it lapsed (`invalid_grant`).
        SettingsError: the application's own credentials are refused.
    """
    if "refresh_token" not in credentials:
        raise AuthorizationLost("This store has no authorization at Amazon. Please connect it again.", may_pass=False)
    form = {"grant_type": "refresh_token", "refresh_token": credentials["refresh_token"].value}
    lost = AuthorizationLost(
        "Amazon no longer accepts the authorization of this store. Please reconnect it.", code="INVALID_GRANT"
    )
    tokens = _ask(ctx, Effect.READ, form, invalid_grant=lost)
    lifetime = tokens.get("expires_in")
    if not isinstance(lifetime, int) or lifetime <= 0:
        raise unreadable("a token without a usable expires_in", Effect.READ)
    return AccessToken(Secret(_token(tokens, "access_token")), ctx.clock.now() + timedelta(seconds=lifetime))


def setting(ctx: CartContext, key: str) -> str:
    """A platform setting that must be there.

    Raises:
        SettingsError: the warehouse has not entered it.
    """
    value = ctx.app.values.get(key, "").strip()
    if not value:
        raise SettingsError(_NOT_SET_UP, detail=f"{key} is empty", code="NOT_SET_UP", may_pass=False)
    return value


def client_secret(ctx: CartContext) -> str:
    """The application's present client secret.

    Raises:
        SettingsError: the warehouse has not entered it.
    """
    secret = ctx.app.secrets.get("client_secret")
    if secret is None or not secret.value:
        raise SettingsError(_NOT_SET_UP, detail="client_secret is empty", code="NOT_SET_UP", may_pass=False)
    return secret.value


def _ask(ctx: CartContext, effect: Effect, form: Mapping[str, str], *, invalid_grant: CartError) -> dict[str, Any]:
    """The tokens for a form; a secret that is refused gives way, once, to the one it replaced.

    Whoever rotates the secret may enter it here before or after Amazon puts it in force. A refused secret uses no code
    up: the application is checked before the code is looked at.
    """
    answer = _send(ctx, effect, form, client_secret(ctx))
    former = ctx.app.former.get("client_secret")
    if answer.refuses_the_secret and former is not None and former.value:
        ctx.log.warning("Amazon refused the client secret (%s); the former one is tried", answer.error)
        answer = _send(ctx, effect, form, former.value)
    if answer.reply.status == 200:
        if answer.body is None:
            size = len(answer.reply.body)
            raise unreadable(f"the token endpoint answered {size} bytes that are no JSON object", effect)
        return answer.body
    raise _failure(ctx, answer, invalid_grant)


def _send(ctx: CartContext, effect: Effect, form: Mapping[str, str], secret: str) -> _Answer:
    data = {**form, "client_id": setting(ctx, "client_id"), "client_secret": secret}
    headers = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
    reply = ctx.http.call(_OPERATION, effect, "POST", token_url(ctx.app), headers=headers, data=data)
    body = _object(reply)
    return _Answer(reply, body, one_line(str((body or {}).get("error") or "")))


def _failure(ctx: CartContext, answer: _Answer, invalid_grant: CartError) -> CartError:
    status, error = answer.reply.status, answer.error
    detail = f"token endpoint: HTTP {status} {error}".rstrip()
    if error == "invalid_grant":
        return invalid_grant
    if answer.refuses_the_secret:
        return SettingsError(
            "Amazon does not accept the warehouse's application at the moment. The warehouse has to check its client "
            "secret; there is nothing for you to correct.",
            detail=detail,
            code="APPLICATION_REFUSED",
        )
    if error == "unauthorized_client":
        return SettingsError(
            "Amazon does not let the warehouse's application sign in for this store. The warehouse has to check that "
            "its application ID and its client identifier belong together; there is nothing for you to correct.",
            detail=detail,
            code="APPLICATION_UNAUTHORIZED",
        )
    if status == 429:
        until = ctx.clock.now() + pause(_OPERATION)
        return RateLimited("Amazon asks for a pause before the next sign-in.", until=until, detail=detail)
    if error and 400 <= status < 500:
        return Permanent("Amazon did not accept the sign-in request.", detail=detail, code="SIGN_IN_REFUSED")
    return Temporary("Amazon's sign-in could not answer just now.", detail=detail, code="SIGN_IN_UNAVAILABLE")


def _object(reply: Reply) -> dict[str, Any] | None:
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _token(tokens: Mapping[str, Any], name: str) -> str:
    value = tokens.get(name)
    if not isinstance(value, str) or not value:
        raise unreadable(f"the token endpoint's answer has no {name}", Effect.READ)
    return value
