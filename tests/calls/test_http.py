"""The way out: allowed hosts, no redirects, private addresses, one total deadline, never inside a transaction."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Response, redirect, request

from is2_core.calls import transport as transports
from is2_core.calls.http import CallRules, CoreHttp
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.calls.transport import NoAnswer, PrivateAddress, Request, RequestsTransport
from is2_core.clock import VirtualClock
from is2_core.db.engine import Database
from plugins.interface import Effect, Permanent, RateLimited, RatePlan, Reply, Temporary
from plugins.testkit import served

PLANS = {"listOrders": RatePlan(0.1, 2), "pseudo": RatePlan(0.1, 2, learned=False)}
SHARED_PLANS = {"shared": RatePlan(0.1, 1)}


class FakeTransport:
    """Answers every request with the same reply, or error, and remembers the requests."""

    def __init__(self, status: int = 200, error: NoAnswer | None = None, **headers: str) -> None:
        self.status, self.error = status, error
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.requests: list[Request] = []
        self.body = b"{}"

    def send(self, request: Request) -> Reply:
        self.requests.append(request)
        if self.error:
            raise self.error
        return Reply(self.status, self.headers, self.body)


def make(
    clock: VirtualClock,
    transport: Any,
    buckets: MemoryBuckets | None = None,
    *hosts: str,
    store: str = "s1",
    **rules: Any,
) -> CoreHttp:
    return CoreHttp(
        transport=transport,
        buckets=buckets or MemoryBuckets(clock),
        clock=clock,
        rules=CallRules(
            frozenset(hosts or ("api.shop.example",)),
            PLANS,
            store,
            "app",
            SHARED_PLANS,
            "x-rate",
            "for the application",
            **rules,
        ),
        before_call=lambda effect: None,
    )


def get(out: CoreHttp, url: str, operation: str = "any") -> Reply:
    return out.call(operation, Effect.READ, "GET", url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.shop.example/x",
        "https://API.shop.example/x",
        "https://a.files.example/x",
        "https://a.b.files.example/x",
        "http://127.0.0.1:8765/x",
    ],
)
def test_allowed_hosts_are_called(clock: VirtualClock, url: str) -> None:
    transport = FakeTransport()
    out = make(clock, transport, None, "api.shop.example", "*.files.example", "127.0.0.1:8765")
    assert get(out, url).status == 200
    assert [request.url for request in transport.requests] == [url]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "https://api.shop.example.evil.example/x",
        "https://evilapi.shop.example/x",
        "https://files.example/x",
        "https://evilfiles.example/x",
        "https://api.shop.example:8443/x",
        "https://api.shop.example@evil.example/x",
        "https://user:word@api.shop.example/x",
        "https://evil.example#@api.shop.example",
        "https://evil.example\\@api.shop.example/x",
        "http://127.0.0.1/x",
        "file:///etc/passwd",
        "ftp://api.shop.example/x",
        "//api.shop.example/x",
        "",
    ],
)
def test_other_hosts_are_refused_before_anything_is_sent(clock: VirtualClock, url: str) -> None:
    transport = FakeTransport()
    out = make(clock, transport, None, "api.shop.example", "*.files.example", "127.0.0.1:8765")
    with pytest.raises(Permanent) as refusal:
        get(out, url)
    assert refusal.value.code == "HOST_NOT_ALLOWED"
    assert transport.requests == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.0.1", "172.31.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255"),
        # Metadata of clouds: AWS and others, Oracle, Alibaba, Azure, AWS by IPv6; addresses of carriers.
        *("169.254.169.254", "192.0.0.192", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "100.64.0.1"),
        *("192.88.99.1", "240.0.0.1", "198.18.0.1"),
        *("::", "::1", "fc00::1", "fd00::1", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "100::1", "2001:db8::1"),
        # IPv4 within IPv6: mapped, compatible, 6to4, Teredo, NAT64 by both prefixes, ISATAP.
        *("::ffff:10.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "2002:7f00:1::1", "2001:0:53aa:64c:0:0:80ff:fffe"),
        *("64:ff9b::a00:1", "64:ff9b:1::a00:1", "2600::5efe:a00:1", "2600::200:5efe:a00:1", "3fff::1"),
    ],
)
def test_a_merchants_address_may_not_lead_into_a_private_network(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    # The name server is the one thing here that cannot be real.
    found = [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    transport = FakeTransport()
    with pytest.raises(Permanent) as refusal:
        get(make(clock, transport, check_address=True), "https://api.shop.example/x")
    assert refusal.value.code == "PRIVATE_ADDRESS"
    assert transport.requests == []


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4001:82f::200e"])
def test_a_public_address_is_called(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 443))])
    assert get(make(clock, FakeTransport(), check_address=True), "https://api.shop.example/x").status == 200


def test_a_call_inside_a_unit_of_work_is_refused(clock: VirtualClock, sqlite_url: str) -> None:
    transport, db = FakeTransport(), Database(sqlite_url)
    out = make(clock, transport)
    for unit in (db.read, db.write):
        with unit(), pytest.raises(RuntimeError, match="while a transaction is open"):
            get(out, "https://api.shop.example/x")
    assert transport.requests == []
    assert get(out, "https://api.shop.example/x").status == 200
    db.dispose()


def test_budgets_are_per_store_or_shared_as_declared(clock: VirtualClock) -> None:
    buckets, transport = MemoryBuckets(clock), FakeTransport()
    first, second = (make(clock, transport, buckets, store=name) for name in ("one", "two"))
    url = "https://api.shop.example/x"
    for out in (first, second):
        assert [get(out, url, "listOrders").status for _ in range(2)] == [200, 200]
        with pytest.raises(RateLimited) as refusal:
            get(out, url, "listOrders")
        assert refusal.value.until == clock.now() + timedelta(seconds=10)
    assert get(first, url, "shared").status == 200
    with pytest.raises(RateLimited):
        get(second, url, "shared")
    assert len(transport.requests) == 5


def test_a_429_is_believed_for_everybody(clock: VirtualClock) -> None:
    buckets = MemoryBuckets(clock)
    url = "https://api.shop.example/x"
    assert get(make(clock, FakeTransport(429), buckets), url, "listOrders").status == 429
    transport = FakeTransport()
    with pytest.raises(RateLimited):
        get(make(clock, transport, buckets), url, "listOrders")
    assert transport.requests == []


def test_the_rate_a_cart_tells_is_heeded(clock: VirtualClock) -> None:
    out, url = make(clock, FakeTransport(x_rate="0.5")), "https://api.shop.example/x"
    for operation, wait in (("listOrders", 2), ("pseudo", 10)):
        assert [get(out, url, operation).status for _ in range(2)] == [200, 200]
        with pytest.raises(RateLimited) as refusal:
            get(out, url, operation)
        assert refusal.value.until == clock.now() + timedelta(seconds=wait)
        assert refusal.value.refill == timedelta(seconds=wait)


@pytest.mark.parametrize(("told", "wait_s"), [("1e9", 0.1), ("1e-9", 1000)])
def test_a_rate_far_from_the_published_one_is_cut(clock: VirtualClock, told: str, wait_s: float) -> None:
    out, url = make(clock, FakeTransport(x_rate=told)), "https://api.shop.example/x"
    assert [get(out, url, "listOrders").status for _ in range(2)] == [200, 200]
    with pytest.raises(RateLimited) as refusal:
        get(out, url, "listOrders")
    assert refusal.value.until == clock.now() + timedelta(seconds=wait_s)


def test_a_refusal_of_the_limit_all_share_spares_the_stores_own(clock: VirtualClock) -> None:
    buckets, url = MemoryBuckets(clock), "https://api.shop.example/x"
    refused = FakeTransport(429)
    refused.body = b'{"message": "too much for the application."}'
    assert get(make(clock, refused, buckets), url, "shared").status == 429
    assert get(make(clock, refused, buckets), url, "listOrders").status == 429
    with pytest.raises(RateLimited):
        get(make(clock, FakeTransport(), buckets, store="another"), url, "shared")
    assert get(make(clock, FakeTransport(), buckets), url, "listOrders").status == 200


@pytest.mark.parametrize("told", ["", "soon", "nan", "inf", "0", "-1"])
def test_a_rate_that_cannot_be_is_not_heeded(clock: VirtualClock, told: str) -> None:
    out, url = make(clock, FakeTransport(x_rate=told)), "https://api.shop.example/x"
    assert [get(out, url, "listOrders").status for _ in range(2)] == [200, 200]
    with pytest.raises(RateLimited) as refusal:
        get(out, url, "listOrders")
    assert refusal.value.until == clock.now() + timedelta(seconds=10)


@pytest.mark.parametrize(("effect", "unknown"), [(Effect.READ, False), (Effect.WRITE, True)])
def test_no_answer_to_a_write_leaves_its_effect_unknown(clock: VirtualClock, effect: Effect, unknown: bool) -> None:
    out = make(clock, FakeTransport(error=NoAnswer("ReadTimeout")))
    with pytest.raises(Temporary) as silence:
        out.call("any", effect, "POST", "https://api.shop.example/x")
    assert silence.value.unknown is unknown


def app(address: str) -> Flask:
    made = Flask("shop")

    @made.route("/hop")
    def hop() -> Any:
        return redirect("/secret")

    @made.route("/echo", methods=["POST"])
    def echo() -> Any:
        return Response(request.get_data(), headers={"X-Proxy": request.headers.get("proxy-authorization", "none")})

    @made.route("/endless")
    def endless() -> Any:
        return Response(b"x" * 1000 for _ in iter(int, 1))

    return made


def test_redirects_are_not_followed() -> None:
    with served(app) as address:
        reply = RequestsTransport().send(Request("GET", f"{address}/hop"))
    assert (reply.status, reply.headers["location"]) == (302, "/secret")
    assert reply.server_time is not None


def test_the_environment_cannot_reroute_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with served(app) as address:
        assert RequestsTransport().send(Request("POST", f"{address}/echo", data=b"hello")).body == b"hello"


def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "MAX_BODY_BYTES", 200_000)
    with served(app) as address, pytest.raises(NoAnswer, match="larger"):
        RequestsTransport().send(Request("GET", f"{address}/endless"))


@contextmanager
def answering(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A bare server for one connection, whose answer no well-behaved server would give."""
    end = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                answer(connection, end)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            end.set()
            thread.join(timeout=10)
            assert not thread.is_alive()


