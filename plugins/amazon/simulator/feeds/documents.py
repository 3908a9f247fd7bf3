"""Feed documents behind presigned addresses, which stand for Amazon S3."""

import gzip
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plugins.amazon.simulator.clock import Clock
from plugins.amazon.simulator.feeds.s3 import s3_error
from plugins.amazon.simulator.messages import Request, Response

URL_LIFE = timedelta(minutes=5)
# "An uploaded document can be used for createFeed for 2 days"; documents are kept for 28 days since 2024-05-30.
USABLE_FOR = timedelta(days=2)
KEPT_FOR = timedelta(days=28)


@dataclass
class Document:
    """One document: an upload of the seller's (`uploaded` is None until the PUT) or a processing report.

    `urls` are its addresses and when they end; those in `encoded` name gzip as the content's encoding.
    """

    id: str
    seller: str
    content_type: str
    created: datetime
    content: bytes = b""
    uploaded: datetime | None = None
    gzipped: bool = False
    report: bool = False
    urls: dict[str, datetime] = field(default_factory=dict)
    encoded: set[str] = field(default_factory=set)


class Documents:
    """Creates documents, presigns addresses for them and answers PUT and GET on those."""

    def __init__(self, clock: Clock, rng: random.Random, base_url: str) -> None:
        self._clock = clock
        self._rng = rng
        self._base_url = base_url.rstrip("/")
        self._documents: dict[str, Document] = {}

    def create(self, seller: str, content_type: str) -> Document:
        """An empty document waiting for its upload."""
        return self._add(Document(self._new_id(), seller, content_type, self._clock.now()))

    def create_report(self, seller: str, content_type: str, content: bytes, *, compress: bool) -> Document:
        """A processing report, optionally gzipped."""
        body = gzip.compress(content, mtime=0) if compress else content
        now = self._clock.now()
        return self._add(Document(self._new_id(), seller, content_type, now, body, now, compress, report=True))

    def get(self, document_id: str, seller: str) -> Document | None:
        """A seller's document, as long as it is kept."""
        document = self._documents.get(document_id)
        if document is None or document.seller != seller or self._clock.now() > document.created + KEPT_FOR:
            return None
        return document

    def presign(self, document: Document, *, encoded: bool = False) -> str:
        """A new address for the document, good for five minutes; an `encoded` one is unpacked by HTTP clients."""
        token = f"{self._rng.getrandbits(128):032x}"
        document.urls[token] = self._clock.now() + URL_LIFE
        if encoded and document.gzipped:
            document.encoded.add(token)
        return f"{self._base_url}/documents/{document.id}?token={token}"

    def transfer(self, request: Request, document_id: str) -> Response:
        """PUT or GET on a presigned address; errors are S3's, in XML."""
        document = self._documents.get(document_id)
        expires = document.urls.get(request.query.get("token", "")) if document else None
        if document is None or expires is None:
            return s3_error(403, "SignatureDoesNotMatch", "The request signature does not match.")
        if self._clock.now() > expires:
            return s3_error(403, "AccessDenied", "Request has expired")
        if any(name in request.headers for name in ("x-amz-access-token", "authorization")):
            return s3_error(400, "InvalidArgument", "Only one auth mechanism allowed; send no SP-API headers here.")
        if request.method == "PUT" and not document.report:
            return self._put(request, document)
        if request.method == "GET" and document.report:
            encoding = "gzip" if request.query["token"] in document.encoded else "identity"
            headers = {"Content-Type": document.content_type} | (
                {"Content-Encoding": encoding} if document.gzipped else {}
            )
            return Response(200, headers, document.content)
        return s3_error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")

    def _put(self, request: Request, document: Document) -> Response:
        # The declared type is part of what was signed, so it must come back letter by letter.
        if request.headers.get("content-type") != document.content_type:
            return s3_error(
                403, "SignatureDoesNotMatch", f"Content-Type must be exactly “{document.content_type}”, as declared."
            )
        document.content, document.uploaded = request.body, self._clock.now()
        return Response(200, {"ETag": f'"{len(request.body):x}"'})

    def _add(self, document: Document) -> Document:
        self._documents[document.id] = document
        return document

    def _new_id(self) -> str:
        return f"amzn1.tortuga.4.na.{self._rng.getrandbits(128):032x}"
