"""Which warehouses an account's integrations are shipped from."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration


def targets_of(session: Session, account_id: int) -> list[str]:
    """The warehouses the account's stores are shipped from."""
    query = sa.select(Integration.wms_target).where(Integration.account_id == account_id).distinct()
    return sorted(session.scalars(query))
