"""POST_ORDER_ACKNOWLEDGEMENT_DATA: read as strictly as Amazon's schema asks, then applied message by message."""

from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from plugins.amazon.simulator.feeds.feeds import Feed, Outcome
from plugins.amazon.simulator.feeds.processing_report import REPORT_TYPE, Result, each_once, xml_report
from plugins.amazon.simulator.feeds.xml_feed import SchemaError, optional, read_envelope, sequence, text
from plugins.amazon.simulator.orders.order_book import BookedOrder, OrderBook

CANCEL_REASONS = frozenset(
    """NoInventory ShippingAddressUndeliverable CustomerExchange BuyerCanceled GeneralAdjustment CarrierCreditDecision
    RiskAssessmentInformationNotValid CarrierCoverageFailure CustomerReturn MerchandiseNotReceived""".split()
)
MAX_ID = 50


@dataclass
class Acknowledgement:
    """One message of the feed. `items` maps Amazon's item code to (the seller's item id, cancel reason)."""

    message_id: int
    order_id: str
    merchant_order_id: str | None
    success: bool
    items: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)


def parse(content: bytes, seller: str) -> list[Acknowledgement]:
    """The messages of a feed.

    Raises:
        SchemaError: not well-formed, not the envelope, or an element that is unknown, missing or out of order.
    """
    return [_message(number, body) for number, body in read_envelope(content, seller, "OrderAcknowledgement")]


def _message(number: int, element: Element) -> Acknowledgement:
    body = sequence(element, "AmazonOrderID MerchantOrderID? StatusCode Item*")
    status = text(body["StatusCode"][0])
    if status not in ("Success", "Failure"):
        raise SchemaError(5002, f"StatusCode {status!r} is neither Success nor Failure.")
    merchant_order_id = optional(body["MerchantOrderID"], MAX_ID)
    message = Acknowledgement(number, text(body["AmazonOrderID"][0]), merchant_order_id, status == "Success")
    for item in body["Item"]:
        fields = sequence(item, "AmazonOrderItemCode MerchantOrderItemID? CancelReason?")
        reason = optional(fields["CancelReason"])
        if reason is not None and reason not in CANCEL_REASONS:
            raise SchemaError(5002, f"CancelReason {reason!r} is not one of the schema's values.")
        message.items[text(fields["AmazonOrderItemCode"][0])] = (
            optional(fields["MerchantOrderItemID"], MAX_ID),
            reason,
        )
    return message


class AcknowledgementProcessor:
    """Applies a parsed feed to the order book and writes its report.

    `restock(seller, sku, quantity)` puts the units of a cancelled order back on sale.
    """

    def __init__(self, book: OrderBook, restock: Callable[[str, str, int], None]) -> None:
        self._book = book
        self._restock = restock

    def __call__(self, feed: Feed, content: bytes) -> Outcome:
        """Process one feed; a file-level fault applies nothing and is reported as MessageID 0."""
        try:
            messages = parse(content, feed.seller)
        except SchemaError as problem:
            results = [Result(0, "Error", problem.code, problem.description)]
            return Outcome(xml_report(feed.id, feed.seller, 0, results), REPORT_TYPE)
        outcome = Outcome(b"", REPORT_TYPE)
        results = each_once(messages, lambda message: self._apply(feed, message, outcome))
        outcome.report = xml_report(feed.id, feed.seller, len(messages), results)
        return outcome

    def _apply(self, feed: Feed, message: Acknowledgement, outcome: Outcome) -> list[Result]:
        if feed.rejects(message.order_id):
            return [_error(message, 8058, "The message could not be processed. Please send it again.")]
        booked = self._book.get(message.order_id)
        if booked is None or booked.seller != feed.seller:
            return [_error(message, 18028, "The order cannot be found among the seller's orders.")]
        unknown = [code for code in message.items if booked.item(code) is None]
        if unknown:
            return [_error(message, 18029, f"The order has no item {unknown[0]}.")]
        if booked.fulfilled_by != "MERCHANT":
            return [_error(message, 18030, "The order is fulfilled by Amazon.")]
        if booked.status in ("PENDING", "PENDING_AVAILABILITY", "CANCELLED"):
            return [_error(message, 18031, f"The order cannot be acknowledged: it is {booked.status}.")]
        return (
            self._accept(feed, message, booked, outcome)
            if message.success
            else self._refuse(feed, message, booked, outcome)
        )

    def _accept(self, feed: Feed, message: Acknowledgement, booked: BookedOrder, outcome: Outcome) -> list[Result]:
        if any(reason for _, reason in message.items.values()):
            return [_error(message, 18032, "CancelReason is allowed with StatusCode Failure only.")]
        warnings = []
        if message.merchant_order_id:
            other = self._book.by_merchant_id(feed.seller, message.merchant_order_id)
            if other is not None and other is not booked:
                return [_error(message, 18033, "MerchantOrderID is linked to another order.")]
            if booked.merchant_order_id not in (None, message.merchant_order_id):
                text = "The order keeps the MerchantOrderID of its first acknowledgement."
                warnings = [Result(message.message_id, "Warning", 18034, text, message.order_id)]
        own_ids = {code: own for code, (own, _) in message.items.items() if own}
        self._book.acknowledge(booked, message.merchant_order_id, own_ids, feed.ends)
        outcome.acknowledged.append(booked.id)
        return warnings

    def _refuse(self, feed: Feed, message: Acknowledgement, booked: BookedOrder, outcome: Outcome) -> list[Result]:
        """Failure cancels the whole order; once a unit is shipped, the buyer gets all the money back."""
        reasons = [reason for _, reason in message.items.values() if reason]
        shipped = booked.status in ("PARTIALLY_SHIPPED", "SHIPPED")
        booked.refunded = booked.refunded or shipped
        if "NoInventory" not in reasons:
            for item in booked.order["orderItems"]:
                self._restock(feed.seller, item["product"].get("sellerSku", ""), item["quantityOrdered"])
        if not shipped:
            self._book.cancel(booked, "MERCHANT", reasons[0] if reasons else "GeneralAdjustment", feed.ends)
        outcome.cancelled.append(booked.id)
        return []


def _error(message: Acknowledgement, code: int, text: str) -> Result:
    return Result(message.message_id, "Error", code, text, message.order_id)
