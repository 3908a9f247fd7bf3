"""Refusing what is asked for too often: counters in Redis, in this process's memory while Redis is away."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter, RequestLimit
from redis.backoff import NoBackoff
from redis.retry import Retry

from is2_core.config import Config
from web.access import viewer
from web.errors import answer
from web.limits.kinds import Limits

_log = logging.getLogger(__name__)

# A page waits no longer for a Redis that hangs; then this process counts by itself.
_REDIS_S = 0.5
_SIGNIFICANT_BITS = 64

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


def limited(limits: Limits) -> Callable[[View], View]:
    """Mark a page as one that may be asked for only so often; pages of one kind share its counters. It goes between
    the route and every other decorator."""

    def mark(view: View) -> View:
        view.limits = limits  # type: ignore[attr-defined]  # a mark on the function, read by init_app
        return view

    return mark


def init_app(app: Flask, config: Config) -> None:
    """Count every request of a marked page, once all pages are registered, and answer 429 beyond its limits."""
    if not config.limits:
        return
    limiter = Limiter(
        caller_address,
        app=app,
        # The window's end is Redis's own time to live: no process's clock has a say in it.
        strategy="fixed-window",
        storage_uri=f"redis+{config.redis_url}" if config.redis_url.startswith("unix:") else config.redis_url,
        storage_options={
            "socket_timeout": _REDIS_S,  # type: ignore[dict-item]  # handed to redis.from_url as it is
            "socket_connect_timeout": _REDIS_S,  # type: ignore[dict-item]  # the same
            "retry": Retry(NoBackoff(), 0),  # type: ignore[dict-item]  # the same
        },
        in_memory_fallback_enabled=True,
        on_breach=_refuse,
    )
    for endpoint, view in list(app.view_functions.items()):
        limits: Limits | None = getattr(view, "limits", None)
        if limits is not None:
            for what, amount, key, is_exempt in (
                ("address", limits.per_address, caller_address, lambda: config.hides_addresses),
                ("account", limits.per_account, _account, lambda: not _account()),
                ("all", limits.in_all, lambda: "all", lambda: False),
            ):
                app.view_functions[endpoint] = limiter.shared_limit(  # type: ignore[assignment]  # may be async
                    f"{amount * config.limits} per {limits.minutes} minutes",
                    scope=f"{limits.name} {what}",
                    key_func=key,
                    methods=list(limits.methods) if limits.methods else None,
                    exempt_when=is_exempt,
                )(app.view_functions[endpoint])


# The functions below must not raise: the limiter takes any error for one of Redis, and counts in memory from then on.


def caller_address() -> str:
    """The address that asks. What is none, such as a header that nobody checked, counts as one and the same."""
    try:
        found = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ip_network((int(found), _SIGNIFICANT_BITS), strict=False))
    return str(found)


def _account() -> str:
    """For whom it is asked, "" where that is unknown. Nobody learns from it whether an email address is somebody's."""
    signed_in = viewer()
    if signed_in is not None:
        chosen = g.get("account")
        own = chosen is not None and any(account.id == chosen.id for account in signed_in.accounts)
        return f"account {chosen.id}" if own else f"user {signed_in.id}"
    # Any other body is read here for the first time, and may be refused.
    email = request.form.get("email", "").strip().lower() if request.method == "POST" else ""
    return f"{sha256(email.encode(errors='replace')).hexdigest()} {caller_address()}" if email else ""


def _refuse(breach: RequestLimit) -> Response:
    signed_in = viewer()
    who = f"user {signed_in.id}" if signed_in else "a stranger"
    _log.warning("%s at %s asked for %s too often", who, caller_address(), request.endpoint)
    seconds = max(1, math.ceil(breach.reset_at - time.time()))
    wait = f"{seconds} seconds" if seconds < 120 else f"{math.ceil((seconds - 1) / 60)} minutes"
    response = answer(429, f"This was asked for too often. Nothing was done. Wait {wait}, then try again.")
    response.headers["Retry-After"] = str(seconds)
    return response
