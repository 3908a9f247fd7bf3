"""Reads and writes the database without pause, in several threads, as a busy panel does; until it is terminated."""

from __future__ import annotations

import logging
import signal
import sys
import threading

import sqlalchemy as sa

from is2_core.config import Config
from is2_core.db.engine import Database
from is2_core.tasks.models import Task
from tests.support.soak_worker import NOTE

READERS, WRITERS = 3, 1
_WRITE_PAUSE_S = 0.02


def main() -> None:
    """Run until SIGTERM; anything that goes wrong ends the process with its traceback."""
    logging.basicConfig(level="WARNING")
    db = Database(Config.from_environment().database_url)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    failed = threading.Event()
    counts = {"reads": 0, "writes": 0}

    def read() -> None:
        with db.read() as session:
            session.execute(sa.select(Task.state, sa.func.count()).group_by(Task.state)).all()
            counts["reads"] += 1
        stop.wait(_WRITE_PAUSE_S)

    def write() -> None:
        with db.write() as session:
            session.execute(sa.insert(NOTE).values(text="a merchant saved something"))
            counts["writes"] += 1
        stop.wait(_WRITE_PAUSE_S)

    def loop(work: object) -> None:
        try:
            while not stop.is_set():
                work()  # type: ignore[operator]
        except Exception:
            logging.exception("the panel failed")
            failed.set()
            stop.set()

    threads = [threading.Thread(target=loop, args=(work,)) for work in [read] * READERS + [write] * WRITERS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"panel: {counts['reads']} reads, {counts['writes']} writes")
    sys.exit(1 if failed.is_set() else 0)


if __name__ == "__main__":
    main()
