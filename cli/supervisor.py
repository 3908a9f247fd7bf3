"""Keeps a handful of child processes running: the only supervisor we write (production uses systemd or compose)."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.lifeline import end_with_parent

STOP_TIMEOUT_S = 20.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
# A child that ran this long had started well; its next death begins with the shortest pause again.
_RAN_WELL_S = 60.0


@dataclass(frozen=True)
class Program:
    """A process to keep running: its name is also that of its log file.

    Args:
        listener: a socket that listens already and is handed on, so that nobody else takes its port between two starts.
    """

    name: str
    command: Sequence[str]
    listener: socket.socket | None = None


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    restart_at: float | None = field(default=None)


class Supervisor:
    """Starts programs, starts those again that die, ends all of them.

    Args:
        environment: of every child.
        log_folder: where each child's output is appended to `<name>.log`.
        say: called with a message when a child dies.
        changed: called after a child was started or started again.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log_folder: Path,
        say: Callable[[str], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._environment = dict(environment)
        self._log_folder = log_folder
        self._say = say
        self._changed = changed
        self._children: dict[str, _Child] = {}

    def start(self, program: Program) -> None:
        """Start a program."""
        self._children[program.name] = _Child(program, self._spawn(program), time.monotonic())
        self._changed()

    def processes(self) -> dict[str, int]:
        """The process id of each child that is alive, by name."""
        return {name: child.process.pid for name, child in self._children.items() if child.process.poll() is None}

    def log_of(self, name: str) -> Path:
        """Where a program writes to."""
        return self._log_folder / f"{name}.log"

    def has_died(self, name: str) -> bool:
        """Whether a program is not running now."""
        return self._children[name].process.poll() is not None

    def look(self) -> None:
        """Note who has died, and start again whose pause is over."""
        now = time.monotonic()
        for child in self._children.values():
            if child.restart_at is None and child.process.poll() is not None:
                self._note_death(child, now)
            elif child.restart_at is not None and now >= child.restart_at:
                child.process, child.started, child.restart_at = self._spawn(child.program), now, None
                self._changed()

    def stop(self) -> None:
        """Ask all to end, the last started first, and kill who does not within 20 s."""
        alive = [child.process for child in reversed(self._children.values()) if child.process.poll() is None]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in alive:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._children.clear()

    def _note_death(self, child: _Child, now: float) -> None:
        child.deaths = 1 if now - child.started > _RAN_WELL_S else child.deaths + 1
        pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (child.deaths - 1))
        child.restart_at = now + pause
        self._say(
            f"{child.program.name} {_how(child.process.returncode)}; it is started again in {pause:g} s "
            f"(see {self.log_of(child.program.name)})"
        )

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with self.log_of(program.name).open("ab") as log:
            return subprocess.Popen(
                program.command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[program.listener.fileno()] if program.listener else [],
                # Ctrl-C in a terminal is for this process, which ends its children in order.
                process_group=0,
                preexec_fn=end_with_parent(),
            )


def _how(returncode: int) -> str:
    if returncode < 0:
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"ended with code {returncode}"
