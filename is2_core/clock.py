"""The clock port: the only source of time in the core."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from is2_core.db.base import Base
from is2_core.db.engine import Database
from is2_core.db.rows import dialect_of


class ClockOffset(Base):
    """One row, id 1: seconds that are added to the wall clock. Only read where the platform allows it."""

    __tablename__ = "clock_offset"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seconds: Mapped[int] = mapped_column(default=0)


OFFSET_ROW = 1
# How long a process may go on with an offset that another one has raised meanwhile.
_KNOWN_FOR_S = 1.0


class Clock(Protocol):
    """Three times: ours, the database's, which alone decides about leases, and the wall's, which nobody moves."""

    def now(self) -> datetime:
        """The present, aware UTC."""
        ...

    def database_now(self, session: Session) -> datetime:
        """The present on the database's clock, aware UTC."""
        ...

    def wall_now(self, session: Session) -> datetime:
        """Return the real time on the database's clock, aware UTC, also where this clock is ahead of it."""
        ...


class WallClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def database_now(self, session: Session) -> datetime:
        if dialect_of(session) == "sqlite":
            # A library in this very process, whose clock is no other.
            return self.now()
        value = session.scalar(_NOW)
        assert isinstance(value, datetime)
        return value.astimezone(UTC)

    def wall_now(self, session: Session) -> datetime:
        return self.database_now(session)


class OffsetClock:
    """Real time plus the seconds of the `clock_offset` row, for demos and tests: every process of a platform reads
    the same row, so one command moves them all (`is2 advance`)."""

    def __init__(self, db: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._wall = WallClock()
        self._monotonic = monotonic
        self._offset = timedelta(0)
        self._read_at = float("-inf")

    def now(self) -> datetime:
        if self._monotonic() - self._read_at >= _KNOWN_FOR_S:
            # Not a unit of work: the time is asked for inside them too, and they do not nest.
            with self._db.engine.connect().execution_options(is2_writes=False) as connection:
                self._note(connection.scalar(_OFFSET))
        return self._wall.now() + self._offset

    def database_now(self, session: Session) -> datetime:
        # Always read: which lease is over must not depend on what this process remembers.
        self._note(session.scalar(_OFFSET))
        return self._wall.database_now(session) + self._offset

    def wall_now(self, session: Session) -> datetime:
        return self._wall.database_now(session)

    def _note(self, seconds: int | None) -> None:
        self._offset = timedelta(seconds=seconds or 0)
        self._read_at = self._monotonic()


_NOW = sa.select(sa.func.clock_timestamp())
_OFFSET = sa.select(ClockOffset.seconds).where(ClockOffset.id == OFFSET_ROW)


class VirtualClock:
    """A clock that stands still until it is moved; the database's clock and the wall's are the same one."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def database_now(self, session: Session) -> datetime:
        return self._now

    def wall_now(self, session: Session) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward; never back."""
        if by < timedelta(0):
            raise ValueError("a virtual clock only moves forward")
        self._now += by

    def advance_to(self, when: datetime) -> None:
        """Move forward to `when`; does nothing where that is past."""
        self._now = max(self._now, when)
