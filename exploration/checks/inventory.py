"""Invariants of stock at Amazon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import sqlalchemy as sa

from exploration.checks import expected
from exploration.world import World
from is2_core.inventory.models import InventoryPush, InventoryPushLine, InventorySync
from is2_core.inventory.states import PushResult
from is2_core.items.models import CartItem

FLOOR = timedelta(hours=12)


@dataclass(frozen=True)
class Taken:
    """A number Amazon has applied to a listing, and the push that brought it; `lost`: its answer never came."""

    push: int
    lost: bool
    version: int
    quantity: int
    lead_days: int | None


def taken(world: World) -> dict[tuple[int, str], list[Taken]]:
    """(integration id, cart SKU) -> what Amazon applied, in the order in which it did."""
    stores = {integration.seller: integration.id for integration in world.integrations}
    with world.platform.db.read() as session:
        lines = {
            (line.push_id, sku): line
            for line, sku in session.execute(
                sa.select(InventoryPushLine, CartItem.sku).join(CartItem, CartItem.id == InventoryPushLine.cart_item_id)
            )
        }
    found: dict[tuple[int, str], list[Taken]] = {}
    for call in world.simulator.state.calls.listed("feedProcessed"):
        push = world.observer.push_of.get(call["feed"])
        if push is None:
            continue
        for sku in call["skus"]:
            line = lines[push, sku]
            entry = Taken(push, line.result == PushResult.LOST, line.version, line.quantity, line.lead_days)
            found.setdefault((stores[call["seller"]], sku), []).append(entry)
    return found


def versions(world: World) -> Iterator[str]:
    """I5, at any time: Amazon never takes older numbers after newer ones, but for those of a run whose answer was lost,
    and IS2 counts as sent only what Amazon took."""
    applied = taken(world)
    with world.platform.db.read() as session:
        amazons = CartItem.integration_id.in_([integration.id for integration in world.integrations])
        items = session.scalars(sa.select(CartItem).where(amazons).order_by(CartItem.id)).all()
    for (integration_id, sku), entries in sorted(applied.items()):
        order = [entry.version for entry in entries if not entry.lost]
        if order != sorted(order):
            yield f"I5: Amazon took versions {order} of {sku} of store {integration_id}"
    for item in items:
        newest = max((entry.version for entry in applied.get((item.integration_id, item.sku), ())), default=0)
        if item.pushed_version > newest:
            yield f"I5: version {item.pushed_version} of {item.sku} counts as sent, Amazon has {newest}"


def shown(world: World) -> Iterator[str]:
    """I5, at rest: Amazon shows the number and latency IS2 last sent, which is what can be sold now, of every SKU that
    is to be sent; and none that Amazon ships itself was ever written."""
    yield from versions(world)
    applied = taken(world)
    listings = {(entry["seller"], entry["sku"]): entry for entry in world.steer("GET", "listings")["listings"]}
    for integration in world.integrations:
        with world.platform.db.read() as session:
            sellable_now = expected.look(session, integration.account, world.not_promised(session, integration))
            rows = sa.select(CartItem).where(CartItem.integration_id == integration.id).order_by(CartItem.id)
            items = session.scalars(rows).all()
            sync = session.get(InventorySync, integration.id)
        for item in items:
            listing = listings[integration.seller, item.sku]
            sent = applied.get((integration.id, item.sku))
            last = sent[-1] if sent else None
            mine = (item.pushed_version, item.pushed_quantity, item.pushed_lead_days)
            if last is None and item.pushed_version:
                yield f"I5: {item.sku} counts as sent, Amazon never took it"
            if last is not None and mine != (last.version, last.quantity, last.lead_days):
                yield f"I5: IS2 counts {mine} of {item.sku} as sent, Amazon took {last}"
            days = listing["lead_days"] if last is None or last.lead_days is None else last.lead_days
            if last is not None and (listing["quantity"], listing["lead_days"]) != (last.quantity, days):
                yield f"I5: Amazon shows {listing['quantity']} of {item.sku}, {last.quantity} was sent last"
            if item.withheld or not item.synced:
                continue
            if world.deeds.unseen and item.due_version > item.pushed_version:
                # What changed unseen was found a day later, perhaps less than 12 hours ago.
                continue
            sellable = sellable_now.most(integration.id, item.sku)
            # One that is due once more has moved, and is as before.
            if item.pushed_quantity != sellable:
                kept = f", kept back: {sync.problem_message}" if sync and sync.problem_code else ""
                yield (
                    f"I5: {sellable} of {item.sku} can be sold at {integration.id}, {item.pushed_quantity} was sent "
                    f"(version {item.pushed_version} of {item.due_version}){kept}"
                )
    for (seller, sku), listing in sorted(listings.items()):
        if listing["converted"] or listing["stranded"]:
            yield f"I5: the offer {sku} of {seller} was taken from Amazon's own stock"


def floor_kept(world: World) -> Iterator[str]:
    """I5: two runs the cart accepted are 12 hours apart, unless nothing of the former was applied; fewer by what IS2's
    clock was ahead, who knew no better."""
    with world.platform.db.read() as session:
        pushes = session.scalars(
            sa.select(InventoryPush)
            .where(InventoryPush.integration_id.in_([integration.id for integration in world.integrations]))
            .order_by(InventoryPush.integration_id, InventoryPush.id)
        ).all()
        effective = set(
            session.scalars(sa.select(InventoryPushLine.push_id).where(InventoryPushLine.result == PushResult.APPLIED))
        )
    accepted = [push for push in pushes if push.accepted_at is not None]
    for before, after in pairwise(accepted):
        if before.integration_id != after.integration_id or before.id not in effective:
            continue
        assert before.accepted_at is not None and after.accepted_at is not None
        if after.accepted_at - before.accepted_at < FLOOR - world.machine.most:
            yield f"I5: push {after.id} follows push {before.id} after {after.accepted_at - before.accepted_at}"
