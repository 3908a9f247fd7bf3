"""The transport port: sending one request and getting the whole answer, within one total deadline."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import requests
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from plugins.interface import Reply

DEADLINE_S = 30.0
MAX_BODY_BYTES = 64 * 1024 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


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


class _WatchedHttpConnection(HTTPConnection):
    """A connection that tells the exchange its socket."""

    def connect(self) -> None:
        super().connect()
        cut = getattr(_exchange, "cut", None)
        if cut is not None and cut.public_only:
            peer = self.sock.getpeername()[0]
            if not is_public(ipaddress.ip_address(peer)):
                # The name led elsewhere when it was checked. Nothing has been sent yet.
                self.close()
                raise PrivateAddress

    def getresponse(self) -> Any:
        if (cut := getattr(_exchange, "cut", None)) is not None:
            cut.socket = self.sock
        return super().getresponse()


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


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address lies outside every private network."""
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