def trickle(connection: socket.socket, end: threading.Event) -> None:
    """One byte at a time: each arrives in time, the whole never does."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    try:
        while not end.wait(0.05):
            connection.sendall(b"x")
    except OSError:
        return


def trickle_to_the_end(connection: socket.socket, end: threading.Event) -> None:
    """A body whose end is the connection's: cut off, it looks complete."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    try:
        while not end.wait(0.05):
            connection.sendall(b"x")
    except OSError:
        return


def trickle_headers(connection: socket.socket, end: threading.Event) -> None:
    """The same with the head of the answer."""
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not end.wait(0.05):
            connection.sendall(b"x")
    except OSError:
        return


@pytest.mark.parametrize("answer", [trickle, trickle_to_the_end, trickle_headers])
def test_a_trickling_answer_ends_at_the_total_deadline(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[socket.socket, threading.Event], None]
) -> None:
    monkeypatch.setattr(transports, "DEADLINE_S", 0.5)
    with answering(answer) as url, pytest.raises(NoAnswer):
        RequestsTransport().send(Request("GET", url))


def test_a_worker_that_is_told_to_stop_does_not_wait_for_the_answer() -> None:
    """RQ ends a job that takes too long by an alarm, which raises in the thread that waits."""

    class TooLong(Exception):
        pass

    def on_alarm(*_: object) -> None:
        raise TooLong

    former = signal.signal(signal.SIGALRM, on_alarm)
    cut = threading.Event()

    def watch(connection: socket.socket, end: threading.Event) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        if connection.recv(1) == b"":
            cut.set()

    try:
        with answering(watch) as url, pytest.raises(TooLong):
            RequestsTransport().send(Request("GET", url))
        assert cut.wait(10), "the connection was cut"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_a_broken_answer_is_no_answer() -> None:
    def breaks(connection: socket.socket, end: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")

    with answering(breaks) as url, pytest.raises(NoAnswer) as silence:
        RequestsTransport().send(Request("GET", f"{url}?token=secret"))
    assert "secret" not in str(silence.value)


def test_a_name_that_leads_elsewhere_after_its_check_is_not_followed(clock: VirtualClock) -> None:
    asked: list[str] = []
    app = Flask(__name__)

    @app.get("/")
    def home() -> str:
        asked.append("the private service was reached")
        return "{}"

    with served(lambda _: app) as address:
        transport = RequestsTransport()
        with pytest.raises(PrivateAddress):
            transport.send(Request("GET", address + "/", public_only=True))
        assert asked == []
        assert transport.send(Request("GET", address + "/")).status == 200


def test_a_private_service_hears_not_even_the_greeting_of_tls() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(4096))

        listening = threading.Thread(target=listen)
        listening.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(PrivateAddress):
            RequestsTransport().send(Request("GET", url, public_only=True))
        listening.join()
    assert heard == [b""]


@pytest.mark.parametrize("url", ["http://api.shop.example/x", "HTTP://api.shop.example/x"])
def test_no_shop_is_called_in_plain_text_unless_told_so(clock: VirtualClock, url: str) -> None:
    transport = FakeTransport()
    with pytest.raises(Permanent) as refusal:
        get(make(clock, transport), url)
    assert (refusal.value.code, transport.requests) == ("PLAINTEXT", [])
    assert "IS2_ALLOW_PLAINTEXT=shop" in refusal.value.detail
    assert get(make(clock, transport, plaintext=True), url).status == 200


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example\\.files.example/",
        "https://a.files.example\t/",
        "https://user@a.files.example/",
        "ftp://a.files.example/",
    ],
)
def test_an_address_two_readers_could_read_differently_is_refused(clock: VirtualClock, url: str) -> None:
    transport = FakeTransport()
    with pytest.raises(Permanent):
        get(make(clock, transport, None, "*.files.example"), url)
    assert transport.requests == []
