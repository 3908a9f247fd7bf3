"""One deadline for all that a page asks of a cart, whatever is slow about it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from is2_core.calls.http import CallRules, CoreHttp
from is2_core.calls.live_limits import AT_ONCE, AT_ONCE_OF_ACCOUNT, AllTaken, LiveCalls, person_waits
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.calls.transport import RequestsTransport
from is2_core.clock import VirtualClock
from plugins.interface import Effect, RateLimited, Temporary

Answer = Callable[[socket.socket, threading.Event], None]


def out(clock: VirtualClock, url: str, *, check_address: bool = False) -> CoreHttp:
    host = url.split("/")[2]
    rules = CallRules(frozenset({host}), {}, "s", "app", check_address=check_address)
    return CoreHttp(
        transport=RequestsTransport(),
        buckets=MemoryBuckets(clock),
        clock=clock,
        rules=rules,
        before_call=lambda effect: None,
    )


@contextmanager
def listening(answer: Answer) -> Iterator[str]:
    """A server for bare connections."""
    end, threads = threading.Event(), []
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                answer(connection, end)
            except OSError:
                return

    def serve() -> None:
        while not end.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=one, args=(connection,)))
            threads[-1].start()

    threads.append(threading.Thread(target=serve))
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        end.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join(timeout=10)


def slow_body(connection: socket.socket, end: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not end.wait(0.05):
        connection.sendall(b"x")


def slow_head(connection: socket.socket, end: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not end.wait(0.05):
        connection.sendall(b"x")


def slow_reader(connection: socket.socket, end: threading.Event) -> None:
    while not end.wait(0.05):
        connection.recv(1)


@pytest.mark.parametrize("answer", [slow_body, slow_head, slow_reader])
def test_a_slow_shop_ends_at_the_pages_deadline(clock: VirtualClock, answer: Answer) -> None:
    with listening(answer) as url, person_waits(LiveCalls(), 1, 0.4):
        started = time.monotonic()
        with pytest.raises(Temporary) as slow:
            out(clock, url).call("push", Effect.WRITE, "POST", url, data=bytes(20_000_000))
        assert time.monotonic() - started < 1.5
    assert (slow.value.code, slow.value.unknown) == ("SLOW", True)


def test_a_shop_that_takes_no_connection_ends_there_too(clock: VirtualClock) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for full in waiting:
            full.setblocking(False)
            full.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        started = time.monotonic()
        with person_waits(LiveCalls(), 1, 0.4), pytest.raises(Temporary, match="slow"):
            out(clock, url).call("read", Effect.READ, "GET", url)
        assert time.monotonic() - started < 1.5
        for full in waiting:
            full.close()


@pytest.mark.parametrize("check_address", [True, False])
def test_a_name_server_that_does_not_answer_ends_there_too(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, check_address: bool
) -> None:
    answered = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        answered.wait(20)
        raise OSError("no answer")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    url = "https://shop.example/"
    started = time.monotonic()
    try:
        with person_waits(LiveCalls(), 1, 0.3), pytest.raises(Temporary):
            out(clock, url, check_address=check_address).call("read", Effect.READ, "GET", url)
        assert time.monotonic() - started < 1.5
    finally:
        answered.set()


def test_several_calls_share_one_deadline(clock: VirtualClock) -> None:
    def late(connection: socket.socket, end: threading.Event) -> None:
        connection.recv(65536)
        end.wait(0.15)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with listening(late) as url, person_waits(LiveCalls(), 1, 0.5):
        http = out(clock, url)
        calls = 0
        with pytest.raises(Temporary, match="slow"):
            while True:
                http.call("read", Effect.READ, "GET", url)
                calls += 1
        assert 1 <= calls <= 3


def test_one_inside_another_shares_its_place_and_ends_no_later() -> None:
    calls = LiveCalls()
    with person_waits(calls, 1, 5) as outer:
        outer.begin()
        with person_waits(calls, 1, 60) as inner:
            inner.begin()
            assert inner.left_s() <= 5
        with person_waits(calls, 1, 1) as inner:
            assert inner.left_s() <= 1
        assert outer.left_s() > 1
        assert calls._open.total() == 1
    assert calls._open.total() == 0


def test_so_many_of_an_account_and_so_many_in_all() -> None:
    calls = LiveCalls()
    for _ in range(AT_ONCE_OF_ACCOUNT):
        calls.take(1)
    with pytest.raises(AllTaken) as own:
        calls.take(1)
    assert own.value.own
    for account in range(2, 2 + AT_ONCE - AT_ONCE_OF_ACCOUNT):
        calls.take(account)
    with pytest.raises(AllTaken) as others:
        calls.take(100)
    assert not others.value.own
    calls.give_back(1)
    calls.take(100)


def test_a_refused_call_spends_nothing(clock: VirtualClock) -> None:
    calls = LiveCalls()
    for _ in range(AT_ONCE_OF_ACCOUNT):
        calls.take(1)
    with person_waits(calls, 1), pytest.raises(RateLimited) as refused:
        out(clock, "http://127.0.0.1:1/").call("read", Effect.READ, "GET", "http://127.0.0.1:1/")
    assert refused.value.code == "LIVE_CALLS_OF_ACCOUNT"
    assert calls._open.total() == AT_ONCE_OF_ACCOUNT, "what was never begun gives nothing back"


def test_a_task_is_not_bound_by_them(clock: VirtualClock) -> None:
    with listening(lambda connection, _: None) as url, pytest.raises(Temporary) as broken:
        out(clock, url).call("read", Effect.READ, "GET", url)
    assert broken.value.code == "NO_ANSWER"
