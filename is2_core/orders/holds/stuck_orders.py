"""Cases for orders that no merchant can get going: those that cannot be read, and those the warehouse refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.models import Hold, OrderEvent, ReceivedOrder
from is2_core.orders.states import ReceivedState
from is2_core.orders.wording.events import EventCode
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun


@dataclass(frozen=True)
class _Stuck:
    """A way to be stuck: the case it opens and what that says, which orders are, and the events that tell of it."""

    kind: CaseKind
    message: str
    which: sa.ColumnElement[bool]
    events: tuple[EventCode, ...]


# In the order of how little a merchant can do.
STUCK = (
    _Stuck(
        CaseKind.UNREADABLE,
        "cannot be read, and do not ship until they can. Each says why on its page, where it is read again, or ended.",
        ReceivedOrder.state == ReceivedState.QUARANTINED,
        (EventCode.QUARANTINED, EventCode.UNKNOWN_TO_CART, EventCode.ADDRESS_CLOSED),
    ),
    _Stuck(
        CaseKind.WAREHOUSE_REFUSED,
        "are refused by the warehouse, and do not ship until it takes them. Each says why on its page, where the "
        "warehouse is asked again.",
        ReceivedOrder.id.in_(sa.select(Hold.order_id).where(Hold.code == HoldCode.WAREHOUSE_REFUSED)),
        (EventCode.REFUSED,),
    ),
)


def tell_support(platform: Platform, run: TaskRun) -> None:
    """Open a case for each way in which orders of an integration are stuck, and close those that are over. One that
    the support has closed is opened again by news only."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
        changes = [(stuck, count) for stuck in STUCK if (count := _news(session, integration, stuck)) is not None]
    if not changes:
        return
    with run.write() as session:
        now = platform.clock.now()
        for stuck, count in changes:
            _tell(session, integration, stuck, count, now)


def _news(session: Session, integration: Integration, stuck: _Stuck) -> int | None:
    """How many orders are stuck in this way; None where there is nothing to tell of that."""
    subject = (SupportCase.account_id == integration.account_id, SupportCase.subject == _subject(integration))
    case = session.execute(
        sa.select(SupportCase.closed_at)
        .where(*subject, SupportCase.kind == stuck.kind)
        .order_by(SupportCase.id.desc())
        .limit(1)
    ).one_or_none()
    events = OrderEvent.order_id == ReceivedOrder.id, OrderEvent.code.in_(stuck.events)
    count, newest = session.execute(
        sa.select(sa.func.count(ReceivedOrder.id.distinct()), sa.func.max(OrderEvent.at))
        .join(OrderEvent, sa.and_(*events))
        .where(ReceivedOrder.integration_id == integration.id, stuck.which)
    ).one()
    is_open = case is not None and case.closed_at is None
    told_before = case is not None and case.closed_at is not None and newest is not None and newest <= case.closed_at
    if is_open or (count and not told_before):
        return int(count)
    return None


def _tell(session: Session, integration: Integration, stuck: _Stuck, count: int, now: datetime) -> None:
    subject = _subject(integration)
    if not count:
        end_case(session, now, account_id=integration.account_id, kind=stuck.kind, subject=subject)
        return
    raise_case(
        session,
        now,
        account_id=integration.account_id,
        kind=stuck.kind,
        subject=subject,
        message=f"{count} order{'' if count == 1 else 's'} of {integration_name(integration)} {stuck.message}",
        integration_id=integration.id,
    )


def _subject(integration: Integration) -> str:
    return f"store {integration.id}"
