"""Translating error answers of the Selling Partner API into errors of the contract.

Source: the error models of the API files and the pages "Usage Plans and Rate Limits" and "Authorization Errors".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugins.amazon.manifest import APPLICATION_LIMIT, CREATE_LISTINGS_FEED, RATE_PLANS
from plugins.interface import (
    AuthorizationLost,
    CartError,
    Effect,
    Permanent,
    RateLimited,
    Reply,
    SettingsError,
    Temporary,
)

KNOWN_GOOD_QUERY_REFUSED = "KNOWN_GOOD_QUERY_REFUSED"

_PAUSE_MIN = timedelta(seconds=5)
_PAUSE_MAX = timedelta(minutes=5)
_TEXT_MAX = 300

ORDER_READS = frozenset({"searchOrders", "getOrder"})

# Pages "Orders API role mappings" and "Feed Type Values"; where many roles will do, the one this product needs anyway.
_ORDERS_ROLE = "Inventory and Order Tracking"
_LISTINGS_ROLE = "Product Listing or Inventory and Order Tracking"
_ORDER_WRITES_ROLE = "Inventory and Order Tracking or Direct-to-Consumer Shipping"
_FEEDS_ROLE = "Inventory and Order Tracking, Direct-to-Consumer Shipping or Product Listing"
ROLES = {
    "getMarketplaceParticipations": "Product Listing or Selling Partner Insights",
    "searchOrders": _ORDERS_ROLE,
    "getOrder": _ORDERS_ROLE,
    "confirmShipment": _ORDER_WRITES_ROLE,
    "createFeed": _ORDER_WRITES_ROLE,
    CREATE_LISTINGS_FEED: _LISTINGS_ROLE,
    "createFeedDocument": _FEEDS_ROLE,
    "getFeed": _FEEDS_ROLE,
    "getFeedDocument": _FEEDS_ROLE,
    "searchListingsItems": _LISTINGS_ROLE,
    "getListingsItem": _LISTINGS_ROLE,
}
"""The role that an operation needs, in Amazon's words, for the message about one that is missing."""


@dataclass(frozen=True)
class Problem:
    """The first error of an answer; its texts are empty where the body is no error envelope."""

    status: int
    code: str = ""
    message: str = ""
    details: str = ""
    request_id: str = ""

    @property
    def readable(self) -> bool:
        """Whether the answer was Amazon's error envelope at all, and not some proxy's page."""
        return bool(self.code or self.message)

    @property
    def about_token(self) -> bool:
        """Whether the access token itself was refused; Amazon says so with 403 and the details, seldom with 401."""
        return self.status == 401 or (self.status == 403 and "token" in self.details.casefold())

    @property
    def about_application(self) -> bool:
        """Whether the limit of the whole application was met, which has nothing to do with the store's own budget."""
        return APPLICATION_LIMIT in self.message

    def summary(self) -> str:
        """One line for the log."""
        parts = (f"HTTP {self.status}", self.code, self.message, self.details, self.request_id)
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class _Meaning:
    error: type[CartError]
    code: str
    message: str


_REFUSED = _Meaning(Permanent, "REQUEST_REFUSED", "Amazon did not accept what was sent to it.")

_BY_STATUS = {
    400: _REFUSED,
    401: _Meaning(
        AuthorizationLost,
        "TOKEN_REFUSED",
        "Amazon no longer accepts the authorization of this store. Please reconnect it.",
    ),
    403: _Meaning(
        SettingsError,
        "ROLE_MISSING",
        "Amazon refused access: the warehouse's application, or this store's authorization of it, lacks the role "
        "{role}. Ask the warehouse; once the application has the role, reconnect this store.",
    ),
    404: _Meaning(Permanent, "NOT_FOUND", "Amazon does not know what was asked for."),
    413: _Meaning(Permanent, "TOO_LARGE", "Amazon found what was sent to it too large."),
    429: _Meaning(RateLimited, "QUOTA_EXCEEDED", "Amazon asks for a pause before the next request."),
}
_UNKNOWN_PATH = _Meaning(Permanent, "UNKNOWN_OPERATION", "Amazon does not know this request.")
_QUERY_REFUSED = _Meaning(Temporary, KNOWN_GOOD_QUERY_REFUSED, "Amazon refused to list orders for the moment.")
_UNAVAILABLE = _Meaning(Temporary, "AMAZON_UNAVAILABLE", "Amazon could not answer just now.")
_UNEXPECTED = _Meaning(Temporary, "UNEXPECTED_ANSWER", "Amazon gave an unexpected answer.")


