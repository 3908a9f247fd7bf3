"""Reading what holds depend on from the database, and writing what they decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.method_vocabulary import canonical_key
from is2_core.items.known_skus import known_among
from is2_core.items.models import CartItem, Mapping, ShippingMapping
from is2_core.orders.holds.reasons import HoldReason, LineFacts, MethodRule, OrderFacts, StoreRules, holds_for
from is2_core.orders.models import Hold, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.transition import transition
from is2_core.platform import Platform
from plugins.interface import OrderState, ShippingMappingUI


def load_rules(
    platform: Platform,
    session: Session,
    integration: Integration,
    ui: ShippingMappingUI,
    *,
    methods: Iterable[str],
    skus: Iterable[str],
) -> StoreRules:
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
    return StoreRules(
        methods={row.method_key: MethodRule(row.service, row.hold) for row in shipping},
        mappings=mappings,
        warehouse_skus=frozenset(known_among(session, integration.account_id, wanted, integration.wms_target)),
        method_keys={method: canonical_key(ui, method) for method in set(methods)},
        review_first=integration.review_first,
        address_missing=platform.carts.manifest(integration.cart).address_missing,
    )


def rules_for(
    platform: Platform,
    session: Session,
    integration: Integration,
    ui: ShippingMappingUI,
    orders: Iterable[ReceivedOrder],
) -> StoreRules:
    """The store's rules as far as these stored orders (lines loaded) need them."""
    loaded = list(orders)
    return load_rules(
        platform,
        session,
        integration,
        ui,
        methods=[order.shipping_method for order in loaded],
        skus=[line.sku for order in loaded for line in order.lines],
    )


def facts_of(order: ReceivedOrder) -> OrderFacts:
    """A stored order (lines loaded) as holds see it."""
    return OrderFacts(
        lines=[LineFacts(line.sku, line.open, line.customization) for line in order.lines],
        shipping_method=order.shipping_method,
        has_address=order.has_address,
        address_problem=order.address_problem,
        cancellation_requested=order.cancellation_requested,
        cancel_reason=order.cancel_reason,
        caution=order.caution,
        unknown=order.unknown,
        waived=frozenset(order.waived),
    )


def apply_holds(session: Session, orders: Sequence[ReceivedOrder], rules: StoreRules, now: datetime) -> int:
    """Recompute the holds of stored orders that are not placed (lines loaded); returns how many are placeable."""
    payable = [order for order in orders if order.cart_state != OrderState.PENDING]
    found = {order.id: holds_for(facts_of(order), rules) for order in payable}
    before = _stored_holds(session, found)
    changed = {
        order_id: holds
        for order_id, holds in found.items()
        if {(hold.code, hold.subject, hold.sentence) for hold in holds} != before.get(order_id, set())
    }
    free = {order_id for order_id, holds in found.items() if not holds}
    message = "Nothing holds this order any more; it goes on by itself."
    transition(session, free, ReceivedState.STAGED, None, now, code="RELEASED", message=message)
    transition(session, found.keys() - free, ReceivedState.HELD, None, now)
    replace_holds(session, changed)
    return len(free)


def _stored_holds(session: Session, order_ids: Iterable[int]) -> dict[int, set[tuple[str, str, str]]]:
    stored: dict[int, set[tuple[str, str, str]]] = {}
    for order_id, code, subject, sentence in session.execute(
        sa.select(Hold.order_id, Hold.code, Hold.subject, Hold.sentence).where(Hold.order_id.in_(list(order_ids)))
    ):
        stored.setdefault(order_id, set()).add((code, subject, sentence))
    return stored


def replace_holds(session: Session, holds: dict[int, tuple[HoldReason, ...]]) -> None:
    """Set the holds of these orders to exactly those given."""
    if not holds:
        return
    session.execute(sa.delete(Hold).where(Hold.order_id.in_(holds)))
    rows = [
        {"order_id": order_id, "code": hold.code, "subject": hold.subject, "sentence": hold.sentence}
        for order_id, reasons in holds.items()
        for hold in reasons
    ]
    if rows:
        session.execute(sa.insert(Hold), rows)
