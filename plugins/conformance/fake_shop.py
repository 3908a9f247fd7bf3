"""A shop for tests: a real HTTP server on this machine, serving an application or what a test told it to say."""

from __future__ import annotations

import json as json_module
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from plugins.conformance.faults import Answer


@dataclass(frozen=True)
class Recorded:
    """A request that reached a fake shop; header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json_module.loads(self.body)


Script = Answer | Callable[[Recorded], Answer]


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer that carries a value as JSON."""
    return Answer(status, json_module.dumps(value).encode(), {"content-type": "application/json", **headers})


@dataclass
class FakeShop:
    """A shop that says what it was told to, and remembers what it was asked; `running` gives it an `address`."""

    requests: list[Recorded] = field(default_factory=list)
    address: str = ""
    _routes: dict[tuple[str, str], list[Script]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, *answers: Script) -> None:
        """Set the answers to `method path`, one after the other; the last one stays.

        Args:
            path: exactly as it arrives, without the query; "/orders/*" also stands for all below "/orders/".
            answers: an Answer, or a function that makes one of the request.
        """
        self._routes[method.upper(), path] = list(answers)

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        request = _recorded(environ)
        with self._lock:
            self.requests.append(request)
            script = self._script(request)
        answer = script(request) if callable(script) else script
        status = HTTPStatus(answer.status)
        start_response(f"{status.value} {status.phrase}", [*answer.headers.items()])
        return [answer.body]

    @contextmanager
    def running(self) -> Iterator[FakeShop]:
        """The shop, reachable at its `address`."""
        with served(lambda _: self) as self.address:
            yield self

    def _script(self, request: Recorded) -> Script:
        place = request.path
        while (request.method, place) not in self._routes:
            above = place.removesuffix("/*").rpartition("/")[0]
            if not above:
                return json_answer({"error": f"nothing is said to {request.method} {request.path}"}, 404)
            place = f"{above}/*"
        scripts = self._routes[request.method, place]
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]


def _recorded(environ: Mapping[str, Any]) -> Recorded:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    return Recorded(
        environ["REQUEST_METHOD"],
        environ["REQUEST_URI"].partition("?")[0],
        dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        headers,
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
    )


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        # The path as it was sent: PATH_INFO has lost its percent-encoding.
        return {**super().get_environ(), "REQUEST_URI": self.path}

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the calls are in `ShopHttp.calls`."""


@contextmanager
def served(make_app: Callable[[str], Any]) -> Iterator[str]:
    """The address of a WSGI application served from a thread on a free port; the socket listens before this returns.

    An application that raises ConnectionError drops the connection without a byte.

    Args:
        make_app: makes the application, given that address.
    """
    server = make_server("127.0.0.1", 0, lambda environ, start: [], server_class=_Server, handler_class=_Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    server.set_app(_dropping(make_app(address)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _dropping(app: Any) -> Any:
    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return app(environ, start_response)
        except ConnectionError as error:
            # The only way to tell this server to close the connection and say nothing.
            raise ConnectionAbortedError from error

    return answer
