"""Forms made from declared fields (`plugins.interface.Field`): a cart or a warehouse needs no template of its own, and
a page that declares its fields none for each of them. The macro `declared` draws a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

from flask import request
from werkzeug.datastructures import MultiDict
from wtforms.fields import Field as DrawnField, SelectChoice, SelectField, StringField
from wtforms.form import BaseForm
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, DateInput, NumberInput, PasswordInput, TextInput, URLInput

from is2_core.carts.fields import advice_of, check_field, most_of
from is2_core.errors import BadInput, FlowError
from plugins.interface import Field, FieldKind

# What is not here is a drop-down. A password's widget never draws its value.
_INPUTS = {
    FieldKind.TEXT: TextInput(),
    FieldKind.INTEGER: NumberInput(step=1),
    FieldKind.SECRET: PasswordInput(),
    FieldKind.BOX: CheckboxInput(),
    FieldKind.DATE: DateInput(),
    FieldKind.URL: URLInput(),
    FieldKind.SHOP_URL: URLInput(),
}
_YES_NO = (("yes", "Yes"), ("no", "No"))


class DeclaredForm(BaseForm):  # type: ignore[misc]  # WTForms ships no types
    """A form whose fields are found by their keys; `form_class` makes its classes.

    Every value is text as an action takes it: a box is "yes" or "no". A cart names its keys freely, so none of them is
    an attribute.

    Args:
        values: to show before anything is typed; a field's default where there is none.
        typed: what was sent, which then stands for all fields; None where the page is only looked at.
    """

    declared: ClassVar[Mapping[str, Field]]
    unbound: ClassVar[Mapping[str, DrawnField]]

    def __init__(self, values: Mapping[str, str], typed: MultiDict[str, str] | None = None) -> None:
        super().__init__(self.unbound)
        self.process(typed, data=values if typed is None else {key: _not_sent(f) for key, f in self.declared.items()})
        for key, field in self.declared.items():
            self[key].flags.advice = advice_of(field, self[key].data)

    def checked(self) -> dict[str, str]:
        """Return what was typed, by key.

        Raises:
            BadInput: the first of the problems; each of them stands at its field.
        """
        if not self.validate():
            wrong = next(field for field in self if field.errors)
            raise BadInput(wrong.errors[0], field=wrong.name)
        return dict(self.data)

    def refuse(self, error: FlowError) -> Self:
        """Have a refusal stand at its field, or in `form_errors` where it is about none of these; returns the form."""
        if error.field not in self:
            self.form_errors.append(error.message)
        elif not self[error.field].errors:
            self[error.field].errors = [error.message]
        wrong = next((field for field in self if field.errors), None)
        if wrong is not None:
            wrong.render_kw = {**(wrong.render_kw or {}), "autofocus": True}
        return self


class _Check:
    """Refuses what the core refuses: nothing else knows which values are valid. The flags are hints for browsers."""

    def __init__(self, declared: Field, is_set: bool) -> None:
        self.declared, self.is_set = declared, is_set
        self.field_flags: dict[str, bool | int] = {}
        if declared.kind in _INPUTS and declared.kind is not FieldKind.BOX:
            self.field_flags = {"required": declared.required and not is_set, "optional": not declared.required}
        if declared.kind is FieldKind.TEXT:
            self.field_flags["maxlength"] = most_of(declared)
        if declared.minimum is not None:
            self.field_flags["min"] = declared.minimum
        if declared.maximum is not None:
            self.field_flags["max"] = declared.maximum

    def __call__(self, form: BaseForm, field: DrawnField) -> None:
        try:
            check_field(self.declared, field.data, is_set=self.is_set)
        except BadInput as error:
            raise ValidationError(error.message) from None


def form_class(fields: Iterable[Field], *, secrets_set: frozenset[str] = frozenset()) -> type[DeclaredForm]:
    """Make the form of declared fields.

    Args:
        secrets_set: keys of the SECRETs that are stored, and may be left empty to keep them.
    """

    class Made(DeclaredForm):
        declared = {field.key: field for field in fields}
        unbound = {key: _unbound(field, key in secrets_set) for key, field in declared.items()}

    return Made


def sent() -> MultiDict[str, str] | None:
    """Return what the browser sent of a form, None where it only looks at the page."""
    return request.form if request.method == "POST" else None


def _unbound(declared: Field, is_set: bool) -> DrawnField:
    common = {
        "label": declared.label,
        "description": declared.help,
        "default": declared.default,
        "validators": [_Check(declared, is_set)],
        "filters": [_without_nulls],
    }
    if declared.kind not in _INPUTS:
        choices = _YES_NO if declared.kind is FieldKind.YES_NO else declared.choices
        options = [SelectChoice(value, label) for value, label in choices]
        return SelectField(choices=options, validate_choice=False, **common)
    attributes = {
        FieldKind.INTEGER: {"inputmode": "numeric"},
        FieldKind.SECRET: {"autocomplete": "off", "placeholder": "set; leave empty to keep it" if is_set else ""},
    }
    return StringField(widget=_INPUTS[declared.kind], render_kw=attributes.get(declared.kind), **common)


def _not_sent(declared: Field) -> str:
    # A box that is not ticked is not sent at all.
    return "no" if declared.kind is FieldKind.BOX else ""


def _without_nulls(text: str) -> str:
    # PostgreSQL stores none.
    return text.replace("\0", "")
