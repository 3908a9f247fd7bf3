"""The simulated Amazon of a test: over real HTTP, on the test's virtual clock."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from is2_core.clock import Clock
from plugins.amazon.simulator import ConnectionDropped, Request, Response, Simulator
from plugins.amazon.simulator.serving import Server

APPLICATION = {
    "application_id": "amzn1.sp.solution.is2-demo",
    "client_id": "amzn1.application-oa2-client.is2demo",
    "client_secret": "is2-demo-client-secret-0123456789",
    "draft": "no",
}
NORTHWIND = "A2SIMNA0000001"


class Stage:
    """A server that outlives the simulators it serves, one after the other: starting it costs more than most tests.

    Args:
        steered: the changes that were steered in the present simulator, each with its time, in their order.
        asked: how many requests reached it otherwise.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.simulator: Simulator | None = None
        self.steered: list[str] = []
        self.asked = 0
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Have the present simulator answer what came over HTTP; nobody answers between two."""
        with self._lock:
            self.asked += 1
            if self.simulator is None:
                raise ConnectionDropped("no simulator is on the stage")
            return self.simulator.handle(request)

    def steer(self, method: str, path: str, query: dict[str, str], body: bytes = b"") -> Any:
        """Ask the present simulator's `/_sim/`, without the way over HTTP, which tests of the simulator take."""
        with self._lock:
            assert self.simulator is not None
            if method != "GET":
                self.steered.append(f"{self.simulator.clock.now()} {method} {path} {body!r}")
            answer = self.simulator.handle(Request(method, f"/_sim/{path}", query, {}, body))
        assert answer.status == 200, answer.body
        return answer.json()

    @contextmanager
    def play(self, clock: Clock, **options: Any) -> Iterator[SimulatedAmazon]:
        """Serve a new simulator, whose time is the given clock's."""
        models = os.environ.get("IS2_SPAPI_MODELS") or None
        made = Simulator(clock=lambda: clock.now(), base_url=self.address, models=models, **options)
        with self._lock:
            self.simulator, self.steered, self.asked = made, [], 0
        try:
            yield SimulatedAmazon(self)
        finally:
            with self._lock:
                self.simulator = None


class SimulatedAmazon:
    """Steers a running simulator."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.address = stage.address

    def get(self, path: str, **query: str) -> Any:
        """GET `/_sim/<path>`."""
        return self.stage.steer("GET", path, query)

    def post(self, path: str, body: Any) -> Any:
        """POST `/_sim/<path>`."""
        return self.stage.steer("POST", path, {}, json.dumps(body).encode())

    def generate(self, seller: str = NORTHWIND, **mix: int) -> dict[str, list[str]]:
        """Generate orders; returns their ids by branch."""
        branches: dict[str, list[str]] = self.post("orders/generate", {"seller": seller, "mix": mix})["branches"]
        return branches

    def touch(self, *order_ids: str) -> None:
        """Give orders a change now, so that a listing by update time shows them."""
        for order_id in order_ids:
            self.post(f"orders/{order_id}", {"set": {"programs": ["PRIME"]}})

    def order(self, order_id: str) -> dict[str, Any]:
        """Return one order as the simulator knows it."""
        found: dict[str, Any] = self.get(f"orders/{order_id}")
        return found

    def fault(self, operation: str, kind: str, times: int = 1, **more: Any) -> None:
        """Arm a fault."""
        self.post("faults", {"operation": operation, "kind": kind, "times": times, **more})

    def heal(self) -> None:
        """Disarm every fault."""
        self.stage.steer("DELETE", "faults", {})

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """The calls of one operation so far."""
        calls: list[dict[str, Any]] = self.get("calls", operation=operation)["calls"]
        return calls


@contextmanager
def amazon_stage() -> Iterator[Stage]:
    """Run a server on a free port, for one simulator at a time."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        stage = Stage(f"http://127.0.0.1:{listener.getsockname()[1]}")
        server = Server(stage, listener)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield stage
        finally:
            server.stop()
            thread.join(timeout=10)


@contextmanager
def simulated_amazon(clock: Clock, **options: Any) -> Iterator[SimulatedAmazon]:
    """Run a simulator on a free port; its time is the given clock's."""
    with amazon_stage() as stage, stage.play(clock, **options) as amazon:
        yield amazon
