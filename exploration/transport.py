"""The transport port over a simulator in the same process, with a pause before and after each call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from exploration.observer import Observer
from exploration.scheduler import Scheduler
from exploration.trace import Trace
from is2_core.calls.transport import DEADLINE_S, NoAnswer, Request
from is2_core.clock import VirtualClock
from plugins.amazon.simulator import Simulator
from plugins.amazon.simulator.messages import ConnectionDropped, Request as Question, Response
from plugins.interface import Reply


class InProcessTransport:
    """Hands requests to the simulator.

    Args:
        page_size: orders per page of a listing (Amazon: 100), so that few orders make many pages; may be changed.
        observer: sees every request before it reaches the simulator, and once it has.
    """

    def __init__(
        self,
        simulator: Simulator,
        scheduler: Scheduler,
        clock: VirtualClock,
        trace: Trace,
        *,
        page_size: int,
        observer: Observer,
    ) -> None:
        self._simulator = simulator
        self._scheduler = scheduler
        self._clock = clock
        self._trace = trace
        self.page_size = page_size
        self._observer = observer

    def send(self, request: Request) -> Reply:
        self._scheduler.pause("the request is on its way")
        question = self._question(request)
        self._observer.before(question)
        try:
            answer = self._simulator.handle(question)
        except ConnectionDropped:
            self._observer.after(question)
            self._trace.add("amazon", f"{question.method} {question.path} dropped")
            self._scheduler.pause("no answer")
            raise NoAnswer("ConnectionDropped") from None
        self._observer.after(question)
        self._trace.add("amazon", f"{question.method} {question.path} {answer.status} {len(answer.body)}")
        delay = min(answer.delay_s, DEADLINE_S)
        self._scheduler.pause("the answer is on its way", self._clock.now() + timedelta(seconds=delay))
        if answer.delay_s > DEADLINE_S:
            raise NoAnswer("Timeout")
        return _reply(answer)

    def _question(self, request: Request) -> Question:
        parts = urlsplit(request.url)
        query = dict(parse_qsl(parts.query)) | dict(request.params or {})
        if request.method == "GET" and parts.path.endswith("/orders"):
            query["maxResultsPerPage"] = str(self.page_size)
        headers = dict(request.headers or {})
        body = b""
        if request.json is not None:
            headers.setdefault("content-type", "application/json")
            body = json.dumps(request.json).encode()
        elif isinstance(request.data, bytes):
            body = request.data
        elif isinstance(request.data, Mapping):
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
            body = urlencode(request.data).encode()
        return Question(request.method, parts.path, query, headers, body)


def _reply(answer: Response) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status, headers, answer.body, parsedate_to_datetime(headers["date"]))
