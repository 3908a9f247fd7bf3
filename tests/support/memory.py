"""What a world was through before is restored, not done once more: many tests begin with the same steps.

A step is remembered under all that came before it since the database was empty: the steps taken, what was changed by
steering the simulator, and when. Anything else in between (a commit, a request to the simulator, a part that was
replaced or patched) ends it, and each further step is taken for real. So are the first two times of each: what no two
tests share is never kept, and a test that runs alone restores nothing.
"""

from __future__ import annotations

import copy
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

import pytest
import sqlalchemy as sa

from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import VirtualClock
from is2_core.platform import Platform
from plugins.amazon.simulator import Simulator
from plugins.amazon.simulator.state import State
from tests.support.amazon import SimulatedAmazon
from tests.support.saved_rows import Rows, save

T = TypeVar("T")
_MOST = 60

# Commits by address of a database, since it was empty.
commits: Counter[str] = Counter()


def count_commits(url: str, engine: sa.Engine) -> None:
    """Count the commits of an engine from now on."""
    sa.event.listen(engine, "commit", lambda connection: commits.update([url]))


@dataclass(frozen=True)
class _Kept:
    """What a step left behind: its result, the time, the rows; where it spoke to the simulator, that one's state as
    well, and what was taken from the buckets."""

    result: Any
    now: datetime
    rows: Rows
    amazon: State | None
    buckets: dict[str, Any]


Taken = tuple[str, ...]
_met: set[int] = set()
_kept: OrderedDict[Taken, _Kept] = OrderedDict()


class Memory:
    """The steps one world has taken; of one whose database was not empty nothing is remembered.

    Args:
        platform, clock, amazon: what the steps change.
        patched: by it a test changes what steps do.
    """

    def __init__(
        self, platform: Platform, clock: VirtualClock, amazon: SimulatedAmazon, patched: pytest.MonkeyPatch
    ) -> None:
        self._platform, self._clock, self._amazon, self._patched = platform, clock, amazon, patched
        self._url = platform.db.url
        self._taken: Taken | None = None
        self._look()
        is_new = commits.get(self._url) == 0 and isinstance(platform.buckets, MemoryBuckets)
        self._is_empty = is_new
        if is_new and not self._changes():
            self._taken = (self._url, amazon.address)

    def take(self, platform: Platform, step: str, do: Callable[[], T]) -> T:
        """Do a step on the platform, or have it done from memory; the same result either way."""
        steered = self._amazon.stage.steered[self._steered :]
        before, self._taken = self._taken, None
        if before is None or platform is not self._platform or self._signs() != self._seen:
            return do()
        taken = (*before, *steered, f"{self._clock.now()} {step}")
        if (kept := _kept.get(taken)) is not None:
            _kept.move_to_end(taken)
            self._restore(kept)
            result = cast("T", kept.result)
        else:
            asked, self._is_empty = self._amazon.stage.asked, False
            result = do()
            if hash(taken) in _met:
                _kept[taken] = self._keep(result, spoke=self._amazon.stage.asked > asked)
                if len(_kept) > _MOST:
                    _kept.popitem(last=False)
            _met.add(hash(taken))
        self._taken = taken
        self._look()
        return result

    def _look(self) -> None:
        self._seen, self._steered = self._signs(), len(self._amazon.stage.steered)

    def _signs(self) -> tuple[object, ...]:
        """What is other than it was once anything else has happened."""
        stage = self._amazon.stage
        warehouses = dict(self._platform.warehouses._manager.list_name_plugin())
        return commits[self._url], stage.asked, stage.simulator, warehouses, self._changes()

    def _changes(self) -> int:
        """How many parts a test has patched, and how many ears it has at the statements."""
        listeners = self._platform.db.engine.dispatch.before_cursor_execute
        return len(self._patched._setattr) + len(self._patched._setitem) + len(list(listeners))

    def _keep(self, result: object, *, spoke: bool) -> _Kept:
        now, rows = self._clock.now(), save(self._platform.db.engine)
        if not spoke:
            return _Kept(result, now, rows, None, {})
        return _Kept(result, now, rows, self._copied(self._simulator.state), copy.deepcopy(self._tokens()))

    def _restore(self, kept: _Kept) -> None:
        self._clock.advance_to(kept.now)
        kept.rows.restore(self._platform.db.engine, into_empty=self._is_empty)
        self._is_empty = False
        if kept.amazon is not None:
            self._simulator.begin(self._copied(kept.amazon))
            vars(self._platform.buckets).update(copy.deepcopy(kept.buckets))

    def _copied(self, state: State) -> State:
        """A copy of a state that goes by the present simulator's clock and model files."""
        theirs = self._simulator
        return copy.deepcopy(state, {id(state.clock): theirs.clock, id(state.models): theirs.models})

    def _tokens(self) -> dict[str, Any]:
        """What the buckets know but the time."""
        return {name: value for name, value in vars(self._platform.buckets).items() if name != "_clock"}

    @property
    def _simulator(self) -> Simulator:
        made = self._amazon.stage.simulator
        assert made is not None
        return made
