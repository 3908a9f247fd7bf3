"""The drift report: whether a cart still shows the stock and latency it accepted.

A comparison has two steps. First every comparable SKU is read and what the cart shows is stored; then, once the orders
the cart had at that time have been received as well, what was read is compared with what was sent. Without the wait
every order of the last half hour would look like a difference.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, lazyload

from is2_core.accounts.access import owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import is_enabled
from is2_core.db.locks import LOCK
from is2_core.errors import Conflict
from is2_core.integrations.refusals import wait_while_it_may_pass
from is2_core.inventory.fulfillment_channels import Reader
from is2_core.inventory.models import InventoryPush, InventoryPushLine
from is2_core.inventory.push.sync_row import interval_of
from is2_core.inventory.states import PushResult
from is2_core.items.activity import make_due
from is2_core.items.models import CartItem
from is2_core.items.states import SeenInCart
from is2_core.orders.importing.freshness import LOOK_AGAIN, known, list_until, worth_waiting
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.platform import Platform
from is2_core.submissions.rows import KIND_INVENTORY, has_open
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun
from is2_core.tasks.states import OPEN_STATES
from plugins.interface import SettingsError

# Carts show what they accepted only after a while.
SETTLED = timedelta(hours=2)
# What differs is sent again so often; then somebody else writes it, or the cart will not have it.
SENT_AGAIN = 2
CHUNK = 500
_NIGHT_MINUTES = 120
_NOT_LISTED = "The cart does not list this SKU."
_LEFT_ALONE = "It was sent again twice and differs still, so it is left until the SKU has activity."


def drift_of(item: CartItem, sold_since: int | None) -> str:
    """Return the problem with what the cart showed of an item when it was last read; pure.

    Args:
        item: one that was pushed; `seen_in_cart`, `withheld` and the `shown_*` columns are what was read.
        sold_since: units bought at this store since the numbers were computed; None where that is not known, and a
            number that is too small says nothing.

    Returns:
        A message, "" where nothing is wrong or somebody else ships the SKU.
    """
    if item.seen_in_cart == SeenInCart.NO:
        return _NOT_LISTED
    if item.withheld or item.pushed_quantity is None:
        return ""
    found = [_wrong_quantity(item.shown_quantity or 0, item.pushed_quantity, sold_since), _wrong_latency(item)]
    return " ".join(message for message in found if message)


def _wrong_quantity(shown: int, pushed: int, sold_since: int | None) -> str:
    least = 0 if sold_since is None else max(0, pushed - sold_since)
    if least <= shown <= pushed:
        return ""
    sold = f" and {sold_since} sold since" if sold_since else ""
    return f"The cart shows a quantity of {shown}, where {pushed} was sent{sold}."


def is_set_by_cart(item: CartItem) -> bool:
    """Whether the cart shows another latency than it took: its own, or one that was chosen there. Where it shows none,
    it has lost the one that was sent."""
    return (
        item.seen_in_cart != SeenInCart.NO
        and not item.withheld
        and item.pushed_lead_days is not None
        and item.shown_lead_days not in (None, item.pushed_lead_days)
    )


def _wrong_latency(item: CartItem) -> str:
    sent, shown = item.pushed_lead_days, item.shown_lead_days
    if sent is None or shown == sent:
        return ""
    days = "no latency" if shown is None else f"a latency of {shown} day{'s' if shown != 1 else ''}"
    return f"The cart shows {days}, where {sent} day{'s' if sent != 1 else ''} {'were' if sent != 1 else 'was'} sent."


def can_compare(platform: Platform, integration: Integration) -> bool:
    """Whether the cart shows stock at all."""
    return platform.carts.has(integration.cart, "read_inventory")


def night_slot(integration_id: int) -> str:
    """The local time of a store's nightly comparison, spread over stores: they share the application's limits."""
    minute = integration_id % _NIGHT_MINUTES
    return f"{4 + minute // 60:02d}:{minute % 60:02d}"


def compare_now(platform: Platform, *, integration_id: int, scope: ChangeScope) -> str:
    """Ask for a comparison at once; returns a message.

    Raises:
        Conflict: there is nothing to compare, or not now.
    """
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        label = platform.carts.manifest(integration.cart).label
        if not can_compare(platform, integration):
            raise Conflict(f"{label} offers no way to read stock.")
        if integration.state != IntegrationState.ACTIVE:
            raise Conflict("This store is not active.")
        if interval_of(session, integration.id) is None:
            raise Conflict(
                "Sending available inventory is off in this store's settings, so there is nothing to compare."
            )
        pushed = session.scalar(
            sa.select(sa.func.count()).where(
                CartItem.integration_id == integration.id, CartItem.is_synced(), CartItem.pushed_at.is_not(None)
            )
        )
        if not pushed:
            raise Conflict(f"Nothing can be compared yet: no stock was sent to {label}.")
        under_way = session.scalar(
            sa.select(Task.created_at).where(
                Task.kind == TaskKind.INVENTORY_DRIFT,
                Task.integration_id == integration.id,
                Task.state.in_(OPEN_STATES),
            )
        )
        enqueue(session, kind=TaskKind.INVENTORY_DRIFT, integration=integration, now=platform.clock.now(), priority=NOW)
    if under_way is not None:
        return f"A comparison with {label} is under way already; what differs is marked here as soon as it ends."
    return f"The stock is being compared with what {label} shows; what differs is marked here in some minutes."


def compare_with_cart(platform: Platform, run: TaskRun) -> None:
    """Task `inventory.drift`: read what the cart shows, in slices; then compare, and make due again what differs."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        # Of the task, not of the run: a comparison goes on over many runs.
        begun = session.get_one(Task, run.id).created_at
        busy = has_open(session, integration.id, KIND_INVENTORY)
    if not can_compare(platform, integration) or not is_enabled(platform, integration.cart):
        return
    if busy:
        _again(run, platform.clock.now() + LOOK_AGAIN)
        return
    try:
        if _read(platform, run, integration, begun):
            _compare(platform, run, begun)
    except SettingsError as error:
        wait_while_it_may_pass(platform, run, error)
        # The next push meets it too and says so on the store's page; here it must not pause the store.
        return


