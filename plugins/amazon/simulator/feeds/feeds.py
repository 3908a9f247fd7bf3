"""Feeds API 2021-06-30: documents, feeds and their life cycle on the simulator's clock."""

import logging
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from plugins.amazon.simulator.access.roles import LISTINGS_ROLES, ORDER_FEED_ROLES
from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.clock import Clock, iso, parse_time
from plugins.amazon.simulator.feeds.documents import USABLE_FOR, Document, Documents
from plugins.amazon.simulator.messages import access_denied, invalid_input, not_found
from plugins.amazon.simulator.reading import whole_number
from plugins.amazon.simulator.steering.faults import FEED_PROCESSED, Faults

_log = logging.getLogger(__name__)

ACKNOWLEDGEMENT = "POST_ORDER_ACKNOWLEDGEMENT_DATA"
FULFILLMENT = "POST_ORDER_FULFILLMENT_DATA"
FLAT_FILE = "POST_FLAT_FILE_ORDER_ACKNOWLEDGEMENT_DATA"
JSON_LISTINGS = "JSON_LISTINGS_FEED"
XML = "text/xml; charset=UTF-8"
JSON = "application/json; charset=UTF-8"
TEXT = "text/tab-separated-values; charset=UTF-8"
CONTENT_TYPES = (XML, JSON, TEXT)
STATUSES = frozenset({"CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE"})
KEPT_FOR = timedelta(days=90)
# feeds_2021-06-30.json: getFeeds takes at most 10 marketplaces, createFeed 25.
_MOST_LISTED = 10
# After FATAL a report may be of another format than the feed's.
_FATAL_REPORT = b"""Feed Processing Summary:
\tNumber of records processed\t\t0
\tNumber of records successful\t\t0

original-record-number\terror-code\terror-type\terror-message
0\t90057\tFatal\tThe feed could not be processed.
"""

ROLES = {
    ACKNOWLEDGEMENT: ORDER_FEED_ROLES,
    FULFILLMENT: ORDER_FEED_ROLES,
    FLAT_FILE: ORDER_FEED_ROLES,
    JSON_LISTINGS: LISTINGS_ROLES,
}
# What Amazon does with a feed whose document was declared as something else is not published; the strict side is taken
# (unverified), but for XML under the flat type, which is answered by a report (models issue 1091).
READABLE = {ACKNOWLEDGEMENT: (XML,), FULFILLMENT: (XML,), FLAT_FILE: (TEXT, XML), JSON_LISTINGS: (JSON,)}
# Amazon's "Deprecation Reminders" 2024-2025: removed on 2025-07-31, such feeds end FATAL.
RETIRED = frozenset(
    """POST_PRODUCT_DATA POST_INVENTORY_AVAILABILITY_DATA POST_PRODUCT_PRICING_DATA POST_PRODUCT_IMAGE_DATA
    POST_PRODUCT_RELATIONSHIP_DATA POST_PRODUCT_OVERRIDES_DATA POST_FLAT_FILE_INVLOADER_DATA
    POST_FLAT_FILE_LISTINGS_DATA POST_FLAT_FILE_BOOKLOADER_DATA POST_FLAT_FILE_CONVERGENCE_LISTINGS_DATA
    POST_FLAT_FILE_PRICEANDQUANTITYONLY_UPDATE_DATA POST_UIEE_BOOKLOADER_DATA""".split()
)


@dataclass
class Outcome:
    """The result of processing a feed: its report and, for the call log, what it did."""

    report: bytes
    content_type: str
    acknowledged: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    skus: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)


@dataclass
class Feed:
    """One feed. `begins` and `ends` are when its processing starts and is over."""

    id: str
    seller: str
    type: str
    marketplaces: list[str]
    document: Document
    created: datetime
    begins: datetime
    ends: datetime
    status: str = "IN_QUEUE"
    result: str | None = None
    rejecting: str | None = None

    def rejects(self, key: str) -> bool:
        """Whether an armed fault wants the line of this order or SKU ("*": any) to fail for no fault of its own."""
        return self.rejecting in ("*", key)

    @property
    def readable(self) -> bool:
        """Whether it can be processed at all: a type still served, and a document uploaded as one of that type."""
        fitting = self.document.content_type in READABLE.get(self.type, ())
        return self.document.uploaded is not None and fitting

    def as_json(self) -> dict[str, Any]:
        """The `Feed` object of feeds_2021-06-30.json."""
        shown: dict[str, Any] = {
            "feedId": self.id,
            "feedType": self.type,
            "marketplaceIds": self.marketplaces,
            "createdTime": iso(self.created),
            "processingStatus": self.status,
        }
        if self.status in ("IN_PROGRESS", "DONE", "FATAL"):
            shown["processingStartTime"] = iso(self.begins)
        if self.status in ("DONE", "FATAL"):
            shown["processingEndTime"] = iso(self.ends)
        if self.result:
            shown["resultFeedDocumentId"] = self.result
        return shown


