"""`worker.py` with two more kinds of task: the whole work of `soak.empty` is one row of its own, and `soak.long` takes
its time before it writes one.

The row and the task's end are one commit, so what ran once is read off the data, not off the queue. The lease
may be shortened (IS2_SOAK_LEASE_S), so that a short soak still sees tasks recovered.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta

import sqlalchemy as sa

import worker
from is2_core.jobs import HANDLERS
from is2_core.platform import Platform
from is2_core.tasks import run

EMPTY, LONG = "soak.empty", "soak.long"
METADATA = sa.MetaData()
# No unique constraint on purpose: what happened twice must be seen, not prevented.
EFFECT = sa.Table(
    "soak_effect",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("task_id", sa.Integer, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
)
# Which process has begun a long task, and how often one did.
BEGUN = sa.Table(
    "soak_begun",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("task_id", sa.Integer, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
)
NOTE = sa.Table("soak_note", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))


def long(platform: Platform, task: run.TaskRun) -> None:
    """Work for the task's `seconds`, as one does that waits for many answers."""
    with task.write() as session:
        session.execute(sa.insert(BEGUN).values(task_id=task.id, pid=os.getpid()))
    end = time.monotonic() + float(task.payload["seconds"])
    while time.monotonic() < end:
        time.sleep(0.2)
        task.heartbeat()
    empty(platform, task)


def empty(platform: Platform, task: run.TaskRun) -> None:
    """Write the row."""
    with task.write() as session:
        session.execute(sa.insert(EFFECT).values(task_id=task.id, fence=task.fence))
        task.finish(session)


def shorten() -> None:
    """Apply the shortened lease."""
    if lease := os.environ.get("IS2_SOAK_LEASE_S"):
        run.LEASE = timedelta(seconds=float(lease))
        run.HEARTBEAT = run.LEASE / 4


if __name__ == "__main__":
    HANDLERS.update({EMPTY: empty, LONG: long})
    shorten()
    worker.main()
