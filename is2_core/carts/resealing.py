"""Noting when the secrets that an earlier release stored were set: as pages show it, which open nothing."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.carts.cart_settings import former_of, opens, secrets_of
from is2_core.carts.models import CartSetting
from is2_core.db.reseal import Place, Step


def note_when_set(session: Session, after: Place | None, most: int) -> tuple[Place | None, int]:
    """Fill `secrets_set` and `former_until`; see `db.reseal.Step`. They were set when the row was saved, or before."""
    unknown = sa.select(CartSetting).where(CartSetting.secrets_set.is_(None), CartSetting.cart > (after or ""))
    rows = session.scalars(unknown.order_by(CartSetting.cart).limit(most).with_for_update(skip_locked=True)).all()
    known = [row for row in rows if opens(row)]
    for row in known:
        row.secrets_set = {key: row.updated_at.isoformat() for key, value in secrets_of(row).items() if value}
        row.former_until = {key: entry["until"] for key, entry in former_of(row, row.updated_at).items()}
    return rows[-1].cart if len(rows) == most else None, len(known)


STEPS: list[Step] = [note_when_set]
