"""Forms drawn from declared fields (`plugins.interface.Field`), so that a cart needs no template of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from is2_core.errors import FlowError
from plugins.interface import Field, FieldKind


@dataclass(frozen=True)
class DrawnField:
    """A field with what stands in it.

    Args:
        error: why its value was refused, "" where it was not.
        is_set: whether a SECRET is stored; its value is never shown.
    """

    field: Field
    value: str = ""
    error: str = ""
    is_set: bool = False

    @property
    def input_type(self) -> str:
        """The HTML input type."""
        kinds = {
            FieldKind.INTEGER: "number",
            FieldKind.SECRET: "password",
            FieldKind.URL: "url",
            FieldKind.SHOP_URL: "url",
            FieldKind.DATE: "date",
        }
        return kinds.get(self.field.kind, "text")


def draw(
    fields: Iterable[Field],
    values: Mapping[str, str],
    *,
    error: FlowError | None = None,
    secrets_set: frozenset[str] = frozenset(),
) -> list[DrawnField]:
    """The fields with their values; the refusal stands at the field it is about."""
    return [
        DrawnField(
            field,
            "" if field.kind is FieldKind.SECRET else values.get(field.key, field.default),
            error.sentence if error is not None and field.key == error.field else "",
            field.key in secrets_set,
        )
        for field in fields
    ]


def typed(fields: Iterable[Field], form: Mapping[str, str]) -> dict[str, str]:
    """Return the values typed into the declared fields; anything else a request carries is left out.

    A box that is not ticked is not sent at all, so a missing BOX means "no".
    """
    return {
        field.key: form.get(field.key, "no" if field.kind is FieldKind.BOX else "").replace("\0", "")
        for field in fields
    }


def stray(fields: Iterable[DrawnField], error: FlowError | None) -> str:
    """The sentence for the top of the form: a refusal that is about none of its fields."""
    if error is None or any(field.error for field in fields):
        return ""
    return error.sentence
