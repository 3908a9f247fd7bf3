"""Asking the cart who ships a SKU before its stock is written: what the cart or a third party ships is never
overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.carts.context import cart_context
from is2_core.db.locks import LOCK
from is2_core.integrations.finality import Answer, note_answer
from is2_core.inventory.withheld import TEXTS, Withheld
from is2_core.items.models import CartItem
from is2_core.items.states import SeenInCart
from is2_core.platform import Platform
from is2_core.tasks.pace import Pace
from is2_core.tasks.run import TaskRun
from plugins.interface import MERCHANT_CHANNEL, CartContext, NotRead, RateLimited, ShownInventory

BATCH = 80
# Shorter than a day, so that a daily run asks again about every SKU it is going to write.
FRESH = timedelta(hours=20)
# Whoever has mended a listing is not kept waiting long; yet far longer than reading all of a large store takes, so that
# a run the budget interrupts goes on where it was.
WITHHELD_FRESH = timedelta(minutes=15)


def read_fulfillment_channels(platform: Platform, run: TaskRun, integration: Integration) -> bool:
    """Read every due item whose channel was never read or long ago, or whose stock was withheld for it. Commits batch
    by batch: a budget that ends half-way loses nothing.

    Returns:
        Whether all are read; where not, the time budget leaves the rest to the next turn.

    Raises:
        RateLimited: some are still to be read; what was read is stored.
    """
    if not platform.carts.has(integration.cart, "read_inventory"):
        return True
    started = platform.clock.now()
    reader = Reader.of(platform, run, integration)
    while True:
        with platform.db.read() as session:
            items = session.scalars(
                sa.select(CartItem)
                .where(
                    CartItem.integration_id == integration.id,
                    CartItem.is_synced(),
                    CartItem.pushed_version < CartItem.due_version,
                    sa.or_(
                        CartItem.channel_read_at.is_(None),
                        CartItem.channel_read_at < started - FRESH,
                        sa.and_(CartItem.withheld != "", CartItem.channel_read_at < started - WITHHELD_FRESH),
                    ),
                )
                .order_by(CartItem.id)
                .limit(reader.pace.size)
            ).all()
        if not items:
            return True
        if not run.has_time():
            return False
        reader.read(items)


@dataclass(frozen=True)
class Reader:
    """Reads what the cart shows of some items at a time, `pace.size` of them at most."""

    platform: Platform
    run: TaskRun
    integration: Integration
    context: CartContext
    pace: Pace

    @classmethod
    def of(cls, platform: Platform, run: TaskRun, integration: Integration) -> Reader:
        """Return the reader of an integration, for this run."""
        whole = "read_inventory" in platform.carts.manifest(integration.cart).whole_batches
        context = cart_context(platform, integration, before_call=run.heartbeat)
        return cls(platform, run, integration, context, Pace(run, BATCH, whole=whole))

    def read(self, items: Sequence[CartItem]) -> None:
        """Read these items, by ascending id, and commit what the cart shows of them. One that was listed before and is
        not any more is read again, until that is final (`integrations.finality`).

        Raises:
            RateLimited: some are still to be read; what was read is stored.
        """
        label = self.platform.carts.manifest(self.integration.cart).label
        with self.pace.measured(len(items)):
            shown: Sequence[ShownInventory | NotRead] = self.platform.carts.call(
                self.integration.cart, "read_inventory", ctx=self.context, skus=[item.sku for item in items]
            )
        found = {entry.sku: entry for entry in shown if isinstance(entry, ShownInventory)}
        later = {entry.sku: entry.when for entry in shown if isinstance(entry, NotRead)}
        with self.run.write() as session:
            asked = {item.id: item.sku for item in items}
            rows = sa.select(CartItem).where(CartItem.id.in_(asked)).order_by(CartItem.id).with_for_update(**LOCK)
            now = self.platform.clock.now()
            for row in session.scalars(rows).all():
                if row.sku != asked[row.id] or row.sku in later:
                    continue
                if row.sku not in found and row.seen_in_cart == SeenInCart.YES:
                    key = (row.integration_id, Answer.LISTING_NOT_FOUND, row.sku)
                    verdict = note_answer(session, *key, now, seen_at=row.channel_read_at)
                    if not verdict.is_final:
                        later[row.sku] = verdict.ask_again_at
                        continue
                _store(row, found.get(row.sku), label)
                row.channel_read_at = now
        if later:
            raise RateLimited(
                "The shop's limit for this kind of call is used up for the moment.",
                until=max(later.values()),
                detail=f"{len(later)} SKUs are still to be read",
            )


def _store(item: CartItem, shown: ShownInventory | None, label: str) -> None:
    if shown is None:
        item.seen_in_cart = SeenInCart.NO
        item.withheld = TEXTS[Withheld.NOT_LISTED].format(cart=label)
        item.shown_quantity = item.shown_lead_days = None
        return
    item.seen_in_cart = SeenInCart.YES
    item.remote_id = shown.remote_id or item.remote_id
    item.shown_quantity = shown.fulfillment_channels.get(MERCHANT_CHANNEL)
    item.shown_lead_days = shown.lead_days
    item.withheld = withheld_for(shown, label)


def withheld_for(shown: ShownInventory, label: str) -> str:
    """Return why no stock is sent for a SKU that the cart shows so, and what to do about it; "" where it is; pure.

    Args:
        label: the cart's name.
    """
    units = shown.fulfillment_channels
    others = units.keys() - {MERCHANT_CHANNEL} - shown.locations
    if not units:
        return TEXTS[Withheld.CHANNEL_NOT_TOLD].format(cart=label)
    if others == units.keys():
        return TEXTS[Withheld.CART_STOCK].format(cart=label)
    if others:
        there, own = (sum(units[name] for name in names) for names in (others, units.keys() - others))
        return TEXTS[Withheld.LISTED_TWICE].format(cart=label, own=_units(own), there=_units(there))
    if shown.locations:
        places = ", ".join(sorted(shown.locations))
        besides = " besides the usual one" if MERCHANT_CHANNEL in units else ""
        return TEXTS[Withheld.BY_LOCATION].format(cart=label, places=places, besides=besides)
    return ""


def _units(count: int) -> str:
    return f"{count} unit{'s' if count != 1 else ''}"
