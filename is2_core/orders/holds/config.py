"""Reading what holds depend on from the database, and writing what they decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.method_vocabulary import canonical_key
from is2_core.db.rows import insert_rows
from is2_core.db.types import seal
from is2_core.items.known_skus import known_among
from is2_core.items.models import CartItem, Mapping, ShippingMapping
from is2_core.orders.holds.input import HoldConfig, MethodConfig, input_of
from is2_core.orders.holds.reasons import REASONS, HoldCode, HoldReason, holds_for
from is2_core.orders.models import Hold, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.transition import transition
from is2_core.orders.wording.events import EventCode, Told
from is2_core.orders.wording.sealing import OrderKey, opened_params, order_keys
from is2_core.platform import Platform
from plugins.interface import OrderState, ShippingMappingUI


def load_config(
    platform: Platform,
    session: Session,
    integration: Integration,
    ui: ShippingMappingUI,
    *,
    methods: Iterable[str],
    skus: Iterable[str],
) -> HoldConfig:
    """The store's rules, as far as these shipping methods and cart SKUs need them."""
    wanted = set(skus)
    mappings: dict[str, dict[str, int]] = {}
    rows = session.execute(
        sa.select(CartItem.sku, Mapping.warehouse_sku, Mapping.quantity)
        .join(Mapping, Mapping.cart_item_id == CartItem.id)
        .where(CartItem.integration_id == integration.id, CartItem.sku.in_(wanted))
    )
    for cart_sku, warehouse_sku, quantity in rows:
        mappings.setdefault(cart_sku, {})[warehouse_sku] = quantity
    shipping = session.scalars(sa.select(ShippingMapping).where(ShippingMapping.integration_id == integration.id))
    return HoldConfig(
        methods={row.method_key: MethodConfig(row.service, row.hold) for row in shipping},
        mappings=mappings,
        warehouse_skus=frozenset(known_among(session, integration.account_id, wanted, integration.wms_target)),
        method_keys={method: canonical_key(ui, method) for method in set(methods)},
        review_first=integration.review_first,
    )


def config_for(
    platform: Platform,
    session: Session,
    integration: Integration,
    ui: ShippingMappingUI,
    orders: Iterable[ReceivedOrder],
) -> HoldConfig:
    """The store's rules as far as these stored orders (lines loaded) need them."""
    loaded = list(orders)
    return load_config(
        platform,
        session,
        integration,
        ui,
        methods=[order.shipping_method for order in loaded],
        skus=[line.sku for order in loaded for line in order.lines],
    )


def apply_holds(session: Session, orders: Sequence[ReceivedOrder], config: HoldConfig, now: datetime) -> int:
    """Recompute the holds of stored orders that are not placed (lines loaded); returns how many are placeable."""
    payable = [order for order in orders if order.cart_state != OrderState.PENDING]
    found = {order.id: holds_for(input_of(order), config) for order in payable}
    before = _stored_holds(session, payable)
    changed = {order_id: holds for order_id, holds in found.items() if list(holds) != before.get(order_id, [])}
    free = [order for order in payable if not found[order.id]]
    held = [order for order in payable if found[order.id]]
    released = [order.id for order in free if order.state != ReceivedState.STAGED]
    transition(session, released, ReceivedState.STAGED, None, now, told=Told(EventCode.RELEASED))
    caught = [order.id for order in held if order.state != ReceivedState.HELD]
    transition(session, caught, ReceivedState.HELD, None, now)
    replace_holds(session, changed)
    return len(free)


def stored_reason(hold: Hold, key: OrderKey) -> HoldReason:
    """A stored hold as it was found, of an order of this key; raises KeyError where its code is not known here."""
    about = REASONS[hold.code].about
    subject = {about: hold.subject} if about else {}
    return HoldReason(
        HoldCode(hold.code), {**subject, **hold.params, **opened_params(hold.sealed, *key, hold.code, hold.subject)}
    )


def replace_holds(session: Session, holds: dict[int, tuple[HoldReason, ...]]) -> None:
    """Set the holds of these orders to exactly those given. Of an order whose buyer's data is erased, what somebody
    wrote is left out."""
    if not holds:
        return
    session.execute(sa.delete(Hold).where(Hold.order_id.in_(holds)))
    split = [
        (order_id, hold.code, *REASONS[hold.code].wording.stored(hold.params))
        for order_id, reasons in holds.items()
        for hold in reasons
    ]
    keys = order_keys(session, [order_id for order_id, _, _, hidden in split if hidden is not None])
    rows = []
    for order_id, code, plain, hidden in split:
        subject = plain.pop(REASONS[code].about, "")
        keeps_text = hidden is not None and order_id in keys
        sealed = seal(Hold.sealed, hidden, *keys[order_id], code, subject) if keeps_text else None
        rows.append({"order_id": order_id, "code": code, "subject": subject, "params": plain, "sealed": sealed})
    insert_rows(session, Hold, rows)


def _stored_holds(session: Session, orders: Sequence[ReceivedOrder]) -> dict[int, list[HoldReason | None]]:
    """By order, its holds; None for one of a code that is not known here."""
    key_of = {order.id: (order.integration_id, order.remote_id) for order in orders}
    stored: dict[int, list[HoldReason | None]] = {}
    for hold in session.scalars(sa.select(Hold).where(Hold.order_id.in_(key_of)).order_by(Hold.id)):
        found = stored_reason(hold, key_of[hold.order_id]) if hold.code in REASONS else None
        stored.setdefault(hold.order_id, []).append(found)
    return stored
