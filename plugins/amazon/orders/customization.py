"""Fetches what a buyer had printed or engraved: a ZIP behind the address that the order's line names.

The address is no operation of the API: it wants no token. How long it is good is published nowhere.
"""

from __future__ import annotations

from email.message import Message
from urllib.parse import unquote, urljoin, urlsplit

from plugins.amazon.endpoints import SIMULATOR
from plugins.amazon.errors import unless_too_many
from plugins.interface import CUSTOMIZATION_MAX, CartContext, Customization, Effect, Permanent, Reply, Temporary

_OPERATION = "downloadCustomization"
_REDIRECTS = (301, 302, 303, 307, 308)
_GONE = (403, 404, 410)
_NAME = "customization.zip"
_NAME_MAX = 100
_CONTENT_TYPE = "application/octet-stream"


def download(ctx: CartContext, url: str) -> Customization:
    """The file at a line's `customizedUrl`, over at most one redirect to a host that may be called.

    Raises:
        Permanent: the address is not good (any more), leads to a host that may not be called, or the file is too large.
        RateLimited: Amazon asks for a pause.
        Temporary: anything else that is no file.
    """
    reply = _get(ctx, url)
    location = reply.headers.get("location", "")
    if reply.status in _REDIRECTS and location:
        url = _joined(url, location)
        reply = _get(ctx, url)
    if reply.status in _GONE:
        raise _not_good(f"HTTP {reply.status}")
    content_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower() or _CONTENT_TYPE
    if reply.status != 200 or not reply.body or content_type == "text/html":
        raise Temporary(
            "The customization could not be fetched from Amazon.",
            detail=f"{_OPERATION}: HTTP {reply.status}, {len(reply.body)} bytes of {content_type}",
            code="CUSTOMIZATION_NOT_FETCHED",
        )
    if len(reply.body) > CUSTOMIZATION_MAX:
        raise Permanent(
            f"The customization is larger than {CUSTOMIZATION_MAX // 1_000_000} MB. Please open it in Seller Central.",
            detail=f"{_OPERATION}: {len(reply.body)} bytes",
            code="CUSTOMIZATION_TOO_LARGE",
        )
    return Customization(_name(reply, url), content_type, reply.body)


def _get(ctx: CartContext, url: str) -> Reply:
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or ctx.app.environment == SIMULATOR
        usable = secure and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        # What lies there is personal data, and travels encrypted only.
        raise _not_good("no usable https address")
    return unless_too_many(_OPERATION, ctx.http.call(_OPERATION, Effect.READ, "GET", url), ctx.clock.now())


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _not_good("the redirect leads to no address") from error


def _not_good(detail: str) -> Permanent:
    return Permanent(
        "The link to the customization is not good any more.",
        detail=f"{_OPERATION}: {detail}",
        code="CUSTOMIZATION_GONE",
    )


def _name(reply: Reply, url: str) -> str:
    """A plain file name: the one Amazon gives, the last part of the address where that looks like one, or ours."""
    message = Message()
    message["content-disposition"] = reply.headers.get("content-disposition", "")
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    for name in (message.get_filename(), last if "." in last else ""):
        base = (name or "").replace("\\", "/").rpartition("/")[2]
        plain = "".join(char for char in base if char.isprintable() and char not in ':*?"<>|').strip(". ")
        if plain:
            return plain[-_NAME_MAX:]
    return _NAME
