"""Noting when the secrets that an earlier release stored were set: as pages show it, which open nothing."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.crypto import UnknownKey
from is2_core.db.reseal import Place, Step
from is2_core.warehouses.models import WarehouseSetting
from is2_core.warehouses.settings import secrets_of


def note_when_set(session: Session, after: Place | None, most: int) -> tuple[Place | None, int]:
    """Fill `secrets_set`; see `db.reseal.Step`. They were set when the row was saved, or before."""
    unknown = sa.select(WarehouseSetting).where(
        WarehouseSetting.secrets_set.is_(None), WarehouseSetting.warehouse > (after or "")
    )
    rows = session.scalars(
        unknown.order_by(WarehouseSetting.warehouse).limit(most).with_for_update(skip_locked=True)
    ).all()
    done = 0
    for row in rows:
        try:
            row.secrets_set = {key: row.updated_at.isoformat() for key, value in secrets_of(row).items() if value}
        except UnknownKey:
            continue
        done += 1
    return rows[-1].warehouse if len(rows) == most else None, done


STEPS: list[Step] = [note_when_set]
