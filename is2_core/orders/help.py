"""Asking the support for help, about an order or not."""

from __future__ import annotations

from is2_core.accounts.access import owned, owned_integration
from is2_core.accounts.scope import ChangeScope
from is2_core.cases.cases import MAX_PAGE, case_text
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.db.types import seal
from is2_core.errors import Conflict
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from is2_core.orders.wording.sealing import order_keys
from is2_core.platform import Platform


def ask_for_help(
    platform: Platform,
    *,
    scope: ChangeScope,
    account_id: int,
    user_id: int,
    text: str,
    page: str,
    integration_id: int | None = None,
    order_id: int | None = None,
) -> int:
    """Open a case a person asked for; returns its id.

    Args:
        account_id: the account that asks, in which store and order are.
        text: what is wrong, in the person's words.
        page: the panel's address the question came from, "" where none is known.
        integration_id: the store it is about; with an order, the order's store.
        order_id: the received order it is about; its timeline says that help was requested.

    Raises:
        NotFound: account, store or order is out of scope.
        Conflict: the buyer's data of the order is erased: nothing is written of it any more.
    """
    scope.check(account_id)
    text = case_text(text, "text", "Say what you need help with")
    now = platform.clock.now()
    with platform.db.write() as session:
        if order_id is not None:
            integration_id = owned(session, ReceivedOrder, order_id, scope).integration_id
            if not order_keys(session, [order_id]):
                raise Conflict("The buyer's data of this order was erased; ask for help without naming the order.")
            record(session, [Event(order_id, EventCode.HELP, user_id=user_id)], now)
        elif integration_id is not None:
            owned_integration(session, integration_id, scope)
        case = SupportCase(
            account_id=account_id,
            integration_id=integration_id,
            order_id=order_id,
            kind=CaseKind.HELP,
            subject="",
            sealed_message=seal(SupportCase.sealed_message, text, account_id, CaseKind.HELP, ""),
            page=page[:MAX_PAGE],
            user_id=user_id,
            at=now,
        )
        session.add(case)
        session.flush()
        return case.id
