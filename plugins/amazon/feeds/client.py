"""Sends feeds and reads what became of them through the Feeds API (feeds_2021-06-30.json)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import quote

from plugins.amazon.api import call, check, json_object, send, unreadable
from plugins.amazon.errors import one_line, unless_too_many
from plugins.interface import CartContext, Effect, Temporary

FIRST_ASK = timedelta(seconds=30)
"""How long after it was made a feed is first asked about."""

_UPLOAD, _DOWNLOAD = "uploadFeedDocument", "downloadFeedDocument"
_PATH = "/feeds/2021-06-30"
_REPORT_MAX = 64 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_NOT_FOUND = 404


class FeedStatus(StrEnum):
    """processingStatus, with UNKNOWN for any later word."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    FATAL = "FATAL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Feed:
    """A feed as Amazon shows it; `report_document_id` is None where there is no report."""

    status: FeedStatus
    report_document_id: str | None


def upload_document(ctx: CartContext, content_type: str, document: bytes) -> str:
    """Upload a document for a feed; returns its id. Alone it does nothing, so its calls count as reads."""
    created = call(
        ctx,
        "createFeedDocument",
        Effect.READ,
        "POST",
        f"{_PATH}/documents",
        body={"contentType": content_type},
    )
    document_id, url = _text(created, "feedDocumentId"), _text(created, "url")
    # The address is presigned for exactly this content type; an access token must not go there.
    upload = ctx.http.call(_UPLOAD, Effect.READ, "PUT", url, headers={"content-type": content_type}, data=document)
    unless_too_many(_UPLOAD, upload, ctx.clock.now())
    if not 200 <= upload.status < 300:
        raise Temporary(
            "Amazon did not take the file.",
            detail=f"upload answered HTTP {upload.status}",
            code="UPLOAD_REFUSED",
        )
    return document_id


def create_feed(
    ctx: CartContext, feed_type: str, document_id: str, marketplace_ids: Sequence[str], operation: str = "createFeed"
) -> str:
    """Make a feed of an uploaded document; returns the feed id.

    Args:
        marketplace_ids: 1 to 25 of them.
        operation: whose budget is spent, where the feed type has one of its own.

    Raises:
        Temporary: with `unknown` where the feed may have been made.
    """
    body = {"feedType": feed_type, "marketplaceIds": list(marketplace_ids), "inputFeedDocumentId": document_id}
    feed = call(ctx, operation, Effect.WRITE, "POST", f"{_PATH}/feeds", body=body)
    return _text(feed, "feedId", Effect.WRITE)


def get_feed(ctx: CartContext, feed_id: str) -> Feed | None:
    """The feed now; None where Amazon does not know it (it forgets them after 90 days)."""
    reply = send(ctx, "getFeed", Effect.READ, "GET", f"{_PATH}/feeds/{quote(feed_id, safe='')}")
    if reply.status == _NOT_FOUND:
        return None
    body = json_object(check(ctx, "getFeed", Effect.READ, reply), Effect.READ)
    word = _text(body, "processingStatus")
    if word not in FeedStatus.__members__:
        ctx.log.warning("feed %s has the unknown processingStatus %s", feed_id, one_line(word))
        word = FeedStatus.UNKNOWN
    report = body.get("resultFeedDocumentId")
    return Feed(FeedStatus(word), report if isinstance(report, str) and report else None)


def get_report(ctx: CartContext, document_id: str) -> bytes:
    """The unpacked report of a feed."""
    path = f"{_PATH}/documents/{quote(document_id, safe='')}"
    document = call(ctx, "getFeedDocument", Effect.READ, "GET", path)
    download = ctx.http.call(_DOWNLOAD, Effect.READ, "GET", _text(document, "url"))
    unless_too_many(_DOWNLOAD, download, ctx.clock.now())
    if download.status != 200:
        raise Temporary(
            "Amazon's report could not be fetched.",
            detail=f"download answered HTTP {download.status}",
            code="REPORT_NOT_FETCHED",
        )
    # The HTTP client may already have unpacked it where the storage also names gzip as content encoding.
    if document.get("compressionAlgorithm") == "GZIP" and download.body.startswith(_GZIP):
        return _unpack(download.body)
    return download.body


def _unpack(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = unpacker.decompress(packed, _REPORT_MAX)
    except zlib.error as error:
        raise unreadable("the report is no valid gzip", Effect.READ) from error
    if not unpacker.eof:
        raise unreadable("the report is cut off or far too large", Effect.READ)
    return content


def _text(body: dict[str, object], name: str, effect: Effect = Effect.READ) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise unreadable(f"an answer of the Feeds API has no {name}", effect)
    return value
