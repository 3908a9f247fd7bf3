"""The clock of a demo or test: how far it is ahead of the wall clock."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from is2_core.models.base import Base


class ClockOffset(Base):
    """One row, id 1: seconds that are added to the wall clock. Only read where the platform allows it."""

    __tablename__ = "clock_offset"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seconds: Mapped[int] = mapped_column(default=0)
