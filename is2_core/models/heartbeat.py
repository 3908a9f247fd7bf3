"""When background work last proved that it goes on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from is2_core.models.base import Base


class Heartbeat(Base):
    """One row, id 1, in wall time by the database's clock, also where the platform's clock is moved.

    `asked_at`: a dispatcher last asked for a heartbeat. `stored_at`: a worker last stored one.
    """

    __tablename__ = "heartbeat"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime | None]
    stored_at: Mapped[datetime | None]
