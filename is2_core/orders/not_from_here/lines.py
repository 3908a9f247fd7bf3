"""Which lines of an order are not shipped from here: noted until the warehouse is asked to take it, then kept.

Units of such a line may be open, shipped or cancelled at the cart: that is no difference from what is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.chunks import chunks
from is2_core.db.rows import table_of
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.wording.events import EventCode
from plugins.interface import TO_SHIP

if TYPE_CHECKING:
    from is2_core.orders.holds.input import HoldConfig
    from is2_core.orders.importing.classify import Classification
    from is2_core.orders.stored import StoredOrder

_LINE = table_of(ReceivedLine).c
_IDS: sa.BindParameter[int] = sa.bindparam("ids_", expanding=True)
_SKUS: sa.BindParameter[str] = sa.bindparam("skus_", expanding=True)
_NOTE_BY_SKU = (
    sa.update(table_of(ReceivedLine))
    .where(_LINE.order_id.in_(_IDS), _LINE.not_from_here != _LINE.sku.in_(_SKUS))
    .values(not_from_here=_LINE.sku.in_(_SKUS))
)
_NOTE = sa.update(table_of(ReceivedLine)).where(_LINE.id.in_(_IDS)).values(not_from_here=sa.bindparam("is_"))


def ended_not_from_here(integration_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions of orders that ended because nothing of them is shipped from here, and are open at the cart as far as
    is known."""
    return (
        ReceivedOrder.integration_id == integration_id,
        ReceivedOrder.state == ReceivedState.EXCLUDED,
        ReceivedOrder.reason_code == EventCode.NOT_FROM_HERE,
        ReceivedOrder.cart_state.in_(TO_SHIP),
    )


def note_lines(session: Session, orders: Sequence[StoredOrder], config: HoldConfig) -> None:
    """Note which lines of stored orders, read and locked, are not shipped from here."""
    changed: dict[bool, list[int]] = {}
    for order in orders:
        for line in order.lines:
            if line.not_from_here != config.not_from_here(line.sku):
                line.not_from_here = not line.not_from_here
                changed.setdefault(line.not_from_here, []).append(line.id)
    for is_so, line_ids in changed.items():
        for part in chunks(line_ids):
            session.execute(_NOTE, {"ids_": part, "is_": is_so})


def note_listed_lines(
    session: Session, stored: Mapping[str, ReceivedOrder], classified: Mapping[str, Classification]
) -> None:
    """Note the same of orders that were known and have just been listed, by the cart's id."""
    known = [stored[each] for each in classified if each in stored]
    ids = [order.id for order in known if order.placing_since is None and order.placed_at is None]
    if ids:
        skus = {sku for its in classified.values() for sku in its.not_from_here}
        session.execute(_NOTE_BY_SKU, {"ids_": ids, "skus_": sorted(skus)})
