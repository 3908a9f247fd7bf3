"""A line of the table of benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One figure, best a ratio of two measurements of the same run: then it says something on any machine.

    Args:
        name: what was compared with what.
        measured: the figure.
        unit: "x" for a ratio.
        goal: what it should be at least or, with `less_is_better`, at most; None where there is no goal.
        figures: what it was computed from, with their units in their names.
    """

    name: str
    measured: float
    unit: str = "x"
    goal: float | None = None
    less_is_better: bool = False
    figures: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def missed(self) -> bool:
        """Whether there is a goal and it is not reached."""
        if self.goal is None:
            return False
        return self.measured > self.goal if self.less_is_better else self.measured < self.goal
