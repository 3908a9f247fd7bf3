"""The way out a cart is given in a test: real HTTP, the core's rules, every call remembered, faults on demand."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from plugins.conformance import side_channels
from plugins.conformance.faults import Answer, Fault, answer_of
from plugins.interface import Clock, Effect, Permanent, RateLimited, Reply, Temporary

_DEADLINE_S = 30
_BUDGET_BACK = timedelta(seconds=90)


@dataclass(frozen=True)
class Call:
    """One call a cart made. `status` is None where no answer came; `fault` is what was put in its way."""

    operation: str
    effect: Effect
    method: str
    url: str
    status: int | None
    body_size: int
    fault: Fault | Answer | None


class ShopHttp:
    """`plugins.interface.CartHttp` over real HTTP.

    Args:
        hosts: allowed hosts, with a port where it is not the default one, "*.example.com" for any subdomain; None: all.
    """

    def __init__(self, clock: Clock, hosts: frozenset[str] | None = None) -> None:
        self._clock = clock
        self.hosts = hosts
        self._session = requests.Session()
        self._session.trust_env = False
        self._queue: deque[tuple[str | None, Fault | Answer | None]] = deque()
        self.calls: list[Call] = []
        self.always: Answer | None = None
        """Where set, every call is answered so, and nothing is sent."""

    def __enter__(self) -> ShopHttp:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def next_answers(self, *answers: Fault | Answer | None, operation: str | None = None) -> None:
        """Set the answers to the next calls, in this order; None lets one pass to the shop.

        Args:
            operation: the answers are for calls of this name, and others pass.
        """
        self._queue.extend((operation, answer) for answer in answers)

    def clear(self) -> int:
        """Forget the answers not met yet; how many there were."""
        left = len(self._queue)
        self._queue.clear()
        return left

    def call(
        self,
        operation: str,
        effect: Effect,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
    ) -> Reply:
        """See `plugins.interface.CartHttp.call`."""
        self._check_host(url)
        fault = self.always or self._take(operation)

        def note(status: int | None, size: int = 0) -> None:
            self.calls.append(Call(operation, effect, method, url, status, size, fault))

        if fault is Fault.NO_BUDGET:
            note(None)
            raise RateLimited(
                "The shop's limit for this kind of call is used up for the moment.",
                until=self._clock.now() + _BUDGET_BACK,
                detail=operation,
            )
        if isinstance(fault, Answer):
            note(fault.status, len(fault.body))
            return self._reply(fault.status, fault.headers, fault.body)
        if fault is not None and fault not in (Fault.CUT, Fault.DROPPED):
            answer = answer_of(fault, headers or {})
            note(answer.status, len(answer.body))
            return self._reply(answer.status, answer.headers, answer.body)
        try:
            with side_channels.allowed():
                response = self._session.request(
                    method,
                    url,
                    params=params,
                    headers=headers,
                    json=json,
                    data=data,
                    timeout=_DEADLINE_S,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            note(None)
            raise _no_answer(operation, effect) from error
        if fault is Fault.DROPPED:
            note(None)
            raise _no_answer(operation, effect)
        body = response.content[: len(response.content) // 2] if fault is Fault.CUT else response.content
        note(response.status_code, len(response.content))
        return self._reply(response.status_code, response.headers, body)

    def operations(self) -> list[str]:
        """The names of all calls made, in order."""
        return [call.operation for call in self.calls]

    def _take(self, operation: str) -> Fault | Answer | None:
        for place, (wanted, fault) in enumerate(self._queue):
            if wanted in (None, operation):
                del self._queue[place]
                return fault
        return None

    def _check_host(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.netloc.lower()
        if self.hosts is None or (
            parts.scheme in ("http", "https")
            and any(host == entry or (entry.startswith("*.") and host.endswith(entry[1:])) for entry in self.hosts)
        ):
            return
        raise Permanent(
            "This integration tried to call an address it may not call.",
            detail=f"{host!r} is not a host of the manifest or of a URL setting",
            code="HOST_NOT_ALLOWED",
        )

    def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
        lower = {name.lower(): value for name, value in headers.items()}
        date = lower.get("date")
        return Reply(status, lower, body, _utc(date) if date else self._clock.now().replace(microsecond=0))


def _utc(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None


def _no_answer(operation: str, effect: Effect) -> Temporary:
    return Temporary("The shop did not answer.", detail=operation, code="NO_ANSWER", unknown=effect is Effect.WRITE)
