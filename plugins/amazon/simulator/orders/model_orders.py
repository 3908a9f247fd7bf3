"""The example orders in Amazon's orders model file, brought up to date."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from plugins.amazon.simulator.clock import iso, parse_time
from plugins.amazon.simulator.reading import read_json

_JUST_BEFORE = timedelta(minutes=10, seconds=30)


def example_orders(model_file: str, now: datetime) -> list[dict[str, Any]]:
    """Every example order of the file once, all its times moved alike so that it last changed just before now - 10 min.

    Raises:
        ValueError: the file is not a model file that holds example orders.
        OSError: it cannot be read.
    """
    model = read_json(Path(model_file).read_bytes())
    if not isinstance(model, dict) or "paths" not in model:
        raise ValueError(f"{model_file} is not a model file")
    found: dict[str, dict[str, Any]] = {}
    for example in _examples(model):
        for order in [example["order"]] if "order" in example else example.get("orders", []):
            found.setdefault(order["orderId"], order)
    if not found:
        raise ValueError(f"{model_file} holds no example orders")
    return [_shifted(order, now - _JUST_BEFORE - parse_time(order["lastUpdatedTime"])) for order in found.values()]


def _examples(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in model["paths"].values():
        for operation in operations.values():
            for reply in operation.get("responses", {}).values() if isinstance(operation, dict) else ():
                yield from reply.get("examples", {}).values()
                for case in reply.get("x-amzn-api-sandbox", {}).get("static", []):
                    yield case["response"]


def _shifted(value: Any, by: timedelta) -> Any:
    if isinstance(value, dict):
        return {key: _shifted(inner, by) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shifted(inner, by) for inner in value]
    if isinstance(value, str):
        try:
            return iso(parse_time(value) + by)
        except (ValueError, OverflowError):
            return value
    return value
