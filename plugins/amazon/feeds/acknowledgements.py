"""Acknowledging orders: sends the feed; what became of it is asked for later."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.amazon.feeds.acknowledgement_feed import CONTENT_TYPE, FEED_TYPE, build_feed, refuse
from plugins.amazon.feeds.client import FIRST_ASK, create_feed, upload_document
from plugins.amazon.stores import seller_of
from plugins.interface import Acknowledgement, CartContext, PendingSubmission, WriteReply

_MARKETPLACES_MAX = 25


def acknowledge(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    """Send one feed for all of them. Sending the same again does no harm at Amazon.

    Raises:
        Temporary: with `unknown` where the feed may have been made.
    """
    refused = {one.key: refusal for one in acknowledgements if (refusal := refuse(one)) is not None}
    good = [one for one in acknowledgements if one.key not in refused]
    if not good:
        return WriteReply(results=refused)
    document_id = upload_document(ctx, CONTENT_TYPE, build_feed(seller_of(ctx.store), good))
    # Order ids are unique over all marketplaces, so these do not select; the Feeds API only wants some.
    sites = list(dict.fromkeys(one.site for one in good if one.site)) or list(ctx.store.sites)
    feed_id = create_feed(ctx, FEED_TYPE, document_id, sites[:_MARKETPLACES_MAX])
    keys = tuple(one.key for one in good)
    pending = PendingSubmission(f"{FEED_TYPE}/{feed_id}", keys, ctx.clock.now() + FIRST_ASK)
    return WriteReply(results=refused, pending=(pending,))
