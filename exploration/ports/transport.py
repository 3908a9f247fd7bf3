"""The transport port over a simulator in the same process: a pause before and after each call, and a fault at some."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from exploration.database import glance
from exploration.observer import Observer
from exploration.ports.faults import KILLED_AFTER, KILLED_BEFORE, Faults
from exploration.scheduler import Scheduler
from exploration.trace import Trace
from is2_core.calls.transport import DEADLINE_S, NoAnswer, Request
from is2_core.clock import VirtualClock
from plugins.amazon.simulator import Simulator
from plugins.amazon.simulator.messages import ConnectionDropped, Request as Question, Response
from plugins.amazon.simulator.operations import find_operation
from plugins.interface import Reply

_WITH_A_REGION: Final = re.compile(r"/(?:na|eu|fe)(/.*)")
_LISTS_ORDERS, _SHOWS_ORDERS = "searchOrders", ("searchOrders", "getOrder")
# The name of a piece: its task, and the fence it had before.
_RUN: Final = re.compile(r" t(?P<task>\d+)-(?P<fence>\d+)$")
# What is done to an answer here; all other kinds the simulator knows.
_DONE_HERE: Final = ("omit", "reorder", "stale")


def operation_of(question: Question) -> str:
    """Return the name of what is asked for, as `exploration.ports.faults` names it; "" for anything else."""
    path = question.path
    if path == "/auth/o2/token":
        return "token"
    if path.startswith("/documents/"):
        return "uploadDocument" if question.method == "PUT" else "downloadDocument"
    if path.startswith("/custom/"):
        return "downloadCustomization"
    place = _WITH_A_REGION.fullmatch(path)
    found = find_operation(question.method, place[1]) if place else None
    return found[0].name if found else ""


class InProcessTransport:
    """Hands requests to the simulator.

    Args:
        page_size: orders per page of a listing (Amazon: 100), so that few orders make many pages; may be changed.
        observer: sees every request before it reaches the simulator, and once it has.

    `listed` are the ids of the orders that reached a run in an answer to a listing, `forgotten` the paths of the
    confirmations that Amazon took and forgot.
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
        faults: Faults,
    ) -> None:
        self._simulator = simulator
        self._scheduler = scheduler
        self._clock = clock
        self._trace = trace
        self.page_size = page_size
        self._observer = observer
        self._faults = faults
        # What the platform was shown of each order and of each feed, the latest last.
        self._shown: dict[str, list[dict[str, Any]]] = {}
        self.listed: set[str] = set()
        self.forgotten: set[str] = set()

    def send(self, request: Request) -> Reply:
        self._scheduler.call()
        self._scheduler.pause("the request is on its way")
        question = self._question(request)
        operation = operation_of(question)
        kind = self._faults.draw("amazon", operation, lambda kind: kind != "forget" or self._is_open(question))
        if kind == KILLED_BEFORE:
            self._faults.struck("amazon", operation, kind)
        self._observer.before(question)
        try:
            answer = self._answered(question, operation, kind)
        except ConnectionDropped:
            self._observer.after(question)
            self._trace.add("amazon", f"{question.method} {question.path} dropped")
            self._scheduler.pause("no answer")
            raise NoAnswer("ConnectionDropped") from None
        self._observer.after(question)
        if operation == "createFeed" and answer.status == 202:
            self._befall_the_feed(question)
        self._trace.add("amazon", f"{question.method} {question.path} {answer.status} {len(answer.body)}")
        if kind == KILLED_AFTER:
            self._faults.struck("amazon", operation, kind)
        delay = min(answer.delay_s, DEADLINE_S)
        self._scheduler.pause("the answer is on its way", self._clock.now() + timedelta(seconds=delay))
        if answer.delay_s > DEADLINE_S:
            raise NoAnswer("Timeout")
        self._remember(operation, answer)
        return _reply(answer)

    def _answered(self, question: Question, operation: str, kind: str) -> Response:
        """Ask the simulator, and let a fault befall the call; noted only where it makes a difference."""
        if kind in ("", KILLED_BEFORE, KILLED_AFTER, *_DONE_HERE):
            answer = self._simulator.handle(question)
            body = self._damaged(kind, operation, answer) if kind in _DONE_HERE and answer.status == 200 else None
            if body is None:
                return answer
            self._faults.struck("amazon", operation, kind)
            return Response(200, answer.headers, body)
        more = {"seconds": self._faults.pick(5, 25, 45)} if kind == "delay" else {}
        armed = self._simulator.state.faults.arm(operation=operation, kind=kind, **more)
        try:
            answer = self._simulator.handle(question)
        except ConnectionDropped:
            self._faults.struck("amazon", operation, kind)
            raise
        met = self._simulator.state.faults.disarm(armed)
        # A page that leads to itself is one that leads somewhere.
        if met and not (kind == "dup_page" and b"nextToken" not in answer.body):
            self._faults.struck("amazon", operation, kind)
            if kind == "forget":
                self.forgotten.add(question.path)
        return answer

    def _damaged(self, kind: str, operation: str, answer: Response) -> bytes | None:
        """Leave out an order, turn their order around, or show one, or a feed, as it was; None where that changes
        nothing."""
        if operation == "getFeed":
            earlier = self._shown.get(answer.json()["feedId"], ())
            return next((_dumped(each) for each in reversed(earlier) if each != answer.json()), None)
        payload = answer.json()
        orders = [payload["order"]] if operation == "getOrder" else payload["orders"]
        if len(orders) < (2 if kind == "reorder" else 1):
            return None
        if kind == "reorder":
            orders.reverse()
        elif kind == "omit":
            # Listed before, perhaps, to a run that came to nothing.
            self.listed.discard(orders.pop()["orderId"])
        elif not any(self._make_older(order) for order in orders):
            return None
        return _dumped(payload)

    def _make_older(self, order: dict[str, Any]) -> bool:
        """Show an order as it was shown before, where it has changed since."""
        earlier = [each for each in self._shown.get(order["orderId"], ()) if each != order]
        if earlier:
            order.clear()
            order.update(earlier[-1])
        return bool(earlier)

    def _is_open(self, question: Question) -> bool:
        """Whether Amazon would take a confirmation: of a cancelled order it refuses each, and forgets none."""
        booked = self._simulator.state.book.get(question.path.split("/")[-2])
        return booked is not None and booked.status != "CANCELLED"

    def _befall_the_feed(self, question: Question) -> None:
        """Draw what befalls a feed that Amazon has taken, once it works it off."""
        body = question.json()
        skus = self._observer.skus_of.get(body["inputFeedDocumentId"], ())
        if kind := self._faults.draw("amazon", "feedProcessed", lambda kind: kind != "reject" or "LAMP-USB" in skus):
            more = {"sku": "LAMP-USB"} if kind == "reject" else {}
            self._simulator.state.faults.arm(operation="feedProcessed", kind=kind, **more)
            self._faults.struck("amazon", "feedProcessed", kind)

    def _remember(self, operation: str, answer: Response) -> None:
        """Note what the platform has now been shown."""
        if answer.status != 200 or operation not in (*_SHOWS_ORDERS, "getFeed"):
            return
        try:
            payload = answer.json()
        except ValueError:
            return
        if operation == "getFeed":
            self._shown.setdefault(payload["feedId"], []).append(payload)
            return
        for order in [payload["order"]] if operation == "getOrder" else payload["orders"]:
            self._shown.setdefault(order["orderId"], []).append(order)
            if operation == _LISTS_ORDERS and self._is_current():
                self.listed.add(order["orderId"])

    def _is_current(self) -> bool:
        """Whether the run that asked still has its task: one that lost it, frozen, imports nothing of what it is
        shown."""
        named = _RUN.search(self._scheduler.running)
        if named is None:
            return True
        ((fence,),) = glance(self._observer.db, "SELECT fence FROM task WHERE id = ?", named["task"])
        return bool(fence == int(named["fence"]) + 1)

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


def _dumped(payload: Any) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()


def _reply(answer: Response) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status, headers, answer.body, parsedate_to_datetime(headers["date"]))
