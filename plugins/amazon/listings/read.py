"""Reads listings through the Listings Items API (listingsItems_2021-08-01.json)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from plugins.amazon.api import check, json_object, send, unreadable
from plugins.amazon.errors import read_problem, until_full
from plugins.amazon.listings.listings_feed import REMOTE_FULFILLMENT_MESSAGE
from plugins.amazon.listings.shown_listings import Listing, parse_listing, remote_sites, shown_inventory, sold_remotely
from plugins.amazon.manifest import RATE_PLANS
from plugins.amazon.stores import remote_fulfillment, seller_of, stock_sites
from plugins.interface import CartContext, Effect, NotRead, RateLimited, Reply, SettingsError, ShownInventory

_SEARCH, _GET = "searchListingsItems", "getListingsItem"
_PATH = "/listings/2021-08-01/items"
_INCLUDED_DATA = "summaries,fulfillmentAvailability,attributes"
_PAGE = 20
_PAGES_MAX = 5
_BAD_REQUEST, _NOT_FOUND = 400, 404
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
    calls = _Calls(ctx, sites)
    wanted = dict.fromkeys(skus)
    plain = [sku for sku in wanted if "," not in sku]
    remote: tuple[str, ...] = () if remote_fulfillment(ctx.store) else remote_sites(sites[0], sites)
    found, later = _many(calls, plain)
    changed_last: list[Listing] = []
    if remote and not later and len(plain) <= _PAGE * (_BURST - 1):
        try:
            changed_last = calls.each(_SEARCH, lambda asked: _search_page(ctx, asked, {})[0], remote)
        except RateLimited as error:
            if calls.together:
                # The SKUs of the last call are read again with the look: two calls, which take twice the time to wait
                # for. One marketplace a call, no budget would ever do for both; then a push is told (issue 8572).
                now = ctx.clock.now()
                again = plain[(len(plain) - 1) // _PAGE * _PAGE :] if plain else []
                later = [NotRead(sku, now + 2 * (error.until - now)) for sku in again]
                found = [listing for listing in found if listing.sku not in again]
    # Identifiers are separated by commas, and Amazon knows no way to write one inside of them.
    apart, much_later = _one_by_one(calls, [sku for sku in wanted if "," in sku])
    if any(sold_remotely(listing, remote) for listing in (*found, *apart, *changed_last)):
        raise SettingsError(REMOTE_FULFILLMENT_MESSAGE, code="REMOTE_FULFILLMENT", may_pass=False)
    entries = (shown_inventory(listing, sites) for listing in (*found, *apart) if listing.sku in wanted)
    shown = {entry.sku: entry for entry in entries if entry is not None}
    return [*shown.values(), *later, *much_later]


class _Calls:
    """Asks about all of a seller's marketplaces in one call, or about one a call once Amazon has refused their list.

    Lists of several were opened for searchListingsItems and getListingsItem on 2026-07-29 only, perhaps not everywhere
    and not for good. A read that meets a refusal asks one by one to its end; the next one tries the list again.
    """

    def __init__(self, ctx: CartContext, sites: Sequence[str]) -> None:
        self.ctx, self.sites, self.together = ctx, sites, True

    def each(
        self, operation: str, ask: Callable[[Sequence[str]], list[Listing]], sites: Sequence[str] | None = None
    ) -> list[Listing]:
        """Return the listings in all of the store's marketplaces, or in these of them, each SKU once.

        Raises:
            RateLimited: nothing is known for sure. A budget that has done for as many marketplaces as it ever can is no
                such case: where they are more, those that were asked stand for all, and others have their turn later.
        """
        sites = self.sites if sites is None else sites
        if self.together or len(sites) == 1:
            try:
                return ask(sites)
            except _ListRefused:
                self.together = False
        found: dict[str, Listing] = {}
        for number, site in enumerate(self._in_turn(sites)):
            try:
                listings = ask((site,))
            except RateLimited as error:
                if number >= _BURST - 1:
                    break
                raise until_full(error, operation, self.ctx.clock.now()) from error
            for listing in listings:
                found[listing.sku] = _merged(found.get(listing.sku), listing)
        return list(found.values())

    def _in_turn(self, sites: Sequence[str]) -> Iterable[str]:
        """The home marketplace and then the others, beginning with another one every minute."""
        others = sites[1:]
        turn = int(self.ctx.clock.now().timestamp() // 60) % len(others) if others else 0
        return (*sites[:1], *others[turn:], *others[:turn])


class _ListRefused(Exception):
    """Amazon refused a list of marketplaces; how one alone is answered is not known yet."""


def _merged(before: Listing | None, listing: Listing) -> Listing:
    """One listing of what two marketplaces show; who ships it and how many there are belongs to the SKU."""
    if before is None:
        return listing
    return replace(
        before,
        channels=before.channels or listing.channels,
        lead_days=before.lead_days if before.lead_days is not None else listing.lead_days,
        sites=before.sites | listing.sites,
        on_sale=before.on_sale | listing.on_sale,
    )


def _many(calls: _Calls, skus: Sequence[str]) -> tuple[list[Listing], list[NotRead]]:
    """The listings of these SKUs as far as the budget goes, and the SKUs it does not reach."""
    found: list[Listing] = []
    for start in range(0, len(skus), _PAGE):
        part = skus[start : start + _PAGE]

        def ask(sites: Sequence[str], part: Sequence[str] = part) -> list[Listing]:
            # A list first: of a search that ends half-way nothing is known for sure.
            return list(_search(calls.ctx, sites, part))

        try:
            found += calls.each(_SEARCH, ask)
        except RateLimited as error:
            return found, [NotRead(left, error.until) for left in skus[start:]]
    return found, []


def _search(ctx: CartContext, sites: Sequence[str], skus: Sequence[str]) -> Iterator[Listing]:
    params = {"identifiers": ",".join(skus), "identifiersType": "SKU"}
    for _ in range(_PAGES_MAX):
        listings, token = _search_page(ctx, sites, params)
        yield from listings
        if not token:
            return
        params["pageToken"] = token


def _search_page(ctx: CartContext, sites: Sequence[str], params: dict[str, str]) -> tuple[list[Listing], str]:
    query = _query({**params, "pageSize": str(_PAGE)})
    reply = send(ctx, _SEARCH, Effect.READ, "GET", f"{_PATH}/{_seller(ctx)}?{query}", params=_places(sites))
    body = json_object(_checked(ctx, _SEARCH, sites, reply), Effect.READ)
    try:
        token = (body.get("pagination") or {}).get("nextToken")
        return [parse_listing(item) for item in body["items"]], str(token or "")
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(f"{_SEARCH}: not the expected shape", Effect.READ) from error


def _one_by_one(calls: _Calls, skus: Sequence[str]) -> tuple[list[Listing], list[NotRead]]:
    """The listings of these SKUs as far as the budget goes, and the SKUs it does not reach."""
    found: list[Listing] = []
    for place, sku in enumerate(skus):

        def ask(sites: Sequence[str], sku: str = sku) -> list[Listing]:
            return _get(calls.ctx, sites, sku)

        try:
            found += calls.each(_GET, ask)
        except RateLimited as error:
            until = until_full(error, _GET, calls.ctx.clock.now()).until
            return found, [NotRead(left, until) for left in skus[place:]]
    return found, []


def _get(ctx: CartContext, sites: Sequence[str], sku: str) -> list[Listing]:
    path = f"{_PATH}/{_seller(ctx)}/{quote(sku, safe='')}?{_query({})}"
    reply = send(ctx, _GET, Effect.READ, "GET", path, params=_places(sites))
    if reply.status == _NOT_FOUND:
        return []
    body: dict[str, Any] = json_object(_checked(ctx, _GET, sites, reply), Effect.READ)
    try:
        return [parse_listing(body)]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(f"{_GET}: not the expected shape", Effect.READ) from error


def _checked(ctx: CartContext, operation: str, sites: Sequence[str], reply: Reply) -> Reply:
    """Return the answer, as `check` does.

    Raises:
        _ListRefused: it is a 400 to a list of marketplaces.
    """
    if reply.status == _BAD_REQUEST and len(sites) > 1:
        ctx.log.warning("%s refused a list of marketplaces (%s)", operation, read_problem(reply).summary())
        raise _ListRefused
    return check(ctx, operation, Effect.READ, reply)


def _seller(ctx: CartContext) -> str:
    return quote(seller_of(ctx.store), safe="")


def _places(sites: Sequence[str]) -> dict[str, str]:
    return {"marketplaceIds": ",".join(sites)}


def _query(params: dict[str, str]) -> str:
    """The query, its spaces as %20: the page "URL Encoding" knows no plus for a space, and SKUs hold both."""
    everything = {"includedData": _INCLUDED_DATA, **params}
    return urlencode(everything, quote_via=quote, safe="")
