"""Transactions of two connections at once, in a chosen order, without waiting for clocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType

import sqlalchemy as sa

from is2_core.db.engine import Database

PATIENCE_S = 30
_WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class Gate:
    """A place in the code where the first to come stops until it is let on."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self._reached, self._open = threading.Event(), threading.Event()

    def stop(self) -> None:
        """Stop here, if nobody has before."""
        if self._free.acquire(blocking=False):
            self._reached.set()
            assert self._open.wait(PATIENCE_S), "nobody opened the gate"

    def wait(self) -> None:
        """Wait until somebody has come."""
        assert self._reached.wait(PATIENCE_S), "nobody came to the gate"

    def open(self) -> None:
        """Let the first one on."""
        self._open.set()


class Threads(AbstractContextManager["Threads"]):
    """Runs things in threads of their own; what they raise is raised at the end."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._pool = ThreadPoolExecutor()
        self._futures: list[Future[None]] = []

    def start(self, work: Callable[[], None]) -> Future[None]:
        """Start something."""
        future = self._pool.submit(work)
        self._futures.append(future)
        return future

    def until_blocked(self, future: Future[None], count: int = 1) -> None:
        """Wait until it is done or so many transactions wait for a lock; a writer of SQLite always waits for the
        whole of another."""
        if self._db.is_sqlite:
            return
        deadline = threading.Event()
        for _ in range(PATIENCE_S * 100):
            if future.done():
                return
            with self._db.engine.connect().execution_options(is2_writes=False) as connection:
                if connection.scalar(_WAITING) >= count:
                    return
            deadline.wait(0.01)
        raise AssertionError("it neither ended nor waits for a lock")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        for future in self._futures:
            future.result()
