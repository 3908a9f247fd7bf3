"""Items and shipping mappings as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from is2_core.items.models import ShippingMapping
from is2_core.platform import Platform


@dataclass(frozen=True)
class MappedMethod:
    """A shipping mapping: the cart's method as it was added and by its canonical key, the warehouse's service, and
    whether orders with it wait."""

    id: int
    account_id: int
    integration_id: int
    method: str
    method_key: str
    service: str
    hold: bool


_COLUMNS = (
    ShippingMapping.id,
    ShippingMapping.account_id,
    ShippingMapping.integration_id,
    ShippingMapping.method,
    ShippingMapping.method_key,
    ShippingMapping.service,
    ShippingMapping.hold,
)


def mapped_methods(platform: Platform, *, integration_id: int) -> Sequence[MappedMethod]:
    """An integration's shipping mappings, the oldest first."""
    query = (
        sa.select(*_COLUMNS)
        .where(ShippingMapping.integration_id == integration_id)
        .order_by(ShippingMapping.created_at, ShippingMapping.id)
    )
    with platform.db.read() as session:
        return [MappedMethod(*row) for row in session.execute(query)]


def mapped_method(platform: Platform, *, mapping_id: int) -> MappedMethod | None:
    """One shipping mapping, of whatever account; None where there is none."""
    with platform.db.read() as session:
        row = session.execute(sa.select(*_COLUMNS).where(ShippingMapping.id == mapping_id)).one_or_none()
    return MappedMethod(*row) if row is not None else None
