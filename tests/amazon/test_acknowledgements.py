"""The acknowledgement feed has the elements of Amazon's schema, in its order."""

from __future__ import annotations

from defusedxml.ElementTree import fromstring

from plugins.amazon.acknowledgement_feed import build_feed, refuse
from plugins.interface import AcknowledgedLine, Acknowledgement, Rejected

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


def test_a_line_that_would_spoil_the_file_is_refused_beforehand() -> None:
    assert refuse(FIRST) is None
    assert refuse(SECOND) is None
    for bad in ("x" * 65, "IS2\x07", ""):
        refusal = refuse(Acknowledgement("k", "111-1111111-1111111", bad, "", ()))
        assert isinstance(refusal, Rejected)
