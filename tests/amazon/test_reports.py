"""The processing reports of both kinds, and what they make of each message."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plugins.amazon.feeds.reports import MessageError, ProcessingReport, UnreadableReport, parse_report
from plugins.amazon.feeds.results import combined, results_of, results_of_dead
from plugins.amazon.feeds.submissions import ask_again_after
from plugins.amazon.listings.listings_report import parse_listings_report
from plugins.interface import Applied, Rejected, Retry, Temporary

pytestmark = pytest.mark.unit

LATER = datetime(2026, 11, 23, 12, tzinfo=UTC)


def report_xml(processed: int, with_error: int, *results: tuple[int, str, str, str]) -> bytes:
    lines = "".join(
        f"<Result><MessageID>{number}</MessageID><ResultCode>{kind}</ResultCode>"
        f"<ResultMessageCode>{code}</ResultMessageCode><ResultDescription>{words}</ResultDescription></Result>"
        for number, kind, code, words in results
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<Header><DocumentVersion>1.02</DocumentVersion></Header><MessageType>ProcessingReport</MessageType>"
        "<Message><MessageID>1</MessageID><ProcessingReport><DocumentTransactionID>5</DocumentTransactionID>"
        "<StatusCode>Complete</StatusCode><ProcessingSummary>"
        f"<MessagesProcessed>{processed}</MessagesProcessed><MessagesSuccessful>{processed - with_error}"
        f"</MessagesSuccessful><MessagesWithError>{with_error}</MessagesWithError>"
        "<MessagesWithWarning>0</MessagesWithWarning>"
        f"</ProcessingSummary>{lines}</ProcessingReport></Message></AmazonEnvelope>"
    ).encode()


def report_json(processed: int, invalid: int, *issues: tuple[int, str, str, str]) -> bytes:
    """The same facts as `report_xml` takes; message 0 is left out, as Amazon does where an issue is about the file."""
    listed: list[dict[str, Any]] = [
        {"messageId": number, "sku": "SKU-1", "code": code, "severity": kind.upper(), "message": words}
        for number, kind, code, words in issues
    ]
    for issue in listed:
        if issue["messageId"] == 0:
            del issue["messageId"]
    summary = {
        "errors": sum(issue["severity"] == "ERROR" for issue in listed),
        "warnings": 0,
        "messagesProcessed": processed,
        "messagesAccepted": processed - invalid,
        "messagesInvalid": invalid,
    }
    header = {"sellerId": "A1SELLER", "version": "2.0", "feedId": "5"}
    return json.dumps({"header": header, "issues": listed, "summary": summary}).encode()


def read_xml(processed: int, with_error: int, *results: tuple[int, str, str, str]) -> ProcessingReport:
    return parse_report(report_xml(processed, with_error, *results))


def read_json(processed: int, with_error: int, *results: tuple[int, str, str, str]) -> ProcessingReport:
    return parse_listings_report(report_json(processed, with_error, *results))


def words(error: MessageError) -> Rejected:
    return Rejected(error.code, error.text)


Read = Callable[..., ProcessingReport]
both_kinds = pytest.mark.parametrize("read", [read_xml, read_json], ids=["xml", "json"])


@both_kinds
def test_a_wholly_successful_report_has_no_errors(read: Read) -> None:
    report = read(2, 0)
    assert (report.processed, report.with_error, report.errors) == (2, 0, ())
    assert results_of(report, [1, 2], LATER, words) == {1: Applied(), 2: Applied()}


def test_a_json_report_names_its_feed_and_seller() -> None:
    assert (read_json(1, 0).feed_id, read_json(1, 0).seller) == ("5", "A1SELLER")
    assert (read_xml(1, 0).feed_id, read_xml(1, 0).seller) == (None, None)


@both_kinds
def test_each_message_gets_its_own_result(read: Read) -> None:
    report = read(
        3,
        1,
        (2, "Error", "18028", "It\n  cannot be found."),
        (2, "Error", "18099", "A second one."),
        (3, "Warning", "5", "Never mind."),
    )
    assert results_of(report, [1, 2, 3], LATER, words) == {
        1: Applied(),
        2: Rejected("18028", "It cannot be found."),
        3: Applied(),
    }


@both_kinds
def test_an_error_of_the_whole_file_gives_nobody_up(read: Read) -> None:
    report = read(0, 1, (0, "Error", "5002", "Parsing Error"))
    assert report.whole_file_error() == MessageError(0, "5002", "Parsing Error")
    assert results_of(report, [1, 2], LATER, words) == {1: Retry(LATER), 2: Retry(LATER)}


@pytest.mark.parametrize("code", ["4002001", "4002005"])
@pytest.mark.parametrize("counted", [0, 1])
@pytest.mark.parametrize("about", [{}, {"messageId": 0}], ids=["no message", "message 0"])
def test_a_listings_file_that_is_refused_gives_nobody_up(code: str, counted: int, about: dict[str, int]) -> None:
    document = json.loads(report_json(0, counted))
    document["issues"] = [{"code": code, "severity": "ERROR", "message": "The file is no feed.", **about}]
    report = parse_listings_report(json.dumps(document).encode())
    assert report.whole_file_error() == MessageError(0, code, "The file is no feed.")
    assert results_of(report, [1, 2], LATER, words) == {1: Retry(LATER), 2: Retry(LATER)}


@both_kinds
@pytest.mark.parametrize(
    "facts",
    [
        (1, 0),
        (3, 0),
        (2, 1, (3, "Error", "1", "x")),
        (2, 2, (1, "Error", "1", "x"), (3, "Error", "1", "x")),
    ],
)
def test_a_report_that_does_not_fit_what_was_sent_is_an_alarm(read: Read, facts: tuple[Any, ...]) -> None:
    with pytest.raises(Temporary) as alarm:
        results_of(read(*facts), [1, 4], LATER, words)
    assert alarm.value.code == "REPORT_MISMATCH"


@both_kinds
def test_an_error_of_a_message_that_counts_as_accepted_refuses_that_message_alone(read: Read) -> None:
    report = read(2, 0, (4, "Error", "7", "x"))
    assert results_of(report, [1, 4], LATER, words) == {1: Applied(), 4: Rejected("7", "x")}
    assert report.unnamed == 0


@both_kinds
def test_where_more_errors_are_counted_than_listed_nothing_unlisted_counts_as_applied(read: Read) -> None:
    report = read(3, 2, (4, "Error", "7", "x"))
    assert results_of(report, [1, 2, 4], LATER, words) == {1: Retry(LATER), 2: Retry(LATER), 4: Rejected("7", "x")}
    assert report.unnamed == 1


@both_kinds
def test_of_a_dead_feed_only_what_it_refused_is_given_up(read: Read) -> None:
    report = read(2, 1, (4, "Error", "7", "x"))
    assert results_of_dead(report, [1, 4], LATER, words) == {1: Retry(LATER), 4: Rejected("7", "x")}
    assert results_of_dead(None, [1], LATER, words) == {1: Retry(LATER)}


def test_of_several_feeds_a_refusal_outweighs_what_was_applied_and_that_what_died() -> None:
    refusal = Rejected("7", "x")
    found = combined(
        [
            ("United States", {1: Applied(), 2: Applied(), 3: Retry(LATER), 4: refusal, 5: Retry(LATER)}),
            ("Canada", {1: Applied(), 2: refusal, 3: Applied(), 4: Retry(LATER), 5: refusal}),
        ]
    )
    assert found == {
        1: Applied(),
        2: Rejected("7", "Canada: x"),
        3: Applied(),
        4: Rejected("7", "United States: x"),
        5: Rejected("7", "Canada: x"),
    }
    assert combined([("Canada", {1: Retry(LATER)}), ("Mexico", {1: Retry(LATER)})]) == {1: Retry(LATER)}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"sku\terror\nA\t90012\n",
        b"<html><body>Sorry</body></html>",
        b"<AmazonEnvelope><MessageType>ProcessingReport</MessageType></AmazonEnvelope>",
        report_xml(1, 0).replace(b"<MessageType>ProcessingReport", b"<MessageType>OrderReport"),
        report_xml(1, 0).replace(b"<MessagesProcessed>1", "<MessagesProcessed>²".encode()),
        report_xml(1, 0).replace(b"<MessagesProcessed>1", b"<MessagesProcessed>" + 5000 * b"1"),
        report_xml(1, 0).replace(b"Complete", b"Processing"),
        report_xml(1, 0).replace(b"MessagesProcessed", b"MessagesSeen"),
        report_xml(1, 0).replace(b"UTF-8", b"no-such-code"),
        report_xml(1, 0)[:-40],
        b'<!DOCTYPE a [<!ENTITY b "c">]><AmazonEnvelope>&b;</AmazonEnvelope>',
    ],
)
def test_anything_else_is_unreadable(document: bytes) -> None:
    with pytest.raises(UnreadableReport):
        parse_report(document)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"sku\terror\nA\t90012\n",
        b"[]",
        b"{}",
        report_json(1, 0)[:-5],
        report_json(1, 0).replace(b'"messagesProcessed": 1', b'"messagesProcessed": "1"'),
        report_json(1, 0).replace(b'"messagesInvalid"', b'"messagesWrong"'),
        report_json(1, 0).replace(b'"feedId"', b'"feed"'),
        report_json(1, 1, (1, "Error", "1", "x")).replace(b'"messageId": 1', b'"messageId": -1'),
    ],
)
def test_anything_else_is_no_listings_report(document: bytes) -> None:
    with pytest.raises(UnreadableReport):
        parse_listings_report(document)


@pytest.mark.models
def test_amazons_own_example_is_read(models: str) -> None:
    document = Path(models, "listings-feed-processing-report-schema-v2.example.json").read_bytes()
    report = parse_listings_report(document)
    assert (report.processed, report.with_error, report.feed_id) == (4, 2, "1234567890")
    assert {number: error.code for number, error in report.by_message().items()} == {4: "90220", 5: "99022"}


def test_a_feed_is_asked_about_less_and_less_often() -> None:
    pauses = [ask_again_after(timedelta(minutes=age)).total_seconds() for age in (0, 1, 2, 14, 15, 600)]
    assert pauses == [30, 30, 120, 120, 300, 300]
