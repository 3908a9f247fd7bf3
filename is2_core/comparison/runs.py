"""The rows of a comparison: which orders it is about, what became of them, what is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.comparison.models import ComparedOrder, Comparison
from is2_core.comparison.posts import unseen
from is2_core.comparison.states import ABOUT_DIFFERENCES, Difference, Outcome
from is2_core.db.chunks import chunks
from is2_core.db.rows import table_of
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import NOT_COMPLETE, TO_PLACE, UNPLACED, ReceivedState
from plugins.interface import UNSHIPPED, OrderState

# What the cart has not shown for a day is asked for by its id.
DAY = timedelta(days=1)
READS_A_DAY = 2000
# Whoever was asked for an order has answered by then, or will not any more.
PLACING_ENDED = timedelta(minutes=15)
KEEP = timedelta(days=30)
# A comparison that could not go on for so long begins anew.
_STALE = timedelta(hours=12)


def shown_at() -> sa.ColumnElement[datetime]:
    """When the cart last showed an order; when it was received where no later time is known."""
    return sa.func.coalesce(ReceivedOrder.shown_at, ReceivedOrder.staged_at)


def not_taken(now: datetime) -> sa.ColumnElement[bool]:
    """The condition for orders that count as not taken by the warehouse, and were not looked up since."""
    return sa.and_(
        # By itself, so that the condition can be negated.
        ReceivedOrder.last_asked_at.is_not(None),
        ReceivedOrder.last_asked_at <= now - PLACING_ENDED,
        ReceivedOrder.placing_since.is_(None),
        ReceivedOrder.placed_at.is_(None),
    )


def _is_compared(integration_id: int, now: datetime) -> sa.ColumnElement[bool]:
    """The condition for orders a comparison is about: open here, or ended with something the cart was not seen to
    have."""
    posted = sa.select(Package.order_id).where(Package.integration_id == integration_id, unseen(now))
    return sa.and_(
        ReceivedOrder.integration_id == integration_id,
        sa.or_(
            ReceivedOrder.state.in_((*UNPLACED, *NOT_COMPLETE)),
            sa.and_(ReceivedOrder.placing_since.is_not(None), ReceivedOrder.placed_at.is_(None)),
            sa.and_(ReceivedOrder.state == ReceivedState.COMPLETED, ReceivedOrder.id.in_(posted)),
            not_taken(now),
            # Ended by the warehouse, and open at the cart.
            ReceivedOrder.id.in_(open_cases(CaseKind.WAREHOUSE_STOPPED)),
        ),
    )


def open_cases(*kinds: CaseKind) -> sa.Select[int | None]:
    """Select the orders about which a case of these kinds is open; without any, one that says what differs."""
    return sa.select(SupportCase.order_id).where(
        SupportCase.closed_at.is_(None),
        SupportCase.kind.in_(kinds or ABOUT_DIFFERENCES),
        SupportCase.order_id.is_not(None),
    )


def current(session: Session, integration_id: int) -> Comparison | None:
    """Return the comparison that is under way."""
    return session.scalar(
        sa.select(Comparison)
        .where(Comparison.integration_id == integration_id, Comparison.ended_at.is_(None))
        .order_by(Comparison.id.desc())
        .limit(1)
    )


def take_up(session: Session, integration: Integration, now: datetime) -> Comparison:
    """Return the comparison that is under way, or begin the next one."""
    found = current(session, integration.id)
    if found is not None and found.started_at > now - _STALE:
        return found
    return begin(session, integration, now - DAY, now)


def begin(
    session: Session, integration: Integration, seen_since: datetime, now: datetime, user_id: int | None = None
) -> Comparison:
    """Begin a comparison of all that is open here; one that is under way ends as far as it has come."""
    for before in session.scalars(
        sa.select(Comparison).where(Comparison.integration_id == integration.id, Comparison.ended_at.is_(None))
    ):
        end(session, before, now)
    row = Comparison(
        account_id=integration.account_id,
        integration_id=integration.id,
        user_id=user_id,
        seen_since=seen_since,
        started_at=now,
    )
    session.add(row)
    session.flush()
    open_here = sa.select(
        sa.literal(row.id), ReceivedOrder.id, sa.literal(Outcome.NOT_COMPARED.value), sa.literal(Difference.NONE.value)
    ).where(_is_compared(integration.id, now))
    columns = ["comparison_id", "order_id", "outcome", "difference"]
    session.execute(sa.insert(table_of(ComparedOrder)).from_select(columns, open_here.order_by(ReceivedOrder.id)))
    return row


def take_what_agrees(session: Session, comparison: Comparison, now: datetime) -> None:
    """Note those that the cart has shown lately and that are as it shows them, with one statement: they wait here, or
    lie in the warehouse just as the cart has them."""
    changed_lines = sa.select(ReceivedLine.order_id).where(
        ReceivedLine.order_id == ReceivedOrder.id,
        # What the cart has of other lines is no difference.
        ReceivedLine.not_from_here.is_(False),
        sa.or_(
            ReceivedLine.open != ReceivedLine.placed, ReceivedLine.cancelled_late + ReceivedLine.shipped_elsewhere > 0
        ),
    )
    packed = sa.select(Package.id).where(Package.order_id == ReceivedOrder.id)
    in_warehouse = sa.and_(
        ReceivedOrder.state == ReceivedState.INJECTED,
        ReceivedOrder.cart_state == OrderState.READY,
        ReceivedOrder.not_wanted_at.is_(None),
        ~changed_lines.exists(),
        ~packed.exists(),
    )
    waits = sa.and_(ReceivedOrder.state.in_(TO_PLACE), ReceivedOrder.cart_state.in_(UNSHIPPED), ~not_taken(now))
    as_shown = sa.select(ReceivedOrder.id).where(
        ReceivedOrder.integration_id == comparison.integration_id,
        ReceivedOrder.shown_at >= comparison.seen_since,
        sa.or_(waits, in_warehouse),
        ReceivedOrder.id.not_in(open_cases()),
    )
    session.execute(
        sa.update(ComparedOrder)
        .where(*_open(comparison.id), ComparedOrder.order_id.in_(as_shown))
        .values(outcome=Outcome.AGREES)
        .execution_options(synchronize_session=False)
    )


def to_look_at(session: Session, comparison: Comparison, now: datetime, after: int, most: int) -> list[int]:
    """Return the next orders, by id, that are looked at closer without asking the cart: what it has shown lately, and
    what ended."""
    return list(
        session.scalars(
            sa.select(ReceivedOrder.id)
            .join(ComparedOrder, ComparedOrder.order_id == ReceivedOrder.id)
            .where(*_open(comparison.id), ReceivedOrder.id > after, ~not_taken(now))
            .where(
                sa.or_(ReceivedOrder.shown_at >= comparison.seen_since, ReceivedOrder.state == ReceivedState.COMPLETED)
            )
            .order_by(ReceivedOrder.id)
            .limit(most)
        )
    )


def to_look_up(session: Session, comparison: Comparison, now: datetime) -> list[tuple[int, str]]:
    """Return (id, number) of the orders that the warehouse may have although they count as not taken."""
    rows = session.execute(
        sa.select(ReceivedOrder.id, ReceivedOrder.number)
        .join(ComparedOrder, ComparedOrder.order_id == ReceivedOrder.id)
        .where(*_open(comparison.id), not_taken(now))
        .order_by(ReceivedOrder.id)
    )
    return [(order_id, number) for order_id, number in rows]


def to_ask_for(session: Session, comparison: Comparison, most: int) -> list[tuple[int, str]]:
    """Return (id, the cart's id) of the orders the cart is asked for next: those it has not shown for the longest time
    first."""
    rows = session.execute(
        sa.select(ReceivedOrder.id, ReceivedOrder.remote_id)
        .join(ComparedOrder, ComparedOrder.order_id == ReceivedOrder.id)
        .where(*_open(comparison.id), ComparedOrder.asked_at.is_(None))
        .order_by(shown_at(), ReceivedOrder.id)
        .limit(most)
    )
    return [(order_id, remote_id) for order_id, remote_id in rows]


def reads_left(session: Session, integration_id: int, now: datetime) -> int:
    """Return how many more orders the cart may be asked for."""
    asked = session.scalar(
        sa.select(sa.func.count())
        .select_from(ComparedOrder)
        .join(Comparison, Comparison.id == ComparedOrder.comparison_id)
        .where(Comparison.integration_id == integration_id, ComparedOrder.asked_at > now - DAY)
    )
    return max(0, READS_A_DAY - (asked or 0))


def note(
    session: Session,
    comparison_id: int,
    order_ids: Iterable[int],
    outcome: Outcome,
    difference: Difference = Difference.NONE,
    *,
    asked_at: datetime | None = None,
) -> None:
    """Note what became of these orders."""
    values = {"outcome": outcome, "difference": difference} | ({"asked_at": asked_at} if asked_at else {})
    for part in chunks(order_ids):
        session.execute(
            sa.update(ComparedOrder)
            .where(ComparedOrder.comparison_id == comparison_id, ComparedOrder.order_id.in_(part))
            .values(values)
            .execution_options(synchronize_session=False)
        )


def end(session: Session, comparison: Comparison, now: datetime) -> None:
    """End a comparison: count what became of its orders, and forget which ones of an earlier one agreed."""
    session.flush()
    counts: dict[str, int] = dict(
        session.execute(
            sa.select(ComparedOrder.outcome, sa.func.count())
            .where(ComparedOrder.comparison_id == comparison.id)
            .group_by(ComparedOrder.outcome)
        ).all()
    )
    comparison.agree, comparison.put_right = counts.get(Outcome.AGREES, 0), counts.get(Outcome.PUT_RIGHT, 0)
    comparison.need_person = counts.get(Outcome.NEEDS_PERSON, 0)
    comparison.not_compared = counts.get(Outcome.NOT_COMPARED, 0)
    comparison.oldest_at = session.scalar(
        sa.select(sa.func.min(shown_at()))
        .join(ComparedOrder, ComparedOrder.order_id == ReceivedOrder.id)
        .where(*_open(comparison.id))
    )
    comparison.ended_at = now


def forget_comparisons(session: Session, now: datetime) -> None:
    """Delete comparisons of long ago; of all but the newest of each integration, which orders agreed, once a day has
    passed that they count in."""
    newest = (
        sa.select(sa.func.max(Comparison.id))
        .where(Comparison.ended_at.is_not(None))
        .group_by(Comparison.integration_id)
    )
    before = sa.select(Comparison.id).where(Comparison.ended_at.is_not(None), Comparison.id.not_in(newest))
    nothing = sa.and_(
        ComparedOrder.outcome == Outcome.AGREES,
        sa.or_(ComparedOrder.asked_at.is_(None), ComparedOrder.asked_at <= now - DAY),
    )
    gone = sa.select(Comparison.id).where(Comparison.ended_at < now - KEEP, Comparison.id.not_in(newest))
    for over in (
        sa.and_(ComparedOrder.comparison_id.in_(before), nothing),
        ComparedOrder.comparison_id.in_(gone),
    ):
        for ids in chunks(session.scalars(sa.select(ComparedOrder.id).where(over).order_by(ComparedOrder.id))):
            session.execute(sa.delete(ComparedOrder).where(ComparedOrder.id.in_(ids)))
    for ids in chunks(session.scalars(gone.order_by(Comparison.id))):
        session.execute(sa.delete(Comparison).where(Comparison.id.in_(ids)))


def _open(comparison_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (ComparedOrder.comparison_id == comparison_id, ComparedOrder.outcome == Outcome.NOT_COMPARED)
