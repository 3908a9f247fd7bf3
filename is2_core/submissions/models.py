"""Slow work at a cart: a handle and one line per key, asked about later."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from is2_core.db.base import Base, Id, reference
from is2_core.db.instants import future


class Submission(Base):
    """One pending submission; `closed_at` is set when every line has its result, `set_at` when
    `ask_at` was set."""

    __tablename__ = "submission"
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id")
    integration_id: Mapped[int] = reference("integration.id")
    kind: Mapped[str]
    handle: Mapped[str]
    sent_at: Mapped[datetime]
    ask_at: Mapped[datetime] = mapped_column(info=future())
    set_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    lines: Mapped[list[SubmissionLine]] = relationship(order_by="SubmissionLine.id", lazy="selectin")


class SubmissionLine(Base):
    """The result of one key."""

    __tablename__ = "submission_line"
    __table_args__ = (sa.UniqueConstraint("submission_id", "key"),)
    id: Mapped[Id]
    submission_id: Mapped[int] = reference("submission.id", index=False)
    key: Mapped[str]
    result: Mapped[str] = mapped_column(default="PENDING")
