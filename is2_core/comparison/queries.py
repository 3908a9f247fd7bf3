"""Comparisons as pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.carts.cart_settings import known_manifest
from is2_core.comparison.models import ComparedOrder, Comparison
from is2_core.comparison.states import Difference, Outcome
from is2_core.platform import Platform

_TEXTS: Mapping[str, str] = {
    Difference.NEWS: "{cart} had changed it, and no listing had told.",
    Difference.STATE: "It had come to its end here, and was still counted as open.",
    Difference.PLACED: "The warehouse had it, although it had counted as not taken there.",
    Difference.CONFIRMATION_LOST: "{cart} had accepted its tracking and does not show it.",
    Difference.NUMBER_OVERWRITTEN: "{cart} shows an older tracking number than the one it accepted last.",
    Difference.CASE: "A case about it is open.",
    Difference.TRACKING_REFUSED: "{cart} refused its tracking.",
    Difference.UNREADABLE: "{cart} shows it in a way that cannot be read.",
    Difference.NOT_FOUND: "{cart} did not find it; it is asked for again.",
    Difference.NO_ANSWER: "{cart} was asked for it and could not tell; it is asked for again.",
    Difference.CANNOT_BE_ASKED: "{cart} offers no way to ask for a single order, and no listing has shown it.",
}


@dataclass(frozen=True)
class ComparisonView:
    """The last comparison of an integration that ended, None for its times where none has; `running` is (orders done,
    of how many) of the one under way. `oldest_at` is since when the cart has not shown one of `not_compared`."""

    integration_id: int
    id: int = 0
    ended_at: datetime | None = None
    agree: int = 0
    put_right: int = 0
    need_person: int = 0
    not_compared: int = 0
    oldest_at: datetime | None = None
    running: tuple[int, int] | None = None

    @property
    def orders(self) -> int:
        """All orders it was about."""
        return self.agree + self.put_right + self.need_person + self.not_compared


def last_comparisons(platform: Platform, account_id: int) -> dict[int, ComparisonView]:
    """Return the last comparison of each of an account's integrations that has any, by integration."""
    with platform.db.read() as session:
        newest = (
            sa.select(sa.func.max(Comparison.id))
            .where(Comparison.account_id == account_id)
            .group_by(Comparison.integration_id, Comparison.ended_at.is_(None))
        )
        rows = session.scalars(sa.select(Comparison).where(Comparison.id.in_(newest)).order_by(Comparison.id)).all()
        under_way = {row.id for row in rows if row.ended_at is None}
        done = sa.func.sum(sa.case((ComparedOrder.outcome != Outcome.NOT_COMPARED, 1), else_=0))
        counted = {
            comparison_id: (int(count), int(total))
            for comparison_id, count, total in session.execute(
                sa.select(ComparedOrder.comparison_id, done, sa.func.count())
                .where(ComparedOrder.comparison_id.in_(under_way))
                .group_by(ComparedOrder.comparison_id)
            )
        }
    ended = {row.integration_id: row for row in rows if row.ended_at is not None}
    running = {row.integration_id: counted.get(row.id, (0, 0)) for row in rows if row.ended_at is None}
    return {
        each: _view(each, ended.get(each), running.get(each)) for each in sorted({row.integration_id for row in rows})
    }


def _view(integration_id: int, row: Comparison | None, running: tuple[int, int] | None) -> ComparisonView:
    if row is None:
        return ComparisonView(integration_id, running=running)
    counts = (row.agree, row.put_right, row.need_person, row.not_compared)
    return ComparisonView(integration_id, row.id, row.ended_at, *counts, row.oldest_at, running)


@dataclass(frozen=True)
class Group:
    """Orders of a comparison with one outcome; `order_ids` selects them."""

    comparison_id: int
    account_id: int
    integration_id: int
    outcome: Outcome
    ended_at: datetime | None
    label: str

    @property
    def title(self) -> str:
        """A heading that says what they have in common."""
        return _TITLES[self.outcome].format(cart=self.label)

    @property
    def order_ids(self) -> sa.Select[int]:
        """Select the ids of the orders."""
        return sa.select(ComparedOrder.order_id).where(
            ComparedOrder.comparison_id == self.comparison_id, ComparedOrder.outcome == self.outcome
        )


_TITLES: Mapping[Outcome, str] = {
    Outcome.AGREES: "Open orders that agree with {cart}",
    Outcome.PUT_RIGHT: "Orders that were put right",
    Outcome.NEEDS_PERSON: "Orders that need you",
    Outcome.NOT_COMPARED: "Open orders not yet compared",
}


def group_of(platform: Platform, comparison_id: int, outcome: str) -> Group | None:
    """Return a group of a comparison; None where there is no such comparison or group."""
    if outcome not in list(Outcome):
        return None
    with platform.db.read() as session:
        row = session.get(Comparison, comparison_id)
        if row is None:
            return None
        cart = session.get_one(Integration, row.integration_id).cart
    label = known_manifest(platform, cart).label
    return Group(row.id, row.account_id, row.integration_id, Outcome(outcome), row.ended_at, label)


def differences_of(platform: Platform, group: Group, order_ids: Sequence[int]) -> dict[int, str]:
    """Return what differed of these orders of a group, "" for nothing."""
    with platform.db.read() as session:
        rows = session.execute(
            sa.select(ComparedOrder.order_id, ComparedOrder.difference).where(
                ComparedOrder.comparison_id == group.comparison_id, ComparedOrder.order_id.in_(order_ids)
            )
        ).all()
    return {order_id: _TEXTS.get(difference, "").format(cart=group.label) for order_id, difference in rows}


@dataclass(frozen=True)
class OrderCompared:
    """The last comparison of an order: when it ended, or the cart was asked, and what came of it."""

    at: datetime
    text: str


_OUTCOMES: Mapping[str, str] = {
    Outcome.AGREES: "It agrees.",
    Outcome.PUT_RIGHT: "It was put right.",
    Outcome.NEEDS_PERSON: "It needs a person.",
    Outcome.NOT_COMPARED: "It was not reached.",
}


def last_of_order(platform: Platform, order_id: int, cart: str) -> OrderCompared | None:
    """Return the last comparison of an order that is kept; None where there is none."""
    at = sa.func.coalesce(ComparedOrder.asked_at, Comparison.ended_at)
    with platform.db.read() as session:
        row = session.execute(
            sa.select(at, ComparedOrder.outcome, ComparedOrder.difference)
            .join(Comparison, Comparison.id == ComparedOrder.comparison_id)
            .where(ComparedOrder.order_id == order_id, at.is_not(None))
            .order_by(ComparedOrder.id.desc())
            .limit(1)
        ).first()
    if row is None:
        return None
    label = known_manifest(platform, cart).label
    text = f"{_OUTCOMES.get(row.outcome, '')} {_TEXTS.get(row.difference, '').format(cart=label)}".strip()
    return OrderCompared(row[0], text)
