"""Reads the JSON processing report of a listings feed (listings-feed-processing-report-schema-v2.json)."""

from __future__ import annotations

import json
from typing import Any

from plugins.amazon.errors import one_line
from plugins.amazon.feeds.reports import WHOLE_FILE, MessageError, ProcessingReport, UnreadableReport


def parse_listings_report(document: bytes) -> ProcessingReport:
    """The report in an unpacked document. Warnings and hints refuse nothing and are left out.

    Raises:
        UnreadableReport: it is something else, or a part of it is missing.
    """
    try:
        report = json.loads(document)
        header, summary = report["header"], report["summary"]
        return ProcessingReport(
            processed=_count(summary["messagesProcessed"]),
            with_error=_count(summary["messagesInvalid"]),
            errors=tuple(_error(issue) for issue in report["issues"] if issue["severity"] == "ERROR"),
            feed_id=str(header["feedId"]),
            seller=str(header["sellerId"]),
        )
    except (ValueError, RecursionError) as error:
        raise UnreadableReport("the report is no usable JSON") from error
    except (LookupError, TypeError) as error:
        raise UnreadableReport("the JSON is no processing report") from error


def _error(issue: dict[str, Any]) -> MessageError:
    # Without a messageId the issue is about the file, as with 4002001 (no JSON) and 4002005 (no feed).
    number = _count(issue["messageId"]) if "messageId" in issue else WHOLE_FILE
    return MessageError(number, one_line(str(issue.get("code", ""))), one_line(str(issue["message"])))


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("no count")
    return value
