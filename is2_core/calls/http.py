"""A cart's way out: allowed hosts, its budget, no open transaction. The only user of a transport."""

from __future__ import annotations

import ipaddress
import logging
import math
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from urllib3.util import parse_url

from is2_core.calls.live_limits import LIVE_S, AllTaken, LiveCall, current
from is2_core.calls.rate_limits import BucketsAway, BucketStore, Budget
from is2_core.calls.transport import DEADLINE_S, NoAnswer, PrivateAddress, Request, Transport, is_public, within
from is2_core.clock import Clock
from is2_core.db.unit import in_transaction
from is2_core.faultpoints import faultpoint
from is2_core.settings.links import is_loopback
from plugins.interface import Effect, Permanent, RateLimited, RatePlan, Reply, Temporary

# How much faster or slower than published a rate may be that a cart tells.
MOST_APART = 100
# Codes of a call that was not made because a person's account, or all of them together, wait for enough already.
TAKEN_BY_OWN, TAKEN_BY_OTHERS = "LIVE_CALLS_OF_ACCOUNT", "LIVE_CALLS"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CallRules:
    """The limits of one integration's calls.

    Args:
        hosts: allowed hosts, "*.example.com" for any subdomain; with a port where it is not the default one.
        rate_plans, application_plans: by operation; the store's own limits, and those all stores share.
        rate_header, shared_refusal: see `CartManifest`.
        integration_key, application_key: whose buckets are spent.
        plaintext: whether a host off the loopback address may be called without TLS.
        check_address: refuse hosts that resolve to private addresses (an address a merchant typed).
    """

    hosts: frozenset[str]
    rate_plans: Mapping[str, RatePlan]
    integration_key: str
    application_key: str
    application_plans: Mapping[str, RatePlan] = field(default_factory=dict)
    rate_header: str = ""
    shared_refusal: str = ""
    check_address: bool = False
    plaintext: bool = False


def no_lease(_effect: Effect) -> None:
    """Do nothing: what is checked before a call where no task is running."""


