"""States of a task."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class TaskState(StrEnum):
    """READY: due at `run_at`. RUNNING: leased. WAITING: its store is paused. QUARANTINED: gave up, visibly."""

    READY = "READY"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    DONE = "DONE"
    QUARANTINED = "QUARANTINED"


OPEN_STATES: Final = (TaskState.READY, TaskState.RUNNING, TaskState.WAITING)
# The same for an index, whose condition a statement has to repeat as it stands.
OPEN_SQL: Final = f"state IN ({', '.join(repr(state.value) for state in OPEN_STATES)})"
# Open, or given up: what an administrator looks after.
UNFINISHED: Final = (*OPEN_STATES, TaskState.QUARANTINED)
