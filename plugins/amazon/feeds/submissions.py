"""Work Amazon does after it was handed in: asks about the feeds of a submission and gives each key its result."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugins.amazon.errors import until_full
from plugins.amazon.feeds import acknowledgement_feed
from plugins.amazon.feeds.client import Feed, FeedStatus, get_feed, get_report
from plugins.amazon.feeds.handles import SentFeed, read_handle
from plugins.amazon.feeds.reports import MessageError, ProcessingReport, UnreadableReport, parse_report
from plugins.amazon.feeds.results import combined, mismatch, results_of, results_of_dead
from plugins.amazon.listings import listings_feed
from plugins.amazon.listings.listings_report import parse_listings_report
from plugins.amazon.regions import site_label
from plugins.amazon.stores import remote_fulfillment
from plugins.interface import (
    CartContext,
    PendingSubmission,
    Permanent,
    RateLimited,
    Rejected,
    Result,
    Retry,
    Submission,
    Temporary,
    WriteReply,
)

# A feed takes minutes as a rule, hours at times: ask often at first, then seldom.
_ASK_AFTER = ((timedelta(minutes=2), timedelta(seconds=30)), (timedelta(minutes=15), timedelta(minutes=2)))
_ASK_LATER = timedelta(minutes=5)
# Acknowledgements once more at once, ever later by the core; stock, of which the next push sends newer numbers, later.
_SEND_AGAIN = {acknowledgement_feed.FEED_TYPE: timedelta(minutes=2), listings_feed.FEED_TYPE: timedelta(minutes=30)}
# A feed just made may not be visible yet.
_INVISIBLE = timedelta(minutes=10)

_FEED_TYPES = (acknowledgement_feed.FEED_TYPE, listings_feed.FEED_TYPE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def poll(ctx: CartContext, submission: Submission) -> WriteReply:
    """Return the results of a submission's keys; none has one before all feeds that carry keys have ended.

    Raises:
        Permanent: the handle is none of this cart's.
        Temporary: a report cannot be read, or does not fit what was sent.
        RateLimited: until there is budget for all feeds again, with room for the reports of other submissions.
    """
    feed_type, sent = read_handle(submission.handle, len(submission.keys))
    if feed_type not in _FEED_TYPES:
        raise Permanent("Amazon cannot be asked about this.", detail="unknown feed type", code="UNKNOWN_HANDLE")
    now = ctx.clock.now()
    age = now - submission.sent_at
    try:
        feeds = [get_feed(ctx, each.feed_id) for each in sent]
    except RateLimited as error:
        raise until_full(error, "getFeed", now) from error
    if any(_goes_on(feed, age) for feed in feeds):
        pending = PendingSubmission(submission.handle, submission.keys, now + ask_again_after(age))
        return WriteReply(pending=(pending,))
    try:
        by_feed = [
            (site_label(each.site), _results(ctx, each, feed, now + _SEND_AGAIN[feed_type]))
            for each, feed in zip(sent, feeds, strict=True)
        ]
    except RateLimited as error:
        raise until_full(error, "getFeedDocument", now) from error
    results = combined(by_feed)
    return WriteReply({key: results[number] for number, key in enumerate(submission.keys, start=1)})


def ask_again_after(age: timedelta) -> timedelta:
    """How long to wait before asking again about a feed sent `age` ago."""
    return next((pause for limit, pause in _ASK_AFTER if age < limit), _ASK_LATER)


def _goes_on(feed: Feed | None, age: timedelta) -> bool:
    if feed is None:
        return age <= _INVISIBLE
    return feed.status in (FeedStatus.IN_QUEUE, FeedStatus.IN_PROGRESS, FeedStatus.UNKNOWN)


def _results(ctx: CartContext, sent: SentFeed, feed: Feed | None, send_again: datetime) -> dict[int, Result]:
    def explain(error: MessageError) -> Rejected:
        if error.code == listings_feed.REMOTE_FULFILLMENT_ISSUE:
            return listings_feed.refused_for_remote_fulfillment(chosen=remote_fulfillment(ctx.store))
        return Rejected(error.code or "REFUSED", error.text)

    if feed is None:
        return {number: Retry(send_again) for number in sent.messages}
    if feed.status is FeedStatus.DONE:
        report = _report(ctx, sent, feed)
        if (whole := report.whole_file_error()) is not None:
            ctx.log.error("Amazon refused the whole feed %s: %s %s", sent.feed_id, whole.code, whole.text)
        elif report.unnamed:
            ctx.log.error("the report of feed %s counts %d errors that it does not list", sent.feed_id, report.unnamed)
        return results_of(report, sent.messages, send_again, explain)
    ctx.log.warning("feed %s ended %s", sent.feed_id, feed.status)
    return results_of_dead(_report_of_dead(ctx, sent, feed), sent.messages, send_again, explain)


def _report(ctx: CartContext, sent: SentFeed, feed: Feed) -> ProcessingReport:
    if feed.report_document_id is None:
        raise Temporary("Amazon has not given its report yet.", detail="DONE without a report", code="REPORT_MISSING")
    try:
        report = _parse(get_report(ctx, feed.report_document_id))
    except UnreadableReport as error:
        raise Temporary("Amazon's report cannot be read.", detail=str(error), code="REPORT_UNREADABLE") from error
    if not _is_about(ctx, report, sent):
        raise mismatch(f"the report of feed {sent.feed_id} is about feed {report.feed_id} of seller {report.seller}")
    return report


def _parse(document: bytes) -> ProcessingReport:
    """The report by what it looks like: Amazon does not always answer in the format of the feed."""
    is_json = document.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{")
    return parse_listings_report(document) if is_json else parse_report(document)


def _report_of_dead(ctx: CartContext, sent: SentFeed, feed: Feed) -> ProcessingReport | None:
    if feed.report_document_id is None:
        return None
    try:
        report = _parse(get_report(ctx, feed.report_document_id))
    except UnreadableReport:
        return None
    return report if _is_about(ctx, report, sent) else None


def _is_about(ctx: CartContext, report: ProcessingReport, sent: SentFeed) -> bool:
    return report.feed_id in (None, sent.feed_id) and report.seller in (None, ctx.store.remote_id)
