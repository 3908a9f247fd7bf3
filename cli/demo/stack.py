"""Everything `is2 up` starts, in a data folder of its own that goes away with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from cli.advance import Duration, move_clocks
from cli.demo.errors import BadFile, DemoError
from cli.lifeline import end_with_parent

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
FEED_DELAY_S = 2.0
_LOOK_EVERY_S = 0.1
# The demo's two servers must not be those of somebody's own trial.
_NOT_INHERITED = ("IS2_DATABASE_URL", "IS2_REDIS_URL", "IS2_PUBLIC_URL")


class Stack:
    """A running `is2 up`; use it as a context manager."""

    def __init__(self, workers: int = 2) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="is2-demo-"))
        self._workers = workers
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def panel(self) -> str:
        """The panel's address."""
        return str(self._read("addresses.json")["panel"])

    @property
    def simulator(self) -> str:
        """The simulated Amazon's address."""
        return str(self._read("addresses.json")["simulator"])

    def password(self, email: str) -> str:
        """The made-up password of a user."""
        return next(str(person["password"]) for person in self._read("users.json") if person["email"] == email)

    def advance(self, by: str) -> None:
        """Move IS2's clock and Amazon's forward together, as `is2 advance` does (90s, 15m, 12h).

        Raises:
            DemoError: they cannot be moved.
        """
        try:
            # Not as a command of its own: starting Python took ten times as long as this.
            move_clocks(Duration().convert(by, None, None), self.folder)
        except click.ClickException as error:
            raise DemoError(f"The clock cannot be moved: {error.message}") from error

    def kill_busy_worker(self) -> bool:
        """SIGKILL a worker that runs a task, and the child that runs it; False where none does."""
        for name, pid in self._read("processes.json").items():
            busy = _children(pid) if name.startswith("worker-") else []
            if busy:
                # The parent first: it would otherwise report its child's death and so hand the task back.
                for each in (pid, *busy):
                    os.kill(each, signal.SIGKILL)
                return True
        return False

    def __enter__(self) -> Stack:
        command = [sys.executable, "-m", "cli.main", "up", "--bare", "--data", str(self.folder)]
        ports = ["--port", "0", "--simulator-port", "0"]
        options = [*ports, "--workers", str(self._workers), "--feed-delay", str(FEED_DELAY_S)]
        with (self.folder / "up.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *options],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=end_with_parent(),
            )
        try:
            self._await_start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        # What broke off can be read up in the logs.
        if isinstance(error, BadFile) or not isinstance(error, DemoError):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _await_start(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (self.folder / "addresses.json").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "up.log").read_text(encoding="utf-8", errors="replace").strip()
                raise DemoError(f"The platform did not start: {said or 'no answer in time'}")
            time.sleep(_LOOK_EVERY_S)

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in _NOT_INHERITED}


def _children(pid: int) -> list[int]:
    """The child processes of a process (Linux)."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
