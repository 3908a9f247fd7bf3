"""Functions that RQ jobs of the tests name; each leaves its mark in a file."""

from __future__ import annotations

import time
from pathlib import Path

from rq.job import Job


def mark(path: str, text: str) -> None:
    """Add a line."""
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def fail() -> None:
    """Raise."""
    raise ValueError("on purpose")


def swallow_everything(path: str, seconds: float) -> None:
    """Wait with a broad except around it, as a careless plugin does, then go on."""
    try:
        time.sleep(seconds)
    except Exception:
        mark(path, "swallowed the timeout")
    mark(path, "went on")


def touch_for_callback(job: Job, *_: object) -> None:
    """Leave a mark where the job's meta says."""
    Path(job.meta["path"]).touch()