class CoreHttp:
    """The `CartHttp` a cart is given. `server_time` is the cart's clock at the last answer, whatever it said."""

    def __init__(
        self,
        *,
        transport: Transport,
        buckets: BucketStore,
        clock: Clock,
        rules: CallRules,
        before_call: Callable[[Effect], None],
    ) -> None:
        self._transport = transport
        self._buckets = buckets
        self._clock = clock
        self._rules = rules
        self._before_call = before_call
        self.server_time: datetime | None = None

    def call(
        self,
        operation: str,
        effect: Effect,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
    ) -> Reply:
        """See `plugins.interface.CartHttp.call`."""
        if in_transaction():
            raise RuntimeError(f"{operation} was called while a transaction is open")
        self._check_host(url)
        live = self._begin_live(operation)
        self._check_address(url, live)
        self._spend(operation, person_waits=live is not None)
        self._before_call(effect)
        if live is not None and live.left_s() == 0:
            raise _slow(operation, unknown=False)
        faultpoint("http.before")
        started = time.monotonic()
        try:
            reply = self._transport.send(
                Request(
                    method,
                    url,
                    params,
                    headers,
                    json,
                    data,
                    public_only=self._rules.check_address,
                    deadline_s=_left_s(live),
                )
            )
        except PrivateAddress as error:
            raise _private(url) from error
        except NoAnswer as error:
            _log.warning("%s: no answer (%s)", operation, error)
            if live is not None and live.left_s() == 0:
                raise _slow(operation, unknown=effect is Effect.WRITE) from error
            raise Temporary(
                "The shop did not answer.",
                detail=f"{operation}: {error}",
                code="NO_ANSWER",
                unknown=effect is Effect.WRITE,
            ) from error
        faultpoint("http.after")
        self.server_time = reply.server_time or self.server_time
        _log.info(
            "%s %s -> %s in %.0f ms, request %s",
            operation,
            method,
            reply.status,
            (time.monotonic() - started) * 1000,
            reply.headers.get("x-amzn-requestid", reply.headers.get("x-request-id", "-")),
        )
        self._learn(operation, reply)
        return reply

    def _check_host(self, url: str) -> None:
        host = _host_of(url)
        allowed = host is not None and any(
            host == entry or (entry.startswith("*.") and host.endswith(entry[1:])) for entry in self._rules.hosts
        )
        if not allowed:
            raise Permanent(
                "This integration tried to call an address it may not call.",
                detail=f"host {host!r} is not allowed",
                code="HOST_NOT_ALLOWED",
            )
        parts = urlsplit(url)
        if parts.scheme == "http" and not self._rules.plaintext and not is_loopback(parts.hostname):
            raise Permanent(
                "The shop's address begins with http, so that everything would travel in plain text: give its https "
                "address.",
                detail=f"{host} without TLS; IS2_ALLOW_PLAINTEXT=shop allows it where the network between is private",
                code="PLAINTEXT",
            )

    def _begin_live(self, operation: str) -> LiveCall | None:
        """Count the call a person waits for, before anything is spent on it."""
        live = current()
        if live is None:
            return None
        try:
            live.begin()
        except AllTaken as error:
            raise RateLimited(
                "The shop is slow to answer.",
                until=self._clock.now() + timedelta(seconds=LIVE_S),
                detail=f"{operation}: {error}",
                code=TAKEN_BY_OWN if error.own else TAKEN_BY_OTHERS,
            ) from error
        return live

    def _check_address(self, url: str, live: LiveCall | None) -> None:
        if self._rules.check_address:
            parts = urlsplit(url)
            _refuse_private(parts.hostname or "", parts.port or 443, min(DEADLINE_S, _left_s(live)))

    def _own(self, operation: str, *, person_waits: bool = True) -> Budget | None:
        plan = self._rules.rate_plans.get(operation)
        if plan is None:
            return None
        kept = 0 if person_waits else plan.kept
        return Budget(f"{self._rules.integration_key}:{operation}", plan.rate_per_s, plan.burst, kept=kept)

    def _shared(self, operation: str) -> Budget | None:
        plan, rules = self._rules.application_plans.get(operation), self._rules
        if plan is None:
            return None
        return Budget(
            f"{rules.application_key}:{operation}", plan.rate_per_s, plan.burst, spender=rules.integration_key
        )

    def _spend(self, operation: str, *, person_waits: bool) -> None:
        asked = (self._own(operation, person_waits=person_waits), self._shared(operation))
        budgets = [budget for budget in asked if budget is not None]
        if not budgets:
            return
        try:
            wait = self._buckets.take(budgets)
        except BucketsAway as error:
            raise Temporary(
                "The platform cannot tell how many calls are left.", detail=f"buckets: {error}", code="NO_BUCKETS"
            ) from error
        if wait > 0:
            raise RateLimited(
                "The shop's limit for this kind of call is used up for the moment.",
                until=self._clock.now() + timedelta(seconds=wait),
                refill=timedelta(seconds=max(self._buckets.refill_s(budget) for budget in budgets)),
                detail=f"{operation}: next call in {wait:.1f} s",
            )

    def _learn(self, operation: str, reply: Reply) -> None:
        """Take from an answer what it tells of the store's budget."""
        shared = bool(self._rules.shared_refusal) and self._rules.shared_refusal.encode() in reply.body
        if reply.status == 429 and shared:
            budget = self._shared(operation)
        else:
            budget = self._own(operation)
        if budget is None:
            return
        if reply.status == 429:
            self._buckets.empty(budget)
            return
        rate = _number(reply.headers.get(self._rules.rate_header, "")) if self._rules.rate_header else None
        if rate is not None and self._rules.rate_plans[operation].learned:
            # A header must neither stop nor unleash a store.
            slowest, fastest = budget.rate_per_s / MOST_APART, budget.rate_per_s * MOST_APART
            self._buckets.learn(budget, min(max(rate, slowest), fastest))


def _number(text: str) -> float | None:
    """A rate a cart tells, None where it is none."""
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if 0 < rate < math.inf else None


def _host_of(url: str) -> str | None:
    """The host (and port) this address leads to, None where different readers could disagree about it."""
    if "\\" in url or not url.isprintable() or " " in url:
        return None
    parts, sent = urlsplit(url), parse_url(url)
    host = parts.netloc.lower()
    same = sent.host is not None and parts.hostname == sent.host.lower().strip("[]") and parts.port == sent.port
    return host if same and "@" not in host and parts.scheme in ("http", "https") else None


def _left_s(live: LiveCall | None) -> float:
    return math.inf if live is None else live.left_s()


def _slow(operation: str, *, unknown: bool) -> Temporary:
    return Temporary(
        "The shop is slow to answer.", detail=f"{operation}: the page's time is over", code="SLOW", unknown=unknown
    )


def _refuse_private(host: str, port: int, seconds: float) -> None:
    try:
        found = within(seconds, lambda: socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP))
        addresses = {info[4][0] for info in found}
    except (OSError, NoAnswer) as error:
        raise Temporary("The shop's address cannot be found.", detail=f"{host}: {error}", code="NO_ADDRESS") from error
    if not all(is_public(ipaddress.ip_address(address)) for address in addresses):
        raise _private(host)


def _private(where: str) -> Permanent:
    return Permanent(
        "The shop's address lies in a private network and may not be called.",
        detail=f"{urlsplit(where).hostname or where} leads to a private address",
        code="PRIVATE_ADDRESS",
    )
