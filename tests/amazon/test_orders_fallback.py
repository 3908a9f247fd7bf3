"""Orders go on with fewer datasets where Amazon refuses the others (selling-partner-api-models issue 5365)."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from plugins.amazon import plugin
from plugins.interface import (
    AuthorizationLost,
    CartError,
    Effect,
    Order,
    OrderPage,
    OrderQuery,
    OrderState,
    PageExpired,
    QueryBy,
    RateLimited,
    Reply,
    Temporary,
)
from tests.amazon.conftest import SELLER, Harness
from tests.amazon.scripted import answered, refusal, reply

EVERYTHING = "BUYER,RECIPIENT,FULFILLMENT,CANCELLATION,PROCEEDS,PACKAGES"
ESSENTIAL = "RECIPIENT,FULFILLMENT,CANCELLATION"
NOTICE = "Amazon refused to hand out buyers, amounts and packages for the moment; orders go on without them."


def book(harness: Harness, count: int) -> list[str]:
    made = harness.steer("POST", "orders/generate", {"seller": SELLER, "mix": {"plain": count}})
    return list(made["branches"]["plain"])


def query(harness: Harness, page: str | None = None) -> OrderQuery:
    now = harness.clock.now()
    states = (OrderState.READY,)
    return OrderQuery(QueryBy.UPDATED, now - timedelta(days=3), now - timedelta(minutes=2), states, page)


def refuse_a_dataset(
    harness: Harness, dataset: str = "PROCEEDS", operation: str = "searchOrders", **fault: int
) -> None:
    harness.steer("POST", "faults", {"operation": operation, "kind": "400", "dataset": dataset, "times": 99, **fault})


def asked(harness: Harness, operation: str = "searchOrders") -> list[str]:
    """The datasets of each call, in order."""
    calls = harness.steer("GET", f"calls?operation={operation}")["calls"]
    return [call["query"]["includedData"] for call in calls]


def test_orders_go_on_without_what_amazon_refuses(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    order_ids = book(harness, 3)
    ctx = harness.store()
    refuse_a_dataset(harness)
    with caplog.at_level(logging.WARNING):
        page = plugin.fetch_orders(ctx, query(harness))
    assert page.notice == NOTICE
    assert {order.remote_id for order in page.orders} == set(order_ids)
    assert all(order.recipient and order.lines[0].open and order.state is OrderState.READY for order in page.orders)
    assert all(order.buyer is None and order.total is None and order.unknown == () for order in page.orders)
    assert asked(harness) == [EVERYTHING, ESSENTIAL]
    assert "searchOrders refused its datasets" in caplog.text


def test_the_pages_that_follow_ask_for_the_essential_at_once_and_the_next_listing_for_everything(
    harness: Harness,
) -> None:
    book(harness, 150)
    ctx = harness.store()
    refuse_a_dataset(harness)
    first = plugin.fetch_orders(ctx, query(harness))
    second = plugin.fetch_orders(ctx, query(harness, first.next_page))
    assert (len(first.orders), len(second.orders)) == (100, 50)
    assert second.notice == NOTICE
    assert asked(harness) == [EVERYTHING, ESSENTIAL, ESSENTIAL]

    harness.steer("DELETE", "faults")
    healed = plugin.fetch_orders(ctx, query(harness))
    assert healed.notice == ""
    assert all(order.buyer and order.total for order in healed.orders)


def test_a_page_half_way_falls_back_under_its_own_token(harness: Harness) -> None:
    book(harness, 150)
    ctx = harness.store()
    first = plugin.fetch_orders(ctx, query(harness))
    refuse_a_dataset(harness)
    second = plugin.fetch_orders(ctx, query(harness, first.next_page))
    assert (first.notice, second.notice) == ("", NOTICE)
    assert not {order.remote_id for order in first.orders} & {order.remote_id for order in second.orders}
    assert len(second.orders) == 50


def test_where_the_essential_is_refused_too_it_is_an_alarm_that_passes(harness: Harness) -> None:
    book(harness, 1)
    ctx = harness.store()
    refuse_a_dataset(harness, "FULFILLMENT")
    with pytest.raises(Temporary) as error:
        plugin.fetch_orders(ctx, query(harness))
    assert error.value.code == "KNOWN_GOOD_QUERY_REFUSED"
    assert asked(harness) == [EVERYTHING, ESSENTIAL]
    harness.steer("DELETE", "faults")
    assert len(plugin.fetch_orders(ctx, query(harness)).orders) == 1


@pytest.mark.parametrize(
    ("message", "details"),
    [
        ("lastUpdatedBefore must be at least two minutes before the time of the request.", ""),
        ("CreatedBefore is invalid.", ""),
        ("Invalid Input", "The date must be no later than 2 minutes before now."),
    ],
)
def test_a_window_that_is_refused_is_asked_for_once(harness: Harness, message: str, details: str) -> None:
    ctx, http = answered(harness.store(), refusal(400, message, details=details))
    with pytest.raises(Temporary) as error:
        plugin.fetch_orders(ctx, query(harness))
    assert error.value.code == "KNOWN_GOOD_QUERY_REFUSED"
    assert len(http.calls) == 1


def test_a_page_token_that_is_refused_is_asked_for_once(harness: Harness) -> None:
    book(harness, 150)
    ctx = harness.store()
    first = plugin.fetch_orders(ctx, query(harness))
    late = query(harness, first.next_page)
    harness.clock.advance(25 * 3600)
    with pytest.raises(PageExpired):
        plugin.fetch_orders(ctx, late)
    # The access token is a day old as well; that one is replaced, and the same asked again.
    assert asked(harness) == [EVERYTHING] * 3


@pytest.mark.parametrize(
    ("paged", "answer", "error", "calls"),
    [
        (False, refusal(400, "The token is invalid."), Temporary, 1),
        (True, refusal(403, "Denied", "Unauthorized", "The access token has expired."), AuthorizationLost, 2),
        (True, refusal(400, "Invalid Input"), Temporary, 2),
        (True, refusal(400, "paginationToken is invalid."), PageExpired, 1),
    ],
)
def test_only_a_refused_page_token_begins_the_listing_anew(
    harness: Harness, paged: bool, answer: Reply, error: type[CartError], calls: int
) -> None:
    book(harness, 101)
    ctx = harness.store()
    page = plugin.fetch_orders(ctx, query(harness)).next_page if paged else None
    ctx, http = answered(ctx, answer)
    with pytest.raises(error):
        plugin.fetch_orders(ctx, query(harness, page))
    assert len(http.calls) == calls


def test_pages_without_orders_may_follow_each_other(harness: Harness) -> None:
    pages = [reply(200, {"orders": [], "pagination": {"nextToken": token}}) for token in ("one", "two")]
    ctx, _ = answered(harness.store(), *pages, reply(200, {"orders": []}))
    page = plugin.fetch_orders(ctx, query(harness))
    for _ in range(2):
        assert page.next_page is not None
        page = plugin.fetch_orders(ctx, query(harness, page.next_page))
    assert page.next_page is None


def test_a_page_token_refused_in_the_fallback_is_gone_too(harness: Harness) -> None:
    book(harness, 150)
    ctx = harness.store()
    first = plugin.fetch_orders(ctx, query(harness))
    ctx, http = answered(ctx, refusal(400, "Invalid Input"), refusal(400, "paginationToken has expired."))
    with pytest.raises(PageExpired):
        plugin.fetch_orders(ctx, query(harness, first.next_page))
    assert len(http.calls) == 2


def test_the_fallback_waits_until_there_is_budget_for_both_calls(harness: Harness) -> None:
    spent = RateLimited("Spent.", until=harness.clock.now() + timedelta(seconds=1))
    for second in (spent, refusal(429, "You exceeded your quota for the requested resource.", "QuotaExceeded")):
        ctx, _ = answered(harness.store(), refusal(400, "Invalid Input"), second)
        with pytest.raises(RateLimited) as error:
            plugin.fetch_orders(ctx, query(harness))
        assert (error.value.until - harness.clock.now()).total_seconds() == pytest.approx(2 / 0.0056)


def test_another_answer_is_never_asked_for_twice(harness: Harness) -> None:
    for status in (403, 404, 429, 500):
        ctx, http = answered(harness.store(), refusal(status, "Something else", "Other"))
        with pytest.raises(CartError):
            plugin.fetch_orders(ctx, query(harness))
        assert len(http.calls) == 1, status


def test_one_order_falls_back_as_well(harness: Harness) -> None:
    (order_id,) = book(harness, 1)
    ctx = harness.store()
    refuse_a_dataset(harness, "BUYER", "getOrder")
    order = plugin.fetch_order(ctx, order_id)
    assert isinstance(order, Order)
    assert (order.buyer, order.recipient is not None) == (None, True)
    assert asked(harness, "getOrder") == [EVERYTHING, ESSENTIAL]
    refuse_a_dataset(harness, "FULFILLMENT", "getOrder")
    with pytest.raises(Temporary):
        plugin.fetch_order(ctx, order_id)


def test_every_read_of_orders_is_a_read(harness: Harness) -> None:
    ctx, http = answered(harness.store(), refusal(400, "Invalid Input"), reply(200, {"orders": []}))
    assert plugin.fetch_orders(ctx, query(harness)) == replace(OrderPage(()), notice=NOTICE)
    assert [(call.operation, call.effect) for call in http.calls] == [("searchOrders", Effect.READ)] * 2
