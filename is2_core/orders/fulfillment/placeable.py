"""Which received orders go to the warehouse next, and as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.crypto import CannotOpen
from is2_core.db.locks import LOCK
from is2_core.db.rows import insert_rows
from is2_core.orders.fulfillment.new_order import Files, files_of, new_order
from is2_core.orders.holds.config import apply_holds, config_for
from is2_core.orders.holds.input import HoldConfig
from is2_core.orders.models import PlacedComponent, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.pii import pii_of
from is2_core.orders.states import ReceivedState
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from plugins.interface import TO_SHIP, ShippingMappingUI
from plugins.warehouse import NewOrder

BATCH = 250
# Older than this an order is read again before it is placed: a cancellation may have come meanwhile.
FRESH = timedelta(hours=1)


@dataclass(frozen=True)
class Ready:
    """An order to place, and what each of its lines is made of."""

    order_id: int
    request: NewOrder
    components: tuple[tuple[int, str, int], ...]


def next_batch(
    platform: Platform, run: TaskRun, ui: ShippingMappingUI, last: int, most: int
) -> tuple[list[Ready], int, bool]:
    """So many fresh placeable orders after id `last`, their holds computed once more; commits what turned out held, and
    that the warehouse is about to be asked for the others."""
    with run.write() as session:
        integration = session.get_one(Integration, run.integration_id)
        now = platform.clock.now()
        orders = session.scalars(
            placeable(integration)
            .where(ReceivedOrder.id > last, ReceivedOrder.read_at >= now - FRESH, ReceivedOrder.placing_since.is_(None))
            .order_by(ReceivedOrder.id)
            .limit(most)
            .options(selectinload(ReceivedOrder.lines))
            .with_for_update(**LOCK)
        ).all()
        if not orders:
            return [], last, False
        config = config_for(platform, session, integration, ui, orders)
        apply_holds(session, orders, config, now)
        going = [order for order in orders if order.state == ReceivedState.STAGED]
        recipients = {
            row.order_id: row
            for row in session.scalars(
                sa.select(Recipient).where(Recipient.order_id.in_([order.id for order in going]))
            )
        }
        source = integration_name(integration)
        pii = {order.id: _pii_of(order, recipients.get(order.id)) for order in going}
        files = files_of(session, going)
        batch = [_ready(order, known, files, config, source) for order in going if (known := pii[order.id]) is not None]
        closed = [order_id for order_id, known in pii.items() if known is None]
        told = Told(EventCode.ADDRESS_CLOSED)
        transition(session, closed, ReceivedState.QUARANTINED, told, now, told=told)
        _note_asked(session, batch, now)
        return batch, orders[-1].id, len(orders) == most


def _note_asked(session: Session, batch: Sequence[Ready], now: datetime) -> None:
    """The warehouse is about to be asked: what it is asked for is kept as it is now, whatever a mapping or the cart
    says when the answer comes."""
    ids = [ready.order_id for ready in batch]
    lines = {line_id for ready in batch for line_id, _, _ in ready.components}
    session.execute(sa.update(ReceivedOrder).where(ReceivedOrder.id.in_(ids)).values(placing_since=now))
    session.execute(
        sa.update(ReceivedLine)
        .where(ReceivedLine.id.in_(lines))
        .values(placed=ReceivedLine.open)
        .execution_options(synchronize_session=False)
    )
    session.execute(sa.delete(PlacedComponent).where(PlacedComponent.line_id.in_(lines_of(ids))))
    rows = [
        {"line_id": line_id, "warehouse_sku": sku, "quantity": quantity}
        for ready in batch
        for line_id, sku, quantity in ready.components
    ]
    insert_rows(session, PlacedComponent, rows)


def lines_of(order_ids: Sequence[int]) -> sa.Select[int]:
    return sa.select(ReceivedLine.id).where(ReceivedLine.order_id.in_(order_ids))


def placeable(integration: Integration) -> sa.Select[ReceivedOrder]:
    return sa.select(ReceivedOrder).where(
        ReceivedOrder.integration_id == integration.id,
        ReceivedOrder.state == ReceivedState.STAGED,
        ReceivedOrder.cart_state.in_(TO_SHIP),
    )


def _ready(order: ReceivedOrder, pii: Mapping[str, Any], files: Files, config: HoldConfig, source: str) -> Ready:
    components = _components(order, config)
    method = config.method(order.shipping_method)
    assert method is not None, "an order without a shipping mapping is held"
    request = new_order(order, pii, files, components, source=source, service=method.service)
    return Ready(order.id, request, components)


def _components(order: ReceivedOrder, config: HoldConfig) -> tuple[tuple[int, str, int], ...]:
    """(line id, warehouse SKU, quantity in one unit) of every open line."""
    return tuple(
        (line.id, sku, quantity)
        for line in order.lines
        if line.open
        for sku, quantity in (config.components(line.sku) or {}).items()
    )


def _pii_of(order: ReceivedOrder, row: Recipient | None) -> Mapping[str, Any] | None:
    """Return where an order goes and what the buyer wrote; None where no address is stored, or what is stored was
    sealed for another order."""
    try:
        pii = pii_of(order, row) if row else {}
    except CannotOpen:
        return None
    return pii if pii.get("address") else None
