"""The XML processing report (Amazon's ProcessingReport schema)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from xml.etree.ElementTree import Element, SubElement, indent, tostring

REPORT_TYPE = "text/xml; charset=UTF-8"


@dataclass(frozen=True)
class Result:
    """One line of the report; message 0 speaks of the whole file."""

    message_id: int
    level: str
    code: int
    description: str
    order_id: str | None = None


class _Message(Protocol):
    @property
    def message_id(self) -> int: ...
    @property
    def order_id(self) -> str | None: ...


_M = TypeVar("_M", bound=_Message)


def each_once(messages: Iterable[_M], apply: Callable[[_M], list[Result]]) -> list[Result]:
    """Apply each message and return the results; one whose MessageID came before in the feed is refused."""
    results: list[Result] = []
    seen: set[int] = set()
    for message in messages:
        if message.message_id in seen:
            text = "This MessageID was used before in this feed."
            results.append(Result(message.message_id, "Error", 5001, text, message.order_id))
            continue
        seen.add(message.message_id)
        results += apply(message)
    return results


def xml_report(feed_id: str, seller: str, processed: int, results: list[Result]) -> bytes:
    """The report; messages without an error count as successful and have no line."""
    failed = {result.message_id for result in results if result.level == "Error"}
    warned = {result.message_id for result in results if result.level == "Warning"} - failed
    counts = {
        "MessagesProcessed": processed,
        "MessagesSuccessful": processed - len(failed - {0}),
        "MessagesWithError": len(failed),
        "MessagesWithWarning": len(warned),
    }
    root = Element(
        "AmazonEnvelope",
        {
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": "amzn-envelope.xsd",
        },
    )
    header = SubElement(root, "Header")
    _leaf(header, "DocumentVersion", "1.02")
    _leaf(header, "MerchantIdentifier", seller)
    _leaf(root, "MessageType", "ProcessingReport")
    message = SubElement(root, "Message")
    _leaf(message, "MessageID", "1")
    report = SubElement(message, "ProcessingReport")
    _leaf(report, "DocumentTransactionID", feed_id)
    _leaf(report, "StatusCode", "Complete")
    summary = SubElement(report, "ProcessingSummary")
    for name, count in counts.items():
        _leaf(summary, name, str(count))
    for result in results:
        line = SubElement(report, "Result")
        _leaf(line, "MessageID", str(result.message_id))
        _leaf(line, "ResultCode", result.level)
        _leaf(line, "ResultMessageCode", str(result.code))
        _leaf(line, "ResultDescription", result.description)
        if result.order_id:
            _leaf(SubElement(line, "AdditionalInfo"), "AmazonOrderID", result.order_id)
    indent(root)
    body: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


def _leaf(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text
