"""Stored orders as plain values, read many at once: what decides whether they wait, and what a warehouse is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.chunks import chunks
from is2_core.db.locks import LOCK
from is2_core.db.rows import columns_of
from is2_core.db.types import SealedValue, opened
from is2_core.orders.models import ReceivedLine, ReceivedOrder


@dataclass(slots=True)
class StoredLine:
    """The columns of a `ReceivedLine` that are named here."""

    id: int
    order_id: int
    remote_id: str
    sku: str
    open: int
    customization: str
    handling_requirements: Sequence[str]
    gift: bool
    gift_wrap: str
    ioss: str
    not_from_here: bool = False


@dataclass(slots=True)
class StoredOrder:
    """The columns of a `ReceivedOrder` that are named here, and its lines."""

    id: int
    integration_id: int
    remote_id: str
    number: str
    state: str
    cart_state: str
    shipping_method: str
    has_address: bool
    address_problem: str
    address_corrected: bool
    cancellation_requested: bool
    sealed_cancel_reason: SealedValue | None
    has_caution: bool
    sealed_caution: SealedValue | None
    unknown: Sequence[str]
    waived: Sequence[str]
    tags: Sequence[str]
    ship_after: datetime | None
    ship_by: datetime | None
    deliver_after: datetime | None
    deliver_by: datetime | None
    placing_since: datetime | None
    lines: list[StoredLine] = field(default_factory=list)

    @property
    def cancel_reason(self) -> str:
        """The buyer's reason for asking to cancel."""
        return opened(self.sealed_cancel_reason, self.integration_id, self.remote_id) or ""

    @property
    def caution(self) -> str:
        """Why the cart would have a person look first."""
        return opened(self.sealed_caution, self.integration_id, self.remote_id) or ""


def lock_orders(session: Session, *where: sa.ColumnElement[bool], most: int | None = None) -> list[StoredOrder]:
    """Read and lock orders, the first `most` of them by their ids; all where None."""
    rows = session.execute(
        sa.select(*_columns(ReceivedOrder, StoredOrder))
        .where(*where)
        .order_by(ReceivedOrder.id)
        .limit(most)
        .with_for_update(**LOCK)
    )
    orders = {row[0]: StoredOrder(*row) for row in rows}
    lines = sa.select(*_columns(ReceivedLine, StoredLine)).order_by(ReceivedLine.id)
    for part in chunks(orders):
        for row in session.execute(lines.where(ReceivedLine.order_id.in_(part))):
            line = StoredLine(*row)
            orders[line.order_id].lines.append(line)
    return list(orders.values())


def _columns(model: type[Any], values: type[Any]) -> list[sa.Column[Any]]:
    return columns_of(model, [each.name for each in fields(values) if each.name != "lines"])
