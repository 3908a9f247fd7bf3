"""A merchant's view of an integration's stock: what was sent, what would be sent now and why, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, lazyload

from is2_core.accounts.access import owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import Scope
from is2_core.carts.latency import Latency, latency_of
from is2_core.inventory.models import InventorySync
from is2_core.inventory.promise import Taken, measure, sku_text
from is2_core.inventory.push.plan import candidates_of, sellable_of
from is2_core.inventory.push.push import next_possible
from is2_core.inventory.push.retries import Tries, stuck, tries_of
from is2_core.inventory.push.sync_row import interval_of
from is2_core.inventory.sellable import Sellable
from is2_core.inventory.shared_stock import unconfirmed_skus
from is2_core.inventory.withheld import TEXTS, Withheld
from is2_core.items.models import CartItem
from is2_core.items.states import is_not_from_here, setting_of
from is2_core.platform import Platform
from is2_core.submissions.batch_backoff import TELL_AFTER
from is2_core.submissions.models import Submission
from is2_core.submissions.rows import KIND_INVENTORY, poll_problem
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.lateness import next_runs
from is2_core.tasks.models import Task
from is2_core.tasks.states import TaskState

FAILING, LOST = "FAILING", "LOST"


@dataclass(frozen=True)
class Problem:
    """A problem that keeps all stock back: see `inventory.push.push` for the codes; FAILING: the newest push
    ended in an error; LOST: the cart loses what was sent for these SKUs."""

    code: str
    message: str
    skus: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class ItemStock:
    """One item: the number last sent and why, and the one that would be sent now (None where the warehouse has
    nothing of it). Of one that is `not_from_here` no stock is sent, and nothing is wrong with that. `latency` is what
    is promised for it now, `too_long` a message where that is too much; where `set_by_cart` the cart shows another one.
    `shown` and `shown_lead_days` are what the cart showed at `shown_at`; `drift` is a message where that differed from
    what was sent and nothing was sent since."""

    item_id: int
    sku: str
    title: str
    active: bool
    due: bool
    sent: int | None
    sent_at: datetime | None
    lead_days_sent: int | None
    message: str
    withheld: str
    now: Sellable | None
    calculation_sent: dict[str, Any]
    next_possible: datetime
    shown: int | None
    shown_lead_days: int | None
    shown_at: datetime | None
    drift: str
    not_from_here: bool
    latency: Latency
    set_by_cart: bool
    too_long: str


@dataclass(frozen=True)
class InventoryView:
    """The whole store. `every_s` is None where sync is off; `with_lead` of the `as_set_count` active SKUs that have the
    store's own `latency` carry it; another `own_count` SKUs have one of their own; all `active` ones are these two.
    `open_since` is when the push went out that the cart still works on, `open_problem` what is wrong with it, if
    anything is, `next_poll` when the cart is next asked about it; `compared_at` when the cart was last compared with
    what was sent, `next_comparison` when it is next. An integration that is not active promises nothing."""

    every_s: int | None
    next_possible: datetime
    next_run: datetime | None
    accepted_at: datetime | None
    open_since: datetime | None
    open_problem: str
    next_poll: datetime | None
    latency: Latency
    taken: Taken | None
    with_lead: int
    as_set_count: int
    own_count: int
    active: int
    problem: Problem | None
    compared_at: datetime | None
    next_comparison: datetime | None
    rows: tuple[ItemStock, ...]

    @property
    def due(self) -> int:
        """Active SKUs that wait for the next push."""
        return sum(row.active and row.due and not row.withheld for row in self.rows)

    @property
    def withheld(self) -> int:
        """Active SKUs whose stock is kept back."""
        return sum(row.active and bool(row.withheld) for row in self.rows)

    @property
    def rejected(self) -> int:
        """Active SKUs the cart refused."""
        return sum(row.active and bool(row.message) for row in self.rows)

    @property
    def drifted(self) -> int:
        """Active SKUs of which the cart shows something else than was sent."""
        return sum(row.active and bool(row.drift) for row in self.rows)

    @property
    def not_from_here(self) -> int:
        """SKUs of which no stock is sent because they are not shipped from here."""
        return sum(row.not_from_here for row in self.rows)


def inventory_view(platform: Platform, *, integration_id: int, scope: Scope) -> InventoryView:
    """The stock of a store as it stands."""
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
        items = session.scalars(
            sa.select(CartItem)
            .where(CartItem.integration_id == integration_id)
            .order_by(CartItem.sku)
            .options(lazyload(CartItem.mappings))
        ).all()
        candidates = {entry.item.id: entry for entry in candidates_of(session, integration, items)}
        blocked = unconfirmed_skus(session, integration)
        sync = session.get(InventorySync, integration_id)
        may_at = next_possible(platform, session, integration, platform.clock.now())
        every = interval_of(session, integration_id)
        planned = next_runs(
            session,
            [integration_id],
            [TaskKind.INVENTORY_PUSH, TaskKind.INVENTORY_DRIFT, TaskKind.SUBMISSIONS_POLL],
            platform.clock.now(),
        )
        working = session.scalar(
            sa.select(Submission)
            .where(
                Submission.integration_id == integration_id,
                Submission.kind == KIND_INVENTORY,
                Submission.closed_at.is_(None),
            )
            .order_by(Submission.id)
            .options(lazyload(Submission.lines))
            .limit(1)
        )
        open_problem = poll_problem(session, working) if working else ""
        lost = stuck(tries_of(session, integration_id))
        failing = _failing(session, integration)
        measured = measure(session, integration.id, platform.clock.now())
    quantities = sellable_of(platform, integration, list(candidates.values()))
    rows = tuple(
        _row(
            integration,
            item,
            quantities.get(item.id),
            may_at,
            taken=measured.by_sku.get(item.sku),
            withheld=_withheld(item, candidates[item.id].components.keys() if item.id in candidates else (), blocked),
            not_from_here=is_not_from_here(
                item.unknown_sku, setting_of(integration.settings), known=item.id in candidates
            ),
        )
        for item in items
    )
    return InventoryView(
        every_s=every,
        next_possible=may_at,
        next_run=planned.get((integration_id, TaskKind.INVENTORY_PUSH)) if every else None,
        accepted_at=sync.accepted_at if sync else None,
        open_since=working.sent_at if working else None,
        open_problem=open_problem,
        next_poll=planned.get((integration_id, TaskKind.SUBMISSIONS_POLL)) if working else None,
        latency=latency_of(integration),
        taken=measured.orders,
        with_lead=sum(_carries(integration, item) for item in items if item.synced and not item.latency),
        as_set_count=sum(item.synced and not item.latency for item in items),
        own_count=sum(item.synced and bool(item.latency) for item in items),
        active=sum(item.synced for item in items),
        problem=_problem(sync) or failing or _lost(lost),
        next_comparison=planned.get((integration_id, TaskKind.INVENTORY_DRIFT)),
        compared_at=max((item.drift_at for item in items if item.drift_at), default=None),
        rows=rows,
    )


def _row(
    integration: Integration,
    item: CartItem,
    now: Sellable | None,
    may_at: datetime,
    *,
    withheld: str,
    not_from_here: bool,
    taken: Taken | None,
) -> ItemStock:
    return ItemStock(
        item_id=item.id,
        sku=item.sku,
        title=item.title,
        active=item.active,
        due=item.pushed_version < item.due_version and not not_from_here,
        sent=item.pushed_quantity,
        sent_at=item.pushed_at,
        lead_days_sent=item.pushed_lead_days,
        message="" if not_from_here else item.push_message,
        withheld="" if not_from_here else withheld,
        now=None if not_from_here else now,
        calculation_sent=item.pushed_calculation,
        next_possible=may_at,
        shown=item.shown_quantity,
        shown_lead_days=item.shown_lead_days,
        shown_at=item.channel_read_at,
        drift="" if not_from_here else _drift(item),
        not_from_here=not_from_here,
        latency=latency_of(integration, item.latency),
        set_by_cart=_is_set_by_cart(integration, item),
        too_long=sku_text(latency_of(integration, item.latency), taken) if item.synced else "",
    )


def _withheld(item: CartItem, components: Any, blocked: set[str]) -> str:
    if item.withheld:
        return item.withheld
    shared = sorted(blocked.intersection(components))
    if shared:
        return TEXTS[Withheld.SHARED].format(skus=", ".join(shared))
    return ""


def _carries(integration: Integration, item: CartItem) -> bool:
    """Whether the cart has taken the latency that is promised for an item now."""
    return item.pushed_at is not None and (
        item.pushed_lead_days == latency_of(integration, item.latency).days or _is_set_by_cart(integration, item)
    )


def _is_set_by_cart(integration: Integration, item: CartItem) -> bool:
    days = latency_of(integration, item.latency).days
    return days is not None and days == item.lead_days_replaced and item.shown_lead_days not in (None, days)


def _drift(item: CartItem) -> str:
    sent_since = item.drift_at is not None and item.pushed_at is not None and item.pushed_at > item.drift_at
    return "" if sent_since else item.drift


def _problem(sync: InventorySync | None) -> Problem | None:
    if sync is None or not sync.problem_code or sync.problem_at is None:
        return None
    return Problem(sync.problem_code, sync.problem_message, tuple(sync.problem_skus), sync.problem_at)


def _failing(session: Session, integration: Integration) -> Problem | None:
    """Return the error of the newest push; one that only waits for budget has not failed."""
    task = session.scalar(
        sa.select(Task)
        .where(Task.integration_id == integration.id, Task.kind == TaskKind.INVENTORY_PUSH)
        .order_by(Task.id.desc())
        .limit(1)
    )
    if task is None or not task.attempts:
        return None
    message = task.error_message
    if task.state == TaskState.QUARANTINED:
        message = f"{message} It was tried {task.attempts} times; the next push begins anew."
    return Problem(FAILING, message, (), task.finished_at or task.created_at)


def _lost(found: Sequence[Tries]) -> Problem | None:
    if not found:
        return None
    skus = "1 SKU" if len(found) == 1 else f"{len(found)} SKUs"
    message = (
        f"What was sent for {skus} came to nothing {TELL_AFTER} times or more, with all that was sent together with "
        "it. It is sent again in smaller parts, in the end one by one. Support was told."
    )
    return Problem(LOST, message, tuple(sorted(entry.sku for entry in found)), min(entry.since for entry in found))
