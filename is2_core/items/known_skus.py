"""The SKUs that the warehouses know: asked of the port, kept here. Whoever needs one reads only this."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.calls.live_limits import person_waits
from is2_core.db.chunks import chunks
from is2_core.items.models import KnownSku
from is2_core.platform import Platform
from is2_core.tasks.per_account import review_account
from is2_core.tasks.run import TaskRun
from is2_core.text_limits import NAME
from is2_core.warehouses.calls import Warehouse, warehouse_of
from is2_core.warehouses.cursors import Cursor
from plugins.errors import CartError

SKUS = "skus"
_log = logging.getLogger(__name__)


def known_skus(session: Session, account_id: int, target: str | None = None) -> sa.Select[str]:
    """The query for the SKUs that an account's warehouse knows; those of all its warehouses where `target` is None."""
    query = sa.select(KnownSku.sku).where(KnownSku.account_id == account_id)
    return query if target is None else query.where(KnownSku.wms_target == target)


def known_among(session: Session, account_id: int, skus: Iterable[str], target: str | None = None) -> set[str]:
    """Those of these SKUs that the warehouse knows; see `known_skus`."""
    query = known_skus(session, account_id, target)
    return {sku for part in chunks(skus) for sku in session.scalars(query.where(KnownSku.sku.in_(part)))}


def suggested_skus(session: Session, account_id: int, target: str, most: int) -> Sequence[str]:
    """The first of the SKUs the warehouse knows, for a picker."""
    return session.scalars(known_skus(session, account_id, target).order_by(KnownSku.sku).limit(most)).all()


def read_skus(platform: Platform, run: TaskRun, warehouse: Warehouse) -> None:
    """The part of `warehouse.read` that learns which SKUs there are."""
    account_id = run.account_id
    assert account_id is not None
    _read(platform, account_id, warehouse, run.write, run.has_time)


def learn_missing(platform: Platform, integration: Integration, skus: Iterable[str]) -> None:
    """Ask the warehouse at once where somebody names a SKU that is not known here yet: it may have come a moment ago.
    Call it outside any transaction. A warehouse that cannot be asked leaves everything as it is."""
    wanted = set(skus)
    account_id, target = integration.account_id, integration.wms_target
    with platform.db.read() as session:
        missing = wanted - known_among(session, account_id, wanted, target)
    if not missing:
        return
    try:
        with person_waits(platform.live_calls, account_id):
            _read(platform, account_id, warehouse_of(platform, target, account_id), platform.db.write, lambda: True)
    except CartError as error:
        _log.warning("warehouse %s could not be asked for its SKUs: %s", target, error.code)


def _read(
    platform: Platform,
    account_id: int,
    warehouse: Warehouse,
    write: Callable[[], AbstractContextManager[Session]],
    has_time: Callable[[], bool],
) -> None:
    target = warehouse.manifest.name
    cursor = Cursor(account_id, target, SKUS)
    complete = False
    while not complete and has_time():
        before = cursor.read(platform)
        page = warehouse.skus(before)
        complete = page.complete
        if not page.skus and page.cursor == before:
            continue
        with write() as session:
            if not cursor.move(platform, session, before, page.cursor):
                return
            new = {entry.sku for entry in page.skus}
            new -= known_among(session, account_id, new, target)
            rows = [
                {"account_id": account_id, "wms_target": target, "sku": sku, "name": name}
                for sku, name in sorted({entry.sku: NAME.cut(entry.name) for entry in page.skus}.items())
            ]
            platform.db.upsert(session, KnownSku, rows, key=["account_id", "wms_target", "sku"], update=["name"])
            if new:
                review_account(platform, session, account_id)
