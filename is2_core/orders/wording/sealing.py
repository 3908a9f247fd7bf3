"""What a buyer, or somebody about a buyer, wrote and holds and timelines name: sealed for its order."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.crypto import CannotOpen
from is2_core.db.types import SealedValue
from is2_core.orders.models import ReceivedOrder

_log = logging.getLogger(__name__)

# The integration and the cart's id of an order.
OrderKey = tuple[int, str]


def order_keys(session: Session, order_ids: Iterable[int]) -> Mapping[int, OrderKey]:
    """Return what is bound to these orders' sealed values, by order id; asks nothing of the database for none."""
    wanted = set(order_ids)
    if not wanted:
        return {}
    rows = session.execute(
        sa.select(ReceivedOrder.id, ReceivedOrder.integration_id, ReceivedOrder.remote_id).where(
            ReceivedOrder.id.in_(wanted)
        )
    )
    return {order_id: (integration_id, remote_id) for order_id, integration_id, remote_id in rows}


def opened(value: SealedValue | None, *key: int | str) -> dict[str, Any]:
    """Open sealed parameters; none where there are none, or where they were sealed for something else."""
    try:
        return dict(value.open(*key)) if value is not None else {}
    except CannotOpen as error:
        _log.error("parameters stay unread: %s", error)
        return {}
