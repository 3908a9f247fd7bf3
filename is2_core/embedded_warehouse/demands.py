"""Demands as the embedded warehouse stores them with an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plugins.warehouse import Demand, DemandKind


def to_json(demands: Iterable[Demand]) -> list[dict[str, Any]]:
    """What is stored of these demands."""
    return [{"kind": demand.kind.value, "skus": list(demand.skus), "value": demand.value} for demand in demands]


def from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[Demand, ...]:
    """The demands that were stored so."""
    return tuple(Demand(DemandKind(entry["kind"]), tuple(entry["skus"]), entry["value"]) for entry in stored)