def read_problem(reply: Reply) -> Problem:
    """The first error of `{"errors": [{code, message, details}]}`, or one without texts. Never raises."""
    request_id = one_line(reply.headers.get("x-amzn-requestid", ""))
    try:
        first = json.loads(reply.body)["errors"][0]
        code, message, details = (one_line(str(first.get(name) or "")) for name in ("code", "message", "details"))
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return Problem(reply.status, request_id=request_id)
    return Problem(reply.status, code, message, details, request_id)


def failure(operation: str, effect: Effect, problem: Problem, now: datetime) -> CartError:
    """The contract error for an answer outside 200-299.

    Args:
        operation: Amazon's name of it; tells how long a 429 lasts and which role a 403 speaks of.
        effect: a server error on a WRITE leaves unknown whether it was applied.
        now: the time a pause counts from.
    """
    meaning = _meaning(operation, problem)
    message = meaning.message.format(role=ROLES.get(operation, _FEEDS_ROLE))
    detail = f"{operation}: {problem.summary()}"
    if meaning.error is RateLimited:
        rest = _PAUSE_MIN if problem.about_application else pause(operation)
        return RateLimited(message, until=now + rest, detail=detail, code=meaning.code)
    if meaning.error is Temporary:
        unknown = effect is Effect.WRITE and problem.status >= 500
        return Temporary(message, detail=detail, code=meaning.code, unknown=unknown)
    return meaning.error(message, detail=detail, code=meaning.code)


def pause(operation: str) -> timedelta:
    """How long to wait after a 429: about one refill of the operation's bucket.

    Amazon sends no Retry-After, and its x-amzn-RateLimit-Limit header is absent on 429.
    """
    plan = RATE_PLANS.get(operation)
    refill = timedelta(seconds=1 / plan.rate_per_s) if plan else _PAUSE_MIN
    return min(max(refill, _PAUSE_MIN), _PAUSE_MAX)


def unless_too_many(operation: str, reply: Reply, now: datetime) -> Reply:
    """The same answer of a host that is no API and has no error envelope, unless it asks for a pause.

    Raises:
        RateLimited: it answered 429.
    """
    if reply.status != 429:
        return reply
    meaning, detail = _BY_STATUS[429], f"{operation}: HTTP 429"
    raise RateLimited(meaning.message, until=now + pause(operation), detail=detail, code=meaning.code)


def until_full(error: RateLimited, operation: str, now: datetime) -> RateLimited:
    """The same refusal for work that begins again with its first call: until the operation's bucket is full.

    Waiting for the next single token would buy the first call again, for ever.
    """
    return until_calls(error, operation, now, RATE_PLANS[operation].burst)


def until_calls(error: RateLimited, operation: str, now: datetime, calls: int) -> RateLimited:
    """The same refusal, until the operation's bucket holds so many calls: at the rate in force where the core tells it,
    else at the published one."""
    refill = error.refill or timedelta(seconds=1 / RATE_PLANS[operation].rate_per_s)
    until = max(error.until, now + calls * refill)
    return RateLimited(error.message, until=until, refill=error.refill, detail=error.detail, code=error.code)


def _meaning(operation: str, problem: Problem) -> _Meaning:
    if problem.status >= 500:
        return _UNAVAILABLE
    if problem.about_application:
        return _BY_STATUS[429]
    if problem.status == 400 and operation in ORDER_READS:
        # The query never changes its shape, so a 400 is an outage of Amazon's, as in the Far East in August 2026
        # (selling-partner-api-models issue 5365), and heals by itself.
        return _QUERY_REFUSED
    if problem.status == 403:
        if not problem.readable:
            return _UNEXPECTED
        if problem.code == "MissingAuthenticationToken":
            return _UNKNOWN_PATH
        if problem.about_token:
            return _BY_STATUS[401]
    if problem.status in _BY_STATUS:
        return _BY_STATUS[problem.status]
    return _REFUSED if 400 <= problem.status < 500 else _UNEXPECTED


def one_line(text: str) -> str:
    """A vendor's words made fit for a log line or a page: one line, bounded."""
    return " ".join(text.split())[:_TEXT_MAX]
