"""Runs pieces of the real, synchronous code as greenlets that take turns only where the scheduler says so.

A piece pauses around every HTTP call and after every commit: exactly where another process could get in between. No
unit of work is ever open at a pause (asserted), so all may share the one connection of an in-memory SQLite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import greenlet

from exploration.tally import Tally
from exploration.trace import Trace
from is2_core.clock import VirtualClock
from is2_core.db.unit import in_transaction
from is2_core.tasks.models import LEASE

# The fate of a piece at a commit.
KILLED, FROZEN = "killed", "frozen"


class Crash(BaseException):
    """The process that ran this piece was killed. Not an Exception: nothing may catch it and go on."""


@dataclass
class Piece:
    """One thing that runs.

    Args:
        doom: (fault point, hit) at which it is killed, or None.
        mortal: whether it may be killed, or frozen beyond its lease, at any moment; one of both befalls it at most.
        wake_at: before this instant it waits for a slow answer, or is frozen.
        called, struck: whether it has called a cart or the warehouse, and whether a call of it met a fault.
    """

    name: str
    thread: greenlet.greenlet
    doom: tuple[str, int] | None = None
    mortal: bool = False
    wake_at: datetime | None = None
    frozen: bool = False
    counts: bool = False
    dead: bool = False
    called: bool = False
    struck: bool = False
    hits: dict[str, int] = field(default_factory=dict)


class Scheduler:
    """Starts, resumes and kills pieces, one at a time.

    `counts`: whether those that start are counted in the tally: while faults last. `at_commit` is asked at each commit
    of a mortal piece what befalls it there: KILLED, FROZEN, "" for nothing.
    """

    def __init__(self, clock: VirtualClock, trace: Trace, tally: Tally | None = None) -> None:
        self._clock = clock
        self._trace = trace
        self._tally = Tally() if tally is None else tally
        self.counts = False
        self.at_commit: Callable[[str], str] = lambda point: ""
        self._running: Piece | None = None
        self.pieces: list[Piece] = []
        self.escaped: list[str] = []
        self.crashes = 0

    @property
    def running(self) -> str:
        """The name of the piece that runs now, "" outside of one."""
        return self._running.name if self._running else ""

    @property
    def mortal(self) -> bool:
        """Whether the piece that runs now may be killed."""
        return self._running is not None and self._running.mortal and not self._running.frozen

    def start(
        self, name: str, work: Callable[[], object], doom: tuple[str, int] | None = None, *, mortal: bool = False
    ) -> None:
        """Begin a piece; it runs until its first pause."""
        piece = Piece(name, greenlet.greenlet(lambda: self._live(piece, work)), doom, mortal, counts=self.counts)
        self.pieces.append(piece)
        self._trace.add(name, "starts" if doom is None else f"starts, to be killed at {doom[0]} {doom[1]}")
        self.resume(piece)

    def ready(self) -> list[Piece]:
        """The pieces that can be resumed now."""
        now = self._clock.now()
        return [piece for piece in self.pieces if piece.wake_at is None or piece.wake_at <= now]

    def resume(self, piece: Piece) -> None:
        """Let a piece run until its next pause or its end."""
        self._enter(piece, lambda: piece.thread.switch())

    def kill(self, piece: Piece) -> None:
        """Kill a piece where it pauses."""
        self._enter(piece, lambda: self._kill(piece))

    def pause(self, what: str, until: datetime | None = None) -> None:
        """Called inside a piece: let others run, at least up to `until`. Does nothing outside of one."""
        piece = self._running
        if piece is None:
            return
        if piece.dead:
            raise Crash
        if in_transaction():
            raise AssertionError(f"{piece.name} pauses at {what} with a unit of work open")
        piece.wake_at = until
        assert piece.thread.parent is not None
        piece.thread.parent.switch()
        piece.wake_at = None

    def call(self) -> None:
        """Note that the piece that runs calls a cart or a warehouse."""
        if self._running is not None:
            self._running.called = True

    def strike(self) -> None:
        """Note that the piece that runs met a fault."""
        if self._running is not None:
            self._running.struck = True

    def die(self, how: str) -> None:
        """Kill the piece that runs, where it is.

        Raises:
            Crash: always.
        """
        assert self._running is not None
        self._die(self._running, how)
        raise Crash

    def at_faultpoint(self, name: str) -> None:
        """The listener of `is2_core.faultpoints`."""
        piece = self._running
        if piece is None:
            return
        if piece.dead:
            # A killed process runs no `finally`: what those of a dead piece try to commit is refused.
            raise Crash
        piece.hits[name] = piece.hits.get(name, 0) + 1
        if piece.doom == (name, piece.hits[name]):
            self.die(f"is killed at {name}")
        fate = self.at_commit(name) if self.mortal and name.startswith("commit") else ""
        if fate:
            self._tally.acted("worker", f"{fate} {name}")
        if fate == KILLED:
            self.die(f"is killed at {name}")
        if name == "commit.after":
            self.pause(name, self._thaws(piece) if fate == FROZEN else None)

    def _thaws(self, piece: Piece) -> datetime:
        """Return until when a piece stays frozen: beyond its lease."""
        piece.frozen = True
        self._trace.add(piece.name, "is frozen")
        return self._clock.now() + 2 * LEASE

    def _kill(self, piece: Piece) -> None:
        self._die(piece, "is killed")
        piece.thread.throw(Crash)

    def _die(self, piece: Piece, how: str) -> None:
        self._trace.add(piece.name, how)
        self.crashes += 1
        piece.dead = True

    def _enter(self, piece: Piece, switch: Callable[[], object]) -> None:
        assert self._running is None
        self._running = piece
        try:
            switch()
        finally:
            self._running = None
        if piece.thread.dead:
            self.pieces.remove(piece)
            if piece.counts:
                self._tally.outside += piece.called
                self._tally.struck += piece.struck

    def _live(self, piece: Piece, work: Callable[[], object]) -> None:
        try:
            work()
        except Crash:
            return
        except Exception as error:
            # Whatever leaves the real code here would have left its process: a finding, not our end.
            self.escaped.append(f"{piece.name}: {type(error).__name__}: {error}")
        self._trace.add(piece.name, "ends")
