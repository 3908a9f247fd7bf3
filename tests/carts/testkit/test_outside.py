"""What threads a hook is answerable for."""

from __future__ import annotations

import threading

import pytest
import requests

from plugins.conformance import outside
from plugins.conformance.hooks import Hooks
from plugins.interface import CartContext, Effect
from plugins.testkit import FakeShop, Recorded, ShopHttp, StillClock, json_answer
from tests.carts.testkit import makers
from tests.carts.testkit.driving import check


def test_a_shop_may_call_whom_it_likes_while_a_hook_waits_for_it() -> None:
    def asking_on(request: Recorded) -> object:
        return json_answer(requests.get(f"{behind.address}/stock", timeout=10).json())

    with FakeShop().running() as behind, FakeShop().running() as shop, ShopHttp(StillClock()) as http:
        behind.answer("GET", "/stock", json_answer(7))
        shop.answer("GET", "/stock", asking_on)
        with outside.watched() as watch:
            reply = http.call("stock", Effect.READ, "GET", f"{shop.address}/stock")
        assert reply.json() == 7
        assert watch.complaint("read_inventory") == ""


def test_a_thread_that_goes_on_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "_PATIENCE_S", 0.01)
    end = threading.Event()

    def goes_on(ctx: CartContext) -> None:
        threading.Thread(target=end.wait, name="sweeper", daemon=True).start()

    try:
        with pytest.raises(AssertionError, match="check_connection left the thread sweeper at work"):
            check(makers.checking(goes_on), "test_the_connection_can_be_tested")
    finally:
        end.set()


def test_nothing_is_refused_once_the_hook_is_over() -> None:
    with FakeShop().running() as shop:
        Hooks(makers.manifest()).call("cart_manifest")
        assert requests.get(shop.address, timeout=10).status_code == 404
