"""Orders in the embedded warehouse are stopped, begun, held and released."""

from __future__ import annotations

import logging

from is2_core.embedded_warehouse.change import change_order, must_be_open, reconsider_stock
from is2_core.embedded_warehouse.feed import note_moved
from is2_core.embedded_warehouse.ledger import open_units
from is2_core.embedded_warehouse.packing_form import read_reason
from is2_core.embedded_warehouse.shipping import end_order
from is2_core.embedded_warehouse.states import WarehouseState
from is2_core.errors import Conflict
from is2_core.platform import Platform

_log = logging.getLogger(__name__)


def stop_order(platform: Platform, *, order_id: int, reason: str, user_id: int | None) -> None:
    """End an order from the warehouse's side: what has not been shipped will not be. The merchant reads the reason.

    Raises:
        NotFound: there is no such order.
        BadInput: the reason is missing or unprintable.
        Conflict: it is completed or cancelled.
    """
    reason_given = read_reason(reason)
    with change_order(platform, order_id) as change:
        must_be_open(change.order)
        change.order.stop_position = change.position
        released = open_units(change.order)
        end_order(change.session, change.order, change.position, reason_given)
        note_moved(change.session, change.order.account_id, change.position, released)
        _log.info("user %s stopped warehouse order %s", user_id, order_id)


def start_packing(platform: Platform, *, order_id: int, user_id: int | None) -> None:
    """Mark a pending order as being packed: its units stay its own, whatever becomes of the stock.

    Raises:
        NotFound: there is no such order.
        Conflict: it is not pending.
    """
    with change_order(platform, order_id) as change:
        if change.order.state == WarehouseState.BACK_ORDER:
            raise Conflict("Not all of this order is in stock yet. You can ship what there is of it.")
        if change.order.state != WarehouseState.PENDING:
            raise Conflict(f"This order is not pending any more: {WarehouseState(change.order.state).label}.")
        change.order.turn(WarehouseState.IN_PROCESS, change.position)
        _log.info("user %s packs warehouse order %s", user_id, order_id)


def hold_order(platform: Platform, *, order_id: int, user_id: int | None) -> None:
    """Keep an order from being shipped until it is released. Its units stay promised, but other orders are packed
    with them meanwhile.

    Raises:
        NotFound: there is no such order.
        Conflict: it is on hold already, completed or cancelled.
    """
    with change_order(platform, order_id) as change:
        must_be_open(change.order)
        if change.order.state == WarehouseState.ON_HOLD:
            raise Conflict("This order is on hold already.")
        change.order.turn(WarehouseState.ON_HOLD, change.position)
        reconsider_stock(change)
        _log.info("user %s put warehouse order %s on hold", user_id, order_id)


def release_order(platform: Platform, *, order_id: int, user_id: int | None) -> None:
    """Let an order on hold go on: pending where its units are there, else on back order.

    Raises:
        NotFound: there is no such order.
        Conflict: it is not on hold.
    """
    with change_order(platform, order_id) as change:
        if change.order.state != WarehouseState.ON_HOLD:
            raise Conflict("This order is not on hold.")
        change.order.turn(WarehouseState.BACK_ORDER, change.position)
        reconsider_stock(change)
        _log.info("user %s released warehouse order %s", user_id, order_id)
