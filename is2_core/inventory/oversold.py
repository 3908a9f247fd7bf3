"""Alarms about warehouse SKUs of which more is promised than lies in the warehouse."""

from __future__ import annotations

from collections.abc import Iterable

from is2_core.cases.cases import end_cases, raise_case
from is2_core.cases.states import CaseKind
from is2_core.orders.activity import waiting_units
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from is2_core.warehouses.calls import warehouse_of


def check_oversold(
    platform: Platform, run: TaskRun, account_id: int, wms_target: str, skus: Iterable[str] | None
) -> None:
    """Raise an alarm for each of these SKUs (of all, where None) that is promised more than once, and end those that
    are over."""
    wanted = None if skus is None else sorted(set(skus))
    if wanted == []:
        return
    with platform.db.read() as session:
        waiting = waiting_units(session, account_id)
    rows = warehouse_of(platform, wms_target, account_id, run=run).stock(wanted)
    with run.write() as session:
        now, kind = platform.clock.now(), CaseKind.OVERSOLD
        over = []
        for row in rows:
            promised, subject = row.committed + waiting.get(row.sku, 0), f"sku {row.sku}"
            if promised > row.on_hand:
                message = f"{promised} units of {row.sku} are promised to orders, {row.on_hand} are on hand."
                raise_case(session, now, account_id=account_id, kind=kind, subject=subject, message=message)
            else:
                over.append(subject)
        end_cases(session, now, account_id=account_id, kind=kind, subjects=over)
