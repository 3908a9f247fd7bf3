"""Requests to the simulator and its replies, free of any web framework."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from plugins.amazon.simulator.reading import read_json


class ConnectionDropped(ConnectionError):
    """The caller gets no answer: the front closes the connection.

    An OSError on purpose: waitress and werkzeug both close the socket silently when one leaves the application.
    """


class RepeatedParameter(str):
    """Marks the value of a query parameter that was sent more than once."""


class CaseInsensitive(Mapping[str, str]):
    """Headers, looked up without regard to case."""

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items = {name.lower(): value for name, value in items.items()}

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` is as sent, still percent-encoded: a SKU may hold an encoded slash."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __post_init__(self) -> None:
        if not isinstance(self.headers, CaseInsensitive):
            object.__setattr__(self, "headers", CaseInsensitive(self.headers))

    @property
    def content_type(self) -> str:
        """Media type alone, lower case, without parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def json(self) -> Any:
        """The parsed body.

        Raises:
            ValueError: the body is not JSON that can be read.
        """
        return read_json(self.body)


@dataclass
class Response:
    """One HTTP answer. `delay_s` is how long the front holds it back (fault `delay`)."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0

    def json(self) -> Any:
        """The parsed body, for callers in the same process."""
        return json.loads(self.body.decode("utf-8"))


def json_response(status: int, payload: Any) -> Response:
    """A JSON answer; text stays readable (UTF-8, not escaped)."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(status, {"Content-Type": "application/json"}, body)


class ApiError(Exception):
    """An error answer of the Selling Partner API: `{"errors": [{code, message, details}]}`."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details

    def response(self) -> Response:
        """The answer to send."""
        error = {"code": self.code, "message": self.message, "details": self.details}
        answer = json_response(self.status, {"errors": [error]})
        answer.headers["x-amzn-ErrorType"] = self.code
        return answer


def invalid_input(message: str, details: str = "") -> ApiError:
    """400 as the Orders and Feeds operations word it."""
    return ApiError(400, "InvalidInput", message, details)


def bad_request(message: str, details: str = "") -> ApiError:
    """400 as the Listings operations word it."""
    return ApiError(400, "BAD_REQUEST", message, details)


def access_denied(details: str = "") -> ApiError:
    """403 for a missing, stale or foreign token (details say which) and for a missing role (details empty)."""
    return ApiError(403, "Unauthorized", "Access to requested resource is denied.", details)


def quota_exceeded() -> ApiError:
    """429, whichever bucket is empty."""
    return ApiError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")


def not_found(message: str) -> ApiError:
    """404 for a well-formed but unknown id."""
    return ApiError(404, "NotFound", message)
