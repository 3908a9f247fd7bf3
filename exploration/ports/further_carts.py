"""The transport port of a world with further carts: what goes to their shops is answered in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from exploration.further import FurtherCart
from exploration.ports.faults import KILLED_BEFORE, Faults
from exploration.scheduler import Scheduler
from is2_core.calls.transport import DEADLINE_S, NoAnswer, Request, Transport
from is2_core.clock import VirtualClock
from plugins.interface import Reply

# They befall a call before the shop hears of it.
_BEFORE: Final = (KILLED_BEFORE, "refuse", "429", "5xx")
_STATUS: Final = {"429": 429, "5xx": 503}


class FurtherTransport:
    """Hands each request to the shop whose address it has, and all others on."""

    def __init__(
        self, ours: Sequence[FurtherCart], others: Transport, scheduler: Scheduler, faults: Faults, clock: VirtualClock
    ) -> None:
        self._carts = ours
        self._others = others
        self._scheduler = scheduler
        self._faults = faults
        self._clock = clock

    def send(self, request: Request) -> Reply:
        for entry in self._carts:
            if request.url.startswith(entry.address):
                return self._ask(entry, request)
        return self._others.send(request)

    def _ask(self, entry: FurtherCart, request: Request) -> Reply:
        self._scheduler.call()
        self._scheduler.pause("the request is on its way")
        operation = entry.operation(request)
        kind = self._faults.draw(entry.name, operation)
        if kind in _BEFORE:
            self._faults.struck(entry.name, operation, kind)
            self._scheduler.pause("the answer is on its way")
            if kind not in _STATUS:
                raise NoAnswer("ConnectionRefused")
            return Reply(_STATUS[kind], {"retry-after": "7"}, b'{"error": "Later."}', self._clock.now())
        answer = replace(entry.answer(request), server_time=self._clock.now())
        if kind:
            self._faults.struck(entry.name, operation, kind)
        delay = self._faults.pick(5, 25, 45) if kind == "delay" else 0
        until = self._clock.now() + timedelta(seconds=min(delay, DEADLINE_S))
        self._scheduler.pause("the answer is on its way", until)
        if delay > DEADLINE_S or kind == "apply_then_drop":
            raise NoAnswer("Timeout" if delay else "ConnectionDropped")
        return replace(answer, body=answer.body[: len(answer.body) // 2]) if kind == "truncate" else answer
