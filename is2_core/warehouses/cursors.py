"""How far an account's warehouse was read. A cursor moves in the commit that stores its page."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.changes import rows_changed
from is2_core.platform import Platform
from is2_core.warehouses.models import WarehouseCursor


@dataclass(frozen=True)
class Cursor:
    """One kind of report of an account's warehouse.

    Args:
        account_id: Account.id.
        target: the warehouse's name.
        kind: skus, activity or shipments.
    """

    account_id: int
    target: str
    kind: str

    def read(self, platform: Platform) -> str:
        """How far it was read, "" at the beginning."""
        with platform.db.read() as session:
            row = session.get(WarehouseCursor, (self.account_id, self.target, self.kind))
            return row.cursor if row else ""

    def move(self, platform: Platform, session: Session, before: str, after: str) -> bool:
        """Move it in the transaction that stores its page; False where somebody else has moved it since: then the
        page is theirs."""
        key = {"account_id": self.account_id, "wms_target": self.target, "kind": self.kind}
        if not before:
            platform.db.upsert(session, WarehouseCursor, [{**key, "cursor": ""}], key=list(key))
        moved = rows_changed(
            session,
            sa.update(WarehouseCursor)
            .filter_by(**key)
            .where(WarehouseCursor.cursor == before)
            .values(cursor=after, read_at=platform.clock.now())
            .execution_options(synchronize_session=False),
        )
        return moved == 1
