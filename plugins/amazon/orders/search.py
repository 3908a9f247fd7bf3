"""Reads orders through the Orders API v2026-01-01 (orders_2026-01-01.json)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from plugins.amazon.api import check, json_object, send, unreadable
from plugins.amazon.errors import Problem, read_problem, until_calls
from plugins.amazon.orders.paging import EMPTY_MAX, Bookmark, page_fingerprint, query_fingerprint
from plugins.amazon.orders.parse import STATES, parse_order
from plugins.amazon.regions import known_sites, region_of
from plugins.interface import (
    CartContext,
    Effect,
    Order,
    OrderPage,
    OrderQuery,
    OrderReject,
    PageExpired,
    QueryBy,
    RateLimited,
    Reply,
    Temporary,
)

_PATH = "/orders/2026-01-01/orders"
_EVERYTHING = "BUYER,RECIPIENT,FULFILLMENT,CANCELLATION,PROCEEDS,PACKAGES"
# What an order cannot be shipped without.
_ESSENTIAL = "RECIPIENT,FULFILLMENT,CANCELLATION"
_NOTICE = "Amazon refused to hand out buyers, amounts and packages for the moment; orders go on without them."
_ORDER_ID = re.compile(r"[0-9]{3}-[0-9]{7}-[0-9]{7}")
_FAMILY = {QueryBy.CREATED: "created", QueryBy.UPDATED: "lastUpdated"}
_NOT_FOUND = 404
_BAD_REQUEST = 400
# A page costs two calls where the first is refused.
_CALLS_PER_PAGE = 2
_WINDOW_TERMS = ("createdafter", "createdbefore", "lastupdatedafter", "lastupdatedbefore", "2 minutes", "two minutes")


def fetch_page(ctx: CartContext, query: OrderQuery) -> OrderPage:
    """One page of searchOrders, items and addresses included; only what is essential where Amazon refuses the rest.

    Raises:
        PageExpired: the page token is older than 24 hours or belongs to another query.
        Temporary: also where Amazon gives the same page again, or refuses a query that is known to be good.
    """
    params = search_params(query, known_sites(region_of(ctx.store.region), list(ctx.store.sites)))
    fingerprint = query_fingerprint(params)
    bookmark = Bookmark.decode(query.page) if query.page is not None else None
    if bookmark is not None:
        if bookmark.query != fingerprint:
            raise PageExpired("The listing is read again from its start.", detail="the query changed between pages")
        params["paginationToken"] = bookmark.token
    essential = bookmark is not None and bookmark.essential
    answer = _read(ctx, "searchOrders", _PATH, params, essential=essential)
    if bookmark is not None and answer.reply.status == _BAD_REQUEST and _about_token(read_problem(answer.reply)):
        raise PageExpired("The listing is read again from its start.", detail="Amazon refused the page token")
    body = json_object(check(ctx, "searchOrders", Effect.READ, answer.reply), Effect.READ)
    raw_orders = body.get("orders")
    if not isinstance(raw_orders, list):
        raise unreadable("searchOrders: no list of orders", Effect.READ)
    parsed = [parse_order(raw) for raw in raw_orders]
    this_page = page_fingerprint(order.remote_id for order in parsed)
    token = _next_token(body)
    if bookmark is not None and (token == bookmark.token or this_page in bookmark.before):
        raise Temporary(
            "Amazon lists the same orders again and again.",
            detail="searchOrders repeated a page under another token",
            code="REPEATED_PAGE",
        )
    seen = (bookmark or Bookmark("", fingerprint, ())).after(this_page)
    if token and seen.empty > EMPTY_MAX:
        raise Temporary(
            "Amazon's list of orders does not end.",
            detail=f"searchOrders gave more than {EMPTY_MAX} pages without orders in a row",
            code="ENDLESS_LISTING",
        )
    return OrderPage(
        orders=tuple(order for order in parsed if isinstance(order, Order)),
        rejects=tuple(order for order in parsed if isinstance(order, OrderReject)),
        next_page=replace(seen, token=token, essential=answer.essential).encode() if token else None,
        server_time=answer.reply.server_time,
        notice=_NOTICE if answer.essential else "",
    )


def fetch_one(ctx: CartContext, remote_id: str) -> Order | OrderReject | None:
    """One order by getOrder, or what is essential of it; None where this seller has no such order."""
    if not _ORDER_ID.fullmatch(remote_id):
        # Amazon answers 400 to such an id, as it does in an outage.
        return None
    reply = _read(ctx, "getOrder", f"{_PATH}/{quote(remote_id, safe='')}", {}).reply
    if reply.status == _NOT_FOUND:
        return None
    body = json_object(check(ctx, "getOrder", Effect.READ, reply), Effect.READ)
    raw = body.get("order")
    # The version before this one answers 200 with an empty object for an id that is well formed but unknown.
    return parse_order(raw) if raw else None


@dataclass(frozen=True)
class _Answer:
    """A reply, and whether only the essential datasets were asked for."""

    reply: Reply
    essential: bool


def _read(ctx: CartContext, operation: str, path: str, params: dict[str, str], *, essential: bool = False) -> _Answer:
    """The answer to a read of orders, with fewer datasets where those known to be good are refused.

    In August 2026 Amazon answered 400 to single datasets for a day (selling-partner-api-models issue 5365). Paging
    allows to change them from page to page.
    """

    def ask(datasets: str) -> Reply:
        query = {**params, "includedData": datasets}
        return send(ctx, operation, Effect.READ, "GET", path, params=query)

    if essential:
        return _Answer(ask(_ESSENTIAL), essential=True)
    reply = ask(_EVERYTHING)
    if reply.status != _BAD_REQUEST or _is_explained(read_problem(reply)):
        return _Answer(reply, essential=False)
    ctx.log.warning(
        "%s refused its datasets (%s); asked for the essential ones", operation, read_problem(reply).summary()
    )
    try:
        fewer = ask(_ESSENTIAL)
        if fewer.status == 429:
            check(ctx, operation, Effect.READ, fewer)
    except RateLimited as error:
        raise until_calls(error, operation, ctx.clock.now(), _CALLS_PER_PAGE) from error
    return _Answer(fewer, essential=True)


def search_params(query: OrderQuery, sites: tuple[str, ...]) -> dict[str, str]:
    """The parameters of searchOrders that stay the same from page to page: all but pagination token and datasets.

    A query that names states is the routine one and asks for what the merchant fulfills only; where it names all, no
    filter is sent, so that a status that Amazon invents comes through. One without is the reconcile listing and must
    see everything.
    """
    family = _FAMILY[query.by]
    params = {
        f"{family}After": _iso(query.start),
        f"{family}Before": _iso(query.end),
    }
    if query.states:
        params["fulfilledBy"] = "MERCHANT"
        if not set(STATES.values()) <= set(query.states):
            params["fulfillmentStatuses"] = ",".join(word for word, state in STATES.items() if state in query.states)
    if sites:
        params["marketplaceIds"] = ",".join(sites)
    return params


def _iso(value: datetime) -> str:
    # Cutting off what is below a millisecond loses no order at either end: Amazon's times are whole milliseconds.
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _next_token(body: dict[str, Any]) -> str:
    pagination = body.get("pagination")
    if pagination is None:
        return ""
    token = pagination.get("nextToken") if isinstance(pagination, dict) else None
    if token is not None and not isinstance(token, str):
        raise unreadable("searchOrders: pagination is not understood", Effect.READ)
    return token or ""


def _is_explained(problem: Problem) -> bool:
    """Whether a 400 is about something other than the datasets: the page token, or a window that ends too late."""
    text = f"{problem.message} {problem.details}".casefold()
    return _about_token(problem) or any(word in text for word in _WINDOW_TERMS)


def _about_token(problem: Problem) -> bool:
    return "token" in f"{problem.message} {problem.details}".casefold()
