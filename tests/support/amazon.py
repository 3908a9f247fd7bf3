"""The simulated Amazon of a test: over real HTTP, on the test's virtual clock."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests

from is2_core.clock import Clock
from plugins.amazon.simulator import Simulator
from plugins.amazon.simulator.serving import Server

APPLICATION = {
    "application_id": "amzn1.sp.solution.is2-demo",
    "client_id": "amzn1.application-oa2-client.is2demo",
    "client_secret": "is2-demo-client-secret-0123456789",
    "draft": "no",
}
NORTHWIND = "A2SIMNA0000001"


class SimulatedAmazon:
    """Steers a running simulator."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str, **query: str) -> Any:
        """GET `/_sim/<path>`."""
        reply = requests.get(f"{self.address}/_sim/{path}", params=query, timeout=30)
        assert reply.ok, reply.text
        return reply.json()

    def post(self, path: str, body: Any) -> Any:
        """POST `/_sim/<path>`."""
        reply = requests.post(f"{self.address}/_sim/{path}", json=body, timeout=30)
        assert reply.ok, reply.text
        return reply.json()

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
        assert requests.delete(f"{self.address}/_sim/faults", timeout=30).ok

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """The calls of one operation so far."""
        calls: list[dict[str, Any]] = self.get("calls", operation=operation)["calls"]
        return calls


@contextmanager
def simulated_amazon(clock: Clock, **options: Any) -> Iterator[SimulatedAmazon]:
    """Run a simulator on a free port; its time is the given clock's."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def now() -> datetime:
            return clock.now()

        simulator = Simulator(clock=now, base_url=address, models=os.environ.get("IS2_SPAPI_MODELS") or None, **options)
        server = Server(simulator, listener)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield SimulatedAmazon(address)
        finally:
            server.stop()
            thread.join(timeout=10)
