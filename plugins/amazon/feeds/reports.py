"""Processing reports of feeds, and reading the XML kind.

Source: Amazon's schema ProcessingReport.xsd and the Feeds API pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from plugins.amazon.errors import one_line

WHOLE_FILE = 0
_DIGITS_MAX = 9


class UnreadableReport(Exception):
    """The document is no processing report, or contradicts itself."""


@dataclass(frozen=True)
class MessageError:
    """An error about one message, or about the whole file where `message_id` is WHOLE_FILE."""

    message_id: int
    code: str
    text: str


@dataclass(frozen=True)
class ProcessingReport:
    """The result of a feed. A message without an error was applied, with or without a warning.

    Args:
        processed, with_error: how many messages.
        feed_id, seller: what the report says it is about; None where its kind does not tell.
    """

    processed: int
    with_error: int
    errors: tuple[MessageError, ...]
    feed_id: str | None = None
    seller: str | None = None

    def whole_file_error(self) -> MessageError | None:
        """The error that stopped the whole file, if one did."""
        return next((error for error in self.errors if error.message_id == WHOLE_FILE), None)

    @property
    def unnamed(self) -> int:
        """How many messages are counted as wrong without being named."""
        return max(0, self.with_error - len(self.by_message()))

    def by_message(self) -> dict[int, MessageError]:
        """The first error of each message that has one."""
        first: dict[int, MessageError] = {}
        for error in self.errors:
            first.setdefault(error.message_id, error)
        return first


def parse_report(document: bytes) -> ProcessingReport:
    """The report in an unpacked document.

    Raises:
        UnreadableReport: it is something else (some reports are tables of text), or a part of it is missing.
    """
    try:
        root = fromstring(document)
    # A LookupError or ValueError is about an encoding the parser does not know or cannot read.
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise UnreadableReport("the report is no usable XML") from error
    report = root.find("Message/ProcessingReport")
    if report is None or root.findtext("MessageType") != "ProcessingReport":
        raise UnreadableReport("the XML is no processing report")
    if report.findtext("StatusCode") != "Complete":
        raise UnreadableReport("the report is not complete")
    results = [result for result in report.iterfind("Result") if result.findtext("ResultCode") == "Error"]
    return ProcessingReport(
        processed=_number(report, "ProcessingSummary/MessagesProcessed"),
        with_error=_number(report, "ProcessingSummary/MessagesWithError"),
        errors=tuple(_message_error(result) for result in results),
    )


def _message_error(result: Element) -> MessageError:
    return MessageError(
        message_id=_number(result, "MessageID"),
        code=_text(result, "ResultMessageCode"),
        text=_text(result, "ResultDescription"),
    )


def _number(parent: Element, path: str) -> int:
    value = (parent.findtext(path) or "").strip()
    if not value.isascii() or not value.isdigit() or len(value) > _DIGITS_MAX:
        raise UnreadableReport(f"{path} is no number")
    return int(value)


def _text(parent: Element, path: str) -> str:
    return one_line(parent.findtext(path) or "")
