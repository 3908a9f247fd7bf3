"""One authorized call of the Selling Partner API."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from typing import Any

from plugins.amazon.endpoints import api_base
from plugins.amazon.errors import failure, read_problem
from plugins.amazon.manifest import VERSION
from plugins.interface import CartContext, Effect, Reply, Temporary

# Page "Include a User-Agent Header": the Language attribute is mandatory.
USER_AGENT = f"IS2/{VERSION} (Language=Python/{platform.python_version()}; Platform={platform.system()})"


def send(
    ctx: CartContext,
    operation: str,
    effect: Effect,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    body: Any = None,
    token: str | None = None,
) -> Reply:
    """The answer to a call, whatever its status.

    An expired access token shows as 403, so a refused token is replaced and the call repeated, once.

    Args:
        operation: Amazon's name of it, as in the manifest's rate plans.
        path: under the region's address, percent-encoded.
        body: sent as JSON.
        token: used as it is, without repeating: the fresh one of an installation.

    Raises:
        AuthorizationLost, RateLimited, Temporary: as `TokenSource.get` and `CartHttp.call` raise them.
    """

    def attempt(access_token: str) -> Reply:
        headers = {
            "x-amz-access-token": access_token,
            "x-amz-date": ctx.clock.now().strftime("%Y%m%dT%H%M%SZ"),
            "user-agent": USER_AGENT,
            "accept": "application/json",
        }
        url = api_base(ctx.app, ctx.store.region) + path
        return ctx.http.call(operation, effect, method, url, params=params, headers=headers, json=body)

    if token is not None:
        return attempt(token)
    current = ctx.token.get()
    reply = attempt(current)
    if reply.status in (401, 403) and read_problem(reply).about_token:
        reply = attempt(ctx.token.get(refused=current))
    return reply


def call(
    ctx: CartContext,
    operation: str,
    effect: Effect,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    body: Any = None,
    token: str | None = None,
) -> dict[str, Any]:
    """The JSON object a call answered with.

    Raises:
        CartError: any of the contract's, as `failure` and `send` make them.
    """
    reply = send(ctx, operation, effect, method, path, params=params, body=body, token=token)
    return json_object(check(ctx, operation, effect, reply), effect)


def check(ctx: CartContext, operation: str, effect: Effect, reply: Reply) -> Reply:
    """The same reply where its status says success, else the contract's error raised."""
    if 200 <= reply.status < 300:
        return reply
    raise failure(operation, effect, read_problem(reply), ctx.clock.now())


def json_object(reply: Reply, effect: Effect) -> dict[str, Any]:
    """The body as a JSON object.

    Bytes that are no UTF-8 become lone surrogates in the text that holds them, so that one broken order of a page
    can be told apart from its neighbors.

    Raises:
        Temporary: it is none; `unknown` for a WRITE, which may have been applied.
    """
    try:
        value = json.loads(reply.body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise unreadable(f"status {reply.status}, {len(reply.body)} bytes that are no JSON", effect) from error
    if not isinstance(value, dict):
        raise unreadable(f"status {reply.status}, JSON that is no object", effect)
    return value


def unreadable(detail: str, effect: Effect) -> Temporary:
    """The error for an answer that came with success but cannot be understood."""
    return Temporary(
        "Amazon answered with something unreadable.",
        detail=detail,
        code="UNREADABLE_ANSWER",
        unknown=effect is Effect.WRITE,
    )
