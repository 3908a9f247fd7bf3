"""The clock of IS2's machine in a run: the true one, but for the time that it is wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from is2_core.clock import VirtualClock


class MachineClock:
    """Is ahead of the clock by which everybody else goes, Amazon, Redis and the explorer, until it is put back.

    `ahead`: by how much; `most`: by how much at most it has been.
    """

    def __init__(self, true: VirtualClock) -> None:
        self._true = true
        self.ahead = self.most = timedelta(0)

    def now(self) -> datetime:
        return self._true.now() + self.ahead

    def database_now(self, session: Session) -> datetime:
        return self.now()

    def wall_now(self, session: Session) -> datetime:
        return self.now()

    def run_ahead(self, by: timedelta) -> None:
        """Be wrong."""
        self.ahead, self.most = by, max(by, self.most)

    def put_back(self) -> None:
        """Be right again."""
        self.ahead = timedelta(0)
