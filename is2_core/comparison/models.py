"""The proof of each comparison: when it was, and what became of which order."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.comparison.states import Difference, Outcome
from is2_core.db.base import Base, Id, Owned, reference


class Comparison(Owned):
    """One comparison of an integration's orders; under way while `ended_at` is None.

    `seen_since` is when the cart must have shown an order last for it to count as compared. The counts are of its
    orders by outcome, as they were at its end; `oldest_at` is when the cart showed that order last which was not
    compared for the longest time.
    """

    __tablename__ = "comparison"
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    integration_id: Mapped[int] = reference("integration.id")
    user_id: Mapped[int | None] = reference("user_account.id", index=False)
    seen_since: Mapped[datetime]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    agree: Mapped[int] = mapped_column(default=0)
    put_right: Mapped[int] = mapped_column(default=0)
    need_person: Mapped[int] = mapped_column(default=0)
    not_compared: Mapped[int] = mapped_column(default=0)
    oldest_at: Mapped[datetime | None]


class ComparedOrder(Base):
    """An order of a comparison: an `Outcome`, a `Difference`, and when the cart was asked for it by its id, None where
    it was not."""

    __tablename__ = "compared_order"
    __table_args__ = (sa.UniqueConstraint("comparison_id", "order_id"),)
    id: Mapped[Id]
    comparison_id: Mapped[int] = reference("comparison.id", index=False)
    order_id: Mapped[int] = reference("received_order.id")
    outcome: Mapped[str] = mapped_column(default=Outcome.NOT_COMPARED)
    difference: Mapped[str] = mapped_column(default=Difference.NONE)
    asked_at: Mapped[datetime | None]
