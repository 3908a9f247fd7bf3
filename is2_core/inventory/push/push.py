"""Sending stock to the cart: the due items of a store, quantity and latency together, at most once per floor.

What a run could not send at once, for want of budget, is sent as soon as there is some: its floor is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.accounts.states import IntegrationState
from is2_core.db.locks import lock_rows
from is2_core.errors import Conflict
from is2_core.integrations.refusals import wait_while_it_may_pass
from is2_core.inventory.fulfillment_channels import read_fulfillment_channels
from is2_core.inventory.models import InventoryPush, InventoryPushLine, InventorySync
from is2_core.inventory.push.plan import Candidate, Computed, candidates_of, due_condition, due_items, sellable_of
from is2_core.inventory.push.results import drop_rest, give_up_lost, lost_items, unfinished, unsent
from is2_core.inventory.push.send import Entry, held_here, promised_now, send, store
from is2_core.inventory.push.sync_row import ORDERS, interval_of, set_problem, sync_row
from is2_core.inventory.sellable import too_many_zeros
from is2_core.inventory.shared_stock import unconfirmed_skus
from is2_core.items.activity import make_due
from is2_core.items.models import CartItem
from is2_core.orders.importing.freshness import LOOK_AGAIN, MINUTE, known, list_until, worth_waiting
from is2_core.platform import Platform
from is2_core.submissions.rows import KIND_INVENTORY, has_open
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun
from plugins.interface import SettingsError

ZEROS, NO_STOCK_ROWS, SETTINGS = "ZEROS", "NO_STOCK_ROWS", "SETTINGS"


def push_inventory(platform: Platform, run: TaskRun) -> None:
    """Task `inventory.push`: compute and send what is due, unless an earlier run is still being worked on, the floor
    has not passed, or something needs a person first."""
    now = platform.clock.now()
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        open_before = has_open(session, integration.id, KIND_INVENTORY)
        may_at = next_possible(platform, session, integration, now)
        every = interval_of(session, integration.id)
        rest_of = unfinished(session, integration.id)
        if rest_of is not None and rest_of.accepted_at is not None and not open_before and may_at <= now:
            # The floor has passed: all that is due is computed anew, the rest among it.
            rest_of = None
    if every is None or not platform.carts.has(integration.cart, "push_inventory"):
        return
    if rest_of is None and (open_before or may_at > now):
        with run.write() as session:
            run.finish(session, again_at=now + LOOK_AGAIN if open_before else may_at)
        return
    try:
        if not read_fulfillment_channels(platform, run, integration):
            return
        if _waits_for_orders(platform, run, integration, rest_of):
            return
        batch = _prepare(platform, run, integration, rest_of)
        if batch:
            send(platform, run, integration, batch)
    except SettingsError as error:
        wait_while_it_may_pass(platform, run, error)
        # Keeps the stock back and nothing else: orders and tracking of the store go on.
        with run.write() as session:
            set_problem(session, integration.id, platform.clock.now(), code=SETTINGS, message=error.message)


def _waits_for_orders(
    platform: Platform, run: TaskRun, integration: Integration, rest_of: InventoryPush | None
) -> bool:
    """Put the run back where orders of this store may be missing: the cart has taken what they bought off its count,
    and a number that knows nothing of it would offer it again."""
    now = platform.clock.now()
    lag = platform.carts.manifest(integration.cart).read_lag
    with platform.db.read() as session:
        if not due_items(session, integration.id, most=1):
            return False
        row = session.get(InventorySync, integration.id)
        since = row.problem_at if row is not None and row.problem_code == ORDERS and row.problem_at else now
        # Those up to the beginning do, however long their listing takes, unless that is long ago.
        needed = max(rest_of.computed_at if rest_of else since, now - LOOK_AGAIN) - lag - MINUTE
        if known(session, integration, needed) or not worth_waiting(platform, session, integration, since):
            return False
    message = "The next push waits for the newest orders of this store, so that nothing already sold is offered again."
    with run.write() as session:
        set_problem(session, integration.id, now, code=ORDERS, message=message)
        run.finish(session, again_at=list_until(platform, session, integration, needed))
    return True


def next_possible(platform: Platform, session: Session, integration: Integration, now: datetime) -> datetime:
    """When the floor allows the next run, elapsed time since the cart accepted the last one; `now` where it does."""
    plan = platform.carts.manifest(integration.cart).inventory_schedule
    row = session.get(InventorySync, integration.id)
    if plan is None or row is None or row.accepted_at is None:
        return now
    return max(now, row.accepted_at + plan.floor)


def _prepare(platform: Platform, run: TaskRun, integration: Integration, rest_of: InventoryPush | None) -> list[Entry]:
    """Compute what is due, or of it the rest of a run, and store it before it is sent; empty where nothing may be."""
    with platform.db.read() as session:
        blocked = unconfirmed_skus(session, integration)
        due = due_items(session, integration.id)
        if rest_of is not None:
            rest = set(session.scalars(sa.select(InventoryPushLine.cart_item_id).where(*unsent(rest_of.id))))
            due = [item for item in due if item.id in rest]
        candidates = [
            candidate
            for candidate in candidates_of(session, integration, due)
            if not blocked & candidate.components.keys()
        ]
        held = held_here(session, integration.id)
        active = session.scalar(
            sa.select(sa.func.count()).where(CartItem.integration_id == integration.id, CartItem.is_synced())
        )
        sync = session.get(InventorySync, integration.id)
        confirmed = set(sync.zeros_confirmed) if sync else set()
    quantities = sellable_of(platform, integration, candidates)
    computed = [Computed(entry, quantities[entry.item.id]) for entry in candidates if entry.item.id in quantities]
    now = platform.clock.now()
    problem = _problem(candidates, computed, active or 0, confirmed)
    with run.write() as session:
        if problem is not None:
            if rest_of is not None:
                drop_rest(session, rest_of.id, now)
            code, message, skus = problem
            set_problem(session, integration.id, now, code=code, message=message, skus=skus)
            run.finish(session, again_at=now + LOOK_AGAIN if code == NO_STOCK_ROWS else None)
            return []
        # Items before the row of the store, as everywhere; one that was removed or stopped meanwhile is not
        # sent, and what was saved of it by then is.
        lost = lost_items(session, integration.id) if rest_of is None else ()
        still = lock_rows(session, CartItem.id, [*lost, *(entry.candidate.item.id for entry in computed)])
        may_manage = bool(platform.carts.manifest(integration.cart).manages_lead_days)
        promised = promised_now(session, integration, still, may_manage=may_manage)
        computed = [entry for entry in computed if entry.candidate.item.id in promised]
        if rest_of is None:
            give_up_lost(session, integration.id, now)
            # The cart may work on a lost run after this one: what it carried is sent once more with the run after this.
            make_due(session, lost)
        set_problem(session, integration.id, now)
        if computed:
            return store(session, integration, rest_of, computed, held=held, promised=promised, now=now)
        if rest_of is not None:
            drop_rest(session, rest_of.id, now)
        return []


def _problem(
    candidates: Sequence[Candidate], computed: Sequence[Computed], active: int, confirmed: set[str]
) -> tuple[str, str, tuple[str, ...]] | None:
    """(code, message, cart SKUs) of what a person must look at before anything is sent."""
    if candidates and not computed:
        skus = tuple(entry.item.sku for entry in candidates)
        return NO_STOCK_ROWS, "The warehouse reported no stock at all for these SKUs, so nothing is sent.", skus
    falling = [
        entry.candidate.item.sku
        for entry in computed
        if entry.sellable.quantity == 0 and _known_quantity(entry.candidate.item) > 0
    ]
    if too_many_zeros(len(falling), active) and not set(falling) <= confirmed:
        return (
            ZEROS,
            f"{len(falling)} of {active} active SKUs would fall to zero at once. Nothing is sent until a person has "
            "confirmed that this is right.",
            tuple(falling),
        )
    return None


def _known_quantity(item: CartItem) -> int:
    """Return the number the cart shows as far as is known: that last sent, else what was read there."""
    return (item.pushed_quantity if item.pushed_quantity is not None else item.shown_quantity) or 0


def push_now(platform: Platform, *, integration_id: int, scope: ChangeScope) -> str:
    """Have the due items sent at once; returns a message.

    Raises:
        Conflict: with the reason, and when it may be.
    """
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        if integration.state != IntegrationState.ACTIVE:
            raise Conflict("This store is not connected at the moment, so nothing can be sent.")
        if not platform.carts.has(integration.cart, "push_inventory"):
            raise Conflict(f"{platform.carts.manifest(integration.cart).label} takes no stock.")
        if interval_of(session, integration.id) is None:
            raise Conflict("Sending available inventory is off in this store's settings.")
        if has_open(session, integration.id, KIND_INVENTORY):
            raise Conflict("The last push is still being worked on by the shop; its answer comes first.")
        label = platform.carts.manifest(integration.cart).label
        now = platform.clock.now()
        may_at = next_possible(platform, session, integration, now)
        if may_at > now:
            raise Conflict(
                f"{label} takes stock at most {_floor_label(platform, integration)}: the next push is possible at "
                f"{may_at:%Y-%m-%d %H:%M} UTC."
            )
        due = session.scalar(sa.select(sa.func.count()).where(*due_condition(integration.id))) or 0
        if not due:
            raise Conflict("Nothing is due: no active SKU had activity since it was last sent.")
        enqueue(session, kind=TaskKind.INVENTORY_PUSH, integration=integration, now=now, priority=NOW)
    skus = "1 SKU is" if due == 1 else f"{due} SKUs are"
    return f"{skus} due and looked at now; what may be sent goes to {label} as soon as the newest orders are here."


def _floor_label(platform: Platform, integration: Integration) -> str:
    plan = platform.carts.manifest(integration.cart).inventory_schedule
    assert plan is not None, "without a schedule no run is refused for the floor"
    hours = plan.floor / timedelta(hours=1)
    return f"every {hours:g} hours" if hours >= 1 else f"every {plan.floor / timedelta(minutes=1):g} minutes"


def confirm_zeros(platform: Platform, *, integration_id: int, scope: ChangeScope) -> str:
    """Let the SKUs that wait for it fall to zero, once; returns a message."""
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        sync = sync_row(session, integration.id)
        if sync.problem_code != ZEROS:
            raise Conflict("Nothing waits for such a confirmation any more.")
        sync.zeros_confirmed = sorted({*sync.zeros_confirmed, *sync.problem_skus})
        count, now = len(sync.problem_skus), platform.clock.now()
        set_problem(session, integration.id, now)
        enqueue(session, kind=TaskKind.INVENTORY_PUSH, integration=integration, now=now, priority=NOW)
    return f"Confirmed: {count} SKUs may fall to zero. They are sent with the next push."
