"""The count of who did what in a run, and how often: what never happens proves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

# Over as many seeds everything must happen at least as often; over fewer, as often as luck leaves of its share.
SEEDS, LEAST = 500, 20
_LUCK = 3.0


@dataclass
class Tally:
    """The doings that had their effect.

    Args:
        counts: (who, what) -> how often; 0 for what could be done and was not.
        outside: the task runs that called a cart or a warehouse while faults lasted.
        struck: those of them that met a fault.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    outside: int = 0
    struck: int = 0

    def possible(self, who: str, what: Iterable[str]) -> None:
        """Expect these of somebody."""
        for each in what:
            self.counts[who, each] += 0

    def acted(self, who: str, what: str) -> None:
        """Somebody did something."""
        self.counts[who, what] += 1

    def add(self, other: Tally) -> None:
        """Count another run's as well."""
        self.counts.update(other.counts)
        self.outside += other.outside
        self.struck += other.struck

    def seldom(self, seeds: int) -> list[str]:
        """Return what happened less often than it must over so many seeds."""
        share = LEAST * seeds / SEEDS
        # What happens by luck is seldom further from its mean than three times its root.
        least = LEAST if seeds >= SEEDS else share - _LUCK * share**0.5
        return [f"{who} {what}: {count}" for (who, what), count in sorted(self.counts.items()) if count < least]

    def table(self) -> list[str]:
        """Return lines to print, one for each who."""
        of_whom: dict[str, list[str]] = {}
        for (who, what), count in sorted(self.counts.items()):
            of_whom.setdefault(who, []).append(f"{what} {count}")
        share = self.struck / self.outside if self.outside else 0
        return [
            *(f"  {who}: {', '.join(entries)}" for who, entries in of_whom.items()),
            f"  {self.outside} task runs called outside while faults lasted, {self.struck} ({share:.0%}) met one",
        ]
