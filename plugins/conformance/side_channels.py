"""Notices what a cart reaches for past `ctx.http`: connections and programs, also from threads it starts."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

_CONNECTIONS = ("socket.connect", "socket.sendto")
_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn")
_PATIENCE_S = 1.0


class OwnWay(OSError):
    """A cart reached for the network or a program; nothing was sent or started. An OSError, so that libraries tidy up
    after it."""


class Watch:
    """Which threads are at work for a hook, and what they tried.

    Args:
        others: all other threads: the shop's, pytest's, and those they start.
        own: the threads the hook started.
        left: the names of those that went on after it.
    """

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.others = set(threading.enumerate()) - {threading.current_thread()}
        self.own: list[threading.Thread] = []
        self.left: list[str] = []

    def is_own(self) -> bool:
        """Whether the thread that runs now is at work for the hook."""
        return threading.current_thread() not in self.others

    def complaint(self, hook: str) -> str:
        """Return the problem with the ways out a hook took; "" where there is none."""
        if self.tried:
            return (
                f"{hook} {self.tried[0]} by itself: ctx.http.call is a cart's only way out, for it keeps to limits, "
                "hosts and deadlines"
            )
        if self.left:
            return f"{hook} left the thread {self.left[0]} at work; return when all is done, for nobody waits for it"
        return ""

    def wait(self) -> None:
        """Give the threads of the hook time to end, and note those that do not."""
        end = time.monotonic() + _PATIENCE_S
        for thread in self.own:
            thread.join(max(0.0, end - time.monotonic()))
        self.left = [thread.name for thread in self.own if thread.is_alive()]


class _ThisThread(threading.local):
    may_connect: bool = False


_this_thread = _ThisThread()
# At most one. The audit hook cannot be taken away again, so it looks here whether there is anything to do.
_watches: list[Watch] = []


@contextmanager
def watched() -> Iterator[Watch]:
    """Refuse every connection and program of this thread and of those it starts; others go on."""
    if _watches:
        # A token is minted while another hook is at work.
        yield _watches[0]
        return
    _listen()
    watch = Watch()
    _watches.append(watch)
    try:
        with patch.object(threading.Thread, "start", _counted(watch, threading.Thread.start)):
            try:
                yield watch
            finally:
                watch.wait()
    finally:
        _watches.clear()


@contextmanager
def allowed() -> Iterator[None]:
    """Let this thread connect while it is watched: for the one way out."""
    _this_thread.may_connect = True
    try:
        yield
    finally:
        _this_thread.may_connect = False


def _counted(watch: Watch, original: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def start(self: threading.Thread) -> None:
        if watch.is_own():
            original(self)
            watch.own.append(self)
        else:
            watch.others.add(self)
            original(self)

    return start


@cache
def _listen() -> None:
    """Once for the whole process."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    watch = next(iter(_watches), None)
    if watch is None or event not in (*_CONNECTIONS, *_PROGRAMS) or _this_thread.may_connect:
        return
    if watch.is_own():
        program = arguments[0] if arguments else "another process"
        what = f"opened a connection to {arguments[1]}" if event in _CONNECTIONS else f"started {program!r}"
        watch.tried.append(what)
        raise OwnWay(what)
