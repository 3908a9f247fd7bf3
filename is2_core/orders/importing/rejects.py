"""Orders that cannot be understood or stored: set aside, and stock kept for what can be read of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.ownership import told
from is2_core.db.rows import insert_rows
from is2_core.orders.importing.classify import Classification, quarantines
from is2_core.orders.importing.staged_rows import line_row
from is2_core.orders.models import ReceivedLine
from is2_core.orders.states import CustomizationState, ReceivedState
from plugins.interface import ENDED, FulfilledBy, Order, OrderLine, OrderReject

if TYPE_CHECKING:
    from is2_core.orders.holds.input import HoldConfig
    from is2_core.orders.models import ReceivedOrder

# What the columns of quantities hold.
_MOST: Final = 2**31 - 1
_QUARANTINED: Final = Classification(ReceivedState.QUARANTINED)


def to_quarantine(
    rejects: Iterable[OrderReject], readable: Mapping[str, Order], stored: Mapping[str, ReceivedOrder]
) -> list[OrderReject]:
    """Return the rejects of a page that take the place of what is stored; the last of each order."""
    last = {reject.remote_id: reject for reject in rejects if reject.remote_id not in readable}
    return [reject for reject in last.values() if quarantines(reject, stored.get(reject.remote_id))]


def keep_stock(
    session: Session, quarantined: Sequence[OrderReject], id_of: Mapping[str, int], config: HoldConfig
) -> None:
    """Store the lines that could be read of rejected orders, but for those not shipped from here. Lines known from
    before stay as they are, for they were readable."""
    lines = {id_of[reject.remote_id]: reject.lines for reject in quarantined if reject.lines}
    if not lines:
        return
    columns = (ReceivedLine.order_id, ReceivedLine.remote_id, ReceivedLine.sku)
    known = session.execute(sa.select(*columns).where(ReceivedLine.order_id.in_(lines))).all()
    there = {(order_id, name) for order_id, remote_id, sku in known for name in (remote_id, sku)}
    rows = [
        told(ReceivedLine, line) | line_row(order_id, line, CustomizationState.NONE, _QUARANTINED)
        for order_id, its in lines.items()
        for line in its
        if not {(order_id, line.remote_id), (order_id, line.sku)} & there and not config.not_from_here(line.sku)
    ]
    insert_rows(session, ReceivedLine, rows)


def not_storable(order: Order) -> OrderReject:
    """Return the reject that an order is which the database will not hold."""
    message = "This order holds a value that cannot be stored; ask for help."
    ends_here = order.fulfilled_by is FulfilledBy.CART or order.state in ENDED
    lines = () if ends_here else tuple(_bare(line) for line in order.lines if _is_storable(line))
    return OrderReject(order.remote_id, "NOT_STORABLE", message, order.updated_at, lines)


def _bare(line: OrderLine) -> OrderLine:
    return OrderLine(line.remote_id, line.sku, "", line.ordered, line.cancelled, line.open)


def _is_storable(line: OrderLine) -> bool:
    text = line.remote_id + line.sku
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text) and line.ordered <= _MOST
