"""Reads orders through the Orders API v2026-01-01 (orders_2026-01-01.json)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from plugins.amazon.api import check, json_object, send, unreadable
from plugins.amazon.errors import read_problem
from plugins.amazon.order_parse import STATES, parse_order
from plugins.amazon.paging import Bookmark, page_fingerprint, query_fingerprint
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
    Temporary,
)

_PATH = "/orders/2026-01-01/orders"
_INCLUDED_DATA = "BUYER,RECIPIENT,FULFILLMENT,CANCELLATION,PROCEEDS,PACKAGES"
_FAMILY = {QueryBy.CREATED: "created", QueryBy.UPDATED: "lastUpdated"}
_NOT_FOUND = 404
_BAD_REQUEST = 400


def fetch_page(ctx: CartContext, query: OrderQuery) -> OrderPage:
    """One page of searchOrders, items and addresses included.

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
    reply = send(ctx, "searchOrders", Effect.READ, "GET", _PATH, params=params)
    if bookmark is not None and reply.status == _BAD_REQUEST and _speaks_of_page_token(read_problem(reply).message):
        raise PageExpired("The listing is read again from its start.", detail="Amazon refused the page token")
    body = json_object(check(ctx, "searchOrders", Effect.READ, reply), Effect.READ)
    raw_orders = body.get("orders")
    if not isinstance(raw_orders, list):
        raise unreadable("searchOrders: no list of orders", Effect.READ)
    parsed = [parse_order(raw) for raw in raw_orders]
    this_page = page_fingerprint(order.remote_id for order in parsed)
    token = _next_token(body)
    if bookmark is not None and (token == bookmark.token or (this_page and this_page == bookmark.before)):
        raise Temporary(
            "Amazon lists the same orders again and again; this is tried again.",
            detail="searchOrders repeated a page under another token",
            code="REPEATED_PAGE",
        )
    return OrderPage(
        orders=tuple(order for order in parsed if isinstance(order, Order)),
        rejects=tuple(order for order in parsed if isinstance(order, OrderReject)),
        next_page=Bookmark(token, fingerprint, this_page).encode() if token else None,
        server_time=reply.server_time,
    )


def fetch_one(ctx: CartContext, remote_id: str) -> Order | OrderReject | None:
    """One order by getOrder; None where this seller has no such order."""
    params = {"includedData": _INCLUDED_DATA}
    reply = send(ctx, "getOrder", Effect.READ, "GET", f"{_PATH}/{quote(remote_id, safe='')}", params=params)
    if reply.status == _NOT_FOUND:
        return None
    body = json_object(check(ctx, "getOrder", Effect.READ, reply), Effect.READ)
    raw = body.get("order")
    # The version before this one answers 200 with an empty object for an id that is well formed but unknown.
    return parse_order(raw) if raw else None


def search_params(query: OrderQuery, sites: tuple[str, ...]) -> dict[str, str]:
    """The parameters of searchOrders, apart from the pagination token.

    A query for certain states is the routine one and asks for what the merchant fulfills only; one for all states is
    the reconcile listing and must see everything.
    """
    family = _FAMILY[query.by]
    params = {
        f"{family}After": _iso(query.start),
        f"{family}Before": _iso(query.end),
        "includedData": _INCLUDED_DATA,
    }
    if query.states:
        params["fulfillmentStatuses"] = ",".join(word for word, state in STATES.items() if state in query.states)
        params["fulfilledBy"] = "MERCHANT"
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


def _speaks_of_page_token(message: str) -> bool:
    return "token" in message.casefold()
