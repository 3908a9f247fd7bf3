"""POST_ORDER_FULFILLMENT_DATA: shipments in bulk (Amazon's OrderFulfillment.xsd)."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from plugins.amazon.simulator.feeds.acknowledgement_feed import MAX_ID
from plugins.amazon.simulator.feeds.feeds import Feed, Outcome
from plugins.amazon.simulator.feeds.processing_report import REPORT_TYPE, Result, each_once, xml_report
from plugins.amazon.simulator.feeds.xml_feed import SchemaError, optional, positive, read_envelope, sequence, text
from plugins.amazon.simulator.messages import ApiError
from plugins.amazon.simulator.orders.order_book import BookedOrder, OrderBook
from plugins.amazon.simulator.shipping.carriers import OTHER, carrier_shown
from plugins.amazon.simulator.shipping.shipments import Parcel, Shipments

_DATA = "CarrierCode? CarrierName? ShippingMethod? ShipperTrackingNumber? ShipFromSupplySourceId?"
_ITEM = "AmazonOrderItemCode|MerchantOrderItemID MerchantFulfillmentItemID? Quantity? TransparencyCode*"


@dataclass(frozen=True)
class _Line:
    """One item of a message: Amazon's code or the seller's own; quantity None means all that is left."""

    code: str | None
    own: str | None
    quantity: int | None


@dataclass(frozen=True)
class Fulfillment:
    """One message; no lines means the whole order."""

    message_id: int
    order_id: str | None
    merchant_order_id: str | None
    reference: str | None
    carrier_code: str | None
    carrier_name: str | None
    method: str | None
    tracking: str
    shipped: str
    lines: tuple[_Line, ...]


def parse(content: bytes, seller: str) -> list[Fulfillment]:
    """The messages of a feed; raises SchemaError."""
    return [_message(number, body) for number, body in read_envelope(content, seller, "OrderFulfillment")]


def _message(number: int, element: Element) -> Fulfillment:
    grammar = "AmazonOrderID|MerchantOrderID MerchantFulfillmentID? FulfillmentDate FulfillmentData Item*"
    body = sequence(element, grammar)
    data = sequence(body["FulfillmentData"][0], _DATA)
    code, name = optional(data["CarrierCode"]), optional(data["CarrierName"])
    if code is None and name is None:
        raise SchemaError(5002, "FulfillmentData needs a CarrierCode or a CarrierName.")
    reference = str(positive(body["MerchantFulfillmentID"][0])) if body["MerchantFulfillmentID"] else None
    return Fulfillment(
        number,
        optional(body["AmazonOrderID"]),
        optional(body["MerchantOrderID"], MAX_ID),
        reference,
        code,
        name,
        optional(data["ShippingMethod"]),
        optional(data["ShipperTrackingNumber"]) or "",
        text(body["FulfillmentDate"][0]),
        tuple(_line(item) for item in body["Item"]),
    )


def _line(element: Element) -> _Line:
    fields = sequence(element, _ITEM)
    quantity = positive(fields["Quantity"][0]) if fields["Quantity"] else None
    return _Line(optional(fields["AmazonOrderItemCode"]), optional(fields["MerchantOrderItemID"], MAX_ID), quantity)


class FulfillmentProcessor:
    """Applies a parsed feed to the order book and writes its report."""

    def __init__(self, book: OrderBook, shipments: Shipments) -> None:
        self._book, self._shipments = book, shipments

    def __call__(self, feed: Feed, content: bytes) -> Outcome:
        """Process one feed; a file-level fault applies nothing and is reported as MessageID 0."""
        try:
            messages = parse(content, feed.seller)
        except SchemaError as problem:
            refused = [Result(0, "Error", problem.code, problem.description)]
            return Outcome(xml_report(feed.id, feed.seller, 0, refused), REPORT_TYPE)
        outcome = Outcome(b"", REPORT_TYPE)
        results = each_once(messages, lambda message: self._apply(feed, message, outcome))
        outcome.report = xml_report(feed.id, feed.seller, len(messages), results)
        return outcome

    def _apply(self, feed: Feed, message: Fulfillment, outcome: Outcome) -> list[Result]:
        booked = self._find(feed.seller, message)
        shown = message.order_id or message.merchant_order_id or ""
        if booked is None or booked.seller != feed.seller:
            return [_error(message, 18028, f"The order {shown} cannot be found among the seller's orders.", shown)]
        if feed.rejects(booked.id):
            return [_error(message, 8058, "The message could not be processed. Please send it again.", shown)]
        try:
            quantities = self._quantities(booked, message)
            reference = message.reference or self._shipments.next_reference(booked)
            # A name may stand alone, which confirmShipment does not allow.
            carrier = carrier_shown(message.carrier_code or OTHER, message.carrier_name)
            parcel = Parcel(reference, carrier, message.method, message.tracking, message.shipped, quantities, {})
            self._shipments.ship(booked, parcel, feed.ends)
        except (ApiError, LookupError) as problem:
            return [_error(message, 18035, str(problem.args[0]), shown)]
        outcome.packages.append(f"{booked.id}/{reference}")
        return []

    def _find(self, seller: str, message: Fulfillment) -> BookedOrder | None:
        if message.order_id is not None:
            return self._book.get(message.order_id)
        return self._book.by_merchant_id(seller, message.merchant_order_id or "")

    def _quantities(self, booked: BookedOrder, message: Fulfillment) -> dict[str, int]:
        left = self._shipments.left(booked)
        if not message.lines:
            return {item_id: count for item_id, count in left.items() if count > 0}
        own = {theirs: code for code, theirs in (booked.merchant_item_ids or {}).items()}
        quantities: dict[str, int] = {}
        for line in message.lines:
            code = line.code or own.get(line.own or "")
            if code is None or code not in left:
                raise LookupError(f"The order has no item {line.code or line.own}.")
            quantities[code] = quantities.get(code, 0) + (left[code] if line.quantity is None else line.quantity)
        return quantities


def _error(message: Fulfillment, code: int, description: str, order_id: str) -> Result:
    return Result(message.message_id, "Error", code, description, order_id or None)
