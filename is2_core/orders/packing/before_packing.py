"""Reading an order once more before it is packed: a stop must reach the packer, not the next listing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import is_enabled
from is2_core.carts.context import cart_context
from is2_core.carts.live_call import CartRefused, CartUnavailable, call_cart_live, live_call
from is2_core.cases.cases import has_open_case
from is2_core.cases.states import CaseKind
from is2_core.db.locks import LOCK
from is2_core.integrations.finality import Answer, note_answer
from is2_core.items.shipping_mappings import vocabulary_now
from is2_core.orders.fulfillment.stopping import stop_at_once
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.importing.staging import stage, stage_singly
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.wording.stops import StopReason
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from plugins.interface import TO_SHIP, Order, OrderReject, ShippingMappingUI

NEWS_LAST = timedelta(minutes=15)
# A packer stands with the parcel in hand: longer than this nobody waits for a shop.
WAIT_S = 5.0
_GO_ON = "You may pack it all the same."


@dataclass(frozen=True)
class BeforePacking:
    """Tell a packer, with messages that are "" where there is nothing to tell.

    Args:
        stopped: why the order is not to be packed.
        unread: why the cart could not be asked whether it still is.
    """

    stopped: str = ""
    unread: str = ""


def read_before_packing(platform: Platform, *, number: str, account_id: int) -> BeforePacking:
    """Read an order by its id, with a person's priority, unless that was done in the last 15 minutes; where it is not
    wanted any more, or not as it was placed, have the warehouse stop it before anything is packed.

    The cart is asked for 5 s at most. One that cannot be asked stops nobody: the packer is told so.

    Args:
        number: ours, as the warehouse has it. One that was typed into the warehouse by hand is none of ours.
    """
    mine = (ReceivedOrder.account_id == account_id, ReceivedOrder.number == number)
    with platform.db.read() as session:
        order = session.scalar(sa.select(ReceivedOrder).where(*mine))
        if order is None:
            return BeforePacking()
        integration = session.get_one(Integration, order.integration_id)
    known_since = platform.clock.now() - NEWS_LAST
    unread = _read(platform, integration, order) if order.read_at < known_since and not order.stopped else ""
    message = stop_at_once(platform, order.id)
    with platform.db.read() as session:
        stopped = session.scalar(sa.select(ReceivedOrder.stopped).where(*mine))
    if not stopped and not message:
        return BeforePacking(unread=unread)
    return BeforePacking(f"Do not pack this order. {message}".strip(), unread)


def _read(platform: Platform, integration: Integration, order: ReceivedOrder) -> str:
    """Stage the order as the cart shows it now; returns why it could not be read, "" where it was."""
    label = platform.carts.manifest(integration.cart).label
    unasked = f"Whether this order is still wanted could not be asked of {label}: "
    if integration.state != IntegrationState.ACTIVE or not is_enabled(platform, integration.cart):
        return f"{unasked}the store is not active. {_GO_ON}"
    if not platform.carts.has(integration.cart, "fetch_order"):
        return f"{unasked}it offers no way to read a single order. {_GO_ON}"
    try:
        with live_call(platform, integration.account_id, seconds=WAIT_S):
            ui = vocabulary_now(platform, integration)
            answer: Order | OrderReject | None = call_cart_live(
                platform,
                integration,
                "fetch_order",
                advice="",
                ctx=cart_context(platform, integration),
                remote_id=order.remote_id,
            )
    except (CartUnavailable, CartRefused) as error:
        return f"{unasked}{error.message.strip()} {_GO_ON}"
    with platform.db.write() as session:
        now = platform.clock.now()
        if answer is None:
            note_answer(session, integration.id, Answer.ORDER_NOT_FOUND, order.remote_id, now, seen_at=order.read_at)
            return f"{unasked}it does not find the order at the moment. {_GO_ON}"
        connected = session.get_one(Integration, integration.id)
        if connected.state != IntegrationState.ACTIVE:
            return f"{unasked}the store is not active. {_GO_ON}"
        _stage(platform, session, connected, ui, answer)
        _note_request(session, connected, order, now)
    return f"{unasked}what it shows of it cannot be read. {_GO_ON}" if isinstance(answer, OrderReject) else ""


def _stage(
    platform: Platform, session: Session, integration: Integration, ui: ShippingMappingUI, answer: Order | OrderReject
) -> None:
    if isinstance(answer, OrderReject):
        stage(platform, session, integration, ui, (), rejects=[answer])
    else:
        stage_singly(platform, session, integration, ui, [answer])


def _note_request(session: Session, integration: Integration, before: ReceivedOrder, now: datetime) -> None:
    """Have the warehouse stop what the buyer asks to cancel, unless a person has decided already that it ships: nobody
    packs what has to be sent back."""
    order = session.get_one(ReceivedOrder, before.id, with_for_update=LOCK, populate_existing=True)
    if not order.cancellation_requested or order.cart_state not in TO_SHIP or order.stop_asked_at is not None:
        return
    subject, kind = f"order {order.number}", CaseKind.CANCELLATION_REQUESTED
    is_open = has_open_case(session, account_id=order.account_id, kind=kind, subject=subject)
    is_news = is_open or not before.cancellation_requested
    if is_news and HoldCode.CANCELLATION_REQUESTED not in order.waived:
        order.stop_reason = StopReason.CANCELLATION_REQUESTED
        enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now, priority=NOW)
