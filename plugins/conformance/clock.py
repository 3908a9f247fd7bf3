"""The clock of a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass
class StillClock:
    """A clock that stands still, at the machine's time when made, until a test moves it."""

    instant: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The present, aware UTC."""
        return self.instant

    def advance(self, seconds: float) -> None:
        """Move forward."""
        self.instant += timedelta(seconds=seconds)

    def advance_to(self, instant: datetime) -> None:
        """Move forward to an instant; one that has passed changes nothing."""
        self.instant = max(self.instant, instant)
