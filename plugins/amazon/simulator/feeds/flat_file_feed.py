"""POST_FLAT_FILE_ORDER_ACKNOWLEDGEMENT_DATA: tab-separated lines, which only cancel (Amazon's "Feed Type Values")."""

from plugins.amazon.simulator.feeds.acknowledgement_feed import CANCEL_REASONS
from plugins.amazon.simulator.feeds.feeds import TEXT, Feed, Outcome
from plugins.amazon.simulator.orders.order_book import OrderBook

_COLUMNS = ("order-id", "cancellation-reason-code")


class FlatFileProcessor:
    """Reads such a feed and writes its report, which is text."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book

    def __call__(self, feed: Feed, content: bytes) -> Outcome:
        """Process one feed; an XML document under this type is answered in text (models issue 1091)."""
        lines = content.decode("utf-8", "replace").splitlines()
        if lines and lines[0].startswith("TemplateType="):
            lines = lines[1:]
        header = lines[0].split("\t") if lines else []
        if not set(_COLUMNS) <= set(header):
            return _report(
                [
                    (1, 90012, "The header row is missing or holds no valid column."),
                    (1, 90061, "The file is not a tab-separated file of this feed type."),
                ],
                processed=0,
                outcome=Outcome(b"", TEXT),
            )
        outcome, problems = Outcome(b"", TEXT), []
        for number, line in enumerate(lines[1:], 2):
            row = dict(zip(header, line.split("\t"), strict=False))
            booked, reason = self._book.get(row.get("order-id", "")), row.get("cancellation-reason-code", "")
            if booked is None or booked.seller != feed.seller:
                problems.append((number, 18028, "The order cannot be found among the seller's orders."))
            elif reason not in CANCEL_REASONS:
                problems.append((number, 18032, f"The cancellation-reason-code {reason!r} is not valid."))
            elif booked.fulfilled_by != "MERCHANT":
                problems.append((number, 18030, "The order is fulfilled by Amazon."))
            elif booked.status not in ("UNSHIPPED", "CANCELLED"):
                problems.append((number, 18031, f"The order cannot be cancelled: it is {booked.status}."))
            else:
                self._book.cancel(booked, "MERCHANT", reason, feed.ends)
                outcome.cancelled.append(booked.id)
        return _report(problems, processed=len(lines) - 1, outcome=outcome)


def _report(problems: list[tuple[int, int, str]], processed: int, outcome: Outcome) -> Outcome:
    failed = len({number for number, _, _ in problems})
    lines = [
        "Feed Processing Summary:",
        f"\tNumber of records processed\t\t{processed}",
        f"\tNumber of records successful\t\t{max(0, processed - failed)}",
        "",
        "original-record-number\terror-code\terror-type\terror-message",
        *(f"{number}\t{code}\tError\t{message}" for number, code, message in problems),
    ]
    outcome.report = ("\n".join(lines) + "\n").encode()
    return outcome
