"""Requests as pages read them: what no page can use is taken out of forms, queries and addresses in this one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask, Request, abort, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import IntegerConverter, ValidationError

from is2_core.whole_numbers import whole_number

_NUL = "\0"


class Fields(ImmutableMultiDict[str, Any]):
    """The fields of a form or a query, without NUL, which PostgreSQL stores in no text; and files."""

    def __init__(self, mapping: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        given = ImmutableMultiDict(mapping or ())
        super().__init__([(_without_nul(key), _without_nul(value)) for key, value in given.items(multi=True)])

    def get(  # type: ignore[override]  # the stubs tell five cases apart, which come to this
        self, key: str, default: Any = None, type: Callable[[str], Any] | None = None
    ) -> Any:
        """Return a value, an `int` by the rule for all numbers: none that a column of the database cannot hold."""
        convert: Any = _number if type is int else type
        return super().get(key, default, convert)


class PanelRequest(Request):
    """A request whose forms and queries are `Fields`."""

    parameter_storage_class = Fields


class _Number(IntegerConverter):
    def to_python(self, value: str) -> int:
        number = whole_number(value)
        if number is None:
            raise ValidationError
        return number


def init_app(app: Flask) -> None:
    """Have requests read so; comes before any view is registered."""
    app.request_class = PanelRequest
    app.url_map.converters["int"] = _Number

    @app.before_request
    def refuse_nul() -> None:
        if _NUL in request.path:
            abort(404)


def _without_nul(value: Any) -> Any:
    return value.replace(_NUL, "") if isinstance(value, str) else value


def _number(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise ValueError(text)
    return number
