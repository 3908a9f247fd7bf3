"""The item list of a store: custom items, activation, mappings to warehouse SKUs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned, owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.audit import Act, record_change
from is2_core.carts.context import cart_context
from is2_core.carts.latency import latency_choices
from is2_core.carts.live_call import call_cart_live, live_call
from is2_core.db.chunks import chunks
from is2_core.db.locks import lock_rows
from is2_core.errors import BadInput, Conflict
from is2_core.items.known_skus import known_among, learn_missing
from is2_core.items.models import CartItem, Mapping
from is2_core.items.states import SeenInCart, UnknownSku, mapped_answer
from is2_core.items.typed_items import checked_answer, checked_mappings, checked_sku, no_such_sku
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from is2_core.text_limits import TITLE
from plugins.interface import ItemPage, NotListed

MAX_PAGES = 1000
# Seconds for reading the whole item list; each of its pages has those of any question.
LIST_S = 30
# Items of one transaction.
PART = 500


def add_custom_item(
    platform: Platform,
    *,
    integration_id: int,
    scope: ChangeScope,
    sku: str,
    title: str = "",
    active: bool = True,
    mappings: Sequence[tuple[str, str]] = (),
    as_sent: bool = False,
    unknown_sku: str = UnknownSku.AS_SET,
) -> int:
    """List an item by hand; returns its id.

    Args:
        sku: exactly as in the cart; only spaces around it are dropped.
        as_sent: the cart itself has sent this SKU, so that no rule for typed ones applies.
        mappings: (warehouse SKU, quantity as typed) pairs; none where the warehouse has the same SKU.
        unknown_sku: an `UnknownSku`, as it was chosen.

    Raises:
        BadInput: one of them cannot be, or it is mapped and not shipped from here.
        Conflict: it is listed already.
    """
    sku, answer = sku if as_sent else checked_sku(sku), checked_answer(unknown_sku)
    title = TITLE.checked(title, "title")
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
    _learn(platform, integration, mappings)
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        _refuse_listed(session, integration_id, sku, None)
        item = CartItem(
            account_id=integration.account_id,
            integration_id=integration_id,
            sku=sku,
            title=title,
            custom=True,
            active=active,
            seen_in_cart=SeenInCart.CANNOT_CHECK,
            created_at=platform.clock.now(),
            unknown_sku=answer,
        )
        item.mappings = _mappings(session, integration, mappings)
        if item.mappings and answer is UnknownSku.NOT_FROM_HERE:
            raise BadInput("An item that is not shipped from here has no mappings.", field="mappings")
        session.add(item)
        session.flush()
        review(platform, session, integration)
        return item.id


def edit_item(platform: Platform, *, item_id: int, scope: ChangeScope, sku: str, title: str) -> None:
    """Correct the SKU or title of a custom item."""
    title = TITLE.checked(title, "title")
    with platform.db.write() as session:
        item = owned(session, CartItem, item_id, scope, lock=True)
        # One that stays was not typed: it may be whatever the cart sent.
        sku = sku if sku == item.sku else checked_sku(sku)
        if not item.custom and sku != item.sku:
            raise BadInput("The SKU of an item the cart lists is changed in the cart.", field="sku")
        _refuse_listed(session, item.integration_id, sku, item.id)
        if sku != item.sku:
            # Another SKU of the cart: what is known of the old one says nothing about it.
            item.due_version, item.channel_read_at = item.due_version + 1, None
            item.withheld, item.push_message, item.seen_in_cart = "", "", SeenInCart.CANNOT_CHECK
            item.pushed_quantity = item.pushed_lead_days = item.pushed_at = item.shown_quantity = None
            item.lead_days_replaced = None
            item.pushed_version, item.pushed_calculation, item.remote_id = 0, {}, ""
        item.sku, item.title = sku, title
        review(platform, session, session.get_one(Integration, item.integration_id))


def set_active(platform: Platform, *, item_id: int, scope: ChangeScope, active: bool) -> None:
    """Activate an item for sync, or stop its sync. Orders are not affected by either."""
    with platform.db.write() as session:
        item = owned(session, CartItem, item_id, scope, lock=True)
        if active and not item.active:
            item.due_version += 1
        item.active = active


def set_latency(platform: Platform, *, item_id: int, scope: ChangeScope, latency: str) -> None:
    """Give an item a latency of its own, or with "" that of its integration; it is sent with the next quantity.

    Args:
        latency: one of `latency_choices`, or "".
    """
    with platform.db.write() as session:
        item = owned(session, CartItem, item_id, scope, lock=True)
        integration = session.get_one(Integration, item.integration_id)
        if latency and latency not in latency_choices(platform.carts.manifest(integration.cart)):
            raise BadInput("Choose one of the list.", field="latency")
        record_change(
            session,
            Act.LATENCY_CHANGED,
            subject=f"item {item.id}",
            before={"latency": item.latency},
            after={"latency": latency},
            account_id=item.account_id,
        )
        item.latency = latency


def set_mappings(platform: Platform, *, item_id: int, scope: ChangeScope, mappings: Sequence[tuple[str, str]]) -> None:
    """Replace what one unit of the item is made of."""
    with platform.db.read() as session:
        item = owned(session, CartItem, item_id, scope)
        integration = session.get_one(Integration, item.integration_id)
    _learn(platform, integration, mappings)
    with platform.db.write() as session:
        item = owned(session, CartItem, item_id, scope, lock=True)
        integration = session.get_one(Integration, item.integration_id)
        new = _mappings(session, integration, mappings)
        # Flushed in between: a row for the same SKU must be gone before its successor comes.
        item.mappings = []
        session.flush()
        item.mappings = new
        if new:
            item.unknown_sku = mapped_answer(item.unknown_sku)
        # As never sent: whether its stock is shared with other stores is asked anew.
        item.due_version, item.pushed_version = item.due_version + 1, 0
        session.flush()
        review(platform, session, integration)


def remove_item(platform: Platform, *, item_id: int, scope: ChangeScope) -> None:
    """Take an item off the list, with its mappings."""
    with platform.db.write() as session:
        item = owned(session, CartItem, item_id, scope, lock=True)
        integration = session.get_one(Integration, item.integration_id)
        # What was sent for it goes with it; an answer of the cart that comes later finds nothing to note.
        session.delete(item)
        session.flush()
        review(platform, session, integration)


def refresh_cart_items(platform: Platform, *, integration_id: int, scope: ChangeScope) -> str:
    """Read the cart's own item list, where it has one; returns a message for the top of the page."""
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
    if not platform.carts.has(integration.cart, "refresh_cart_items"):
        return "This cart has no item list to read."
    context = cart_context(platform, integration)
    seen: dict[str, tuple[str, str]] = {}
    page: str | None = None
    with live_call(platform, integration.account_id, seconds=LIST_S):
        for _ in range(MAX_PAGES):
            reply: ItemPage | NotListed = call_cart_live(
                platform, integration, "refresh_cart_items", ctx=context, page=page
            )
            if isinstance(reply, NotListed):
                return reply.message
            seen.update({item.sku: (item.title, item.remote_id) for item in reply.items if item.sku})
            page = reply.next_page
            if page is None:
                break
    _keep_list(platform, integration_id, scope, seen)
    return f"{len(seen)} items are in the cart's list."


