"""The XML processing report, and what it makes of each key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from plugins.amazon.reports import MessageError, ProcessingReport, UnreadableReport, parse_report
from plugins.amazon.submissions import ask_again_after, results_of
from plugins.interface import Applied, Rejected, Retry, Temporary

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


def test_a_wholly_successful_report_has_no_results() -> None:
    report = parse_report(report_xml(2, 0))
    assert report == ProcessingReport(2, 0, ())
    assert results_of(report, ["a", "b"], LATER) == {"a": Applied(), "b": Applied()}


def test_each_key_gets_the_result_of_its_message() -> None:
    report = parse_report(
        report_xml(
            3,
            1,
            (2, "Error", "18028", "The order\n  cannot be found."),
            (2, "Error", "18099", "A second one."),
            (3, "Warning", "5", "Never mind."),
        )
    )
    assert results_of(report, ["a", "b", "c"], LATER) == {
        "a": Applied(),
        "b": Rejected("18028", "The order cannot be found."),
        "c": Applied(),
    }


def test_an_error_of_the_whole_file_gives_nobody_up() -> None:
    report = parse_report(report_xml(0, 1, (0, "Error", "5002", "XML Parsing Error")))
    assert report.whole_file_error() == MessageError(0, "5002", "XML Parsing Error")
    assert results_of(report, ["a", "b"], LATER) == {"a": Retry(LATER), "b": Retry(LATER)}


@pytest.mark.parametrize(
    "document",
    [
        report_xml(1, 0),
        report_xml(3, 0),
        report_xml(2, 1),
        report_xml(2, 1, (1, "Error", "1", "x"), (2, "Error", "1", "x")),
        report_xml(2, 1, (3, "Error", "1", "x")),
    ],
)
def test_a_report_that_does_not_fit_what_was_sent_is_an_alarm(document: bytes) -> None:
    with pytest.raises(Temporary) as alarm:
        results_of(parse_report(document), ["a", "b"], LATER)
    assert alarm.value.code == "REPORT_MISMATCH"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"sku\terror\nA\t90012\n",
        b"<html><body>Sorry</body></html>",
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


def test_a_feed_is_asked_about_less_and_less_often() -> None:
    pauses = [ask_again_after(timedelta(minutes=age)).total_seconds() for age in (0, 1, 2, 14, 15, 600)]
    assert pauses == [30, 30, 120, 120, 300, 300]