Processor = Callable[[Feed, bytes], Outcome]


class Feeds:
    """The six operations. Feeds are worked off by `advance`, in the order in which they end."""

    def __init__(
        self,
        documents: Documents,
        clock: Clock,
        rng: random.Random,
        processors: Mapping[str, Processor],
        *,
        faults: Faults,
        finished: Callable[[Feed, Outcome | None], None],
        delay_s: float,
    ) -> None:
        self._documents, self._clock, self._rng = documents, clock, rng
        self._processors = processors
        self._faults = faults
        self._finished = finished
        self.delay_s = delay_s
        self._feeds: dict[str, Feed] = {}
        self._lists: dict[str, tuple[str, dict[str, str], int]] = {}

    def advance(self) -> None:
        """Move every open feed to where the clock says it is."""
        now = self._clock.now()
        open_feeds = [feed for feed in self._feeds.values() if feed.status in ("IN_QUEUE", "IN_PROGRESS")]
        for feed in sorted(open_feeds, key=lambda feed: (feed.ends, feed.id)):
            if now >= feed.ends:
                self._process(feed)
            elif now >= feed.begins:
                feed.status = "IN_PROGRESS"

    def _process(self, feed: Feed) -> None:
        fault = self._faults.strike(FEED_PROCESSED, feed.seller)
        if fault and fault.kind == "reject":
            feed.rejecting = fault.order_id or fault.sku or "*"
        outcome = None
        kind = fault.kind if fault else None
        if not feed.readable or kind in ("fatal", "fatal_text_report"):
            if kind == "fatal_text_report":
                feed.result = self._documents.create_report(feed.seller, TEXT, _FATAL_REPORT, compress=False).id
        else:
            outcome = self._outcome(feed)
        if outcome is None or kind == "apply_then_fatal":
            feed.status = "FATAL"
        else:
            # Both forms occur at Amazon; every second report is compressed so that a client meets both.
            compress = int(feed.id) % 2 == 0
            report = self._documents.create_report(feed.seller, outcome.content_type, outcome.report, compress=compress)
            feed.status, feed.result = "DONE", report.id
        self._finished(feed, outcome)

    def _outcome(self, feed: Feed) -> Outcome | None:
        """None when the processor met what nobody foresaw: the feed then ends like one that fails at Amazon, and those
        behind it go on."""
        try:
            return self._processors[feed.type](feed, feed.document.content)
        except Exception:
            _log.exception("Feed %s (%s) ends FATAL", feed.id, feed.type)
            return None

    def create_document(self, seller: Seller, body: dict[str, Any]) -> dict[str, Any]:
        """createFeedDocument."""
        content_type = body.get("contentType")
        if content_type not in CONTENT_TYPES:
            raise invalid_input(f"contentType {content_type!r} is not one of {', '.join(CONTENT_TYPES)}.")
        document = self._documents.create(seller.id, content_type)
        return {"feedDocumentId": document.id, "url": self._documents.presign(document)}

    def get_document(self, seller: Seller, document_id: str, query: Mapping[str, str]) -> dict[str, Any]:
        """getFeedDocument."""
        encoded = query.get("enableContentEncodingUrlHeader", "false")
        if encoded not in ("true", "false"):
            raise invalid_input("enableContentEncodingUrlHeader must be true or false.")
        document = self._documents.get(document_id, seller.id)
        if document is None or not document.report:
            raise not_found(f"Feed document {document_id} was not found.")
        url = self._documents.presign(document, encoded=encoded == "true")
        shown = {"feedDocumentId": document.id, "url": url}
        return shown | ({"compressionAlgorithm": "GZIP"} if document.gzipped else {})

    def create(self, seller: Seller, body: dict[str, Any], roles: Collection[str]) -> dict[str, Any]:
        """createFeed.

        Raises:
            ApiError: 400 for a type, marketplace or document that cannot be used, 403 for a missing role.
        """
        feed_type, places = body.get("feedType"), body.get("marketplaceIds")
        if not isinstance(feed_type, str) or (feed_type not in self._processors and feed_type not in RETIRED):
            raise invalid_input(f"Invalid feedType {feed_type!r}.")
        if not isinstance(places, list) or not 1 <= len(places) <= 25:
            raise invalid_input("marketplaceIds must hold 1 to 25 values.")
        foreign = [place for place in places if place not in seller.marketplaces]
        if foreign:
            raise invalid_input(f"Invalid marketplaceId {foreign[0]!r}: the seller does not participate in it.")
        if feed_type == JSON_LISTINGS and len(places) != 1:
            raise invalid_input("JSON_LISTINGS_FEED takes one marketplace per feed.")
        if feed_type in ROLES and not ROLES[feed_type] & set(roles):
            raise access_denied()
        document = self._documents.get(str(body.get("inputFeedDocumentId")), seller.id)
        now = self._clock.now()
        if document is None or document.report or now > document.created + USABLE_FOR:
            raise invalid_input("inputFeedDocumentId is invalid: no such document, or older than two days.")
        feed = Feed(
            id=str(50_000_000_000 + len(self._feeds) + 1),
            seller=seller.id,
            type=feed_type,
            marketplaces=places,
            document=document,
            created=now,
            begins=now + timedelta(seconds=self.delay_s / 4),
            ends=now + timedelta(seconds=self.delay_s),
        )
        self._feeds[feed.id] = feed
        return {"feedId": feed.id}

    def get(self, seller: Seller, feed_id: str) -> Feed:
        """getFeed; 404 for a feed that is not this seller's or no longer kept."""
        feed = self._feeds.get(feed_id)
        if feed is None or feed.seller != seller.id or self._clock.now() > feed.created + KEPT_FOR:
            raise not_found(f"Feed {feed_id} was not found.")
        return feed

    def cancel(self, seller: Seller, feed_id: str) -> None:
        """cancelFeed: only while IN_QUEUE."""
        feed = self.get(seller, feed_id)
        if feed.status != "IN_QUEUE":
            raise invalid_input(f"Feed {feed_id} cannot be cancelled: its status is {feed.status}.")
        feed.status = "CANCELLED"

    def listed(self, seller: Seller, query: Mapping[str, str]) -> dict[str, Any]:
        """getFeeds: newest first; nextToken comes alone."""
        if "nextToken" in query:
            if len(query) > 1 or query["nextToken"] not in self._lists:
                raise invalid_input("nextToken is invalid, or came together with other parameters.")
            owner, query, offset = self._lists[query["nextToken"]]
            if owner != seller.id:
                raise invalid_input("nextToken is invalid.")
        else:
            offset = 0
            if "feedTypes" not in query:
                raise invalid_input("Either feedTypes or nextToken must be provided.")
        try:
            size = whole_number(query.get("pageSize", "10"), 1, 100)
        except ValueError as problem:
            raise invalid_input("pageSize must be between 1 and 100.") from problem
        fits = self._filter(query)
        found = [feed for feed in reversed(self._feeds.values()) if feed.seller == seller.id and fits(feed)]
        reply: dict[str, Any] = {"feeds": [feed.as_json() for feed in found[offset : offset + size]]}
        if offset + size < len(found):
            token = f"{self._rng.getrandbits(128):032x}"
            self._lists[token] = (seller.id, dict(query), offset + size)
            reply["nextToken"] = token
        return reply

    def _filter(self, query: Mapping[str, str]) -> Callable[[Feed], bool]:
        """Return the feeds the filters leave; raises ApiError for one that cannot be, whatever there is to filter."""
        now = self._clock.now()
        types = query["feedTypes"].split(",")
        places = query["marketplaceIds"].split(",") if "marketplaceIds" in query else None
        statuses = query["processingStatuses"].split(",") if "processingStatuses" in query else STATUSES
        if not set(statuses) <= STATUSES or len(types) > 10 or len(places or ()) > _MOST_LISTED:
            raise invalid_input("feedTypes, marketplaceIds or processingStatuses is invalid.")
        try:
            since = parse_time(query["createdSince"]) if "createdSince" in query else now - KEPT_FOR
            until = parse_time(query["createdUntil"]) if "createdUntil" in query else now
        except ValueError as problem:
            raise invalid_input(f"createdSince or createdUntil is invalid: {problem}.") from problem

        def fits(feed: Feed) -> bool:
            return (
                feed.type in types
                and (places is None or bool(set(places) & set(feed.marketplaces)))
                and feed.status in statuses
                and max(since, now - KEPT_FOR) <= feed.created <= until
            )

        return fits

    def all(self) -> list[dict[str, Any]]:
        """Every feed with its seller, for steering."""
        return [{"seller": feed.seller} | feed.as_json() for feed in self._feeds.values()]
