"""The simulated Amazon's steering addresses: what it is told to do, and what its own records say."""

from __future__ import annotations

from collections.abc import Mapping
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

    def generate(self, seller: str, seed: int, count: int | None, mix: Mapping[str, int]) -> dict[str, list[str]]:
        """Make orders, so many of a kind by `mix` or, without one, `count` of all kinds; the ids by their kind."""
        wanted = {"mix": dict(mix)} if mix else {"count": count}
        answer = self._post("orders/generate", {"seller": seller, "seed": seed, **wanted})
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

    def calls(self, seller: str) -> list[dict[str, Any]]:
        """The call log of a seller, oldest first."""
        return list(self._get(f"calls?seller={seller}")["calls"])

    def cancel(self, order_id: str) -> None:
        """The buyer cancels."""
        self._post(f"orders/{order_id}", {"cancel": True})

    def ship(self, order_id: str, items: Mapping[str, int]) -> None:
        """The seller confirms units by item in Seller Central."""
        self._post(f"orders/{order_id}", {"ship": {"items": dict(items)}})

    def change(self, order_id: str, fields: dict[str, Any]) -> None:
        """Change an order behind everybody's back."""
        self._post(f"orders/{order_id}", {"set": fields})

    def listings(self, seller: str) -> list[dict[str, Any]]:
        """A seller's listings."""
        return list(self._get(f"listings?seller={seller}")["listings"])

    def put_listing(self, seller: str, sku: str, **fields: Any) -> None:
        """Create or replace a listing."""
        self._post("listings", {"seller": seller, "sku": sku, **fields})

    def sellers(self) -> dict[str, dict[str, Any]]:
        """All sellers by id."""
        return {str(seller["seller"]): seller for seller in self._get("sellers")["sellers"]}

    def give_legacy_token(self, seller: str) -> None:
        """Have the seller's consent bring a token of the older API as well."""
        self._post("seller", {"seller": seller, "older_token": True})

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
