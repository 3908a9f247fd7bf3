"""`worker.py` with tasks that tell their process, their database connection and their account (into the file IS2_SEEN),
before one of them kills its process and another breaks off."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa

import worker
from is2_core.bootstrap import prepare
from is2_core.jobs import HANDLERS
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun


def tell(line: str) -> None:
    """Write one line."""
    with Path(os.environ["IS2_SEEN"]).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def look(platform: Platform, run: TaskRun) -> None:
    """The handler."""
    with platform.db.read() as session:
        backend = "file" if platform.db.is_sqlite else session.scalar(sa.text("SELECT pg_backend_pid()"))
    tell(f"{os.getpid()} {backend} {run.account_id}")


def die(platform: Platform, run: TaskRun) -> None:
    """Tell, and kill the process."""
    look(platform, run)
    os.kill(os.getpid(), signal.SIGKILL)


def fail(platform: Platform, run: TaskRun) -> None:
    """Tell, and break off by what nobody foresaw."""
    look(platform, run)
    raise ZeroDivisionError


if __name__ == "__main__":
    HANDLERS.update({"test.connection": look, "test.dies": die, "test.fails": fail})
    opened: list[object] = []
    sa.event.listen(sa.Engine, "connect", lambda connection, record: opened.append(connection))
    driver = "sqlite3" if prepare().db.is_sqlite else "psycopg"
    has_driver = driver in sys.modules
    worker.main()
    tell(f"parent loaded {'the' if has_driver else 'no'} driver and opened {len(opened) or 'no'} connection")
