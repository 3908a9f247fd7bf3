"""Orders a cart does not find by their ids: once is no fact (`integrations.finality`)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import CaseKind
from is2_core.comparison.models import Comparison
from is2_core.comparison.runs import note
from is2_core.comparison.states import Difference, Outcome
from is2_core.db.locks import LOCK
from is2_core.integrations.finality import Answer, note_answer
from is2_core.orders.models import ReceivedOrder
from is2_core.platform import Platform


def note_not_found(platform: Platform, session: Session, comparison: Comparison, order_id: int) -> None:
    """Note that the cart did not find an order; a case where it has not found it again and again."""
    now = platform.clock.now()
    order = session.get_one(ReceivedOrder, order_id, with_for_update=LOCK)
    note(session, comparison.id, [order_id], Outcome.NOT_COMPARED, Difference.NOT_FOUND, asked_at=now)
    key = (order.integration_id, Answer.ORDER_NOT_FOUND, order.remote_id)
    if not note_answer(session, *key, now, seen_at=order.shown_at).is_final:
        return
    note(session, comparison.id, [order_id], Outcome.NEEDS_PERSON, Difference.NOT_FOUND)
    label = platform.carts.manifest(session.get_one(Integration, order.integration_id).cart).label
    raise_case(
        session,
        now,
        account_id=order.account_id,
        kind=CaseKind.NOT_AT_CART,
        subject=_subject(order),
        message=f"{label} does not know order {order.number} any more, which is open here. Look for it at {label}: "
        "where it is gone, have the warehouse stop it, or dismiss it.",
        integration_id=order.integration_id,
        order_id=order.id,
    )


def end_not_found(platform: Platform, session: Session, order: ReceivedOrder) -> None:
    """The cart shows it: nobody needs to look for it any more."""
    kind = CaseKind.NOT_AT_CART
    end_case(session, platform.clock.now(), account_id=order.account_id, kind=kind, subject=_subject(order))


def _subject(order: ReceivedOrder) -> str:
    return f"order {order.number}"
