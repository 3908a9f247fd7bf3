"""How much one call of a cart or a warehouse is given, so that little is lost with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from is2_core.tasks.run import TaskRun

CALLS = 10
TIME = timedelta(seconds=20)
# A few keys that needed no call say little of those behind them.
GROWTH = 4
# Where so many answers one after the other put everything off, each further call would only hear the same.
PUT_OFF_MAX = 2


class Pace:
    """How many keys the next call takes, so that its results are stored after 10 HTTP calls or 20 s.

    Nothing of an answer is known before the whole call returns, and a cart may make an HTTP call of its own for every
    key. So the first call takes one key, and each further one as many as the pace of the last allows.
    """

    def __init__(self, run: TaskRun, most: int, *, whole: bool = False) -> None:
        """Begin with one key or, with `whole` (whatever its size, a batch is a few HTTP calls or none), with `most`."""
        self._run = run
        self._most = most
        self.size = most if whole else 1

    @contextmanager
    def measured(self, keys: int) -> Iterator[None]:
        """Learn from the call made inside, which takes so many keys; one that raises teaches nothing."""
        clock = self._run.platform.clock
        calls, started = self._run.calls, clock.now()
        yield
        calls, took = self._run.calls - calls, clock.now() - started
        possible = max(self.size, keys) * GROWTH
        if calls > 0:
            possible = min(possible, keys * CALLS // calls)
        if took > timedelta(0):
            possible = min(possible, int(keys * (TIME / took)))
        self.size = max(1, min(self._most, possible))
