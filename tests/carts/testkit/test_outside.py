"""The threads a hook is answerable for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from is2_tiny import plugin as tiny

from plugins.conformance import side_channels
from plugins.conformance.carts.hooks import Hooks
from plugins.interface import CartContext, Effect, SellerIdentity, Temporary
from plugins.testkit import FakeShop, Recorded, ShopHttp, StillClock, json_answer
from tests.carts.testkit import broken_carts as broken, makers
from tests.carts.testkit.driving import check


def test_a_shop_may_call_whom_it_likes_while_a_hook_waits_for_it() -> None:
    def asking_on(request: Recorded) -> object:
        return json_answer(requests.get(f"{behind.address}/stock", timeout=10).json())

    with FakeShop().running() as behind, FakeShop().running() as shop, ShopHttp(StillClock()) as http:
        behind.answer("GET", "/stock", json_answer(7))
        shop.answer("GET", "/stock", asking_on)
        with side_channels.watched() as watch:
            reply = http.call("stock", Effect.READ, "GET", f"{shop.address}/stock")
        assert reply.json() == 7
        assert watch.complaint("read_inventory") == ""


def test_a_thread_that_goes_on_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_channels, "_PATIENCE_S", 0.01)
    end = threading.Event()

    def goes_on(ctx: CartContext) -> None:
        threading.Thread(target=end.wait, name="sweeper", daemon=True).start()

    try:
        with pytest.raises(AssertionError, match="check_connection left the thread sweeper at work"):
            check(makers.checking(goes_on), "test_the_connection_can_be_tested")
    finally:
        end.set()


def test_threads_that_call_by_the_way_out_are_sound_though_a_token_is_minted_meanwhile() -> None:
    def in_two_threads(ctx: CartContext) -> SellerIdentity:
        with ThreadPoolExecutor(2) as pool:
            return next(iter(pool.map(tiny.check_connection, [ctx, ctx])))

    plugin = makers.cart(makers.minting().mint_access_token, check_connection=in_two_threads)
    check(plugin, "test_the_connection_can_be_tested")


def test_a_way_of_its_own_is_found_though_the_cart_says_that_the_shop_is_away() -> None:
    def away(ctx: CartContext) -> None:
        try:
            broken.calls_by_itself(ctx)
        except OSError as error:
            raise Temporary("The shop did not answer.") from error

    with pytest.raises(AssertionError, match="check_connection opened a connection"):
        check(makers.checking(away), "test_the_connection_can_be_tested")


def test_nothing_is_refused_once_the_hook_is_over() -> None:
    with FakeShop().running() as shop:
        Hooks(makers.manifest()).call("cart_manifest")
        assert requests.get(shop.address, timeout=10).status_code == 404
