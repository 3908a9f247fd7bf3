"""Runs pieces of the real, synchronous code as greenlets that take turns only where the scheduler says so.

A piece pauses around every HTTP call and after every commit: exactly where another process could get in between. No
unit of work is ever open at a pause (asserted), so all may share the one connection of an in-memory SQLite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import greenlet

from exploration.trace import Trace
from is2_core.clock import VirtualClock
from is2_core.db.unit import in_transaction


class Crash(BaseException):
    """The process that ran this piece was killed. Not an Exception: nothing may catch it and go on."""


@dataclass
class Piece:
    """One thing that runs.

    Args:
        doom: (fault point, hit) at which it is killed, or None.
        wake_at: before this instant it waits for a slow answer.
    """

    name: str
    thread: greenlet.greenlet
    doom: tuple[str, int] | None = None
    wake_at: datetime | None = None
    dead: bool = False
    hits: dict[str, int] = field(default_factory=dict)


class Scheduler:
    """Starts, resumes and kills pieces, one at a time."""

    def __init__(self, clock: VirtualClock, trace: Trace) -> None:
        self._clock = clock
        self._trace = trace
        self._running: Piece | None = None
        self.pieces: list[Piece] = []
        self.escaped: list[str] = []
        self.crashes = 0

    @property
    def running(self) -> str:
        """The name of the piece that runs now, "" outside of one."""
        return self._running.name if self._running else ""

    def start(self, name: str, work: Callable[[], object], doom: tuple[str, int] | None = None) -> None:
        """Begin a piece; it runs until its first pause."""
        piece = Piece(name, greenlet.greenlet(lambda: self._live(piece, work)), doom)
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
            self._die(piece, f"is killed at {name}")
            raise Crash
        if name == "commit.after":
            self.pause(name)

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

    def _live(self, piece: Piece, work: Callable[[], object]) -> None:
        try:
            work()
        except Crash:
            return
        except Exception as error:
            # Whatever leaves the real code here would have left its process: a finding, not our end.
            self.escaped.append(f"{piece.name}: {type(error).__name__}: {error}")
        self._trace.add(piece.name, "ends")
