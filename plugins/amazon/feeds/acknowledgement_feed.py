"""The order acknowledgement feed: "we have this order, under our number" (POST_ORDER_ACKNOWLEDGEMENT_DATA).

Source: Amazon's schemas amzn-envelope.xsd and OrderAcknowledgement.xsd, which fix the order of the elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from plugins.interface import Acknowledgement, Rejected

FEED_TYPE = "POST_ORDER_ACKNOWLEDGEMENT_DATA"
CONTENT_TYPE = "text/xml; charset=UTF-8"

# MerchantOrderID and MerchantOrderItemID of the order feed, release 4.1.
_NUMBER_MAX = 50
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def refuse(acknowledgement: Acknowledgement) -> Rejected | None:
    """Why an acknowledgement must not go into a feed, where one broken line would spoil the whole file."""
    ids = (acknowledgement.order_id, acknowledgement.number, *(line.remote_id for line in acknowledgement.lines))
    if not all(ids):
        return Rejected("INCOMPLETE", "Amazon's order id, our order number or an item id is missing.")
    numbers = [line.number for line in acknowledgement.lines]
    if any(len(value) > _NUMBER_MAX or not value.isprintable() for value in (*ids, *numbers)):
        return Rejected("UNFIT_NUMBER", f"Amazon takes order numbers of at most {_NUMBER_MAX} printable characters.")
    return None


def build_feed(seller: str, acknowledgements: Sequence[Acknowledgement]) -> bytes:
    """The XML document; message n stands for the n-th acknowledgement, counted from 1.

    Args:
        seller: the selling partner id.
    """
    envelope = Element("AmazonEnvelope", {"xmlns:xsi": _XSI, "xsi:noNamespaceSchemaLocation": "amzn-envelope.xsd"})
    header = SubElement(envelope, "Header")
    _text(header, "DocumentVersion", "1.01")
    _text(header, "MerchantIdentifier", seller)
    _text(envelope, "MessageType", "OrderAcknowledgement")
    for number, acknowledgement in enumerate(acknowledgements, start=1):
        message = SubElement(envelope, "Message")
        _text(message, "MessageID", str(number))
        order = SubElement(message, "OrderAcknowledgement")
        _text(order, "AmazonOrderID", acknowledgement.order_id)
        _text(order, "MerchantOrderID", acknowledgement.number)
        _text(order, "StatusCode", "Success")
        for line in acknowledgement.lines:
            item = SubElement(order, "Item")
            _text(item, "AmazonOrderItemCode", line.remote_id)
            if line.number:
                _text(item, "MerchantOrderItemID", line.number)
    document: bytes = tostring(envelope, encoding="utf-8", xml_declaration=True)
    return document


def _text(parent: Element, name: str, value: str) -> None:
    SubElement(parent, name).text = value
