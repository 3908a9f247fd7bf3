"""Reads listings through the Listings Items API (listingsItems_2021-08-01.json)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from plugins.amazon.api import check, json_object, send, unreadable
from plugins.amazon.errors import until_full
from plugins.amazon.listings.listings_feed import REMOTE_FULFILLMENT_MESSAGE
from plugins.amazon.listings.shown_listings import Listing, parse_listing, remote_sites, shown_inventory, sold_remotely
from plugins.amazon.manifest import RATE_PLANS
from plugins.amazon.stores import remote_fulfillment, seller_of, stock_sites
from plugins.interface import CartContext, Effect, NotRead, RateLimited, SettingsError, ShownInventory

_SEARCH, _GET = "searchListingsItems", "getListingsItem"
_PATH = "/listings/2021-08-01/items"
_INCLUDED_DATA = "summaries,fulfillmentAvailability,attributes"
_PAGE = 20
_PAGES_MAX = 5
_NOT_FOUND = 404
_BURST = RATE_PLANS[_SEARCH].burst


def read(ctx: CartContext, skus: Sequence[str]) -> list[ShownInventory | NotRead]:
    """The SKUs that the store's marketplaces list; letter by letter, case and leading zeros count.

    One call for 20 SKUs, and one for each SKU with a comma. Up to 80 SKUs fit into a full budget together with the
    look for Remote Fulfillment; of SKUs with a comma ten do. What the budget does not reach is left for the next time:
    stores that share the application's budget would otherwise begin again with their first call for ever.

    Raises:
        SettingsError: the account is enrolled in Remote Fulfillment with FBA, and the option says No.
    """
    sites = stock_sites(ctx.store)
    wanted = dict.fromkeys(skus)
    plain = [sku for sku in wanted if "," not in sku]
    remote: tuple[str, ...] = () if remote_fulfillment(ctx.store) else remote_sites(sites[0], sites)
    found, later = _many(ctx, sites, plain)
    changed_last: list[Listing] = []
    if remote and not later and len(plain) <= _PAGE * (_BURST - 1):
        try:
            changed_last = _changed_last(ctx, remote)
        except RateLimited as error:
            # The SKUs of the last call are read again with the look: two calls, which take twice the time to wait for.
            now = ctx.clock.now()
            again = plain[(len(plain) - 1) // _PAGE * _PAGE :] if plain else []
            later = [NotRead(sku, now + 2 * (error.until - now)) for sku in again]
            found = [listing for listing in found if listing.sku not in again]
    # Identifiers are separated by commas, and Amazon knows no way to write one inside of them.
    apart, much_later = _one_by_one(ctx, sites, [sku for sku in wanted if "," in sku])
    if any(sold_remotely(listing, remote) for listing in (*found, *apart, *changed_last)):
        raise SettingsError(REMOTE_FULFILLMENT_MESSAGE, code="REMOTE_FULFILLMENT")
    entries = (shown_inventory(listing, sites) for listing in (*found, *apart) if listing.sku in wanted)
    shown = {entry.sku: entry for entry in entries if entry is not None}
    return [*shown.values(), *later, *much_later]


def _many(ctx: CartContext, sites: Sequence[str], skus: Sequence[str]) -> tuple[list[Listing], list[NotRead]]:
    """The listings of these SKUs as far as the budget goes, and the SKUs it does not reach."""
    found: list[Listing] = []
    for start in range(0, len(skus), _PAGE):
        try:
            # A list first: of a search that ends half-way nothing is known for sure.
            found += list(_search(ctx, sites, skus[start : start + _PAGE]))
        except RateLimited as error:
            return found, [NotRead(left, error.until) for left in skus[start:]]
    return found, []


def _changed_last(ctx: CartContext, remote: Sequence[str]) -> list[Listing]:
    """The listings changed last in the marketplaces where an enrolled account sells from afar."""
    return _search_page(ctx, remote, {})[0]


def _search(ctx: CartContext, sites: Sequence[str], skus: Sequence[str]) -> Iterator[Listing]:
    params = {"identifiers": ",".join(skus), "identifiersType": "SKU"}
    for _ in range(_PAGES_MAX):
        listings, token = _search_page(ctx, sites, params)
        yield from listings
        if not token:
            return
        params["pageToken"] = token


def _search_page(ctx: CartContext, sites: Sequence[str], params: dict[str, str]) -> tuple[list[Listing], str]:
    query = _query(sites, {**params, "pageSize": str(_PAGE)})
    reply = send(ctx, _SEARCH, Effect.READ, "GET", f"{_PATH}/{_seller(ctx)}?{query}")
    body = json_object(check(ctx, _SEARCH, Effect.READ, reply), Effect.READ)
    try:
        token = (body.get("pagination") or {}).get("nextToken")
        return [parse_listing(item) for item in body["items"]], str(token or "")
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(f"{_SEARCH}: not the expected shape", Effect.READ) from error


def _one_by_one(ctx: CartContext, sites: Sequence[str], skus: Sequence[str]) -> tuple[list[Listing], list[NotRead]]:
    """The listings of these SKUs as far as the budget goes, and the SKUs it does not reach."""
    found: list[Listing] = []
    for place, sku in enumerate(skus):
        try:
            found += _get(ctx, sites, sku)
        except RateLimited as error:
            until = until_full(error, _GET, ctx.clock.now()).until
            return found, [NotRead(left, until) for left in skus[place:]]
    return found, []


def _get(ctx: CartContext, sites: Sequence[str], sku: str) -> list[Listing]:
    path = f"{_PATH}/{_seller(ctx)}/{quote(sku, safe='')}?{_query(sites, {})}"
    reply = send(ctx, _GET, Effect.READ, "GET", path)
    if reply.status == _NOT_FOUND:
        return []
    body: dict[str, Any] = json_object(check(ctx, _GET, Effect.READ, reply), Effect.READ)
    try:
        return [parse_listing(body)]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(f"{_GET}: not the expected shape", Effect.READ) from error


def _seller(ctx: CartContext) -> str:
    return quote(seller_of(ctx.store), safe="")


def _query(sites: Sequence[str], params: dict[str, str]) -> str:
    """The query, its spaces as %20: the page "URL Encoding" knows no plus for a space, and SKUs hold both."""
    everything = {"marketplaceIds": ",".join(sites), "includedData": _INCLUDED_DATA, **params}
    return urlencode(everything, quote_via=quote, safe="")
