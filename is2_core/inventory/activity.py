"""Task `inventory.activity`: from cart SKUs that were sold or released to the items that are due."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.accounts.warehouse_targets import targets_of
from is2_core.db.chunks import chunks
from is2_core.inventory.oversold import check_oversold
from is2_core.items.activity import components_of, mark_due
from is2_core.items.models import StockActivity
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun


def take_activity(platform: Platform, run: TaskRun) -> None:
    """Make due every item, of any store of the account, that holds what was sold, and look whether more is promised
    than there is."""
    account = run.account_id
    assert account is not None
    with run.write() as session:
        rows = session.scalars(
            sa.select(StockActivity).where(StockActivity.account_id == account).order_by(StockActivity.id)
        ).all()
        sold: dict[int, set[str]] = {}
        for row in rows:
            sold.setdefault(row.integration_id, set()).add(row.cart_sku)
        skus: set[str] = set()
        for integration_id, cart_skus in sold.items():
            for units in components_of(session, account, integration_id, cart_skus).values():
                skus |= units.keys()
        mark_due(session, account, skus)
        for ids in chunks(row.id for row in rows):
            session.execute(sa.delete(StockActivity).where(StockActivity.id.in_(ids)))
        targets = targets_of(session, account)
    for target in targets:
        check_oversold(platform, run, account, target, skus)
