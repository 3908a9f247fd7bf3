"""Fetching one order by the cart's number: one that the listings missed, or that changed just now."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.accounts.access import owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import is_enabled, known_manifest
from is2_core.carts.context import cart_context
from is2_core.carts.live_call import call_cart_live, live_call
from is2_core.errors import BadInput, Conflict, Forbidden, NotFound
from is2_core.items.shipping_mappings import vocabulary_now
from is2_core.orders.importing.staging import stage, stage_singly
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from plugins.interface import Order, OrderReject, ShippingMappingUI

MAX_REMOTE_ID = 100
FIELD = "remote_id"


def can_fetch(platform: Platform, integration: Integration) -> bool:
    """Whether single orders can be asked for at this store's cart, now."""
    return (
        integration.state == IntegrationState.ACTIVE
        and platform.carts.has(integration.cart, "fetch_order")
        and is_enabled(platform, integration.cart)
    )


def fetch_this_order(
    platform: Platform, *, integration_id: int, scope: ChangeScope, user_id: int, remote_id: str
) -> int:
    """Ask the cart for one order and stage it as the listings do, new or known, whenever it was bought.

    Args:
        remote_id: the cart's number of the order, as a person typed it or as it stands on an order that is here.

    Returns:
        The id of the received order; its state says what came of it.

    Raises:
        BadInput: the number cannot be one.
        Conflict, Forbidden: the store or its cart cannot be asked.
        CartRefused, CartUnavailable: the cart said no, or could not be asked.
        NotFound: the cart knows no such order of this store.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
        known = sa.select(ReceivedOrder.id).where(
            ReceivedOrder.integration_id == integration_id, ReceivedOrder.remote_id == remote_id
        )
        is_known = session.scalar(known) is not None
    wanted = remote_id if is_known else remote_id.strip()
    if not is_known and (not wanted or len(wanted) > MAX_REMOTE_ID or not wanted.isprintable()):
        raise BadInput(f"Type the number the shop has for the order, at most {MAX_REMOTE_ID} characters.", field=FIELD)
    label = known_manifest(platform, integration.cart).label
    if integration.state != IntegrationState.ACTIVE:
        raise Conflict("This store is not active, so nothing can be read from it.")
    if not is_enabled(platform, integration.cart):
        raise Forbidden(f"{label} is not enabled on this platform at the moment.")
    if not platform.carts.has(integration.cart, "fetch_order"):
        raise Conflict(f"{label} offers no way to ask for a single order.")
    with live_call(platform, integration.account_id):
        ui = vocabulary_now(platform, integration)
        answer: Order | OrderReject | None = call_cart_live(
            platform, integration, "fetch_order", ctx=cart_context(platform, integration), remote_id=wanted
        )
    if answer is None:
        raise NotFound(f"{label} does not know an order {wanted} of this store.", field=FIELD)
    return _store(platform, ui, answer, integration_id=integration_id, scope=scope, user_id=user_id)


def _store(
    platform: Platform,
    ui: ShippingMappingUI,
    answer: Order | OrderReject,
    *,
    integration_id: int,
    scope: ChangeScope,
    user_id: int,
) -> int:
    with platform.db.write() as session:
        integration = owned_integration(session, integration_id, scope)
        if integration.state != IntegrationState.ACTIVE:
            raise Conflict("This store was paused or disconnected a moment ago; nothing was stored.")
        if isinstance(answer, OrderReject):
            stage(platform, session, integration, ui, (), rejects=[answer])
        else:
            stage_singly(platform, session, integration, ui, [answer])
        order_id = session.scalars(
            sa.select(ReceivedOrder.id).where(
                ReceivedOrder.integration_id == integration_id, ReceivedOrder.remote_id == answer.remote_id
            )
        ).one_or_none()
        if order_id is None:
            raise Conflict(
                "This order was deleted here, as it must be some time after it was received, and does not come back.",
                field=FIELD,
            )
        now = platform.clock.now()
        record(session, [Event(order_id, EventCode.FETCHED, user_id=user_id)], now)
        # A person waits: what staging asked for comes first now.
        enqueue(session, kind=TaskKind.ORDERS_PLACE, integration=integration, now=now, priority=NOW)
        return order_id
