"""Error answers of Amazon as errors of the contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugins.amazon import plugin
from plugins.amazon.errors import ROLES, Problem, failure, read_problem, unless_too_many, until_calls, until_full
from plugins.amazon.manifest import RATE_PLANS
from plugins.interface import (
    AuthorizationLost,
    CartContext,
    CartError,
    Effect,
    InventoryQuantity,
    OrderQuery,
    OrderState,
    Package,
    PackageLine,
    Permanent,
    QueryBy,
    RateLimited,
    Reply,
    Retry,
    SettingsError,
    Submission,
    Temporary,
    WriteReply,
)
from tests.amazon.conftest import Harness
from tests.amazon.scripted import answered

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORDER_ID, SITE = "111-0000001-0000001", "ATVPDKIKX0DER"
DEEP = b"[" * 200_000


def answer(status: int, code: str = "", message: str = "", details: str = "") -> Reply:
    body = json.dumps({"errors": [{"code": code, "message": message, "details": details}]}).encode()
    return Reply(status, {"x-amzn-requestid": "req-1"}, body)


def error_of(operation: str, reply: Reply, effect: Effect = Effect.READ) -> CartError:
    return failure(operation, effect, read_problem(reply), NOW)


@pytest.mark.parametrize(
    ("operation", "reply", "kind", "code"),
    [
        ("searchOrders", answer(400, "InvalidInput"), Temporary, "KNOWN_GOOD_QUERY_REFUSED"),
        ("getOrder", answer(400, "Invalid Input"), Temporary, "KNOWN_GOOD_QUERY_REFUSED"),
        ("createFeed", answer(400, "InvalidInput"), Permanent, "REQUEST_REFUSED"),
        ("getFeed", answer(401, "Unauthorized"), AuthorizationLost, "TOKEN_REFUSED"),
        (
            "getFeed",
            answer(403, "Unauthorized", "Access to requested resource is denied.", "The access token has expired."),
            AuthorizationLost,
            "TOKEN_REFUSED",
        ),
        (
            "searchOrders",
            answer(403, "Unauthorized", "Access to requested resource is denied."),
            SettingsError,
            "ROLE_MISSING",
        ),
        ("getFeed", answer(403, "MissingAuthenticationToken", "Missing"), Permanent, "UNKNOWN_OPERATION"),
        ("getFeed", Reply(403, {}, b"<html>blocked</html>"), Temporary, "UNEXPECTED_ANSWER"),
        ("getFeed", answer(404, "NotFound"), Permanent, "NOT_FOUND"),
        ("createFeed", answer(413, "RequestTooLarge"), Permanent, "TOO_LARGE"),
        ("createFeed", answer(415, "UnsupportedMediaType"), Permanent, "REQUEST_REFUSED"),
        ("getFeed", answer(429, "QuotaExceeded"), RateLimited, "QUOTA_EXCEEDED"),
        ("getFeed", answer(500, "InternalFailure"), Temporary, "AMAZON_UNAVAILABLE"),
        ("getFeed", Reply(503, {}, b"<html>"), Temporary, "AMAZON_UNAVAILABLE"),
        ("getFeed", Reply(302, {}, b""), Temporary, "UNEXPECTED_ANSWER"),
    ],
)
def test_every_answer_has_its_meaning(operation: str, reply: Reply, kind: type[CartError], code: str) -> None:
    error = error_of(operation, reply)
    assert (type(error), error.code) == (kind, code)
    assert error.message.endswith(".")
    assert f"HTTP {reply.status}" in error.detail


LISTINGS = "Product Listing or Inventory and Order Tracking"
ORDER_WRITES = "Inventory and Order Tracking or Direct-to-Consumer Shipping"
FEEDS = "Inventory and Order Tracking, Direct-to-Consumer Shipping or Product Listing"


@pytest.mark.parametrize(
    ("operation", "role"),
    [
        ("searchOrders", "Inventory and Order Tracking"),
        ("getOrder", "Inventory and Order Tracking"),
        ("confirmShipment", ORDER_WRITES),
        ("createFeed", ORDER_WRITES),
        ("createFeed:JSON_LISTINGS_FEED", LISTINGS),
        ("createFeedDocument", FEEDS),
        ("getFeed", FEEDS),
        ("getFeedDocument", FEEDS),
        ("searchListingsItems", LISTINGS),
        ("getListingsItem", LISTINGS),
        ("getMarketplaceParticipations", "Product Listing or Selling Partner Insights"),
    ],
)
def test_a_missing_role_is_named(operation: str, role: str) -> None:
    error = error_of(operation, answer(403, "Unauthorized", "Access to requested resource is denied."))
    assert isinstance(error, SettingsError)
    assert f"lacks the role {role}. Ask the warehouse" in error.message


def test_every_operation_with_a_limit_has_its_role() -> None:
    assert set(ROLES) == set(RATE_PLANS)


@pytest.mark.parametrize(("operation", "pause_s"), [("searchOrders", 178.6), ("getOrder", 5), ("createFeed", 120.5)])
def test_a_429_lasts_about_one_refill_of_that_bucket(operation: str, pause_s: float) -> None:
    error = error_of(operation, answer(429, "QuotaExceeded"))
    assert isinstance(error, RateLimited)
    assert (error.until - NOW).total_seconds() == pytest.approx(pause_s, abs=0.1)
    assert error.until - NOW <= timedelta(minutes=5)


@pytest.mark.parametrize("status", [400, 403, 429])
@pytest.mark.parametrize("operation", ["searchOrders", "createFeed", "searchListingsItems"])
def test_the_limit_of_the_whole_application_is_a_short_pause(operation: str, status: int) -> None:
    words = "The frequency of requests was greater than what is allowed for the application."
    error = error_of(operation, answer(status, "QuotaExceeded", words))
    assert isinstance(error, RateLimited)
    assert (error.until - NOW, error.code) == (timedelta(seconds=5), "QUOTA_EXCEEDED")


def test_a_host_that_is_no_api_may_ask_for_a_pause_too() -> None:
    assert unless_too_many("uploadFeedDocument", Reply(403, {}, b""), NOW).status == 403
    with pytest.raises(RateLimited) as error:
        unless_too_many("uploadFeedDocument", Reply(429, {}, b"<Error/>"), NOW)
    assert error.value.until - NOW == timedelta(seconds=5)


def test_work_in_several_calls_waits_until_it_can_make_them_all() -> None:
    spent = RateLimited("Spent.", until=NOW + timedelta(seconds=1))
    assert (until_calls(spent, "getFeed", NOW, 4).until - NOW).total_seconds() == 2
    assert (until_full(spent, "getFeed", NOW).until - NOW).total_seconds() == 7.5
    assert until_calls(spent, "getFeed", NOW, 1).until == spent.until


def test_work_in_several_calls_waits_by_the_rate_in_force() -> None:
    spent = RateLimited("Spent.", until=NOW + timedelta(seconds=1), refill=timedelta(seconds=50))
    assert (until_calls(spent, "getFeed", NOW, 4).until - NOW).total_seconds() == 200
    assert (until_full(spent, "getFeed", NOW).until - NOW).total_seconds() == 750
    assert until_full(spent, "getFeed", NOW).refill == spent.refill


@pytest.mark.parametrize(
    ("effect", "status", "unknown"),
    [(Effect.WRITE, 500, True), (Effect.WRITE, 302, False), (Effect.READ, 500, False)],
)
def test_only_a_server_error_on_a_write_leaves_its_effect_unknown(effect: Effect, status: int, unknown: bool) -> None:
    error = error_of("createFeed", answer(status), effect)
    assert isinstance(error, Temporary)
    assert error.unknown is unknown


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"errors": []}', b'{"errors": [null]}', b'{"errors": 7}', b"\xff", DEEP]
)
def test_a_body_that_is_no_error_envelope_is_still_a_problem(body: bytes) -> None:
    assert read_problem(Reply(500, {}, body)) == Problem(500)


def post(ctx: CartContext) -> WriteReply:
    line = PackageLine("1", 1)
    one = Package("k", ORDER_ID, SITE, "10001", None, "UPS", "UPS", "Ground", "1Z1", ctx.clock.now(), (line,))
    return plugin.post_tracking(ctx, [one])


CALLS: dict[str, Callable[[CartContext], Any]] = {
    "listing": lambda ctx: plugin.fetch_orders(
        ctx, OrderQuery(QueryBy.UPDATED, NOW - timedelta(days=1), NOW, (OrderState.READY,))
    ),
    "order": lambda ctx: plugin.fetch_order(ctx, ORDER_ID),
    "channels": lambda ctx: plugin.read_inventory(ctx, ["TENT-2P", "RED,LARGE"]),
    "stock": lambda ctx: plugin.push_inventory(ctx, [InventoryQuantity("k", "TENT-2P", SITE, 7, lead_days=3)]),
    "report": lambda ctx: plugin.poll_submission(
        ctx, Submission("JSON_LISTINGS_FEED/7", "push_inventory", ("k",), ctx.clock.now())
    ),
    "connection": plugin.check_connection,
}


@pytest.mark.parametrize("status", [200, 400, 403, 500])
@pytest.mark.parametrize("verb", CALLS)
def test_a_body_nested_beyond_reading_is_a_failure_of_amazons(harness: Harness, verb: str, status: int) -> None:
    ctx, _ = answered(harness.store(home_site=SITE, sites=(SITE,)), Reply(status, {}, DEEP))
    with pytest.raises((Temporary, Permanent)):
        CALLS[verb](ctx)


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_a_package_answered_beyond_reading_is_posted_again(harness: Harness, status: int) -> None:
    ctx, _ = answered(harness.store(), Reply(status, {}, DEEP))
    assert post(ctx).results == {"k": Retry(ctx.clock.now() + timedelta(minutes=1))}


def test_amazons_words_are_kept_for_the_log_on_one_bounded_line() -> None:
    problem = read_problem(answer(400, "InvalidInput", "bad\nline " * 100))
    assert "\n" not in problem.summary()
    assert len(problem.message) == 300
    assert problem.request_id == "req-1"
