"""The only module that makes HTTP calls: allowed hosts, one total deadline, no redirects, no open transaction."""

from __future__ import annotations

import ipaddress
import logging
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from is2_core.clock import Clock
from is2_core.db import in_transaction
from is2_core.faults import faultpoint
from is2_core.ratelimit import BucketStore
from plugins.interface import Effect, Permanent, RateLimited, RatePlan, RateScope, Reply, Temporary

DEADLINE_S = 30.0
MAX_BODY_BYTES = 64 * 1024 * 1024
_log = logging.getLogger(__name__)


class NoAnswer(Exception):
    """The transport got no complete answer; whether the other side acted is unknown."""


@dataclass(frozen=True)
class Request:
    """One HTTP request as a cart asked for it."""

    method: str
    url: str
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    json: Any = None
    data: bytes | Mapping[str, str] | None = None


class Transport(Protocol):
    """The transport port."""

    def send(self, request: Request) -> Reply:
        """Send and return the whole answer.

        Raises:
            NoAnswer: the connection failed, broke, or the deadline passed.
        """
        ...


class RequestsTransport:
    """Real HTTP; sessions are kept so that connections are reused within a process."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def send(self, request: Request) -> Reply:
        deadline = time.monotonic() + DEADLINE_S
        try:
            with self._session.request(
                request.method,
                request.url,
                params=request.params,
                headers=request.headers,
                json=request.json,
                data=request.data,
                timeout=(5, DEADLINE_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = bytearray()
                for chunk in response.iter_content(65536):
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise NoAnswer(f"the answer is larger than {MAX_BODY_BYTES} bytes")
                    if time.monotonic() > deadline:
                        raise NoAnswer(f"no complete answer within {DEADLINE_S:.0f} s")
        except requests.RequestException as error:
            # The class name only: the message may carry the address with its query.
            raise NoAnswer(type(error).__name__) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, bytes(body), _server_time(headers.get("date")))


@dataclass(frozen=True)
class CallRules:
    """What one store's calls are bound to.

    Args:
        hosts: allowed hosts, "*.example.com" for any subdomain; with a port where it is not the default one.
        store_key, application_key: whose buckets are spent.
        check_address: refuse hosts that resolve to private addresses (an address a merchant typed).
    """

    hosts: frozenset[str]
    rate_plans: Mapping[str, RatePlan]
    store_key: str
    application_key: str
    check_address: bool = False


class CoreHttp:
    """The `CartHttp` a cart is given."""

    def __init__(
        self,
        *,
        transport: Transport,
        buckets: BucketStore,
        clock: Clock,
        rules: CallRules,
        before_call: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._buckets = buckets
        self._clock = clock
        self._rules = rules
        self._before_call = before_call

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
        self._spend(operation)
        self._before_call()
        faultpoint("http.before")
        started = time.monotonic()
        try:
            reply = self._transport.send(Request(method, url, params, headers, json, data))
        except NoAnswer as error:
            _log.warning("%s: no answer (%s)", operation, error)
            raise Temporary(
                "The shop did not answer.",
                detail=f"{operation}: {error}",
                code="NO_ANSWER",
                unknown=effect is Effect.WRITE,
            ) from error
        faultpoint("http.after")
        _log.info(
            "%s %s -> %s in %.0f ms, request %s",
            operation,
            method,
            reply.status,
            (time.monotonic() - started) * 1000,
            reply.headers.get("x-amzn-requestid", reply.headers.get("x-request-id", "-")),
        )
        if reply.status == 429:
            self._note_refusal(operation)
        return reply

    def _check_host(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
        allowed = any(
            host == entry or (entry.startswith("*.") and host.endswith(entry[1:])) for entry in self._rules.hosts
        )
        if parts.scheme not in ("http", "https") or "@" in parts.netloc or not allowed:
            raise Permanent(
                "This integration tried to call an address it may not call.",
                detail=f"host {host!r} is not allowed",
                code="HOST_NOT_ALLOWED",
            )
        if self._rules.check_address:
            _refuse_private(parts.hostname or "", parts.port or 443)

    def _bucket(self, operation: str) -> tuple[str, RatePlan] | None:
        plan = self._rules.rate_plans.get(operation)
        if plan is None:
            return None
        owner = self._rules.store_key if plan.scope is RateScope.STORE else self._rules.application_key
        return f"{owner}:{operation}", plan

    def _spend(self, operation: str) -> None:
        bucket = self._bucket(operation)
        if bucket is None:
            return
        key, plan = bucket
        wait = self._buckets.take(key, plan.rate_per_s, plan.burst)
        if wait > 0:
            raise RateLimited(
                "The shop's limit for this kind of call is used up for the moment.",
                until=self._clock.now() + timedelta(seconds=wait),
                detail=f"{operation}: next call in {wait:.1f} s",
            )

    def _note_refusal(self, operation: str) -> None:
        bucket = self._bucket(operation)
        if bucket is not None:
            key, plan = bucket
            self._buckets.empty(key, plan.rate_per_s, plan.burst, 1 / plan.rate_per_s)


def _refuse_private(host: str, port: int) -> None:
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)}
    except OSError as error:
        raise Temporary("The shop's address cannot be found.", detail=f"{host}: {error}", code="NO_ADDRESS") from error
    if not all(ipaddress.ip_address(address).is_global for address in addresses):
        raise Permanent(
            "The shop's address lies in a private network and may not be called.",
            detail=f"{host} resolves to a private address",
            code="PRIVATE_ADDRESS",
        )


def _server_time(date: str | None) -> datetime | None:
    if not date:
        return None
    try:
        value = parsedate_to_datetime(date)
    except ValueError:
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
