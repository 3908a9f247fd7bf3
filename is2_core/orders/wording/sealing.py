"""Texts that somebody outside wrote of an order (a buyer, or whoever may quote one), sealed for it: by holds, the
timeline and the order itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.types import SealedValue, opened, seal
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.wording.events import EVENTS, OLD_TEXT, Told

# The integration and the cart's id of an order.
OrderKey = tuple[int, str]


def order_keys(session: Session, order_ids: Iterable[int]) -> Mapping[int, OrderKey]:
    """Return what is bound to these orders' sealed values, by order id; asks nothing of the database for none.

    Orders whose buyer's data is erased are left out: whatever anybody writes of them later is not stored.
    """
    wanted = set(order_ids)
    if not wanted:
        return {}
    rows = session.execute(
        sa.select(ReceivedOrder.id, ReceivedOrder.integration_id, ReceivedOrder.remote_id).where(
            ReceivedOrder.id.in_(wanted), ReceivedOrder.cart_may_write()
        )
    )
    return {order_id: (integration_id, remote_id) for order_id, integration_id, remote_id in rows}


def to_tell(session: Session, order_id: int, told: Told) -> Told:
    """Return what may be told of an order in a case: all of it, but for what somebody wrote where the buyer's data is
    erased."""
    if order_keys(session, [order_id]):
        return told
    return Told(told.code, {**told.params, **dict.fromkeys(EVENTS[told.code].sealed, "")})


def opened_params(value: SealedValue | None, *key: int | str) -> dict[str, Any]:
    """Open sealed parameters, or the text of a release before; none where they were sealed for something else."""
    found = opened(value, *key)
    return {OLD_TEXT: found} if isinstance(found, str) else dict(found or {})


def reason_columns(told: Told | None, key: OrderKey | None) -> dict[str, Any]:
    """Return the columns that say why an order of this key is in its state; without a key what somebody wrote is left
    out."""
    sealed = seal(ReceivedOrder.sealed_reason, dict(told.params), *key) if told and told.params and key else None
    return {"reason_code": told.code if told else "", "sealed_reason": sealed}


def has_reason(order: ReceivedOrder, told: Told | None) -> bool:
    """Whether this is why an order is in its state, as it is stored."""
    if told is None or not told.params:
        return (order.reason_code, order.sealed_reason) == (told.code if told else "", None)
    stored = opened_params(order.sealed_reason, order.integration_id, order.remote_id)
    return (order.reason_code, stored) == (told.code, told.params)
