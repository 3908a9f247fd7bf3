"""Listing and reading orders, against the simulator."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugins.amazon import plugin
from plugins.amazon.api import json_object
from plugins.amazon.orders.paging import EMPTY_MAX, Bookmark, page_fingerprint
from plugins.amazon.orders.search import search_params
from plugins.amazon.shipping.methods import METHODS
from plugins.interface import (
    CartContext,
    Effect,
    FulfilledBy,
    Order,
    OrderPage,
    OrderQuery,
    OrderReject,
    OrderState,
    PageExpired,
    QueryBy,
    RateLimited,
    Reply,
    SettingsError,
    Store,
    Temporary,
)
from tests.amazon.conftest import SELLER, Harness

ROUTINE_STATES = tuple(state for state in OrderState if state is not OrderState.UNKNOWN)
SOME = (OrderState.PENDING, OrderState.READY, OrderState.PARTLY_SHIPPED, OrderState.CANCELLED)


def window(harness: Harness, *states: OrderState, by: QueryBy = QueryBy.UPDATED, page: str | None = None) -> OrderQuery:
    now = harness.clock.now()
    return OrderQuery(by, now - timedelta(days=3), now - timedelta(minutes=2), states, page)


def generate(harness: Harness, count: int, **mix: int) -> dict[str, list[str]]:
    body = {"seller": SELLER, "count": count, "mix": mix or None}
    return harness.steer("POST", "orders/generate", body)["branches"]


def all_pages(ctx: CartContext, query: OrderQuery) -> list[OrderPage]:
    pages = [plugin.fetch_orders(ctx, query)]
    while pages[-1].next_page is not None:
        pages.append(plugin.fetch_orders(ctx, replace(query, page=pages[-1].next_page)))
    return pages


def ids(pages: list[OrderPage]) -> set[str]:
    return {entry.remote_id for page in pages for entry in (*page.orders, *page.rejects)}


def test_the_routine_query_asks_for_every_state_of_what_the_merchant_ships() -> None:
    start = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)
    query = OrderQuery(QueryBy.UPDATED, start, start + timedelta(hours=1), ROUTINE_STATES)
    assert search_params(query, ()) == {
        "lastUpdatedAfter": "2026-11-20T08:00:00.000Z",
        "lastUpdatedBefore": "2026-11-20T09:00:00.000Z",
        "fulfilledBy": "MERCHANT",
    }


def test_a_query_for_some_states_names_them() -> None:
    start = datetime(2026, 11, 20, 8, 0, 0, 123_999, tzinfo=UTC)
    query = OrderQuery(QueryBy.UPDATED, start, start + timedelta(hours=1), SOME)
    assert search_params(query, ("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2")) == {
        "lastUpdatedAfter": "2026-11-20T08:00:00.123Z",
        "lastUpdatedBefore": "2026-11-20T09:00:00.123Z",
        "fulfillmentStatuses": "PENDING,PENDING_AVAILABILITY,UNSHIPPED,PARTIALLY_SHIPPED,CANCELLED",
        "fulfilledBy": "MERCHANT",
        "marketplaceIds": "ATVPDKIKX0DER,A2EUQ1WTGCTBG2",
    }


def test_the_reconcile_query_has_no_filters() -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    params = search_params(OrderQuery(QueryBy.CREATED, start, start), ())
    assert set(params) == {"createdAfter", "createdBefore"}


def test_a_whole_store_is_read_page_by_page_details_included(harness: Harness) -> None:
    branches = generate(harness, 250)
    pages = all_pages(harness.store(), window(harness, *ROUTINE_STATES))
    assert len(pages) == 3
    assert pages[0].server_time == harness.clock.now().replace(microsecond=0)
    calls = harness.steer("GET", "calls?operation=searchOrders")["calls"]
    offered = {order for call in calls for order in call["orders_given"]}
    assert ids(pages) == offered
    assert not offered & set(branches["amazon_fulfilled"])
    assert {reject.remote_id for page in pages for reject in page.rejects} == set(branches["bad"])

    orders = {order.remote_id: order for page in pages for order in page.orders}
    assert all(orders[each].state is OrderState.READY and orders[each].recipient for each in branches["plain"])
    assert all(orders[each].recipient is None for each in branches["missing_address"] + branches["pending"])
    assert all(orders[each].state is OrderState.PENDING for each in branches["pending"])
    assert all(orders[each].state is OrderState.CANCELLED for each in branches["cancelled"])
    assert all(orders[each].cancellation_request for each in branches["cancellation_request"])
    assert all(orders[each].lines[0].gift_message for each in branches["gift"])
    assert all(orders[each].shipping_method == "SCHEDULED" for each in branches["unmapped_method"])
    assert all(orders[each].lines[0].sku == "000123" for each in branches["leading_zero"])
    (partly,) = (orders[each] for each in branches["partially_shipped"])
    assert (partly.state, partly.lines[0].ordered, partly.lines[0].open) == (OrderState.PARTLY_SHIPPED, 3, 2)
    assert sum(len(order.lines) for order in orders.values()) > len(orders)


def test_what_is_special_about_an_order_is_taken_in(harness: Harness) -> None:
    branches = generate(
        harness,
        10,
        ioss=1,
        serial=1,
        transparency=1,
        replacement=1,
        brazil=1,
        ship_plus=1,
        delivery_preference=1,
        constraints=1,
        cancelled_line=1,
        customized=1,
    )
    (page,) = all_pages(harness.store(), window(harness, *ROUTINE_STATES))
    assert page.rejects == ()
    by_id = {order.remote_id: order for order in page.orders}
    special = {branch: by_id[order_id] for branch, (order_id,) in branches.items()}
    assert all(order.ship_after and order.ship_by and order.deliver_after and order.deliver_by for order in page.orders)
    assert all(order.unknown == () for order in page.orders)
    assert all(line.ioss.startswith("IM") for line in special["ioss"].lines)
    assert special["serial"].lines[0].handling_requirements == ("SERIAL_NUMBER",)
    assert special["transparency"].lines[0].handling_requirements == ("TRANSPARENCY_CODE",)
    assert special["replacement"].original_order
    assert special["replacement"].tags == ("REPLACEMENT",)
    assert special["brazil"].recipient is not None
    assert "Bela Vista Simstreet" in special["brazil"].recipient.lines
    assert special["ship_plus"].tags == ("Ship+",)
    assert special["delivery_preference"].recipient is not None
    assert special["delivery_preference"].recipient.instructions.endswith("second bell. Mon 09:00-17:30. No pallets")
    assert special["constraints"].lines[0].handling_requirements == ("SIGNATURE", "AGE_CHECK")
    assert [line.sku for line in special["cancelled_line"].lines] == ["TENT-2P"]
    assert special["customized"].lines[0].customization_url.startswith(f"{harness.address}/custom/")


def test_the_reconcile_listing_sees_every_order_and_reports_what_it_has_no_word_for(harness: Harness) -> None:
    branches = generate(harness, 30, amazon_fulfilled=5, unknown_enum=4, plain=21)
    pages = all_pages(harness.store(), window(harness, by=QueryBy.CREATED))
    assert ids(pages) == {order for branch in branches.values() for order in branch}
    orders = {order.remote_id: order for page in pages for order in page.orders}
    assert all(orders[each].fulfilled_by is FulfilledBy.CART for each in branches["amazon_fulfilled"])
    assert all(orders[each].recipient is None for each in branches["amazon_fulfilled"])
    # A shipping method without a word here is one that a person maps.
    new, known = [orders[each] for each in branches["unknown_enum"]], {method.code for method in METHODS}
    assert all(order.unknown or order.shipping_method not in known for order in new)


def test_only_the_stores_own_marketplaces_are_listed(harness: Harness) -> None:
    generate(harness, 60)
    ctx = harness.store(sites=("A2EUQ1WTGCTBG2", "A1MQXOICRS2Z7M"))
    orders = [order for page in all_pages(ctx, window(harness, *ROUTINE_STATES)) for order in page.orders]
    assert {order.site for order in orders} == {"A2EUQ1WTGCTBG2"}


def test_without_the_role_for_personal_data_orders_come_without_address(harness: Harness) -> None:
    generate(harness, 5, plain=5)
    harness.steer("POST", "seller", {"seller": SELLER, "roles": ["Inventory and Order Tracking"]})
    (page,) = all_pages(harness.store(), window(harness, *ROUTINE_STATES))
    assert [order.recipient for order in page.orders] == [None] * 5


def test_without_any_role_for_orders_the_missing_one_is_named(harness: Harness) -> None:
    harness.steer("POST", "seller", {"seller": SELLER, "roles": []})
    with pytest.raises(SettingsError) as error:
        plugin.fetch_orders(harness.store(), window(harness, *ROUTINE_STATES))
    assert error.value.code == "ROLE_MISSING"
    assert "Inventory and Order Tracking" in error.value.message


def test_a_page_that_comes_again_under_a_new_token_is_noticed(harness: Harness) -> None:
    generate(harness, 250, plain=250)
    ctx, query = harness.store(), window(harness, *ROUTINE_STATES)
    harness.steer("POST", "faults", {"operation": "searchOrders", "kind": "dup_page"})
    first = plugin.fetch_orders(ctx, query)
    with pytest.raises(Temporary) as error:
        plugin.fetch_orders(ctx, replace(query, page=first.next_page))
    assert error.value.code == "REPEATED_PAGE"
    assert len(ids(all_pages(ctx, query))) == 250


def test_a_page_token_dies_after_a_day_or_with_its_query(harness: Harness) -> None:
    generate(harness, 120, plain=120)
    ctx, query = harness.store(), window(harness, *ROUTINE_STATES)
    page = plugin.fetch_orders(ctx, query).next_page
    with pytest.raises(PageExpired):
        plugin.fetch_orders(ctx, replace(query, states=(OrderState.READY,), page=page))
    with pytest.raises(PageExpired):
        moved = replace(ctx, store=Store(SELLER, "na", ("ATVPDKIKX0DER",)))
        plugin.fetch_orders(moved, replace(query, page=page))
    with pytest.raises(PageExpired):
        plugin.fetch_orders(ctx, replace(query, page="not a token of ours"))
    assert harness.http.operations().count("searchOrders") == 1, "none of these needs a call"
    harness.clock.advance(25 * 3600)
    with pytest.raises(PageExpired):
        plugin.fetch_orders(ctx, replace(query, page=page))


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        ("429", RateLimited, "QUOTA_EXCEEDED"),
        ("5xx", Temporary, "AMAZON_UNAVAILABLE"),
        ("html_200", Temporary, "UNREADABLE_ANSWER"),
        ("truncate", Temporary, "UNREADABLE_ANSWER"),
        ("refuse", Temporary, "NO_ANSWER"),
    ],
)
def test_a_bad_answer_never_looks_like_an_empty_page(
    harness: Harness, kind: str, error: type[Exception], code: str
) -> None:
    generate(harness, 3, plain=3)
    ctx = harness.store()
    harness.steer("POST", "faults", {"operation": "searchOrders", "kind": kind})
    with pytest.raises(error) as found:
        plugin.fetch_orders(ctx, window(harness, *ROUTINE_STATES))
    assert getattr(found.value, "code", None) == code
    assert len(ids(all_pages(ctx, window(harness, *ROUTINE_STATES)))) == 3


def test_one_order_is_read_by_its_id(harness: Harness) -> None:
    (order_id,) = generate(harness, 1, plain=1)["plain"]
    ctx = harness.store()
    order = plugin.fetch_order(ctx, order_id)
    assert isinstance(order, Order)
    assert order.remote_id == order_id
    assert order.recipient is not None
    assert plugin.fetch_order(ctx, "999-9999999-9999999") is None
    (bad_id,) = generate(harness, 1, bad=1)["bad"]
    assert isinstance(plugin.fetch_order(ctx, bad_id), OrderReject)


def test_bytes_that_are_no_text_spoil_one_order_only() -> None:
    def order(name: bytes) -> bytes:
        return b'{"orderId": "1", "buyer": {"buyerName": "' + name + b'"}}'

    reply = Reply(200, {}, b'{"orders": [' + order(b"J\xc3\xb6rg") + b", " + order(b"J\xf6rg") + b"]}")
    good, bad = json_object(reply, Effect.READ)["orders"]
    assert good["buyer"]["buyerName"] == "Jörg"
    with pytest.raises(UnicodeEncodeError):
        bad["buyer"]["buyerName"].encode()


@pytest.mark.parametrize("body", [b"[]", b"7", b"", b"<html>", b"[" * 100_000])
def test_an_answer_that_is_no_object_is_temporary_and_for_a_write_unknown(body: bytes) -> None:
    with pytest.raises(Temporary) as error:
        json_object(Reply(200, {}, body), Effect.WRITE)
    assert error.value.unknown


def test_page_fingerprints_tell_pages_apart() -> None:
    assert page_fingerprint(["b", "a"]) == page_fingerprint(["a", "b"]) != page_fingerprint(["a"])
    assert page_fingerprint([]) == ""
    mark = Bookmark("next|+/=", "q", ("b", "c"), empty=3)
    assert Bookmark.decode(mark.encode()) == mark
    assert mark.after("d") == Bookmark("next|+/=", "q", ("b", "c", "d"))
    assert mark.after("") == replace(mark, empty=4)
    assert Bookmark("", "", tuple("abcde")).after("f").before == tuple("bcdef")
    with pytest.raises(PageExpired):
        Bookmark.decode(Bookmark("t", "q", "b").encode())  # type: ignore[arg-type]
    for strange in ({}, [], {"before": []}, {"token": "t", "query": "q", "before": [], "more": 1}):
        with pytest.raises(PageExpired):
            Bookmark.decode(base64.urlsafe_b64encode(json.dumps(strange).encode()).decode())


@pytest.mark.parametrize("circle", [1, 2, 5])
def test_a_listing_that_goes_round_in_a_circle_is_noticed(harness: Harness, circle: int) -> None:
    ctx, query = harness.store(), window(harness, *ROUTINE_STATES)
    ctx.token.get()
    page: str | None = None
    for number in range(circle + 1):
        orders = [{"orderId": f"111-1111111-{number % circle:07d}"}]
        answer = _answering(ctx, {"orders": orders, "pagination": {"nextToken": f"token {number}"}})
        if number < circle:
            page = plugin.fetch_orders(answer, replace(query, page=page)).next_page
    with pytest.raises(Temporary) as error:
        plugin.fetch_orders(answer, replace(query, page=page))
    assert error.value.code == "REPEATED_PAGE"


def test_a_listing_of_empty_pages_comes_to_an_end(harness: Harness) -> None:
    ctx, query = harness.store(), window(harness, *ROUTINE_STATES)
    ctx.token.get()

    def read(page: str | None, next_token: str | None) -> str | None:
        pagination = {"nextToken": next_token} if next_token else {}
        answer = _answering(ctx, {"orders": [], "pagination": pagination})
        return plugin.fetch_orders(answer, replace(query, page=page)).next_page

    page: str | None = None
    for number in range(EMPTY_MAX):
        page = read(page, f"token {number}")
    assert read(page, None) is None
    with pytest.raises(Temporary) as error:
        read(page, "one more")
    assert error.value.code == "ENDLESS_LISTING"


@pytest.mark.parametrize(
    "order_id", ["", "1", "111-1111111-111111x", "111-1111111-1111111/..", "\uff1111-1111111-1111111"]
)
def test_what_is_no_order_id_of_amazons_is_not_asked_for(harness: Harness, order_id: str) -> None:
    ctx = harness.store()
    assert plugin.fetch_order(ctx, order_id) is None
    assert harness.http.calls == []


def _answering(ctx: CartContext, payload: Any) -> CartContext:
    class Answering:
        def call(self, *args: Any, **more: Any) -> Reply:
            return Reply(200, {}, json.dumps(payload).encode())

    return replace(ctx, http=Answering())


@pytest.mark.parametrize(
    "payload", [{}, {"orders": None}, {"orders": {}}, {"orders": [], "pagination": {"nextToken": 7}}]
)
def test_an_answer_of_another_shape_is_no_empty_page(harness: Harness, payload: Any) -> None:
    ctx = harness.store()
    ctx.token.get()
    with pytest.raises(Temporary):
        plugin.fetch_orders(_answering(ctx, payload), window(harness, *ROUTINE_STATES))


def test_a_listing_that_does_not_move_on_is_noticed_even_without_orders(harness: Harness) -> None:
    ctx, query = harness.store(), window(harness, *ROUTINE_STATES)
    ctx.token.get()
    stuck = _answering(ctx, {"orders": [], "pagination": {"nextToken": "again"}})
    first = plugin.fetch_orders(stuck, query)
    with pytest.raises(Temporary) as error:
        plugin.fetch_orders(stuck, replace(query, page=first.next_page))
    assert error.value.code == "REPEATED_PAGE"


def test_the_version_before_answered_an_unknown_id_with_nothing(harness: Harness) -> None:
    ctx = harness.store()
    ctx.token.get()
    assert plugin.fetch_order(_answering(ctx, {"order": {}}), "111-1111111-1111111") is None
