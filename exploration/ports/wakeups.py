"""The wake-up port of a run."""

from __future__ import annotations

from is2_core.tasks.wakeups import PER_WORKER


class Wakeups:
    """The wake-up port: what lies in the queue becomes choices of the explorer."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.queued = 0

    @property
    def room(self) -> int:
        """How many more may lie in the queue."""
        return max(0, PER_WORKER * self.workers - self.queued)

    def notify(self, count: int) -> int:
        missing = min(self.room, max(0, count - self.queued))
        self.queued += missing
        return missing
