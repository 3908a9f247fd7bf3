"""Checks requests and replies against Amazon's own model files (Swagger 2.0), when a folder with them is given."""

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from plugins.amazon.simulator.clock import parse_time
from plugins.amazon.simulator.operations import OPERATIONS, Operation
from plugins.amazon.simulator.reading import whole_number

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
# Breaks the model, yet is what Amazon answers (amzn/selling-partner-api-models issue 2939).
_UNKNOWN_ORDER: dict[str, Any] = {"payload": {}}


class UnknownName(str):
    """Marks a problem that is nothing but a name the model does not know."""


class Models:
    """The model files of the operations served.

    `lenient`: names a request holds that the model does not know are noted only, as Amazon passes over them; everything
    else of a request, and every reply, is held to the model all the same.

    `tolerated` holds values seeded on purpose that no enum lists; nothing else is let through. `checked` counts what
    was checked, by operation and side (request, reply).

    Raises:
        FileNotFoundError: the folder lacks a model file.
    """

    def __init__(self, folder: str, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self.tolerated: set[str] = set()
        self.checked: dict[str, dict[str, int]] = {}
        self._files: dict[str, dict[str, Any]] = {}
        for name in {operation.model for operation in OPERATIONS.values() if operation.model}:
            self._files[name] = _read(Path(folder) / f"{name}.json")

    def forget(self) -> None:
        """Begin again: nothing is tolerated, nothing counted."""
        self.tolerated.clear()
        self.checked.clear()

    def request_problems(
        self, operation: Operation, path: Mapping[str, str], query: Mapping[str, str], body: Any
    ) -> list[str]:
        """Return what the model does not allow in a request; empty when it is in order."""
        if operation.model is None:
            return []
        self._count(operation, "request")
        known = {(each["in"], each["name"]): each for each in self._described(operation).get("parameters", [])}
        problems: list[str] = [
            UnknownName(f"query parameter {name} is unknown") for name in query if ("query", name) not in known
        ]
        for (place, name), parameter in known.items():
            if place == "body":
                self._check(body, parameter["schema"], "body", operation.model, problems)
            elif name in (sent := query if place == "query" else path):
                self._check_text(sent[name], parameter, name, operation.model, problems)
            elif parameter.get("required"):
                problems.append(f"{place} parameter {name} is missing")
        return problems

    def reply_problems(self, operation: Operation, status: int, body: bytes) -> list[str]:
        """Return what the model does not allow in a reply of the simulator's own."""
        if operation.model is None:
            return []
        self._count(operation, "reply")
        described = self._described(operation)["responses"].get(str(status))
        if described is None:
            return [f"status {status} is not one of the model's"]
        if "schema" not in described:
            return []
        payload = json.loads(body)
        if operation.name == "getOrderV0" and payload == _UNKNOWN_ORDER:
            return []
        problems: list[str] = []
        self._check(payload, described["schema"], "reply", operation.model, problems)
        return problems

    def check_definition(self, model: str, name: str, value: Any) -> list[str]:
        """Problems of one object against a named definition of a model file."""
        problems: list[str] = []
        self._check(value, self._files[model]["definitions"][name], name, model, problems)
        return problems

    def _count(self, operation: Operation, side: str) -> None:
        sides = self.checked.setdefault(operation.name, {})
        sides[side] = sides.get(side, 0) + 1

    def _described(self, operation: Operation) -> dict[str, Any]:
        assert operation.model is not None
        described: dict[str, Any] = self._files[operation.model]["paths"][operation.template][operation.method.lower()]
        return described

    def _check_text(self, text: str, parameter: dict[str, Any], where: str, model: str, problems: list[str]) -> None:
        """A query or path parameter: still text, lists separated by commas (Swagger's default)."""
        kind = parameter["type"]
        value: Any = text
        if kind == "array":
            value = text.split(",")
        elif kind == "boolean":
            value = {"true": True, "false": False}.get(text, text)
        elif kind in ("integer", "number"):
            value = _number_or(text)
        self._check(value, parameter, where, model, problems)

    def _check(self, value: Any, schema: dict[str, Any], where: str, model: str, problems: list[str]) -> None:
        schema = self._resolved(schema, model)
        kind = schema.get("type")
        wrong_bool = isinstance(value, bool) and kind in ("integer", "number")
        if kind and (wrong_bool or not isinstance(value, _TYPES[kind])):
            problems.append(f"{where} is {type(value).__name__}, not {kind}")
            return
        if isinstance(value, dict):
            self._check_object(value, schema, where, model, problems)
        elif isinstance(value, list):
            self._check_array(value, schema, where, model, problems)
        else:
            self._check_scalar(value, schema, where, problems)

    def _resolved(self, schema: dict[str, Any], model: str) -> dict[str, Any]:
        """The schema behind a reference, with the parts of an allOf put together."""
        if "$ref" in schema:
            schema = self._files[model]["definitions"][schema["$ref"].rsplit("/", 1)[1]]
        if "allOf" not in schema:
            return schema
        parts = [self._resolved(part, model) for part in schema["allOf"]]
        return {
            "type": "object",
            "properties": {name: inner for part in parts for name, inner in part.get("properties", {}).items()},
            "required": [name for part in parts for name in part.get("required", [])],
        }

    def _check_object(
        self, value: dict[str, Any], schema: dict[str, Any], where: str, model: str, problems: list[str]
    ) -> None:
        known = schema.get("properties", {})
        problems += [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
        others = schema.get("additionalProperties", not known)
        for name, inner in value.items():
            if name in known:
                self._check(inner, known[name], f"{where}.{name}", model, problems)
            elif isinstance(others, dict):
                self._check(inner, others, f"{where}.{name}", model, problems)
            elif not others:
                problems.append(UnknownName(f"{where}.{name} is unknown"))

    def _check_array(
        self, value: list[Any], schema: dict[str, Any], where: str, model: str, problems: list[str]
    ) -> None:
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            problems.append(f"{where} has {len(value)} entries")
        for number, inner in enumerate(value):
            self._check(inner, schema["items"], f"{where}[{number}]", model, problems)

    def _check_scalar(self, value: Any, schema: dict[str, Any], where: str, problems: list[str]) -> None:
        if "enum" in schema and value not in schema["enum"] and value not in self.tolerated:
            problems.append(f"{where} is {value!r}, not one of {', '.join(schema['enum'])}")
        if isinstance(value, str):
            if "pattern" in schema and not re.search(schema["pattern"], value):
                problems.append(f"{where} does not match {schema['pattern']}")
            if not _formatted(value, schema.get("format")):
                problems.append(f"{where} is not a {schema['format']}")
            if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
                problems.append(f"{where} has {len(value)} characters")
        elif not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            problems.append(f"{where} is {value}")


@cache
def _read(path: Path) -> dict[str, Any]:
    """A model file; nobody changes what is given."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _number_or(text: str) -> int | str:
    """The number that a text writes, or else the text, which then fails the check of its type."""
    try:
        return whole_number(text)
    except ValueError:
        return text


def _formatted(text: str, format: str | None) -> bool:
    try:
        if format == "date-time":
            parse_time(text)
        elif format == "date":
            date.fromisoformat(text)
    except ValueError:
        return False
    return True
