"""Sealing what an earlier release told in timelines."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.reseal import Place, Step
from is2_core.db.types import seal
from is2_core.orders.models import Hold, OrderEvent, ReceivedOrder
from is2_core.orders.timeline import OLD_TEXT


def seal_old_texts(session: Session, after: Place | None, most: int) -> tuple[Place | None, int]:
    """Seal the texts of entries that an earlier release composed: they may quote a buyer; see `db.reseal.Step`."""
    rows = session.execute(
        sa.select(
            OrderEvent.id, OrderEvent.code, OrderEvent.sentence, ReceivedOrder.integration_id, ReceivedOrder.remote_id
        )
        .join(ReceivedOrder, ReceivedOrder.id == OrderEvent.order_id)
        .where(OrderEvent.sentence != "", OrderEvent.id > (after or 0))
        .order_by(OrderEvent.id)
        .limit(most)
        .with_for_update(of=OrderEvent, skip_locked=True, key_share=True)
    ).all()
    sealed = [
        {
            "id": event_id,
            "sentence": "",
            "sealed": seal(OrderEvent.sealed, {OLD_TEXT: text}, integration_id, remote_id, code),
        }
        for event_id, code, text, integration_id, remote_id in rows
    ]
    if sealed:
        session.execute(sa.update(OrderEvent), sealed)
    return rows[-1][0] if len(rows) == most else None, len(rows)


def drop_old_texts(session: Session, after: Place | None, most: int) -> tuple[Place | None, int]:
    """Forget the texts of holds that an earlier release goes on composing beside this one: their wording needs none."""
    ids = session.scalars(
        sa.select(Hold.id).where(Hold.sentence != "", Hold.id > (after or 0)).order_by(Hold.id).limit(most)
    ).all()
    session.execute(sa.update(Hold).where(Hold.id.in_(ids)).values(sentence=""))
    return ids[-1] if len(ids) == most else None, len(ids)


def seal_old_reasons(session: Session, after: Place | None, most: int) -> tuple[Place | None, int]:
    """Seal what buyers gave for asking to cancel where the release before stores it."""
    rows = session.execute(
        sa.select(ReceivedOrder.id, ReceivedOrder.cancel_reason, ReceivedOrder.integration_id, ReceivedOrder.remote_id)
        .where(ReceivedOrder.cancel_reason != "", ReceivedOrder.id > (after or 0))
        .order_by(ReceivedOrder.id)
        .limit(most)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    sealed = [
        {
            "id": order_id,
            "cancel_reason": "",
            "sealed_cancel_reason": seal(ReceivedOrder.sealed_cancel_reason, reason, integration_id, remote_id),
        }
        for order_id, reason, integration_id, remote_id in rows
    ]
    if sealed:
        session.execute(sa.update(ReceivedOrder), sealed)
    return rows[-1][0] if len(rows) == most else None, len(rows)


STEPS: list[Step] = [seal_old_texts, drop_old_texts, seal_old_reasons]
