"""Asking the cart for one order by its id, because no listing has shown it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from is2_core.accounts.models import Integration
from is2_core.comparison.models import Comparison
from is2_core.comparison.not_found import note_not_found
from is2_core.comparison.runs import note
from is2_core.comparison.settling import note_settled, settle, what_is_shown
from is2_core.comparison.states import Difference, Outcome
from is2_core.db.locks import LOCK
from is2_core.errors import PluginBug
from is2_core.orders.importing.staging import stage, stage_singly
from is2_core.orders.models import ReceivedOrder
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from plugins.interface import CartContext, Order, OrderReject, Permanent, ShippingMappingUI, Temporary

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asking:
    """A comparison's way to the cart."""

    platform: Platform
    run: TaskRun
    comparison: Comparison
    cart: str
    context: CartContext
    ui: ShippingMappingUI


def ask_for(asking: Asking, order_id: int, remote_id: str) -> None:
    """Stage an order as the cart shows it by its id, settle what differs, and note what became of it.

    Raises:
        Temporary: the cart could not tell; that it was asked is noted.
        RateLimited, AuthorizationLost, SettingsError: nothing can be read now; nothing is noted.
    """
    platform, run = asking.platform, asking.run
    try:
        answer: Order | OrderReject | None = platform.carts.call(
            asking.cart, "fetch_order", ctx=asking.context, remote_id=remote_id
        )
    except (Permanent, PluginBug) as error:
        detail = error.trace if isinstance(error, PluginBug) else error.message
        _log.warning("integration %s: order %s was not read: %s", run.integration_id, remote_id, detail)
        _note_failure(asking, order_id, Difference.NO_ANSWER)
        return
    except Temporary:
        _note_failure(asking, order_id, Difference.NO_ANSWER)
        raise
    if answer is None:
        with run.write() as session:
            note_not_found(platform, session, asking.comparison, order_id)
        return
    with run.write() as session:
        now = platform.clock.now()
        integration = session.get_one(Integration, run.integration_id)
        before = what_is_shown(session, order_id)
        if isinstance(answer, Order):
            stage_singly(platform, session, integration, asking.ui, [answer])
        else:
            stage(platform, session, integration, asking.ui, (), rejects=[answer])
        order = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK, populate_existing=True)
        if order.shown_at is None or order.shown_at < now:
            # Older than what is stored, or unreadable where the warehouse has it: it tells nothing.
            unreadable = isinstance(answer, OrderReject)
            difference = Difference.UNREADABLE if unreadable else Difference.NO_ANSWER
            note(session, asking.comparison.id, [order_id], Outcome.NOT_COMPARED, difference, asked_at=now)
            return
        news = what_is_shown(session, order_id) != before
        settled = settle(platform, session, order, now, news=news)
        note_settled(platform, session, asking.comparison, {order_id: settled}, asked_at=now)


def _note_failure(asking: Asking, order_id: int, difference: Difference) -> None:
    with asking.run.write() as session:
        now = asking.platform.clock.now()
        note(session, asking.comparison.id, [order_id], Outcome.NOT_COMPARED, difference, asked_at=now)
