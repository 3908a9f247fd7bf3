"""Settling what differs between an order and what the cart shows of it, where that needs no person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.comparison.models import Comparison
from is2_core.comparison.not_found import end_not_found
from is2_core.comparison.posts import check_posts
from is2_core.comparison.runs import note, open_cases
from is2_core.comparison.states import Difference, Outcome
from is2_core.orders.cancelled_units import follow, is_to_be_stopped
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.orders.states import IN_WAREHOUSE, ReceivedState
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import SOON, enqueue
from plugins.interface import ENDED, OrderState


@dataclass(frozen=True)
class Settled:
    """The outcome of an order, and whether anything of it is to be posted or stopped. `sure`: the cart has shown enough
    to tell."""

    outcome: Outcome
    difference: Difference
    sure: bool = True
    to_post: bool = False
    to_stop: bool = False


def what_is_shown(session: Session, order_id: int) -> tuple[Any, ...]:
    """Return what the cart says of an order and what became of that here, to be compared with a later look."""
    order = session.execute(
        sa.select(
            ReceivedOrder.state,
            ReceivedOrder.cart_state,
            ReceivedOrder.cancellation_requested,
            ReceivedOrder.not_wanted_at,
            ReceivedOrder.shipping_method,
        ).where(ReceivedOrder.id == order_id)
    ).one()
    lines = session.execute(
        sa.select(ReceivedLine.remote_id, ReceivedLine.ordered, ReceivedLine.cancelled, ReceivedLine.open)
        .where(ReceivedLine.order_id == order_id)
        .order_by(ReceivedLine.id)
    ).all()
    return (*order, *map(tuple, lines))


def settle(platform: Platform, session: Session, order: ReceivedOrder, now: datetime, *, news: bool = False) -> Settled:
    """Settle what differs between an order and what the cart shows of it, as far as that needs no person.

    Args:
        order: locked, as it is stored.
        news: the cart was asked for it, and showed what no listing had brought.
    """
    if _is_told(session, order, CaseKind.NOT_AT_CART):
        end_not_found(platform, session, order)
    # A cart that has it as shipped may count on a package that was taken back, unless nothing was shipped from here.
    ended = ENDED if order.state == ReceivedState.CANCELLED else (OrderState.CANCELLED,)
    if order.cart_state in ended and _is_told(session, order, CaseKind.WAREHOUSE_STOPPED):
        subject = f"order {order.number}"
        end_case(session, now, account_id=order.account_id, kind=CaseKind.WAREHOUSE_STOPPED, subject=subject)
    if order.state == ReceivedState.QUARANTINED:
        return Settled(Outcome.NEEDS_PERSON, Difference.UNREADABLE)
    outcome, difference = (Outcome.PUT_RIGHT, Difference.NEWS) if news else (Outcome.AGREES, Difference.NONE)
    to_post, sure = False, True
    if order.placed_at is not None and order.state in IN_WAREHOUSE:
        before = order.state
        to_post = follow(platform, session, order, now)
        if order.state != before and outcome is Outcome.AGREES:
            outcome, difference = Outcome.PUT_RIGHT, Difference.STATE
        posts = check_posts(platform, session, order, now)
        sure, to_post = posts.sure, to_post or posts.due
        if posts.outcome is not Outcome.AGREES:
            outcome, difference = posts.outcome, posts.difference
    to_stop = is_to_be_stopped(order)
    if outcome is not Outcome.NEEDS_PERSON and (waiting := _waits_for_a_person(session, order.id)):
        outcome, difference = Outcome.NEEDS_PERSON, waiting
    return Settled(outcome, difference, sure, to_post, to_stop)


def _is_told(session: Session, order: ReceivedOrder, kind: CaseKind) -> bool:
    return session.scalar(open_cases(kind).where(SupportCase.order_id == order.id).limit(1)) is not None


def _waits_for_a_person(session: Session, order_id: int) -> Difference | None:
    if session.scalar(open_cases().where(SupportCase.order_id == order_id).limit(1)):
        return Difference.CASE
    refused = sa.select(Package.id).where(Package.order_id == order_id, Package.post_state == PostState.REJECTED)
    return Difference.TRACKING_REFUSED if session.scalar(refused.limit(1)) else None


def note_settled(
    platform: Platform,
    session: Session,
    comparison: Comparison,
    settled: Mapping[int, Settled],
    *,
    asked_at: datetime | None = None,
) -> None:
    """Note what became of orders, by id, and ask for what follows.

    Args:
        asked_at: when the cart was asked for them, None where a listing had shown them.
    """
    groups: dict[tuple[Outcome, Difference], list[int]] = {}
    for order_id, each in settled.items():
        outcome, difference = (each.outcome, each.difference) if each.sure else (Outcome.NOT_COMPARED, Difference.NONE)
        groups.setdefault((outcome, difference), []).append(order_id)
    for (outcome, difference), ids in groups.items():
        note(session, comparison.id, ids, outcome, difference, asked_at=asked_at)
    now = platform.clock.now()
    integration = session.get_one(Integration, comparison.integration_id)
    if any(each.to_post for each in settled.values()):
        enqueue(session, kind=TaskKind.TRACKING_POST, integration=integration, now=now, priority=SOON)
    if any(each.to_stop for each in settled.values()):
        enqueue(session, kind=TaskKind.ORDERS_STOP, integration=integration, now=now, priority=SOON)
