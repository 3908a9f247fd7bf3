"""Carts that each break one rule in one hook: the kit's test of that rule fails, and says why."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from is2_tiny import plugin as tiny

from tests.carts.testkit import broken_carts as broken, makers
from tests.carts.testkit.driving import FAILURE, check

UNWELL, REFUSED = "test_an_unwell_shop_is_told_by_the_right_error", "test_a_refusal_is_told_by_an_error_of_the_contract"
APPLIED, AGAIN = "test_a_write_is_applied_with_one_result_for_each_key", "test_sending_it_again_does_no_harm"
OTHERS = "test_one_that_the_shop_refuses_does_not_stop_the_others"

BREAKAGES: dict[str, tuple[SimpleNamespace, str, str, str]] = {
    "a key without an answer": (
        makers.acknowledging(broken.without_last_key),
        APPLIED,
        "acknowledge_orders",
        "said nothing of",
    ),
    "a key with two answers": (
        makers.acknowledging(broken.answered_and_pending),
        APPLIED,
        "acknowledge_orders",
        "^acknowledge_orders raised ValueError: a write reply names a key twice: ack-o.*in answered_and_pending",
    ),
    "Retry at once": (
        makers.acknowledging(broken.retry_of_the_past),
        APPLIED,
        "acknowledge_orders",
        "it is .* already",
    ),
    "no end of items to look a SKU up in": (
        broken.needing_the_list(broken.same_items_for_ever),
        APPLIED,
        "push_inventory",
        "refresh_cart_items.*never ends",
    ),
    "a second time refused": (
        makers.acknowledging(broken.only_once),
        AGAIN,
        "acknowledge_orders",
        "the second time: .*TWICE",
    ),
    "a lost answer refused": (
        makers.acknowledging(broken.only_once),
        "test_sending_it_again_after_a_lost_answer_does_no_harm",
        "acknowledge_orders",
        "after its answer was lost: .*TWICE",
    ),
    "a write called a read": (
        makers.acknowledging(broken.hurried),
        "test_sending_it_again_after_a_lost_answer_does_no_harm",
        "acknowledge_orders",
        "Effect.WRITE",
    ),
    "one refusal for all": (
        makers.acknowledging(broken.all_for_one),
        OTHERS,
        "acknowledge_orders",
        "the others suffered",
    ),
    "applied, whatever the shop says": (
        makers.acknowledging(broken.always_applied),
        OTHERS,
        "acknowledge_orders",
        "the shop knows no ack-",
    ),
    "applied, though the call failed": (
        makers.acknowledging(broken.always_applied),
        UNWELL,
        "acknowledge_orders",
        "reported success",
    ),
    "rejected for an outage": (
        makers.acknowledging(broken.rejected_when_unwell),
        UNWELL,
        "acknowledge_orders",
        "for good",
    ),
    "sure that nothing was done": (
        makers.acknowledging(broken.sure_of_nothing_done),
        UNWELL,
        "acknowledge_orders",
        "without unknown=True",
    ),
    "KeyError on 500": (makers.failing(broken.a_key_error), UNWELL, "fetch_orders", "KeyError.*no CartError"),
    "an error without words": (makers.failing(broken.without_a_word), UNWELL, "fetch_orders", "without a message"),
    "429 counted as a failure": (makers.failing(broken.temporarily_gone), UNWELL, "fetch_orders", "429.*RateLimited"),
    "500 for good": (makers.failing(broken.gone_for_good), UNWELL, "fetch_orders", "500: .*never work"),
    "500 as a wrong setting": (makers.failing(broken.a_wrong_setting), UNWELL, "fetch_orders", "503: .*never work"),
    "a time without a zone": (makers.failing(broken.until_a_naive_time), UNWELL, "fetch_orders", "aware UTC"),
    "a pause that has passed": (makers.failing(broken.until_long_ago), UNWELL, "fetch_orders", "which has passed"),
    "applied, though refused": (
        makers.acknowledging(broken.always_applied),
        REFUSED,
        "acknowledge_orders",
        "met 403: .*reported success",
    ),
    "no order, though refused": (
        makers.one_order(broken.nothing_when_refused),
        REFUSED,
        "fetch_order",
        "met 400: it returned NoneType as if nothing had happened",
    ),
    "the token in the log": (
        makers.checking(broken.tells_the_log),
        UNWELL,
        "check_connection",
        "a log line of check_connection gives away a key.*authorized by",
    ),
    "the buyer in the log": (
        makers.one_order(broken.talkative),
        UNWELL,
        "fetch_order",
        "a log line of fetch_order gives away a buyer's data.*Ada Simbuyer",
    ),
    "the buyer beside the log": (makers.one_order(broken.with_extra_fields), UNWELL, "fetch_order", "1 Main Street"),
    "the token on the screen": (
        makers.one_order(broken.printing),
        UNWELL,
        "fetch_order",
        "a print of fetch_order gives away a key",
    ),
    "an error page in a detail": (
        makers.one_order(broken.quoting),
        REFUSED,
        "fetch_order",
        "the detail of the Permanent that fetch_order raised gives away.*Planted",
    ),
    "the key where it is refused": (
        makers.one_order(broken.naming_the_key),
        REFUSED,
        "fetch_order",
        "the message of the AuthorizationLost that fetch_order raised gives away a key",
    ),
    "the key in the detail of a refusal": (
        makers.cart(fetch_orders=broken.with_the_request_in_its_detail),
        REFUSED,
        "fetch_orders",
        "the detail of the Permanent that fetch_orders raised gives away a key",
    ),
    "the buyer in a result": (
        makers.acknowledging(broken.rejected_by_name),
        OTHERS,
        "acknowledge_orders",
        "a Rejected of acknowledge_orders gives away a buyer's data.*Ada Simbuyer",
    ),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_hook_fails_the_test_of_its_rule(name: str) -> None:
    plugin, test, hook, words = BREAKAGES[name]
    with pytest.raises(FAILURE, match=f"(?s){words}"):
        check(plugin, test, hook=hook)
    check(tiny, test, hook=hook)


def test_slow_work_and_minted_tokens_pass_where_they_are_sound() -> None:
    check(makers.slow(broken.told_when_asked), "test_slow_work_ends_with_a_result_for_each_key")
    check(makers.slow(broken.told_when_asked), UNWELL, hook="poll_submission")
    check(makers.slow(broken.told_when_asked), OTHERS, hook="acknowledge_orders")
    check(makers.minting(), "test_a_token_is_minted_and_lasts")
    check(makers.minting(), "test_credentials_the_shop_does_not_know_are_a_lost_authorization")
    check(makers.minting(), UNWELL, hook="mint_access_token")
