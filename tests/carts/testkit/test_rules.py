"""Carts that each break one rule of the contract: the kit's test of that rule fails, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from is2_tiny import plugin as tiny

from plugins.conformance.carts.harness import running
from plugins.conformance.carts.hooks import Hooks
from plugins.interface import Temporary
from plugins.testkit import StillClock
from tests.carts.testkit import broken_carts as broken, makers
from tests.carts.testkit.driving import FAILURE, check, conformance_of, store_of
from tests.carts.tiny_conformance import TinyConformance

LISTED = "test_the_listing_ends_and_loses_nothing_between_pages"
ITEMS = "test_the_item_list_is_read_to_its_end"
BROKEN_ORDER = "test_one_broken_order_does_not_break_its_page"

RULES: dict[str, tuple[SimpleNamespace, str, str]] = {
    "a page lost": (makers.listing(broken.without_its_last), LISTED, "does not list"),
    "pages without an end": (makers.listing(broken.without_an_end), LISTED, "never ends"),
    "new pages without an end": (makers.listing(broken.with_new_pages_for_ever), LISTED, "fetch_orders.*never ends"),
    "items without an end": (
        makers.cart(refresh_cart_items=broken.new_items_for_ever),
        ITEMS,
        "refresh_cart_items gave 100 pages.*never ends",
    ),
    "the same items without an end": (
        makers.cart(refresh_cart_items=broken.same_items_for_ever),
        ITEMS,
        "refresh_cart_items gave the same next_page twice, '2'",
    ),
    "a window that ends too soon": (
        makers.listing(broken.without_the_latest),
        "test_the_window_holds_at_both_its_ends",
        "does not list",
    ),
    "a broken order breaks the page": (makers.listing(broken.broken_at_its_worst), BROKEN_ORDER, "ValueError"),
    "a broken order vanishes": (makers.listing(broken.forgetting_rejects), BROKEN_ORDER, "cannot be understood"),
    "any text taken for a page": (
        broken.TAKES_ANY_PAGE,
        "test_a_page_that_has_gone_is_said_to_have_expired",
        "as if nothing were wrong",
    ),
    "orders of another store": (
        makers.listing(broken.from_the_first_store),
        "test_two_stores_are_kept_apart",
        "may not call",
    ),
    "the key of another store": (
        broken.KEEPS_THE_KEY,
        "test_two_stores_are_kept_apart",
        "the key of one store is kept and used for the other: .* raised AuthorizationLost",
    ),
    "the address of another store": (
        broken.KEEPS_THE_ADDRESS,
        "test_two_stores_are_kept_apart",
        "the address or the key of one store is kept and used for the other: .* raised Permanent",
    ),
    "another order than listed": (
        makers.one_order(broken.newer_each_time),
        "test_one_order_is_read_as_it_was_listed",
        "another order",
    ),
    "an error for an unknown order": (
        makers.one_order(broken.never_unknown),
        "test_an_order_the_shop_does_not_know_is_none",
        "no such order",
    ),
    "orders by one of their times only": (
        makers.listing(broken.by_update_only),
        "test_the_window_holds_at_both_its_ends",
        "does not list",
    ),
    "every order twice on its page": (
        makers.listing(broken.with_every_order_twice),
        LISTED,
        "more than once on one page",
    ),
    "an order that is a reject as well": (
        makers.listing(broken.with_its_rejects_listed),
        LISTED,
        "or as a reject",
    ),
    "a price made of a float": (
        makers.listing(broken.priced(lambda: Decimal.from_float(9.99))),
        LISTED,
        "the unit_price of line o0-1 was made of the float 9.99 and is 9.9900000000000002",
    ),
    "a float for a price": (
        makers.listing(broken.priced(lambda: 9.99)),
        LISTED,
        "fetch_orders rejects .*'an amount must be a finite Decimal, not 9.99'.*cannot be read",
    ),
    "a time without a zone": (
        makers.listing(broken.at_a_naive_time),
        LISTED,
        "fetch_orders rejects .*'ship_by must be an aware UTC time'.*cannot be read",
    ),
    "an order without an address": (
        makers.listing(broken.without_an_address),
        "test_an_order_has_what_the_warehouse_needs",
        "recipient",
    ),
    "a page token good once": (
        makers.listing(broken.a_token_good_once),
        "test_a_page_token_outlives_the_process_that_got_it",
        "another page the second time",
    ),
    "a connection of somebody else": (broken.NAMES_ANOTHER, "test_the_connection_can_be_tested", "answers as shop-2"),
    "another store each time": (
        makers.connecting(broken.another_seller),
        "test_the_same_store_is_known_again",
        "same remote_id",
    ),
    "a refused key called an outage": (
        makers.calling_it_an_outage(),
        "test_a_token_refused_for_good_is_a_lost_authorization",
        "no longer accepts",
    ),
    "a revoked key called an outage": (
        makers.calling_it_an_outage(),
        "test_a_revoked_authorization_is_noticed",
        "no longer accepts",
    ),
    "stock added": (broken.ADDS_STOCK, "test_stock_is_set_and_not_added", "the shop shows"),
    "stock invented": (broken.INVENTS_STOCK, "test_a_sku_the_shop_does_not_know_is_left_out", "left out"),
    "shipping methods by a call": (
        broken.ASKS_FOR_SHIPPING,
        "test_the_shipping_methods_are_known_without_a_call",
        "makes no call",
    ),
    "an item left out": (broken.LEAVES_ONE_OUT, ITEMS, "lacks"),
    "an empty text for the next page": (makers.listing(broken.with_an_empty_token), LISTED, "None at the end"),
    "no list, and a call": (broken.CALLS_FOR_NO_LIST, ITEMS, "without any call"),
    "a connection of its own": (
        makers.checking(broken.calls_by_itself),
        "test_the_connection_can_be_tested",
        "only way out",
    ),
    "a connection from a thread of its own": (
        makers.checking(broken.calls_from_a_thread),
        "test_the_connection_can_be_tested",
        "check_connection opened a connection .* only way out",
    ),
    "a program": (
        makers.checking(broken.starts_a_program),
        "test_the_connection_can_be_tested",
        "check_connection started 'curl' .* only way out",
    ),
    "the token in the log of a thread": (
        makers.checking(broken.tells_the_log_from_a_thread),
        "test_the_connection_can_be_tested",
        "a log line of check_connection gives away a key",
    ),
    "slow work without an end": (
        makers.slow(broken.never_done),
        "test_slow_work_ends_with_a_result_for_each_key",
        "said pending 50 times",
    ),
    "slow work half told": (
        makers.slow(broken.half_told),
        "test_slow_work_ends_with_a_result_for_each_key",
        "said nothing of",
    ),
    "a crash over a handle": (
        makers.slow(broken.trusting_its_handle),
        "test_a_handle_of_nobody_is_no_crash",
        "JSONDecodeError",
    ),
    "a handle that is no text": (
        makers.slow(broken.told_when_asked, handle=("a", "b")),
        "test_slow_work_ends_with_a_result_for_each_key",
        "text",
    ),
    "a token that ends at once": (
        makers.minting(timedelta(seconds=1)),
        "test_a_token_is_minted_and_lasts",
        "five minutes before",
    ),
    "a lost authorization called an outage": (
        makers.minting(lost=Temporary),
        "test_credentials_the_shop_does_not_know_are_a_lost_authorization",
        "no longer accepts",
    ),
    "a refused token kept": (
        makers.minting(),
        "test_a_refused_token_is_replaced_and_the_call_goes_on",
        "no longer accepts",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_broken_rule_fails_its_test(name: str) -> None:
    plugin, test, words = RULES[name]
    with pytest.raises(FAILURE, match=f"(?s){words}"):
        check(plugin, test)


@pytest.mark.parametrize(
    "test",
    [
        LISTED,
        BROKEN_ORDER,
        "test_two_stores_are_kept_apart",
        "test_it_keeps_no_state",
        "test_stock_is_set_and_not_added",
    ],
)
def test_a_sound_cart_passes_them(test: str) -> None:
    with store_of(tiny) as (kit, harness):
        more = (harness.hooks,) if test == "test_it_keeps_no_state" else ()
        getattr(kit, test)(harness, *more)


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        (broken.REMEMBERS, "SEEN changed"),
        (makers.cart(check_connection=broken.counting), "CALLS changed"),
        (broken.KEEPS_THE_KEY, "SESSION holds a key or a token, .*SESSION holds the address of a store"),
        (makers.cart(check_connection=broken.with_cached_headers), "headers_of holds a key or a token of a store"),
    ],
    ids=["a list", "a slot", "a session", "a cache"],
)
def test_what_a_cart_remembers_is_found(plugin: SimpleNamespace, words: str) -> None:
    broken.headers_of.cache_clear()
    kit, hooks = conformance_of(plugin), Hooks(plugin)
    with running(kit, StillClock(), hooks) as harness, pytest.raises(AssertionError, match=words):
        kit.test_it_keeps_no_state(harness, hooks)


class OneKey(TinyConformance):
    @contextmanager
    def shop(self, clock: StillClock) -> Iterator[Any]:
        with super().shop(clock) as shop:
            shop.key = "the same for all"
            yield shop


def test_two_shops_with_one_key_are_found() -> None:
    kit = OneKey()
    with running(kit, StillClock(), Hooks(tiny)) as harness:
        harness.connect()
        with pytest.raises(AssertionError, match="make a key of its own for each shop"):
            kit.test_two_stores_are_kept_apart(harness)


class Engraving(TinyConformance):
    def seed_customized_order(self, shop: Any) -> str:
        return self.seed_orders(shop, 1)[0]


def test_a_customization_that_is_gone_and_comes_all_the_same_fails_its_test() -> None:
    sound, careless = makers.customized(broken.customization), makers.customized(broken.whatever_comes)
    for plugin, notices in (
        (sound, nullcontext()),
        (careless, pytest.raises(FAILURE, match="as if nothing were wrong")),
    ):
        kit = Engraving()
        kit.plugin = plugin
        with running(kit, StillClock(), Hooks(plugin)) as harness, notices:
            harness.connect()
            kit.test_a_customization_is_fetched(harness)
