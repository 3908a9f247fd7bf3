"""Acknowledging orders: sends the feed, asks about it later and gives each order its result.

A submission's handle is "<feed type>/<feed id>"; message n of the feed stands for the submission's n-th key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from plugins.amazon.acknowledgements import CONTENT_TYPE, FEED_TYPE, build_feed, refuse
from plugins.amazon.feeds import Feed, FeedStatus, get_feed, get_report, submit_feed
from plugins.amazon.reports import ProcessingReport, UnreadableReport, parse_report
from plugins.interface import (
    Acknowledgement,
    Applied,
    CartContext,
    PendingSubmission,
    Permanent,
    Rejected,
    Result,
    Retry,
    SettingsError,
    Submission,
    Temporary,
    WriteReply,
)

_MARKETPLACES_MAX = 25
_FIRST_ASK = timedelta(seconds=30)
# A feed takes minutes as a rule, hours at times: ask often at first, then seldom.
_ASK_AFTER = ((timedelta(minutes=2), timedelta(seconds=30)), (timedelta(minutes=15), timedelta(minutes=2)))
_ASK_LATER = timedelta(minutes=5)
_SEND_AGAIN = timedelta(minutes=30)
# A feed just made may not be visible yet.
_INVISIBLE = timedelta(minutes=10)


def acknowledge(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    """Send one feed for all of them. Sending the same again does no harm at Amazon.

    Raises:
        Temporary: with `unknown` where the feed may have been made.
    """
    refused = {one.key: refusal for one in acknowledgements if (refusal := refuse(one)) is not None}
    good = [one for one in acknowledgements if one.key not in refused]
    if not good:
        return WriteReply(results=refused)
    if ctx.store.remote_id is None:
        raise SettingsError("This store is not connected to Amazon yet.", code="NOT_CONNECTED")
    document = build_feed(ctx.store.remote_id, good)
    # Order ids are unique over all marketplaces, so these do not select; the Feeds API only wants some.
    sites = list(dict.fromkeys(one.site for one in good if one.site)) or list(ctx.store.sites)
    feed_id = submit_feed(ctx, FEED_TYPE, CONTENT_TYPE, document, sites[:_MARKETPLACES_MAX])
    keys = tuple(one.key for one in good)
    pending = PendingSubmission(f"{FEED_TYPE}/{feed_id}", keys, ctx.clock.now() + _FIRST_ASK)
    return WriteReply(results=refused, pending=(pending,))


def poll(ctx: CartContext, submission: Submission) -> WriteReply:
    """What became of a submission's keys.

    Raises:
        Permanent: the handle is none of this cart's.
        Temporary: the report cannot be read, or does not fit what was sent.
    """
    feed_type, _, feed_id = submission.handle.partition("/")
    if feed_type != FEED_TYPE or not feed_id:
        raise Permanent("Amazon cannot be asked about this.", detail="unknown handle", code="UNKNOWN_HANDLE")
    now = ctx.clock.now()
    feed = get_feed(ctx, feed_id)
    if feed is None and now - submission.sent_at > _INVISIBLE:
        return _send_all_again(submission, now)
    if feed is None or feed.status in (FeedStatus.IN_QUEUE, FeedStatus.IN_PROGRESS, FeedStatus.UNKNOWN):
        ask_at = now + ask_again_after(now - submission.sent_at)
        return WriteReply(pending=(PendingSubmission(submission.handle, submission.keys, ask_at),))
    if feed.status is FeedStatus.DONE:
        return WriteReply(results=_done(ctx, submission, feed, now))
    ctx.log.warning("feed %s ended %s", feed_id, feed.status)
    return _ended_badly(ctx, submission, feed, now)


def ask_again_after(age: timedelta) -> timedelta:
    """How long to wait before asking again about a feed sent `age` ago."""
    return next((pause for limit, pause in _ASK_AFTER if age < limit), _ASK_LATER)


def results_of(report: ProcessingReport, keys: Sequence[str], send_again: datetime) -> dict[str, Result]:
    """One result per key from a finished feed's report.

    Raises:
        Temporary: the report is about another number of messages, or counts other errors than it lists.
    """
    if report.whole_file_error() is not None:
        # Nothing in it says which order is at fault, so none of them may be given up.
        return {key: Retry(send_again) for key in keys}
    errors = report.by_message()
    if report.processed != len(keys) or report.with_error != len(errors) or any(n > len(keys) for n in errors):
        raise Temporary(
            "Amazon's report does not fit what was sent; this is looked at again.",
            detail=f"{len(keys)} messages sent, {report.processed} processed, {report.with_error} with errors, "
            f"{len(errors)} listed",
            code="REPORT_MISMATCH",
        )
    return {
        key: Rejected(errors[n].code or "REFUSED", errors[n].words) if n in errors else Applied()
        for n, key in enumerate(keys, start=1)
    }


def _done(ctx: CartContext, submission: Submission, feed: Feed, now: datetime) -> dict[str, Result]:
    if feed.report_document_id is None:
        raise Temporary("Amazon has not given its report yet.", detail="DONE without a report", code="REPORT_MISSING")
    try:
        report = parse_report(get_report(ctx, feed.report_document_id))
    except UnreadableReport as error:
        raise Temporary(
            "Amazon's report cannot be read; this is looked at again.", detail=str(error), code="REPORT_UNREADABLE"
        ) from error
    if (whole := report.whole_file_error()) is not None:
        ctx.log.error("Amazon refused a whole feed: %s %s", whole.code, whole.words)
    return results_of(report, submission.keys, now + _SEND_AGAIN)


def _ended_badly(ctx: CartContext, submission: Submission, feed: Feed, now: datetime) -> WriteReply:
    """A feed that ended FATAL or CANCELLED: none, some or all of it may have been applied.

    What a report says is refused, is; of the rest nothing is known, so it is sent again.
    """
    if feed.report_document_id is None:
        return _send_all_again(submission, now)
    try:
        errors = parse_report(get_report(ctx, feed.report_document_id)).by_message()
    except UnreadableReport:
        return _send_all_again(submission, now)
    return WriteReply(
        results={
            key: Rejected(errors[n].code or "REFUSED", errors[n].words) if n in errors else Retry(now + _SEND_AGAIN)
            for n, key in enumerate(submission.keys, start=1)
        }
    )


def _send_all_again(submission: Submission, now: datetime) -> WriteReply:
    return WriteReply(results={key: Retry(now + _SEND_AGAIN) for key in submission.keys})
