"""The events of a run, in order, and their digest."""

from __future__ import annotations

import hashlib
from datetime import datetime

from is2_core.clock import VirtualClock


class Trace:
    """The events of one run, each with the seconds since its start on the virtual clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._start: datetime = clock.now()
        self.lines: list[str] = []

    def add(self, who: str, what: str) -> None:
        """Write one event; no secret and nothing that differs between two runs of a seed may be in it."""
        seconds = (self._clock.now() - self._start).total_seconds()
        self.lines.append(f"{seconds:12.3f}  {who:<24} {what}")

    def digest(self, *more: str) -> str:
        """A hash over all events and `more`."""
        return hashlib.sha256("\n".join([*self.lines, *more]).encode()).hexdigest()
