"""The programmable shop of the conformance kit, and the way out that puts faults before any shop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from plugins.interface import Effect, Permanent, RateLimited, Temporary
from plugins.testkit import Answer, FakeShop, Fault, Recorded, ShopHttp, StillClock, json_answer, served


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with FakeShop().running() as shop:
        yield shop


@pytest.fixture
def http() -> Iterator[ShopHttp]:
    with ShopHttp(StillClock()) as http:
        yield http


def read(http: ShopHttp, shop: FakeShop, path: str = "/orders", **more: Any) -> Any:
    return http.call("orders", Effect.READ, "GET", shop.address + path, **more)


def test_it_says_what_it_was_told_and_the_last_answer_stays(shop: FakeShop, http: ShopHttp) -> None:
    shop.answer("GET", "/orders", json_answer([1]), Answer(503), json_answer([2], etag="b"))
    replies = [read(http, shop) for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 503, 200, 200]
    assert [replies[0].json(), replies[2].json(), replies[3].json()] == [[1], [2], [2]]
    assert replies[3].headers["etag"] == "b"
    assert replies[0].server_time is not None
    assert abs(datetime.now(UTC) - replies[0].server_time) < timedelta(hours=1)


def test_it_remembers_what_it_was_asked(shop: FakeShop, http: ShopHttp) -> None:
    url = f"{shop.address}/orders/a%2Fb"
    reply = http.call("o", Effect.WRITE, "PUT", url, params={"q": "x y"}, headers={"X-Key": "k"}, json={"n": 1})
    assert reply.status == 404
    assert "PUT /orders/a%2Fb" in reply.json()["error"]
    (seen,) = shop.requests
    assert (seen.method, seen.path, seen.query) == ("PUT", "/orders/a%2Fb", {"q": "x y"})
    assert (seen.headers["x-key"], seen.json()) == ("k", {"n": 1})
    http.call("o", Effect.WRITE, "POST", url, data={"grant": "code"})
    assert shop.requests[1].body == b"grant=code"


def test_an_answer_can_be_made_of_the_request_and_stand_for_a_folder(shop: FakeShop, http: ShopHttp) -> None:
    def echo(request: Recorded) -> Answer:
        return json_answer({"id": request.path.rpartition("/")[2]})

    shop.answer("GET", "/orders/*", echo)
    shop.answer("GET", "/orders/7", json_answer("seven"))
    assert read(http, shop, "/orders/8/lines").json() == {"id": "lines"}
    assert read(http, shop, "/orders/8").json() == {"id": "8"}
    assert read(http, shop, "/orders/7").json() == "seven"
    assert read(http, shop, "/other").status == 404


def test_an_application_that_drops_the_connection_says_nothing() -> None:
    def drop(environ: object, start_response: object) -> list[bytes]:
        raise ConnectionError

    with served(lambda _: drop) as address, pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=10)


@pytest.mark.parametrize(
    ("fault", "status"), [(Fault.TOO_MANY, 429), (Fault.TOO_MANY_BARE, 429), (Fault.BROKEN, 500), (Fault.AWAY, 503)]
)
def test_a_page_takes_the_place_of_the_answer(shop: FakeShop, http: ShopHttp, fault: Fault, status: int) -> None:
    shop.answer("GET", "/orders", json_answer([1]))
    http.next_answers(None, fault)
    assert read(http, shop).json() == [1]
    reply = read(http, shop, headers={"authorization": "Bearer 7"})
    assert (reply.status, "retry-after" in reply.headers) == (status, fault is Fault.TOO_MANY)
    assert b"Bearer 7" in reply.body, "as many an error page does"
    assert len(shop.requests) == 1, "the shop never saw it"
    assert read(http, shop).json() == [1]
    assert [call.status for call in http.calls] == [200, status, 200]


def test_an_answer_is_spoilt_or_lost_after_the_shop_acted(shop: FakeShop, http: ShopHttp) -> None:
    shop.answer("PUT", "/stock", json_answer({"receipt": "r-1"}))
    http.next_answers(Fault.CUT, Fault.DROPPED, Fault.HTML)

    def write() -> Any:
        return http.call("stock", Effect.WRITE, "PUT", f"{shop.address}/stock", json={})

    with pytest.raises(Temporary, match="unreadable"):
        write().json()
    with pytest.raises(Temporary) as lost:
        write()
    assert lost.value.unknown
    assert len(shop.requests) == 2
    reply = write()
    assert (reply.status, reply.body[:6]) == (200, b"<html>")
    http.next_answers(Fault.DROPPED)
    with pytest.raises(Temporary) as unread:
        read(http, shop)
    assert not unread.value.unknown


def test_a_spent_budget_sends_nothing(shop: FakeShop) -> None:
    clock = StillClock()
    with ShopHttp(clock) as http:
        http.next_answers(Fault.NO_BUDGET, operation="orders")
        assert http.call("items", Effect.READ, "GET", shop.address).status == 404
        with pytest.raises(RateLimited) as limited:
            read(http, shop)
        assert limited.value.until > clock.now()
        assert http.operations() == ["items", "orders"]
    assert len(shop.requests) == 1


def test_answers_of_ones_own_and_one_for_all(shop: FakeShop, http: ShopHttp) -> None:
    http.next_answers(Answer(418, b"tea"))
    assert read(http, shop).body == b"tea"
    http.next_answers(Fault.BROKEN)
    assert http.clear() == 1
    http.always = Answer(401)
    assert [read(http, shop).status for _ in range(2)] == [401, 401]
    assert shop.requests == []


def test_only_the_named_hosts_are_called_and_no_redirect_is_followed(shop: FakeShop) -> None:
    host = shop.address.removeprefix("http://")
    shop.answer("GET", "/orders", Answer(302, headers={"location": "https://elsewhere.example"}))
    with ShopHttp(StillClock(), frozenset({host, "*.example.com"})) as http:
        assert read(http, shop).status == 302
        for url in ("http://localhost/", f"ftp://{host}/", "https://example.com/", "https://example.com.evil.test/"):
            with pytest.raises(Permanent):
                http.call("orders", Effect.READ, "GET", url)
        http.next_answers(Answer(204))
        assert http.call("orders", Effect.READ, "GET", "https://eu.example.com/").status == 204


def test_no_answer_is_a_temporary_error(shop: FakeShop, http: ShopHttp) -> None:
    with FakeShop().running() as gone:
        address = gone.address
    with pytest.raises(Temporary) as unknown:
        http.call("orders", Effect.WRITE, "POST", f"{address}/orders")
    assert unknown.value.unknown
    assert http.calls[-1].status is None