def _again(run: TaskRun, at: datetime) -> None:
    with run.write() as session:
        run.finish(session, again_at=at)


def _comparable(integration_id: int, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        CartItem.integration_id == integration_id,
        CartItem.is_synced(),
        CartItem.pushed_version >= CartItem.due_version,
        CartItem.pushed_at <= now - SETTLED,
    )


def _read(platform: Platform, run: TaskRun, integration: Integration, begun: datetime) -> bool:
    """Read what was not read since the comparison began; False where the rest is left to the next turn."""
    reader = Reader.of(platform, run, integration)
    while True:
        with platform.db.read() as session:
            items = session.scalars(
                sa.select(CartItem)
                .where(
                    *_comparable(integration.id, platform.clock.now()),
                    sa.or_(CartItem.channel_read_at.is_(None), CartItem.channel_read_at < begun),
                )
                .order_by(CartItem.id)
                .limit(reader.pace.size)
            ).all()
        if not items:
            return True
        if not run.has_time():
            return False
        reader.read(items)


def _compare(platform: Platform, run: TaskRun, begun: datetime) -> None:
    """Compare what was read with what was sent, as soon as the orders of that time are here; chunk by chunk, because
    others write the same items."""
    now = platform.clock.now()
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        read_at = session.scalar(
            sa.select(sa.func.max(CartItem.channel_read_at)).where(*_read_since(integration, begun, now))
        )
        label = platform.carts.manifest(integration.cart).label
        complete = read_at is not None and known(session, integration, read_at)
        wait = read_at is not None and not complete and worth_waiting(platform, session, integration, read_at)
        sold = _sold_since(session, integration.id) if complete else None
    if read_at is None:
        return
    if wait:
        with run.write() as session:
            run.finish(session, again_at=list_until(platform, session, integration, read_at))
        return
    last = 0
    while True:
        with run.write() as session:
            items = session.scalars(
                sa.select(CartItem)
                .where(*_read_since(integration, begun, now), CartItem.id > last)
                .order_by(CartItem.id)
                .limit(CHUNK)
                .options(lazyload(CartItem.mappings))
                .with_for_update(**LOCK)
            ).all()
            for item in items:
                _judge(item, None if sold is None else sold.get(item.id, 0), label, now)
            session.flush()
            make_due(session, [item.id for item in items if 0 < item.drift_times <= SENT_AGAIN])
            if len(items) < CHUNK:
                run.finish(session)
                return
            last = items[-1].id


def _read_since(integration: Integration, begun: datetime, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        *_comparable(integration.id, now),
        CartItem.channel_read_at >= begun,
        CartItem.pushed_at < CartItem.channel_read_at,
    )


def _judge(item: CartItem, sold_since: int | None, label: str, now: datetime) -> None:
    told = ""
    if is_set_by_cart(item):
        # Told once; what the cart decides is not sent against its will again.
        if item.lead_days_replaced != item.pushed_lead_days:
            told = f"{_wrong_latency(item)} {_set_by(label)}"
        item.lead_days_replaced = item.pushed_lead_days
        message = _wrong_quantity(item.shown_quantity or 0, item.pushed_quantity or 0, sold_since)
    else:
        message = drift_of(item, sold_since)
        if item.shown_lead_days == item.lead_days_replaced:
            item.lead_days_replaced = None
    item.drift_times = item.drift_times + 1 if message else 0
    left_alone = _LEFT_ALONE if item.drift_times > SENT_AGAIN else ""
    item.drift = " ".join(part for part in (message, left_alone, told) if part)
    item.drift_at = now


def _set_by(label: str) -> str:
    return (
        f"It was set by {label} after what was sent had been taken, so it is not sent again. Give the item another "
        f"latency of its own, or leave it to {label}."
    )


def _sold_since(session: Session, integration_id: int) -> dict[int, int]:
    """Item id -> units ordered since the numbers it was last sent were computed."""
    computed = (
        sa.select(InventoryPushLine.cart_item_id.label("item_id"), sa.func.max(InventoryPush.computed_at).label("at"))
        .join(InventoryPush, InventoryPush.id == InventoryPushLine.push_id)
        .where(InventoryPush.integration_id == integration_id, InventoryPushLine.result == PushResult.APPLIED)
        .group_by(InventoryPushLine.cart_item_id)
        .subquery()
    )
    # Runs settled long ago are cleaned up; then the time the cart accepted it stands in.
    since = sa.func.coalesce(computed.c.at, CartItem.pushed_at)
    rows = session.execute(
        sa.select(CartItem.id, sa.func.sum(ReceivedLine.ordered))
        .outerjoin(computed, computed.c.item_id == CartItem.id)
        .join(ReceivedOrder, ReceivedOrder.integration_id == CartItem.integration_id)
        .join(ReceivedLine, sa.and_(ReceivedLine.order_id == ReceivedOrder.id, ReceivedLine.sku == CartItem.sku))
        .where(CartItem.integration_id == integration_id, ReceivedOrder.cart_created_at > since)
        .group_by(CartItem.id)
    ).all()
    return {item_id: int(units) for item_id, units in rows}
