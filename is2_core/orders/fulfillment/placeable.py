"""Which received orders go to the warehouse next, and as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.crypto import CannotOpen
from is2_core.db.rows import insert_rows, table_of
from is2_core.db.types import SealedValue
from is2_core.orders.fulfillment.new_order import Files, files_of, new_order
from is2_core.orders.holds.config import apply_holds, config_for
from is2_core.orders.holds.input import HoldConfig
from is2_core.orders.models import PlacedComponent, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.pii import pii_of
from is2_core.orders.states import ReceivedState
from is2_core.orders.stored import StoredOrder, lock_orders
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from plugins.interface import ShippingMappingUI
from plugins.types.orders import MAY_BE_PLACED
from plugins.warehouse import NewOrder

BATCH = 250
# Older than this an order is read again before it is placed: a cancellation may have come meanwhile.
FRESH = timedelta(hours=1)


# (line id, warehouse SKU, quantity in one unit).
Components = tuple[tuple[int, str, int], ...]


@dataclass(frozen=True)
class Ready:
    """An order to place, and what each of its lines is made of."""

    order_id: int
    request: NewOrder
    components: Components


def next_batch(
    platform: Platform, run: TaskRun, ui: ShippingMappingUI, last: int, most: int
) -> tuple[list[Ready], int, bool]:
    """So many fresh placeable orders after id `last`, their holds computed once more; commits what turned out held, and
    that the warehouse is about to be asked for the others."""
    with run.write() as session:
        integration = session.get_one(Integration, run.integration_id)
        now = platform.clock.now()
        orders = lock_orders(
            session,
            *placeable(integration),
            ReceivedOrder.id > last,
            ReceivedOrder.read_at >= now - FRESH,
            ReceivedOrder.placing_since.is_(None),
            most=most,
        )
        if not orders:
            return [], last, False
        config = config_for(platform, session, integration, ui, orders)
        going = apply_holds(session, orders, config, now)
        source = integration_name(integration)
        pii = _pii_of(session, going)
        files = files_of(session, going)
        batch = [_ready(order, known, files, config, source) for order in going if (known := pii[order.id]) is not None]
        closed = [order_id for order_id, known in pii.items() if known is None]
        told = Told(EventCode.ADDRESS_CLOSED)
        transition(session, closed, ReceivedState.QUARANTINED, told, now, told=told)
        note_asked(session, {ready.order_id: ready.components for ready in batch}, now)
        return batch, orders[-1].id, len(orders) == most


def note_asked(session: Session, components: Mapping[int, Components], now: datetime) -> None:
    """The warehouse is about to be asked: what it is asked for, by order, is kept as it is now, whatever a mapping or
    the cart says when the answer comes."""
    ids = list(components)
    lines = {line_id for parts in components.values() for line_id, _, _ in parts}
    session.execute(_NOTE_PLACING, {"ids_": ids, "now_": now})
    session.execute(_NOTE_PLACED, {"ids_": ids, "lines_": list(lines)})
    forget_components(session, ids)
    rows = [
        {"line_id": line_id, "warehouse_sku": sku, "quantity": quantity}
        for parts in components.values()
        for line_id, sku, quantity in parts
    ]
    insert_rows(session, PlacedComponent, rows)


def forget_components(session: Session, order_ids: Sequence[int]) -> None:
    """Delete what was kept of orders for the warehouse being asked."""
    session.execute(_FORGET, {"ids_": list(order_ids)})


_ORDER, _LINE, _COMPONENT = (table_of(model).c for model in (ReceivedOrder, ReceivedLine, PlacedComponent))
_IDS: sa.BindParameter[int] = sa.bindparam("ids_", expanding=True)
_NOTE_PLACING = (
    sa.update(table_of(ReceivedOrder))
    .where(_ORDER.id.in_(_IDS))
    .values(placing_since=sa.bindparam("now_"), last_asked_at=sa.bindparam("now_"), absent_at=None)
)
_IS_PLACED = _LINE.id.in_(sa.bindparam("lines_", expanding=True))
_NOTE_PLACED = (
    sa.update(table_of(ReceivedLine))
    .where(_LINE.order_id.in_(_IDS))
    .values(placed=sa.case((_IS_PLACED, _LINE.open), else_=0))
)
_FORGET = sa.delete(table_of(PlacedComponent)).where(
    _COMPONENT.line_id.in_(sa.select(_LINE.id).where(_LINE.order_id.in_(_IDS)))
)


def placeable(integration: Integration) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions of orders that may go to the warehouse."""
    return (
        ReceivedOrder.integration_id == integration.id,
        ReceivedOrder.state == ReceivedState.STAGED,
        ReceivedOrder.cart_state.in_(MAY_BE_PLACED),
    )


def _ready(order: StoredOrder, pii: Mapping[str, Any], files: Files, config: HoldConfig, source: str) -> Ready:
    components = components_of(order, config)
    method = config.method(order.shipping_method)
    assert method is not None, "an order without a shipping mapping is held"
    request = new_order(order, pii, files, components, source=source, service=method.service)
    return Ready(order.id, request, components)


def components_of(order: StoredOrder, config: HoldConfig) -> Components:
    """(line id, warehouse SKU, quantity in one unit) of every open line that is shipped from here."""
    return tuple(
        (line.id, sku, quantity)
        for line in order.lines
        if line.open and not line.not_from_here
        for sku, quantity in (config.components(line.sku) or {}).items()
    )


def _pii_of(session: Session, orders: Sequence[StoredOrder]) -> dict[int, Mapping[str, Any] | None]:
    """Return, by order, where it goes and what the buyer wrote; None where no address is stored, or what is stored was
    sealed for another order."""
    rows = session.execute(_PII, {"ids_": [order.id for order in orders]})
    sealed = {order_id: (sealed, corrected) for order_id, sealed, corrected in rows}
    return {order.id: _opened(order, *sealed.get(order.id, (None, None))) for order in orders}


_PII = sa.select(Recipient.order_id, Recipient.sealed, Recipient.corrected).where(Recipient.order_id.in_(_IDS))


def _opened(order: StoredOrder, sealed: SealedValue | None, corrected: SealedValue | None) -> Mapping[str, Any] | None:
    try:
        pii = pii_of((order.integration_id, order.remote_id), sealed, corrected)
    except CannotOpen:
        return None
    return pii if pii.get("address") else None
