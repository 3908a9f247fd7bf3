"""Reading what holds depend on from the database, and writing what they decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.method_vocabulary import canonical_key
from is2_core.db.rows import insert_rows, table_of
from is2_core.db.types import seal
from is2_core.items.known_skus import known_among
from is2_core.items.models import CartItem, Mapping, ShippingMapping
from is2_core.items.states import setting_of
from is2_core.orders.holds.input import HoldConfig, MethodConfig, input_of
from is2_core.orders.holds.reasons import REASONS, HoldCode, HoldReason, holds_for
from is2_core.orders.models import Hold
from is2_core.orders.not_from_here.lines import note_lines
from is2_core.orders.states import ReceivedState
from is2_core.orders.stored import StoredOrder
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
    answers: dict[str, str] = {}
    known = {"integration_": integration.id, "skus_": list(wanted)}
    for cart_sku, answer, warehouse_sku, quantity in session.execute(_LISTED, known):
        if warehouse_sku is not None:
            mappings.setdefault(cart_sku, {})[warehouse_sku] = quantity
        if answer:
            answers[cart_sku] = answer
    shipping = session.execute(_SHIPPING, {"integration_": integration.id})
    return HoldConfig(
        methods={row.method_key: MethodConfig(row.service, row.hold) for row in shipping},
        mappings=mappings,
        warehouse_skus=frozenset(known_among(session, integration.account_id, wanted, integration.wms_target)),
        method_keys={method: canonical_key(ui, method) for method in set(methods)},
        review_first=integration.review_first,
        answers=answers,
        unknown_skus=setting_of(integration.settings),
    )


_METHOD = table_of(ShippingMapping).c
_SHIPPING = sa.select(_METHOD.method_key, _METHOD.service, _METHOD.hold).where(
    _METHOD.integration_id == sa.bindparam("integration_")
)
_ITEM, _MAPPING = table_of(CartItem), table_of(Mapping)
_LISTED = (
    sa.select(_ITEM.c.sku, _ITEM.c.unknown_sku, _MAPPING.c.warehouse_sku, _MAPPING.c.quantity)
    .outerjoin(_MAPPING, _MAPPING.c.cart_item_id == _ITEM.c.id)
    .where(
        _ITEM.c.integration_id == sa.bindparam("integration_"), _ITEM.c.sku.in_(sa.bindparam("skus_", expanding=True))
    )
)


def config_for(
    platform: Platform,
    session: Session,
    integration: Integration,
    ui: ShippingMappingUI,
    orders: Sequence[StoredOrder],
) -> HoldConfig:
    """The store's rules as far as these stored orders need them."""
    return load_config(
        platform,
        session,
        integration,
        ui,
        methods=[order.shipping_method for order in orders],
        skus=[line.sku for order in orders for line in order.lines],
    )


def apply_holds(
    session: Session, orders: Sequence[StoredOrder], config: HoldConfig, now: datetime
) -> list[StoredOrder]:
    """Recompute the holds of stored orders that are not placed, and what of them is not shipped from here; returns
    those that nothing holds. An order of which nothing is shipped from here ends."""
    open_here = _leave_out(session, orders, config, now)
    payable = [order for order in open_here if order.cart_state != OrderState.PENDING]
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
    return free


def _leave_out(session: Session, orders: Sequence[StoredOrder], config: HoldConfig, now: datetime) -> list[StoredOrder]:
    """Note what is not shipped from here of orders the warehouse was not asked to take, and end those of which nothing
    is; returns the others."""
    undecided = [order for order in orders if order.placing_since is None]
    note_lines(session, undecided, config)
    ended: dict[int, Told] = {}
    for order in undecided:
        found = input_of(order)
        if order.cart_state != OrderState.PENDING and found.nothing_from_here(config):
            ended[order.id] = Told(EventCode.NOT_FROM_HERE, {"skus": found.open_skus})
    if ended:
        transition(session, ended, ReceivedState.EXCLUDED, ended, now, told=ended)
        replace_holds(session, dict.fromkeys(ended, ()))
    return [order for order in orders if order.id not in ended]


def stored_reason(hold: Hold, key: OrderKey) -> HoldReason:
    """A stored hold as it was found, of an order of this key; raises KeyError where its code is not known here."""
    about = REASONS[hold.code].about
    subject = {about: hold.subject} if about else {}
    return HoldReason(
        HoldCode(hold.code), {**subject, **hold.params, **opened_params(hold.sealed, *key, hold.code, hold.subject)}
    )


_HOLD = table_of(Hold)
_FORGET = sa.delete(_HOLD).where(_HOLD.c.order_id.in_(sa.bindparam("ids_", expanding=True)))


def replace_holds(session: Session, holds: dict[int, tuple[HoldReason, ...]]) -> None:
    """Set the holds of these orders to exactly those given. Of an order whose buyer's data is erased, what somebody
    wrote is left out."""
    if not holds:
        return
    session.execute(_FORGET, {"ids_": list(holds)})
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


_HOLDS = sa.select(Hold).where(Hold.order_id.in_(sa.bindparam("ids_", expanding=True))).order_by(Hold.id)


def _stored_holds(session: Session, orders: Sequence[StoredOrder]) -> dict[int, list[HoldReason | None]]:
    """By order, its holds; None for one of a code that is not known here."""
    key_of = {order.id: (order.integration_id, order.remote_id) for order in orders}
    stored: dict[int, list[HoldReason | None]] = {}
    for hold in session.scalars(_HOLDS, {"ids_": list(key_of)}):
        found = stored_reason(hold, key_of[hold.order_id]) if hold.code in REASONS else None
        stored.setdefault(hold.order_id, []).append(found)
    return stored
