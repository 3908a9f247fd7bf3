"""A received order as a warehouse is asked to take it: values only, of warehouse SKUs."""

from __future__ import annotations

import base64
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.crypto import CannotOpen
from is2_core.db.types import opened
from is2_core.orders.fulfillment.handling_requirements import requirements_of
from is2_core.orders.models import LineCustomization
from is2_core.orders.stored import StoredOrder
from plugins.interface import Address
from plugins.warehouse import CustomizationFile, GiftMessage, NewOrder, OrderLine

_log = logging.getLogger(__name__)
Components = Sequence[tuple[int, str, int]]
"""(line id, warehouse SKU, quantity in one unit) of every open line that is shipped from here."""
Files = Mapping[int, tuple[str, bytes]]
"""Line id -> name and content of what the buyer had made on it."""


_FILES = sa.select(LineCustomization.line_id, LineCustomization.sealed_name, LineCustomization.sealed).where(
    LineCustomization.line_id.in_(sa.bindparam("lines_", expanding=True)), LineCustomization.sealed.is_not(None)
)


def files_of(session: Session, orders: Sequence[StoredOrder]) -> Files:
    """Return the files of things buyers had made on lines of these orders, as far as it is here."""
    lines = {line.id: (order, line) for order in orders for line in order.lines}
    rows = session.execute(_FILES, {"lines_": list(lines)}).all()
    found: dict[int, tuple[str, bytes]] = {}
    for line_id, name, sealed in rows:
        order, line = lines[line_id]
        key = (order.integration_id, order.remote_id, line.remote_id)
        try:
            content = sealed.open(*key) if sealed else ""
        except CannotOpen:
            # Then the packer is told that it did not come.
            _log.error("the customization of line %s is sealed for another one, or damaged", line_id)
            continue
        found[line_id] = (opened(name, *key) or "", base64.b64decode(content))
    return found


def new_order(
    order: StoredOrder, pii: Mapping[str, Any], files: Files, components: Components, *, source: str, service: str
) -> NewOrder:
    """The request.

    Args:
        pii: the buyer's data of the order, opened: "address", and "lines" with the buyer's words.
        source: the integration's name.
        service: the warehouse's code.
    """
    open_lines = {line.id: line for line in order.lines}
    units: defaultdict[str, int] = defaultdict(int)
    items: defaultdict[str, dict[str, None]] = defaultdict(dict)
    skus: defaultdict[int, list[str]] = defaultdict(list)
    for line_id, sku, quantity in components:
        units[sku] += quantity * open_lines[line_id].open
        items[sku][open_lines[line_id].remote_id] = None
        skus[line_id].append(sku)
    written = pii.get("lines") or {}
    return NewOrder(
        number=order.number,
        source=source,
        service=service,
        recipient=_address(pii["address"]),
        lines=tuple(OrderLine(sku, quantity, tuple(items[sku])) for sku, quantity in units.items()),
        ship_after=order.ship_after,
        ship_by=order.ship_by,
        deliver_after=order.deliver_after,
        deliver_by=order.deliver_by,
        requirements=requirements_of(order.lines, components),
        tags=tuple(order.tags),
        gift_messages=tuple(
            GiftMessage(line.remote_id, tuple(skus[line.id]), text)
            for line in order.lines
            if line.id in skus and (text := (written.get(line.remote_id) or {}).get("gift_message"))
        ),
        customizations=tuple(
            CustomizationFile(line.remote_id, tuple(skus[line.id]), *files[line.id])
            for line in order.lines
            if line.id in skus and line.id in files
        ),
    )


def _address(stored: Mapping[str, Any]) -> Address:
    return Address(**{**stored, "lines": tuple(stored["lines"])})
