"""The only module that makes HTTP calls: allowed hosts, one total deadline, no redirects, no open transaction."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import parse_url

from is2_core.clock import Clock
from is2_core.db import in_transaction
from is2_core.faults import faultpoint
from is2_core.ratelimit import BucketsAway, BucketStore
from plugins.interface import Effect, Permanent, RateLimited, RatePlan, RateScope, Reply, Temporary

DEADLINE_S = 30.0
MAX_BODY_BYTES = 64 * 1024 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_log = logging.getLogger(__name__)


class PrivateAddress(Exception):
    """The connection led into a private network; nothing was sent."""


class NoAnswer(Exception):
    """The transport got no complete answer; whether the other side acted is unknown."""


@dataclass(frozen=True)
class Request:
    """One HTTP request as a cart asked for it. `public_only`: no connection to a private address is used."""

    method: str
    url: str
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    json: Any = None
    data: bytes | Mapping[str, str] | None = None
    public_only: bool = False


class Transport(Protocol):
    """The transport port."""

    def send(self, request: Request) -> Reply:
        """Send and return the whole answer.

        Raises:
            NoAnswer: the connection failed, broke, or the deadline passed.
        """
        ...


class _Cut:
    """Cuts an exchange's connection at the deadline. The library's timeouts are for each read: a server that sends
    a byte now and then would never meet them."""

    def __init__(self, public_only: bool) -> None:
        self.public_only = public_only
        self.socket: socket.socket | None = None
        self.done = False
        self._timer = threading.Timer(DEADLINE_S, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Cut:
        _exchange.cut = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _exchange.cut = None

    def _cut(self) -> None:
        self.done = True
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


# The exchange this thread is in: the only way from a request to the connection the library chose for it.
_exchange = threading.local()


class _Watched:
    """A connection that tells the exchange its socket."""

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        cut = getattr(_exchange, "cut", None)
        if cut is not None and cut.public_only:
            peer = self.sock.getpeername()[0]  # type: ignore[attr-defined]
            if not _is_public(ipaddress.ip_address(peer)):
                # The name led elsewhere when it was checked. Nothing has been sent yet.
                self.close()  # type: ignore[attr-defined]
                raise PrivateAddress

    def getresponse(self) -> Any:
        if (cut := getattr(_exchange, "cut", None)) is not None:
            cut.socket = self.sock  # type: ignore[attr-defined]
        return super().getresponse()  # type: ignore[misc]


class _WatchedHttpConnection(_Watched, HTTPConnection):
    pass


class _WatchedHttpsConnection(_Watched, HTTPSConnection):
    pass


class _WatchedHttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttpConnection


class _WatchedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttpsConnection


class _WatchedAdapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)  # type: ignore[no-untyped-call]
        self.poolmanager.pool_classes_by_scheme = {"http": _WatchedHttpPool, "https": _WatchedHttpsPool}


class RequestsTransport:
    """Real HTTP; sessions are kept so that connections are reused within a process."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _WatchedAdapter())

    def send(self, request: Request) -> Reply:
        try:
            with (
                _Cut(request.public_only) as cut,
                self._session.request(
                    request.method,
                    request.url,
                    params=request.params,
                    headers=request.headers,
                    json=request.json,
                    data=request.data,
                    timeout=(5, DEADLINE_S),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                body = bytearray()
                for chunk in response.iter_content(65536):
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise NoAnswer(f"the answer is larger than {MAX_BODY_BYTES} bytes")
        except requests.RequestException as error:
            # The class name only: the message may carry the address with its query.
            raise NoAnswer(type(error).__name__) from None
        if cut.done:
            # A cut looks like the end of an answer that did not announce its length.
            raise NoAnswer(f"no complete answer within {DEADLINE_S:.0f} s")
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
    """The `CartHttp` a cart is given. `server_time` is the cart's clock at the last answer, whatever it said."""

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
        self._spend(operation)
        self._before_call()
        faultpoint("http.before")
        started = time.monotonic()
        try:
            reply = self._transport.send(
                Request(method, url, params, headers, json, data, public_only=self._rules.check_address)
            )
        except PrivateAddress as error:
            raise _private(url) from error
        except NoAnswer as error:
            _log.warning("%s: no answer (%s)", operation, error)
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
        if reply.status == 429:
            self._note_refusal(operation)
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
        if self._rules.check_address:
            parts = urlsplit(url)
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
        try:
            wait = self._buckets.take(key, plan.rate_per_s, plan.burst)
        except BucketsAway as error:
            raise Temporary(
                "The platform cannot tell how many calls are left.", detail=f"buckets: {error}", code="NO_BUCKETS"
            ) from error
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


def _host_of(url: str) -> str | None:
    """The host (and port) this address leads to, None where different readers could disagree about it."""
    if "\\" in url or not url.isprintable() or " " in url:
        return None
    parts, sent = urlsplit(url), parse_url(url)
    host = parts.netloc.lower()
    same = sent.host is not None and parts.hostname == sent.host.lower().strip("[]") and parts.port == sent.port
    return host if same and "@" not in host and parts.scheme in ("http", "https") else None


def _refuse_private(host: str, port: int) -> None:
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)}
    except OSError as error:
        raise Temporary("The shop's address cannot be found.", detail=f"{host}: {error}", code="NO_ADDRESS") from error
    if not all(_is_public(ipaddress.ip_address(address)) for address in addresses):
        raise _private(host)


def _private(where: str) -> Permanent:
    return Permanent(
        "The shop's address lies in a private network and may not be called.",
        detail=f"{urlsplit(where).hostname or where} leads to a private address",
        code="PRIVATE_ADDRESS",
    )


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    # The well-known prefix leads through a translator to any IPv4 address, private ones included.
    translated = address.version == 6 and address in _NAT64
    return address.is_global and not address.is_multicast and not translated


def _server_time(date: str | None) -> datetime | None:
    if not date:
        return None
    try:
        value = parsedate_to_datetime(date)
    except ValueError:
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
