"""Acknowledging orders by feed and reading what became of it, against the simulator."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plugins.amazon import plugin
from plugins.amazon.feeds.client import _unpack
from plugins.interface import (
    AcknowledgedLine,
    Acknowledgement,
    Applied,
    CartContext,
    Effect,
    PendingSubmission,
    Permanent,
    RateLimited,
    Rejected,
    Reply,
    Retry,
    SettingsError,
    Submission,
    Temporary,
    WriteReply,
)
from tests.amazon.conftest import SELLER, Harness

SITE = "ATVPDKIKX0DER"


def book(harness: Harness, **mix: int) -> dict[str, list[str]]:
    return harness.steer("POST", "orders/generate", {"seller": SELLER, "mix": mix})["branches"]


def acknowledgement(harness: Harness, order_id: str, number: str) -> Acknowledgement:
    shown = harness.steer("GET", f"orders/{order_id}")
    lines = tuple(
        AcknowledgedLine(item["orderItemId"], str(n)) for n, item in enumerate(shown["order"]["orderItems"], start=1)
    )
    return Acknowledgement(f"key-{order_id}", order_id, number, shown["marketplaceId"], lines)


def submission(harness: Harness, pending: PendingSubmission) -> Submission:
    return Submission(pending.handle, "acknowledge_orders", pending.keys, harness.clock.now())


def send(harness: Harness, ctx: CartContext, *wanted: Acknowledgement) -> Submission:
    reply = plugin.acknowledge_orders(ctx, wanted)
    (pending,) = reply.pending
    assert pending.ask_at - harness.clock.now() == timedelta(seconds=30)
    return submission(harness, pending)


def settle(harness: Harness, ctx: CartContext, sent: Submission) -> WriteReply:
    harness.clock.advance(120)
    return plugin.poll_submission(ctx, sent)


def test_orders_are_acknowledged_under_our_numbers(harness: Harness) -> None:
    order_ids = book(harness, plain=3)["plain"]
    ctx = harness.store()
    wanted = [acknowledgement(harness, order_id, f"IS2-{n}") for n, order_id in enumerate(order_ids)]
    sent = send(harness, ctx, *wanted)
    assert sent.keys == tuple(one.key for one in wanted)

    waiting = plugin.poll_submission(ctx, sent)
    assert waiting.results == {}
    assert waiting.pending[0].keys == sent.keys
    assert waiting.pending[0].ask_at > harness.clock.now()

    assert settle(harness, ctx, sent) == WriteReply({one.key: Applied() for one in wanted})
    for number, order_id in enumerate(order_ids):
        shown = harness.steer("GET", f"orders/{order_id}")
        assert (shown["merchantOrderId"], shown["buyer_view"]) == (f"IS2-{number}", "Processing")
        order = plugin.fetch_order(ctx, order_id)
        assert getattr(order, "cart_order_number", None) == f"IS2-{number}"


def test_each_order_of_a_feed_gets_its_own_result(harness: Harness) -> None:
    branches = book(harness, plain=1, cancelled=1, pending=1)
    ctx = harness.store()
    wanted = [
        acknowledgement(harness, branches["cancelled"][0], "IS2-1"),
        acknowledgement(harness, branches["plain"][0], "IS2-2"),
        Acknowledgement("key-unknown", "999-9999999-9999999", "IS2-3", SITE, (AcknowledgedLine("1", "1"),)),
        acknowledgement(harness, branches["pending"][0], "IS2-4"),
    ]
    results = settle(harness, ctx, send(harness, ctx, *wanted)).results
    assert results[wanted[1].key] == Applied()
    for refused in (wanted[0], wanted[2], wanted[3]):
        result = results[refused.key]
        assert isinstance(result, Rejected)
        assert result.message.startswith("The order c")


def test_sending_the_same_again_does_no_harm(harness: Harness) -> None:
    (order_id,) = book(harness, plain=1)["plain"]
    ctx = harness.store()
    one = acknowledgement(harness, order_id, "IS2-1")
    for _ in range(3):
        assert settle(harness, ctx, send(harness, ctx, one)).results == {one.key: Applied()}
    assert harness.steer("GET", f"orders/{order_id}")["merchantOrderId"] == "IS2-1"


def test_a_lost_answer_of_create_feed_is_unknown_and_of_the_upload_is_not(harness: Harness) -> None:
    (order_id,) = book(harness, plain=1)["plain"]
    ctx = harness.store()
    one = acknowledgement(harness, order_id, "IS2-1")
    for operation, unknown in (("createFeedDocument", False), ("uploadDocument", False), ("createFeed", True)):
        harness.steer("POST", "faults", {"operation": operation, "kind": "apply_then_drop"})
        with pytest.raises(Temporary) as error:
            plugin.acknowledge_orders(ctx, [one])
        assert error.value.unknown is unknown, operation
    assert settle(harness, ctx, send(harness, ctx, one)).results == {one.key: Applied()}


@pytest.mark.parametrize("operation", ["uploadFeedDocument", "downloadFeedDocument"])
def test_where_the_document_store_asks_for_a_pause_it_is_kept(harness: Harness, operation: str) -> None:
    (order_id,) = book(harness, plain=1)["plain"]
    ctx = harness.store()
    one = acknowledgement(harness, order_id, "IS2-1")

    class Busy:
        def call(self, name: str, *args: Any, **more: Any) -> Reply:
            return Reply(429, {}, b"<Error/>") if name == operation else harness.http.call(name, *args, **more)

    busy = replace(ctx, http=Busy())
    with pytest.raises(RateLimited) as error:
        settle(harness, busy, send(harness, busy, one))
    assert error.value.until > harness.clock.now()


@pytest.mark.parametrize(
    ("kind", "code"),
    [("5xx", "AMAZON_UNAVAILABLE"), ("html_200", "UNREADABLE_ANSWER"), ("truncate", "UNREADABLE_ANSWER")],
)
def test_an_unusable_answer_of_create_feed_is_unknown_too(harness: Harness, kind: str, code: str) -> None:
    (order_id,) = book(harness, plain=1)["plain"]
    ctx = harness.store()
    one = acknowledgement(harness, order_id, "IS2-1")
    harness.steer("POST", "faults", {"operation": "createFeed", "kind": kind})
    with pytest.raises(Temporary) as error:
        plugin.acknowledge_orders(ctx, [one])
    assert (error.value.code, error.value.unknown) == (code, True)


def test_packed_and_plain_reports_are_read(harness: Harness) -> None:
    ctx = harness.store()
    packed = set()
    for number, order_id in enumerate(book(harness, plain=4)["plain"]):
        one = acknowledgement(harness, order_id, f"IS2-{number}")
        sent = send(harness, ctx, one)
        packed.add(int(sent.handle.rpartition("/")[2]) % 2)
        assert settle(harness, ctx, sent).results == {one.key: Applied()}
    assert packed == {0, 1}


def test_no_access_token_goes_to_the_document_store(harness: Harness) -> None:
    (order_id,) = book(harness, plain=1)["plain"]
    ctx = harness.store()
    seen: list[tuple[str, Any]] = []

    class Watching:
        def call(self, operation: str, *args: Any, **more: Any) -> Reply:
            seen.append((operation, more.get("headers")))
            return harness.http.call(operation, *args, **more)

    watched = replace(ctx, http=Watching())
    settle(harness, watched, send(harness, watched, acknowledgement(harness, order_id, "IS2-1")))
    outside = [(name, headers) for name, headers in seen if name in ("uploadFeedDocument", "downloadFeedDocument")]
    assert outside == [
        ("uploadFeedDocument", {"content-type": "text/xml; charset=UTF-8"}),
        ("downloadFeedDocument", None),
    ]


def test_what_cannot_be_sent_is_refused_alone(harness: Harness) -> None:
    (order_id,) = book(harness, plain=1)["plain"]
    ctx = harness.store()
    good = acknowledgement(harness, order_id, "IS2-1")
    bad = replace(good, key="bad", number="")
    reply = plugin.acknowledge_orders(ctx, [bad, good])
    assert isinstance(reply.results["bad"], Rejected)
    assert reply.pending[0].keys == (good.key,)
    assert settle(harness, ctx, submission(harness, reply.pending[0])).results == {good.key: Applied()}
    assert plugin.acknowledge_orders(ctx, [bad]).pending == ()
    assert plugin.acknowledge_orders(ctx, []) == WriteReply()
    with pytest.raises(SettingsError):
        plugin.acknowledge_orders(harness.new_store(), [good])


def test_a_file_amazon_refuses_as_a_whole_is_sent_again_later(harness: Harness) -> None:
    (order_id,) = book(harness, plain=1)["plain"]
    ctx = harness.store()
    one = acknowledgement(harness, order_id, "IS2-1")
    other = replace(ctx, store=replace(ctx.store, remote_id="A2SIMNA0000002"))
    result = settle(harness, ctx, send(harness, other, one)).results[one.key]
    assert isinstance(result, Retry)
    assert result.when > harness.clock.now()


def test_a_feed_amazon_has_forgotten_is_sent_again_but_not_at_once(harness: Harness) -> None:
    ctx = harness.store()
    lost = Submission("POST_ORDER_ACKNOWLEDGEMENT_DATA/123456", "acknowledge_orders", ("a", "b"), harness.clock.now())
    assert plugin.poll_submission(ctx, lost).pending[0].keys == ("a", "b")
    harness.clock.advance(3600)
    assert {key: type(result) for key, result in plugin.poll_submission(ctx, lost).results.items()} == {
        "a": Retry,
        "b": Retry,
    }
    with pytest.raises(Permanent):
        plugin.poll_submission(ctx, replace(lost, handle="something else"))


def _feed(status: str, report: bytes | None) -> Any:
    """A way out that answers for a feed in a state the simulator does not reach by itself."""

    class Feeds:
        def call(self, operation: str, effect: Effect, method: str, url: str, **more: Any) -> Reply:
            document = b', "resultFeedDocumentId": "d"' if report is not None else b""
            bodies = {
                "getFeed": b'{"feedId": "7", "processingStatus": "' + status.encode() + b'"' + document + b"}",
                "getFeedDocument": b'{"feedDocumentId": "d", "url": "https://tortuga-prod-na.s3.amazonaws.com/d"}',
                "downloadFeedDocument": report or b"",
            }
            return Reply(200, {}, bodies[operation])

    return Feeds()


def poll_feed(harness: Harness, status: str, report: bytes | None) -> WriteReply:
    ctx = harness.store()
    ctx.token.get()
    sent = Submission("POST_ORDER_ACKNOWLEDGEMENT_DATA/7", "acknowledge_orders", ("a", "b"), harness.clock.now())
    return plugin.poll_submission(replace(ctx, http=_feed(status, report)), sent)


REPORT = (
    b"<AmazonEnvelope><MessageType>ProcessingReport</MessageType><Message><ProcessingReport>"
    b"<StatusCode>Complete</StatusCode><ProcessingSummary><MessagesProcessed>2</MessagesProcessed>"
    b"<MessagesWithError>1</MessagesWithError></ProcessingSummary><Result><MessageID>2</MessageID>"
    b"<ResultCode>Error</ResultCode><ResultMessageCode>18028</ResultMessageCode>"
    b"<ResultDescription>No such order.</ResultDescription></Result>"
    b"</ProcessingReport></Message></AmazonEnvelope>"
)


JSON_REPORT = json.dumps(
    {
        "header": {"sellerId": SELLER, "version": "2.0", "feedId": "7"},
        "issues": [{"messageId": 2, "code": "18028", "severity": "ERROR", "message": "No such order."}],
        "summary": {"errors": 1, "warnings": 0, "messagesProcessed": 2, "messagesAccepted": 1, "messagesInvalid": 1},
    }
).encode()


@pytest.mark.parametrize(
    "report", [REPORT, JSON_REPORT, b"\xef\xbb\xbf\n" + JSON_REPORT], ids=["xml", "json", "json with a mark"]
)
def test_the_report_is_read_in_whichever_format_it_comes(harness: Harness, report: bytes) -> None:
    assert poll_feed(harness, "DONE", report).results == {"a": Applied(), "b": Rejected("18028", "No such order.")}


@pytest.mark.parametrize("status", ["FATAL", "CANCELLED"])
@pytest.mark.parametrize("report", [None, b"sku\terror\n"])
def test_a_feed_that_died_without_a_usable_report_is_sent_again(
    harness: Harness, status: str, report: bytes | None
) -> None:
    results = poll_feed(harness, status, report).results
    assert {key: type(result) for key, result in results.items()} == {"a": Retry, "b": Retry}


@pytest.mark.parametrize("report", [REPORT, JSON_REPORT], ids=["xml", "json"])
def test_a_feed_that_died_with_a_report_gives_up_only_what_that_refuses(harness: Harness, report: bytes) -> None:
    results = poll_feed(harness, "FATAL", report).results
    assert isinstance(results["a"], Retry)
    assert results["b"] == Rejected("18028", "No such order.")


TEXT_REPORT = b"Feed Processing Summary:\n\tNumber of records processed\t0\noriginal-record-number\tsku\terror-code\n"


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (None, "REPORT_MISSING"),
        (b"nothing", "REPORT_UNREADABLE"),
        (TEXT_REPORT, "REPORT_UNREADABLE"),
        (JSON_REPORT.replace(b'"7"', b'"8"'), "REPORT_MISMATCH"),
    ],
)
def test_a_done_feed_is_never_believed_without_its_report(harness: Harness, report: bytes | None, code: str) -> None:
    with pytest.raises(Temporary) as error:
        poll_feed(harness, "DONE", report)
    assert error.value.code == code


def test_errors_that_are_counted_and_not_named_are_told_of(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    poll_feed(harness, "DONE", REPORT)
    assert caplog.text == ""
    counted = REPORT.replace(b"<MessagesWithError>1<", b"<MessagesWithError>2<")
    results = poll_feed(harness, "DONE", counted.replace(b"<ResultMessageCode>18028</ResultMessageCode>", b"")).results
    assert "counts 1 errors that it does not list" in caplog.text
    assert isinstance(results["a"], Retry)
    assert results["b"] == Rejected("REFUSED", "No such order.")


def test_a_report_of_another_feed_gives_nobody_up(harness: Harness) -> None:
    results = poll_feed(harness, "FATAL", JSON_REPORT.replace(b'"7"', b'"8"')).results
    assert {type(result) for result in results.values()} == {Retry}


def test_an_unknown_feed_state_is_waited_out(harness: Harness) -> None:
    assert poll_feed(harness, "RESTING", None).pending[0].keys == ("a", "b")


@pytest.mark.parametrize(
    "packed", [b"\x1f\x8b nonsense", gzip.compress(b"x" * 1000, mtime=0)[:-8]], ids=["nonsense", "cut off"]
)
def test_a_damaged_gzip_report_is_temporary(packed: bytes) -> None:
    with pytest.raises(Temporary):
        _unpack(packed)
