"""The demo's progress: bars on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Show:
    """Steps and bars."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description:26}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._ids: dict[str, TaskID] = {}
        self._said: dict[str, int] = {}

    def step(self, message: str) -> None:
        """Say what begins."""
        self._console.print(message, highlight=False, soft_wrap=True)

    def bar(self, name: str, done: int, total: int) -> None:
        """How far something is."""
        if not self._console.is_terminal:
            if self._said.get(name, 0) != done:
                self._said[name] = done
                self._console.print(f"  {name}: {done} of {total}", highlight=False)
            return
        if name not in self._ids:
            self._ids[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._ids[name], completed=done, total=total)

    def __enter__(self) -> Show:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
