"""The simulated Amazon's steering addresses: what it is told to do, and what its own records say."""

from __future__ import annotations

from typing import Any

import requests

from cli.demo.errors import BadFile, DemoError

TIMEOUT_S = 60


class Simulator:
    """`/_sim/` of a running simulator."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._session = requests.Session()
        self._session.trust_env = False

    def generate(self, seller: str, count: int, seed: int) -> dict[str, list[str]]:
        """Make orders; the ids by what is special about them."""
        answer = self._post("orders/generate", {"seller": seller, "count": count, "seed": seed})
        return {branch: list(ids) for branch, ids in answer["branches"].items()}

    def load_examples(self, model_file: str) -> list[dict[str, str]]:
        """Take in the example orders of one of Amazon's model files; each with its seller and region.

        Raises:
            BadFile: it holds none, or they are not usable.
        """
        try:
            orders: list[dict[str, str]] = self._post("orders", {"model_file": model_file})["orders"]
        except DemoError as error:
            raise BadFile(f"{model_file} holds no example orders that can be used ({error}).") from error
        return orders

    def orders(self) -> list[dict[str, Any]]:
        """Every order Amazon has, in short."""
        return list(self._get("orders")["orders"])

    def order(self, order_id: str) -> dict[str, Any]:
        """One order as Amazon has it."""
        found: dict[str, Any] = self._get(f"orders/{order_id}")["order"]
        return found

    def calls(self) -> list[dict[str, Any]]:
        """The call log, oldest first."""
        return list(self._get("calls")["calls"])

    def cancel(self, order_id: str) -> None:
        """The buyer cancels."""
        self._post(f"orders/{order_id}", {"cancel": True})

    def advance(self, seconds: float) -> None:
        """Move Amazon's clock forward."""
        self._post("clock", {"advance_s": seconds})

    def arm(self, **fault: Any) -> None:
        """Arm a fault for calls to come."""
        self._post("faults", fault)

    def violations(self) -> list[dict[str, Any]]:
        """Where requests or replies broke Amazon's model files (none are checked where no folder is given)."""
        return list(self._get("violations")["violations"])

    def _get(self, path: str) -> dict[str, Any]:
        return self._read(self._session.get(f"{self._address}/_sim/{path}", timeout=TIMEOUT_S))

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        return self._read(self._session.post(f"{self._address}/_sim/{path}", json=body, timeout=TIMEOUT_S))

    @staticmethod
    def _read(answer: requests.Response) -> dict[str, Any]:
        content: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            raise DemoError(str(content.get("error", f"the simulator answered HTTP {answer.status_code}")))
        return content
