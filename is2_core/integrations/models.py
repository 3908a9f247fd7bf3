"""Answers of a cart that may pass."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, Id, reference
from is2_core.db.instants import future


class PassingAnswer(Base):
    """An answer that is no fact yet (`finality.FINAL`): that `answer` was given `times` times about `subject` since
    `first_at`, last at `set_at`, and nothing to the contrary; it is asked again at `next_try_at`."""

    __tablename__ = "passing_answer"
    __table_args__ = (sa.UniqueConstraint("integration_id", "answer", "subject"),)
    id: Mapped[Id]
    integration_id: Mapped[int] = reference("integration.id", index=False)
    answer: Mapped[str]
    subject: Mapped[str]
    times: Mapped[int]
    first_at: Mapped[datetime]
    set_at: Mapped[datetime]
    next_try_at: Mapped[datetime] = mapped_column(info=future())
