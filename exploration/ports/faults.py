"""Faults, drawn for each call that leaves: which there are, and whether this call meets one."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from typing import Final

from exploration.scheduler import Scheduler
from exploration.tally import Tally
from exploration.trace import Trace

KILLED_BEFORE, KILLED_AFTER = "killed before", "killed after"
_KILLS = (KILLED_BEFORE, KILLED_AFTER)
_READ = ("429", "5xx", "html_200", "truncate", "delay", "refuse", "400", "403", *_KILLS)
_POLL = ("429", "5xx", "html_200", "truncate", "delay", "refuse", *_KILLS)
_WRITE = ("429", "5xx", "html_200", "delay", "403", "refuse", "apply_then_drop", *_KILLS)
# By operation of Amazon's; `feedProcessed` is what befalls a feed once it is worked off. Of what is called seldom no
# two kinds that come to the same; what seldom has an effect stands there several times.
AMAZON: Final[Mapping[str, tuple[str, ...]]] = {
    "searchOrders": (*_READ, "dup_page", "omit", "reorder", "stale"),
    "getOrder": (*_READ, "stale", "404"),
    "createFeedDocument": ("429", "5xx", "delay", "refuse", "truncate", *_KILLS),
    "uploadDocument": ("5xx", "delay", "refuse", "apply_then_drop", *_KILLS),
    "createFeed": ("5xx", "refuse", "apply_then_drop", "truncate", *_KILLS),
    "searchListingsItems": _READ,
    "confirmShipment": (*_WRITE, "forget"),
    "feedProcessed": ("fatal", "apply_then_fatal", "reject"),
    "getFeed": (*_POLL, "stale", "stale", "stale"),
    "getFeedDocument": _POLL,
    "downloadDocument": ("5xx", "truncate", "delay", "refuse", *_KILLS),
    "downloadCustomization": ("429", "5xx", "html_200", "delay", "refuse", *_KILLS),
    "token": ("5xx", "delay", "refuse", "apply_then_drop", "truncate", "html_200", "invalid_grant", *_KILLS),
}
# By call of the warehouse's port.
WAREHOUSE: Final[Mapping[str, tuple[str, ...]]] = {
    "place": ("not now", "no telling", "lost", *_KILLS),
    "find": ("down", *_KILLS),
    "cancel": ("down", "lost", *_KILLS),
    "stock": ("down", "empty", *_KILLS),
    "activity": ("down", "twice", *_KILLS),
    "shipments": ("down", "twice", *_KILLS),
}
# Of a further warehouse, which has one integration at most.
DECIDES_LATER: Final[Mapping[str, tuple[str, ...]]] = {
    "place": ("no telling", "lost", KILLED_AFTER),
    "find": ("down", KILLED_AFTER),
    "cancel": ("lost", KILLED_AFTER),
    "stock": ("down", KILLED_AFTER),
    "activity": ("down", "twice"),
    "shipments": ("down", "twice", KILLED_AFTER),
    "answers": ("down", KILLED_AFTER),
}
# What is called seldom is struck the more often. Without a token there is nothing else to befall.
_MORE_OR_LESS: Final = {
    "token": 0.3,
    **dict.fromkeys(("searchOrders", "activity", "shipments"), 0.8),
    **dict.fromkeys(("getFeed", "getFeedDocument", "createFeedDocument"), 1.4),
    **dict.fromkeys(("place", "cancel", "find", "confirmShipment"), 1.8),
    **dict.fromkeys(("downloadDocument", "downloadCustomization", "searchListingsItems"), 2.5),
    **dict.fromkeys(("uploadDocument", "getOrder"), 2.5),
    **dict.fromkeys(("createFeed", "feedProcessed"), 5),
}
_FURTHER: Final = 2
ALL: Final = {"amazon": AMAZON, "warehouse": WAREHOUSE}


Table = Mapping[str, tuple[str, ...]]


def draw_some(rng: random.Random, tables: Mapping[str, Table] = ALL) -> dict[str, dict[str, tuple[str, ...]]]:
    """Choose what may befall each call in one run: one kind of fault at least, so that most calls may meet one."""
    return {
        who: {name: tuple(rng.sample(kinds, rng.randint(1, len(kinds)))) for name, kinds in table.items()}
        for who, table in tables.items()
    }


class Faults:
    """Draws, for one run, once it has begun.

    `rate`: how many calls meet a fault, from 0 to 1.
    """

    def __init__(self, scheduler: Scheduler, trace: Trace, tally: Tally) -> None:
        self._chosen: Mapping[str, Mapping[str, Collection[str]]] = {}
        self._rng = random.Random(0)
        self._scheduler = scheduler
        self._trace = trace
        self._tally = tally
        self.rate = 0.0
        self._further: dict[str, Table] = {}
        for who, table in ALL.items():
            self._expect(who, table)

    def add(self, who: str, table: Table) -> None:
        """Have calls of a further plugin meet faults as well."""
        self._further[who] = table
        self._expect(who, table)

    def _expect(self, who: str, table: Table) -> None:
        for name, kinds in table.items():
            self._tally.possible(who, (f"{name} {kind}" for kind in kinds))

    def begin(self, chosen: Mapping[str, Mapping[str, Collection[str]]], rate: float, rng: random.Random) -> None:
        """From now on calls meet faults; `chosen` as from `draw_some`."""
        self._chosen, self.rate, self._rng = {**chosen, **draw_some(rng, self._further)}, rate, rng

    def end(self) -> None:
        """Nothing befalls a call any more."""
        self.rate = 0.0

    def draw(self, who: str, name: str, can: Callable[[str], bool] = lambda kind: True) -> str:
        """Return the kind of fault this call is to meet, "" for none.

        Args:
            can: whether a kind can have an effect on this call.
        """
        more = _MORE_OR_LESS.get(name, 1) * (_FURTHER if who in self._further else 1)
        if self._rng.random() >= self.rate * more:
            return ""
        kinds = [kind for kind in self._chosen[who].get(name, ()) if can(kind)]
        if not self._scheduler.mortal:
            kinds = [kind for kind in kinds if kind not in _KILLS]
        return self._rng.choice(kinds) if kinds else ""

    def pick(self, *numbers: int) -> int:
        """Return one of these, by luck."""
        return self._rng.choice(numbers)

    def struck(self, who: str, name: str, kind: str) -> None:
        """Note that a fault had its effect; raises Crash in the piece that runs where it is the piece's death."""
        self._tally.acted(who, f"{name} {kind}")
        self._trace.add(who, f"{name}: {kind}")
        self._scheduler.strike()
        if kind in _KILLS:
            self._scheduler.die(f"is {kind} {name}")
