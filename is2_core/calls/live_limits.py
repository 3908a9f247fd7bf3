"""Limits of calls to carts while a person waits for the page: how many, and how long.

A page holds a thread of the panel, and a shop may answer a byte a second. So an account has few such calls at a time,
all together leave threads free for everybody else, and each ends at one deadline, however many calls it makes.
Nobody queues: whoever comes while all are taken is told so at once.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Seconds a person waits for a cart, from the first call to the last byte.
LIVE_S = 10.0
AT_ONCE_OF_ACCOUNT = 2
# Fewer than the threads of any panel (web.serve.THREADS, and waitress's own default of 4).
AT_ONCE = 3


class AllTaken(Exception):
    """No further live call may begin now; `own` where it is the account's own calls that are in the way."""

    def __init__(self, *, own: bool) -> None:
        super().__init__("all live calls are taken")
        self.own = own


class LiveCalls:
    """The live calls of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Counter[int] = Counter()

    def take(self, account_id: int) -> None:
        """Count one call of an account more.

        Raises:
            AllTaken: that would be too many.
        """
        with self._lock:
            if self._open[account_id] >= AT_ONCE_OF_ACCOUNT:
                raise AllTaken(own=True)
            if self._open.total() >= AT_ONCE:
                raise AllTaken(own=False)
            self._open[account_id] += 1

    def give_back(self, account_id: int) -> None:
        """Count one call less."""
        with self._lock:
            self._open[account_id] -= 1
            self._open += Counter()


class LiveCall:
    """A call a person waits for. It counts from its first request to the cart: most hooks make none."""

    def __init__(self, calls: LiveCalls, account_id: int, until: float, counted: bool = False) -> None:
        self._calls, self.account_id, self.until, self.counted = calls, account_id, until, counted

    def begin(self) -> None:
        """Count it, unless it is counted already.

        Raises:
            AllTaken: it may not begin now.
        """
        if not self.counted:
            self._calls.take(self.account_id)
            self.counted = True

    def end(self) -> None:
        """Stop counting it."""
        if self.counted:
            self._calls.give_back(self.account_id)

    def left_s(self) -> float:
        """Return the seconds until its deadline, at least 0."""
        return max(0.0, self.until - time.monotonic())


_current: ContextVar[LiveCall | None] = ContextVar("is2_live_call", default=None)


def current() -> LiveCall | None:
    """Return the live call this flow of control is in; None in a task."""
    return _current.get()


@contextmanager
def person_waits(calls: LiveCalls, account_id: int, seconds: float | None = None) -> Iterator[LiveCall]:
    """Bound what is asked of carts inside. One inside another shares its place and ends no later.

    Args:
        account_id: whose call it is.
        seconds: how long all of it may take, LIVE_S where that is left out.
    """
    outer, until = _current.get(), time.monotonic() + (LIVE_S if seconds is None else seconds)
    if outer is None:
        call = LiveCall(calls, account_id, until)
    else:
        call = outer
        until, outer_until = min(until, outer.until), outer.until
        call.until = until
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)
        if outer is None:
            call.end()
        else:
            call.until = outer_until
