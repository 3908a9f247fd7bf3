"""Late answers of the warehouse about orders it had left pending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.orders.fulfillment.answers.storing import lock_answered, note_not_taken, store_placed, store_refused
from is2_core.orders.fulfillment.stopping import store_stop
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.platform import Platform
from plugins.warehouse import LateAnswer, Placed, Refused


def take_late_answers(
    platform: Platform, session: Session, orders: Mapping[str, ReceivedOrder], answers: Sequence[LateAnswer]
) -> None:
    """Store them as if they had come at once, inside the unit of work that moves the cursor.

    Args:
        orders: by number, locked; an answer about any other is none of ours. An order that is settled meanwhile stays
            so: an answer can come twice.
    """
    ours = [(orders[entry.number], entry.answer) for entry in answers if entry.number in orders]
    asked = [(order, answer) for order, answer in ours if order.placing_since is not None]
    placed: dict[int, list[int]] = {}
    for order, answer in asked:
        if isinstance(answer, Placed) and order.placed_at is None:
            placed.setdefault(order.integration_id, []).append(order.id)
    for integration_id, taken in sorted(placed.items()):
        integration = session.get_one(Integration, integration_id)
        store_placed(platform, session, integration, lock_answered(session, taken))
    refused = {
        order: answer
        for order, answer in asked
        if isinstance(answer, Refused) and order.placed_at is None and order.answer_due_at is not None
    }
    note_not_taken(session, [order.id for order in refused])
    staged = {order.id: answer for order, answer in refused.items() if order.state == ReceivedState.STAGED}
    store_refused(session, staged, platform.clock.now())
    for order, answer in asked:
        if not isinstance(answer, Placed | Refused) and order.stop_asked_at is None:
            store_stop(platform, session, order, answer)
