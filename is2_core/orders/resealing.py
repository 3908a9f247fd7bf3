"""Sealing apart what a person corrected under an earlier release, which kept it in the place of the cart's address."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.crypto import CannotOpen, UnknownKey
from is2_core.db.reseal import Place, Step
from is2_core.db.types import seal
from is2_core.orders.models import ReceivedOrder, Recipient

_log = logging.getLogger(__name__)


def seal_corrections(session: Session, after: Place | None, most: int) -> tuple[Place | None, int]:
    """Give corrected addresses a column of their own; see `db.reseal.Step`."""
    rows = session.execute(
        sa.select(Recipient.id, Recipient.sealed, ReceivedOrder.integration_id, ReceivedOrder.remote_id)
        .join(ReceivedOrder, ReceivedOrder.id == Recipient.order_id)
        .where(
            ReceivedOrder.address_corrected,
            Recipient.corrected.is_(None),
            ~Recipient.is_erased(),
            Recipient.id > (after or 0),
        )
        .order_by(Recipient.id)
        .limit(most)
        .with_for_update(of=Recipient, skip_locked=True, key_share=True)
    ).all()
    apart = []
    for row_id, sealed, integration_id, remote_id in rows:
        assert sealed is not None
        try:
            address = sealed.open(integration_id, remote_id)["address"]
        except (CannotOpen, UnknownKey) as error:
            _log.error("the corrected address of recipient %s stays where it is: %s", row_id, error)
        else:
            corrected = seal(Recipient.corrected, address, integration_id, remote_id)
            apart.append({"id": row_id, "corrected": corrected})
    if apart:
        session.execute(sa.update(Recipient), apart)
    return rows[-1][0] if len(rows) == most else None, len(apart)


STEPS: list[Step] = [seal_corrections]
