"""The clock port: the only source of time in the core."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session


class Clock(Protocol):
    """Two times: ours, and the database's, which alone decides about leases."""

    def now(self) -> datetime:
        """The present, aware UTC."""
        ...

    def database_now(self, session: Session) -> datetime:
        """The present on the database's clock, aware UTC."""
        ...


class WallClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def database_now(self, session: Session) -> datetime:
        if session.get_bind().dialect.name == "sqlite":
            text = session.scalar(sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"))
            return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
        value = session.scalar(sa.select(sa.func.clock_timestamp()))
        assert isinstance(value, datetime)
        return value.astimezone(UTC)


class VirtualClock:
    """A clock that stands still until it is moved; the database's clock is the same one."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def database_now(self, session: Session) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward; never back."""
        if by < timedelta(0):
            raise ValueError("a virtual clock only moves forward")
        self._now += by

    def advance_to(self, when: datetime) -> None:
        """Move forward to `when`; does nothing where that is past."""
        self._now = max(self._now, when)
