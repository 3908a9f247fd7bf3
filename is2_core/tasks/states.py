"""States of a task."""

from __future__ import annotations

from enum import StrEnum


class TaskState(StrEnum):
    """READY: due at `run_at`. RUNNING: leased. WAITING: its store is paused. QUARANTINED: gave up, visibly."""

    READY = "READY"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    DONE = "DONE"
    QUARANTINED = "QUARANTINED"


OPEN_STATES = (TaskState.READY, TaskState.RUNNING, TaskState.WAITING)
