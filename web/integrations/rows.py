"""The rows of View Integrations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration, SellerClaim
from is2_core.integrations.claims import KEEP_CLAIM, can_be_tried
from is2_core.integrations.refusals import refused_tests
from is2_core.inventory.models import InventorySync
from is2_core.inventory.push.sync_row import ORDERS
from is2_core.items.models import CartItem
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.models import ImportCursor, ReceivedOrder
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.lateness import is_late, is_running, next_runs
from is2_core.tasks.models import Schedule, Task
from web.access import platform
from web.integrations.notices import Notices
from web.orders.refused_writes import ACKNOWLEDGEMENT, TRACKING, was_refused


@dataclass
class IntegrationRow:
    """One integration of the list: its row, its last check (`long_ago`: more than two intervals before now) and
    what the cart had to say of it, how many orders it has in which state, what was last sent to its cart, of how many
    orders the tracking and the acknowledgement was refused, the stock of how many SKUs was refused or is withheld,
    whether it can be asked for a single order, the connection whose seller is not proved yet with the time until which
    that can be tried again, and whether the last test of its connection failed."""

    integration: Integration
    counts: Counter[str] = field(default_factory=Counter)
    checked_at: datetime | None = None
    long_ago: bool = False
    next_at: datetime | None = None
    running: bool = False
    problem: str = ""
    posted_at: datetime | None = None
    refused: int = 0
    refused_acknowledgements: int = 0
    refused_skus: int = 0
    withheld_skus: int = 0
    pushed_at: datetime | None = None
    stock_problem: str = ""
    listing_notice: str = ""
    can_fetch: bool = False
    claim: SellerClaim | None = None
    claim_until: datetime | None = None
    test_failed: bool = False
    notices: Notices = field(default_factory=Notices)

    @property
    def received(self) -> int:
        """All orders that were received."""
        return self.counts.total()


def integration_rows(db: Session, account_id: int) -> list[IntegrationRow]:
    """Return the account's integrations as the list shows them."""
    integrations = db.scalars(
        sa.select(Integration)
        .where(Integration.account_id == account_id)
        .order_by(Integration.created_at, Integration.id)
    ).all()
    rows = {integration.id: IntegrationRow(integration) for integration in integrations}
    counts = db.execute(
        sa.select(ReceivedOrder.integration_id, ReceivedOrder.state, sa.func.count())
        .where(ReceivedOrder.account_id == account_id)
        .group_by(ReceivedOrder.integration_id, ReceivedOrder.state)
    )
    for integration_id, state, count in counts:
        rows[integration_id].counts[state] = count
    _add_checks(db, rows)
    _add_way_back(db, rows)
    _add_claims(db, rows)
    return list(rows.values())


def _add_checks(db: Session, rows: dict[int, IntegrationRow]) -> None:
    ids, now = list(rows), platform().clock.now()
    cursors = sa.select(ImportCursor.integration_id, sa.func.max(ImportCursor.checked_at)).where(
        ImportCursor.integration_id.in_(ids)
    )
    for integration_id, checked_at in db.execute(cursors.group_by(ImportCursor.integration_id)):
        # Where the clock was put back, it was just now.
        rows[integration_id].checked_at = checked_at and min(checked_at, now)
    for integration_id, refused_at in refused_tests(db, ids).items():
        checked_at = rows[integration_id].checked_at
        rows[integration_id].test_failed = checked_at is None or checked_at <= refused_at
    notices = sa.select(ImportCursor.integration_id, ImportCursor.notice).where(
        ImportCursor.integration_id.in_(ids), ImportCursor.notice != ""
    )
    # The routine listing's goes before the daily one's.
    for integration_id, notice in db.execute(notices.order_by(ImportCursor.kind)):
        rows[integration_id].listing_notice = notice
    for (integration_id, _), next_at in next_runs(db, ids, [TaskKind.ORDERS_CHECK], now).items():
        rows[integration_id].next_at = next_at
    for schedule in db.scalars(
        sa.select(Schedule).where(Schedule.integration_id.in_(ids), Schedule.kind == TaskKind.ORDERS_CHECK)
    ):
        assert schedule.integration_id is not None, schedule.id
        row = rows[schedule.integration_id]
        row.long_ago = row.checked_at is not None and is_late(
            row.checked_at + 2 * timedelta(seconds=schedule.every_s), now
        )
    newest = (
        sa.select(sa.func.max(Task.id))
        .where(Task.integration_id.in_(ids), Task.kind == TaskKind.ORDERS_CHECK)
        .group_by(Task.integration_id)
    )
    for task in db.scalars(sa.select(Task).where(Task.id.in_(newest))):
        assert task.integration_id is not None, task.id
        row = rows[task.integration_id]
        row.problem = task.error_message
        row.running = is_running(task, now)


def _add_way_back(db: Session, rows: dict[int, IntegrationRow]) -> None:
    ids = list(rows)
    posts = sa.select(Package.integration_id, sa.func.max(Package.posted_at)).where(Package.integration_id.in_(ids))
    for integration_id, posted_at in db.execute(posts.group_by(Package.integration_id)):
        rows[integration_id].posted_at = posted_at
    refused = sa.select(ReceivedOrder.integration_id, sa.func.count()).group_by(ReceivedOrder.integration_id)
    of_these = ReceivedOrder.integration_id.in_(ids)
    for integration_id, count in db.execute(refused.where(of_these, was_refused(TRACKING))):
        rows[integration_id].refused = count
    for integration_id, count in db.execute(refused.where(of_these, was_refused(ACKNOWLEDGEMENT))):
        rows[integration_id].refused_acknowledgements = count
    skus = (
        sa.select(
            CartItem.integration_id,
            sa.func.count(sa.case((CartItem.push_message != "", 1))),
            sa.func.count(sa.case((CartItem.withheld != "", 1))),
        )
        .where(CartItem.integration_id.in_(ids), CartItem.active.is_(True))
        .group_by(CartItem.integration_id)
    )
    for integration_id, rejected, withheld in db.execute(skus):
        rows[integration_id].refused_skus, rows[integration_id].withheld_skus = rejected, withheld
    for sync in db.scalars(sa.select(InventorySync).where(InventorySync.integration_id.in_(ids))):
        row = rows[sync.integration_id]
        row.pushed_at = sync.accepted_at
        # A wait of minutes as a rule; where orders cannot be read, their own line says so.
        row.stock_problem = "" if sync.problem_code == ORDERS else sync.problem_message


def _add_claims(db: Session, rows: dict[int, IntegrationRow]) -> None:
    now = platform().clock.now()
    for claim in db.scalars(sa.select(SellerClaim).where(SellerClaim.integration_id.in_(list(rows)))):
        row = rows[claim.integration_id]
        row.claim = claim
        row.claim_until = claim.at + KEEP_CLAIM if can_be_tried(claim, now) else None
