"""The transport port: sending one request and getting the whole answer, within one total deadline."""

from __future__ import annotations

import ipaddress
import math
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

import requests
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from plugins.interface import Reply

DEADLINE_S = 30.0
_CONNECT_S = 5.0
MAX_BODY_BYTES = 64 * 1024 * 1024
Result = TypeVar("Result")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# Of IPv6 only what IANA has given out as global unicast can be public (RFC 4291, 2.4): that leaves out loopback, unique
# local (fc00::/7), link-local and site-local addresses, and those that carry an IPv4 address where a gateway finds it:
# IPv4-mapped and -compatible (::/96), NAT64 (64:ff9b::/96 and 64:ff9b:1::/48).
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# What the standard library takes for public and is not, in every version of it.
_NOT_PUBLIC: tuple[_Network, ...] = (
    ipaddress.IPv4Network("0.0.0.0/8"),
    # Carriers' own addresses (RFC 6598), where some clouds keep their metadata.
    ipaddress.IPv4Network("100.64.0.0/10"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    # Relays to 6to4 (RFC 7526).
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv4Network("240.0.0.0/4"),
    # Azure's metadata and agents, a public address that leads to the machine's own host.
    ipaddress.IPv4Network("168.63.129.16/32"),
    # Teredo, ORCHID, benchmarks and whatever else IANA keeps there for protocols.
    ipaddress.IPv6Network("2001::/23"),
    ipaddress.IPv6Network("2001:db8::/32"),
    # 6to4: an IPv4 address, private ones included, behind any relay.
    ipaddress.IPv6Network("2002::/16"),
    ipaddress.IPv6Network("3fff::/20"),
)
# The second half of an ISATAP address (RFC 5214, 6.1) before its IPv4 address, whichever network it is in.
_ISATAP = (0x00005EFE, 0x02005EFE)


class PrivateAddress(Exception):
    """The connection led into a private network; nothing was sent."""


class NoAnswer(Exception):
    """The transport got no complete answer; whether the other side acted is unknown."""


@dataclass(frozen=True)
class Request:
    """One HTTP request as a cart asked for it.

    Args:
        public_only: no connection to a private address is used.
        deadline_s: seconds until the whole answer must be here, where that is less than DEADLINE_S.
    """

    method: str
    url: str
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    json: Any = None
    data: bytes | Mapping[str, str] | None = None
    public_only: bool = False
    deadline_s: float = math.inf


class Transport(Protocol):
    """The transport port."""

    def send(self, request: Request) -> Reply:
        """Send and return the whole answer.

        Raises:
            NoAnswer: the connection failed, broke, or the deadline passed.
        """
        ...


class _Exchange:
    """One exchange's connection, so that it can be cut from outside."""

    def __init__(self, public_only: bool) -> None:
        self.public_only = public_only
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._over = False

    def note(self, used: socket.socket) -> None:
        """Remember the connection's socket; refuse one that is ready only after the end."""
        with self._lock:
            if self._over:
                raise OSError("the exchange is over")
            self._socket = used

    def cut(self) -> None:
        """End the exchange now, whatever it waits for."""
        with self._lock:
            self._over = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


# The exchange this thread is in: the only way from a request to the connection the library chose for it.
_here = threading.local()


def within(seconds: float, function: Callable[[], Result], cut: Callable[[], None] = lambda: None) -> Result:
    """Return what the function returns, which runs in a thread of its own: nothing else ends a look-up of a name, and
    the library's timeouts are for each read, which a server that sends a byte now and then never meets.

    Args:
        cut: what to do where nobody waits for the function any more.

    Raises:
        NoAnswer: it took longer.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # it belongs to whoever waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        wait([future], seconds)
        if not future.done():
            raise NoAnswer(f"no complete answer within {seconds:.1f} s")
    except BaseException:
        cut()
        raise
    return future.result()


class _WatchedHttpConnection(HTTPConnection):
    """A connection that tells the exchange its socket."""

    def _new_conn(self) -> socket.socket:
        # Before anything is sent on it, TLS's greeting with the host's name included.
        made = super()._new_conn()
        exchange: _Exchange = _here.exchange
        if exchange.public_only and not is_public(ipaddress.ip_address(made.getpeername()[0])):
            # The name led elsewhere when it was checked.
            made.close()
            raise PrivateAddress
        exchange.note(made)
        return made

    def connect(self) -> None:
        super().connect()
        _here.exchange.note(self.sock)

    def request(self, *args: Any, **options: Any) -> None:
        # A connection used before is not connected again.
        if self.sock is not None:
            _here.exchange.note(self.sock)
        super().request(*args, **options)


class _WatchedHttpsConnection(_WatchedHttpConnection, HTTPSConnection):
    pass


class _WatchedHttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttpConnection


class _WatchedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttpsConnection


class _WatchedAdapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _WatchedHttpPool, "https": _WatchedHttpsPool}


class RequestsTransport:
    """Real HTTP; sessions are kept so that connections are reused within a process."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _WatchedAdapter())

    def send(self, request: Request) -> Reply:
        exchange, deadline_s = _Exchange(request.public_only), min(DEADLINE_S, request.deadline_s)
        return within(deadline_s, lambda: self._exchange(request, exchange, deadline_s), exchange.cut)

    def _exchange(self, request: Request, exchange: _Exchange, deadline_s: float) -> Reply:
        _here.exchange = exchange
        try:
            with self._session.request(
                request.method,
                request.url,
                params=request.params,
                headers=request.headers,
                json=request.json,
                data=request.data,
                timeout=(min(_CONNECT_S, deadline_s), deadline_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = bytearray()
                for chunk in response.iter_content(65536):
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise NoAnswer(f"the answer is larger than {MAX_BODY_BYTES} bytes")
        except requests.RequestException as error:
            # The class name only: the message may carry the address with its query.
            raise NoAnswer(type(error).__name__) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, bytes(body), _server_time(headers.get("date")))


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is a public one of its own, and none that leads to a private one by a gateway or tunnel."""
    if isinstance(address, ipaddress.IPv6Address):
        is_tunnel = int(address) >> 32 & 0xFFFFFFFF in _ISATAP
        if address not in _GLOBAL_UNICAST or address.scope_id is not None or is_tunnel:
            return False
    is_listed = any(address.version == network.version and address in network for network in _NOT_PUBLIC)
    return address.is_global and not address.is_multicast and not is_listed


def _server_time(date: str | None) -> datetime | None:
    if not date:
        return None
    try:
        value = parsedate_to_datetime(date)
    except ValueError:
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
