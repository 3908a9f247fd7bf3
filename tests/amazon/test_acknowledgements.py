"""The acknowledgement feed has the elements of Amazon's schema, in its order."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, strategies as st

from plugins import amazon
from plugins.amazon.feeds.acknowledgement_feed import build_feed, refuse
from plugins.interface import AcknowledgedLine, Acknowledgement, Rejected

pytestmark = pytest.mark.unit

FIRST = Acknowledgement(
    "k1",
    "111-1111111-1111111",
    "IS2-1",
    "ATVPDKIKX0DER",
    (AcknowledgedLine("7001", "1"), AcknowledgedLine("7002", "")),
)
SECOND = Acknowledgement("k2", "222-2222222-2222222", "Ä & <2>", "ATVPDKIKX0DER", (AcknowledgedLine("7003", "1"),))


def test_the_whole_document() -> None:
    assert build_feed("A1SELLER", [FIRST]).decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        '<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">'
        "<Header><DocumentVersion>1.01</DocumentVersion><MerchantIdentifier>A1SELLER</MerchantIdentifier></Header>"
        "<MessageType>OrderAcknowledgement</MessageType>"
        "<Message><MessageID>1</MessageID><OrderAcknowledgement>"
        "<AmazonOrderID>111-1111111-1111111</AmazonOrderID>"
        "<MerchantOrderID>IS2-1</MerchantOrderID>"
        "<StatusCode>Success</StatusCode>"
        "<Item><AmazonOrderItemCode>7001</AmazonOrderItemCode><MerchantOrderItemID>1</MerchantOrderItemID></Item>"
        "<Item><AmazonOrderItemCode>7002</AmazonOrderItemCode></Item>"
        "</OrderAcknowledgement></Message>"
        "</AmazonEnvelope>"
    )


def test_messages_are_numbered_in_the_order_given_and_text_is_escaped() -> None:
    envelope = fromstring(build_feed("A1SELLER", [FIRST, SECOND]))
    found = [
        (message.findtext("MessageID"), message.findtext("OrderAcknowledgement/MerchantOrderID"))
        for message in envelope.iterfind("Message")
    ]
    assert found == [("1", "IS2-1"), ("2", "Ä & <2>")]


# OrderAcknowledgement.xsd and amzn-envelope.xsd as far as this feed goes: element, how often, what is in it.
ENVELOPE = {
    "AmazonEnvelope": "Header MessageType Message+",
    "Header": "DocumentVersion MerchantIdentifier",
    "Message": "MessageID OrderAcknowledgement",
    "OrderAcknowledgement": "AmazonOrderID MerchantOrderID? StatusCode Item*",
    "Item": "AmazonOrderItemCode MerchantOrderItemID? CancelReason?",
}
VALUES = {
    "DocumentVersion": r"1\.01",
    "MerchantIdentifier": r"\w+",
    "MessageType": "OrderAcknowledgement",
    "MessageID": r"[1-9]\d*",
    "AmazonOrderID": r"\d{3}-\d{7}-\d{7}",
    "MerchantOrderID": r".{1,50}",
    "StatusCode": "Success|Failure",
    "AmazonOrderItemCode": r"\w+",
    "MerchantOrderItemID": r".{1,50}",
}


def check(element: Element) -> None:
    """Fail where the element, or one in it, is not as the schema wants it."""
    if element.tag not in ENVELOPE:
        assert re.fullmatch(VALUES[element.tag], element.text or ""), (element.tag, element.text)
        assert len(element) == 0
        return
    pattern = "".join(
        f"(?:{word.rstrip('?*+')} ){word[-1] if word[-1] in '?*+' else ''}" for word in ENVELOPE[element.tag].split()
    )
    children = "".join(f"{child.tag} " for child in element)
    assert re.fullmatch(pattern, children), (element.tag, children)
    for child in element:
        check(child)


_lines = st.lists(
    st.builds(
        AcknowledgedLine, st.from_regex(r"[0-9]{1,15}", fullmatch=True), st.sampled_from(["", "1", "12", "x" * 50])
    ),
    max_size=4,
)
_acknowledgements = st.lists(
    st.builds(
        Acknowledgement,
        st.just("key"),
        st.from_regex(r"[0-9]{3}-[0-9]{7}-[0-9]{7}", fullmatch=True),
        st.from_regex(r"[A-Z0-9 &<>'\"-]{1,50}", fullmatch=True).filter(str.strip),
        st.sampled_from(["", "ATVPDKIKX0DER"]),
        _lines.map(tuple),
    ),
    min_size=1,
    max_size=3,
)


@given(_acknowledgements)
def test_every_feed_keeps_to_the_schema_and_cancels_nothing(acknowledgements: list[Acknowledgement]) -> None:
    envelope = fromstring(build_feed("A1SELLER", acknowledgements))
    check(envelope)
    assert {status.text for status in envelope.iter("StatusCode")} == {"Success"}
    assert list(envelope.iter("CancelReason")) == []


def test_the_check_itself_tells_a_wrong_order_of_elements() -> None:
    envelope = fromstring(build_feed("A1SELLER", [FIRST]))
    order = envelope.find("Message/OrderAcknowledgement")
    assert order is not None
    order[:] = [order[1], order[0], *order[2:]]
    with pytest.raises(AssertionError):
        check(envelope)


def test_no_word_of_the_cart_can_cancel_an_order() -> None:
    # Failure cancels the whole order at Amazon, and refunds it where a unit of it is shipped.
    words = {
        node.value
        for path in Path(amazon.__path__[0]).rglob("*.py")
        if "simulator" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {"StatusCode", "Success", "MerchantOrderID"} <= words
    assert not {"Failure", "CancelReason"} & words


def test_a_line_that_would_spoil_the_file_is_refused_beforehand() -> None:
    assert refuse(FIRST) is None
    assert refuse(SECOND) is None
    assert refuse(replace(FIRST, number="x" * 50)) is None
    for bad in ("x" * 51, "IS2\x07", ""):
        refusal = refuse(Acknowledgement("k", "111-1111111-1111111", bad, "", ()))
        assert isinstance(refusal, Rejected)