def _keep_list(platform: Platform, integration_id: int, scope: ChangeScope, seen: dict[str, tuple[str, str]]) -> None:
    """Store a cart's list in parts: SQLite has one write lock, and a list may be long. Read again, it is the same."""
    now = platform.clock.now()
    names = sorted(seen)
    for start in range(0, len(names), PART):
        part = names[start : start + PART]
        with platform.db.write() as session:
            integration = owned_integration(session, integration_id, scope)
            known = sa.select(CartItem.id).where(CartItem.integration_id == integration_id, CartItem.sku.in_(part))
            lock_rows(session, CartItem.id, session.scalars(known).all())
            rows = [
                {
                    "account_id": integration.account_id,
                    "integration_id": integration_id,
                    "sku": sku,
                    "title": seen[sku][0],
                    "remote_id": seen[sku][1],
                    "seen_in_cart": SeenInCart.YES,
                    "created_at": now,
                }
                for sku in part
            ]
            platform.db.upsert_from_cart(session, CartItem, rows)
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        listed = sa.select(CartItem.id, CartItem.sku).where(
            CartItem.integration_id == integration_id, CartItem.seen_in_cart != SeenInCart.NO
        )
        gone = [row.id for row in session.execute(listed) if row.sku not in seen]
        for ids in chunks(lock_rows(session, CartItem.id, gone)):
            session.execute(sa.update(CartItem).where(CartItem.id.in_(ids)).values(seen_in_cart=SeenInCart.NO))
        review(platform, session, integration)


def review(platform: Platform, session: Session, integration: Integration) -> None:
    enqueue(session, kind=TaskKind.ORDERS_REVIEW, integration=integration, now=platform.clock.now(), priority=NOW)


def _refuse_listed(session: Session, integration_id: int, sku: str, item_id: int | None) -> None:
    listed = session.scalar(
        sa.select(CartItem.id).where(CartItem.integration_id == integration_id, CartItem.sku == sku)
    )
    if listed not in (None, item_id):
        raise Conflict(f"The SKU {sku} is on the list already.", field="sku")


def _learn(platform: Platform, integration: Integration, typed: Sequence[tuple[str, str]]) -> None:
    checked_mappings(typed)
    # As it stands and without the spaces around it: either may be what the warehouse has.
    learn_missing(platform, integration, _named(typed))


def _named(typed: Sequence[tuple[str, str]]) -> set[str]:
    return {sku for text, _ in typed for sku in (text, text.strip()) if sku.strip()}


def _mappings(session: Session, integration: Integration, typed: Sequence[tuple[str, str]]) -> list[Mapping]:
    known = known_among(session, integration.account_id, _named(typed), integration.wms_target)
    wanted = checked_mappings(typed, known)
    for sku in wanted:
        if sku not in known:
            raise BadInput(no_such_sku(sku), field="mappings")
    return [Mapping(warehouse_sku=sku, quantity=quantity) for sku, quantity in wanted.items()]
