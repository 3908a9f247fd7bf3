"""Sends stock: one listings feed per marketplace; what became of them is asked for later.

A seller's merchant quantity and handling time belong to the SKU and hold in all marketplaces of the region (Amazon
staff in models issues 3167 and 4356). Each marketplace that lists the SKU is written all the same, so that a listing
that does not follow its siblings shows in a report; but the feeds that every SKU needs to be in one at all go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from plugins.amazon.feeds.client import FIRST_ASK, create_feed, upload_document
from plugins.amazon.feeds.handles import write_handle
from plugins.amazon.listings.listings_feed import CONTENT_TYPE, FEED_TYPE, build_feed, refuse
from plugins.amazon.listings.shown_listings import REMOTE_ID_SEPARATOR
from plugins.amazon.manifest import CREATE_LISTINGS_FEED, INVENTORY_SCHEDULE, RATE_PLANS
from plugins.amazon.stores import remote_fulfillment, seller_of, stock_sites
from plugins.interface import (
    CartContext,
    InventoryQuantity,
    PendingSubmission,
    RateLimited,
    Rejected,
    Result,
    Retry,
    WriteReply,
)

_PLAN = RATE_PLANS[CREATE_LISTINGS_FEED]
# A full budget; the reports of many more feeds would never fit into the budget of reports.
_FEEDS_MAX = _PLAN.burst


def push(ctx: CartContext, entries: Sequence[InventoryQuantity]) -> WriteReply:
    """Hand in the feeds of these levels, at most 25,000.

    Raises:
        RateLimited: nothing was sent.
        Temporary: some feeds may have been made, with `unknown` where the answer of one was lost. The numbers are
            absolute, so newer ones may follow at once.
    """
    sites = stock_sites(ctx.store)
    results: dict[str, Result] = {}
    placed: list[tuple[tuple[int, ...], InventoryQuantity]] = []
    for entry in entries:
        places = _places(entry, sites)
        refusal = refuse(entry) or (None if places else _not_listed(ctx))
        if refusal is not None:
            results[entry.key] = refusal
        else:
            placed.append((places, entry))
    order = _order([places for places, _ in placed], ctx.clock.now())
    # By the first of their feeds, so that what no feed carries when the budget ends is the rest of it.
    placed.sort(key=lambda entry: sorted(map(order.index, entry[0])))
    feeds, until = _send(ctx, sites, order[:_FEEDS_MAX], placed)
    carried = [entry for entry in placed if not feeds.keys().isdisjoint(entry[0])]
    for _, entry in placed[len(carried) :]:
        results[entry.key] = Retry(until)
    if not carried:
        return WriteReply(results)
    masks = [sum(1 << bit for bit, place in enumerate(feeds) if place in places) for places, _ in carried]
    handle = write_handle(FEED_TYPE, [(sites[place], feed_id) for place, feed_id in feeds.items()], masks)
    keys = tuple(entry.key for _, entry in carried)
    return WriteReply(results, (PendingSubmission(handle, keys, ctx.clock.now() + FIRST_ASK),))


def _places(entry: InventoryQuantity, sites: Sequence[str]) -> tuple[int, ...]:
    """The marketplaces of a level as places in `sites`; home alone where it is not known what lists the SKU."""
    listed = entry.remote_id.split(REMOTE_ID_SEPARATOR) if entry.remote_id else sites[:1]
    return tuple(place for place, site in enumerate(sites) if site in listed)


def _order(placed: Sequence[tuple[int, ...]], now: datetime) -> list[int]:
    """The order in which marketplaces get their feeds: first those that come first for some level.

    Where those are more than the budget allows, which of them begins changes with every run, so that none is left out
    time and again.
    """
    first = sorted({places[0] for places in placed})
    if len(first) > _FEEDS_MAX:
        turn = int(now.timestamp() // INVENTORY_SCHEDULE.floor.total_seconds()) % len(first)
        first = first[turn:] + first[:turn]
    return first + sorted({place for places in placed for place in places} - set(first))


def _not_listed(ctx: CartContext) -> Rejected:
    if remote_fulfillment(ctx.store):
        return Rejected(
            "NOT_LISTED_AT_HOME",
            "Your home marketplace does not list this SKU, and with Remote Fulfillment With FBA stock is sent there "
            "only.",
        )
    return Rejected("NOT_LISTED", "None of this store's marketplaces lists this SKU.")


def _send(
    ctx: CartContext,
    sites: Sequence[str],
    order: Sequence[int],
    placed: Sequence[tuple[tuple[int, ...], InventoryQuantity]],
) -> tuple[dict[int, str], datetime]:
    """The feeds made in this order, by place in `sites`, and when to go on where not all levels are in one."""
    feeds: dict[int, str] = {}
    numbered = list(enumerate(placed, start=1))
    for place in order:
        messages = [(number, entry) for number, (places, entry) in numbered if place in places]
        try:
            document_id = upload_document(ctx, CONTENT_TYPE, build_feed(seller_of(ctx.store), messages))
            feeds[place] = create_feed(ctx, FEED_TYPE, document_id, [sites[place]], CREATE_LISTINGS_FEED)
        except RateLimited as error:
            if not feeds:
                raise
            return feeds, error.until
    return feeds, ctx.clock.now() + timedelta(seconds=1 / _PLAN.rate_per_s)
