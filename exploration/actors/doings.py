"""The things that somebody of a run may do, each drawn by its weight."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from exploration.stores import Connected
from exploration.world import World

_DRAWS = 3


def within_reach(world: World) -> list[Connected]:
    """Return the integrations whose outcome is told from people's deeds: Amazon's that ship from the embedded
    warehouse. Of the others their modules tell what must hold."""
    elsewhere = {yard.integration.id for yard in world.yards}
    return [integration for integration in world.integrations if integration.id not in elsewhere]


class Doings:
    """Draws one that can be done.

    Args:
        who: whose they are, in trace and tally.
        weights: what is done -> how often it is drawn beside the others; returns whether there was something to do.
    """

    def __init__(self, who: str, weights: Mapping[Callable[[], bool], int], world: World, rng: random.Random) -> None:
        self._who = who
        self._weights = weights
        self._world = world
        self._rng = rng
        world.tally.possible(who, map(_name, weights))

    def act(self) -> bool:
        """Do one; False where the first that were drawn cannot be done, so that somebody else has a turn."""
        left = dict(self._weights)
        for _ in range(_DRAWS):
            (doing,) = self._rng.choices(list(left), list(left.values()))
            if doing():
                self._world.trace.add(self._who, _name(doing))
                self._world.tally.acted(self._who, _name(doing))
                return True
            del left[doing]
        return False


def _name(doing: Callable[[], bool]) -> str:
    return doing.__name__.strip("_").replace("_", " ")
