"""Handling requirements as the embedded warehouse stores them with an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plugins.warehouse import HandlingKind, HandlingRequirement


def to_json(requirements: Iterable[HandlingRequirement]) -> list[dict[str, Any]]:
    """Return them as they are stored."""
    return [{"kind": each.kind.value, "skus": list(each.skus), "value": each.value} for each in requirements]


def from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[HandlingRequirement, ...]:
    """Those that were stored so."""
    return tuple(HandlingRequirement(HandlingKind(each["kind"]), tuple(each["skus"]), each["value"]) for each in stored)
