"""The call log: what was asked, what was answered, which orders were given and which acknowledged."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from plugins.amazon.simulator.clock import iso


@dataclass
class Call:
    """One call, or one effect the simulator worked off later (`feedProcessed`).

    `orders_given` are the orders whose data really went out, after any fault;
    `orders_acknowledged` those a processed feed acknowledged with Success.
    """

    number: int
    time: str
    operation: str
    method: str
    path: str
    query: dict[str, str]
    seller: str | None = None
    application: str | None = None
    status: int | None = None
    fault: str | None = None
    request_id: str = ""
    user_agent_names_language: bool = True
    orders_given: list[str] = field(default_factory=list)
    orders_acknowledged: list[str] = field(default_factory=list)
    orders_cancelled: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    skus: list[str] = field(default_factory=list)
    feed: str | None = None


class CallLog:
    """All calls since the last reset, oldest first."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def open(self, moment: datetime, operation: str, method: str = "", path: str = "", **more: Any) -> Call:
        """Write a new entry; the caller fills in the outcome."""
        call = Call(len(self._calls) + 1, iso(moment), operation, method, path, more.pop("query", {}), **more)
        self._calls.append(call)
        return call

    def listed(self, operation: str | None = None, seller: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """Entries with a number above `since`, as JSON objects."""
        return [
            asdict(call)
            for call in self._calls[since:]
            if operation in (None, call.operation) and seller in (None, call.seller)
        ]
