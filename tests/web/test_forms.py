"""Forms made from declared fields: what they refuse is what the core refuses, and a key may be any name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from werkzeug.datastructures import MultiDict

from is2_core.carts.fields import MAX_TEXT, check_fields
from is2_core.errors import BadInput, Conflict
from plugins.interface import Field, FieldKind
from web.forms import DeclaredForm, form_class

LATENCY = Field("lead_days", "Latency", FieldKind.INTEGER, minimum=0, maximum=30, advised_minimum=2, advice="Short.")
NAME = Field("name", "Name")
COLOR = Field("color", "Color", FieldKind.CHOICE, choices=(("r", "Red"), ("g", "Green")))
KINDS = (NAME, LATENCY, COLOR, *(Field(kind, kind.title(), kind) for kind in FieldKind))
TEXTS = (
    "",
    " ",
    "plain",
    "0",
    "1",
    " 7 ",
    "31",
    "-1",
    "--1",
    "1.5",
    "\N{SUPERSCRIPT TWO}",
    "9" * 5000,
    "x" * MAX_TEXT,
    "x" * (MAX_TEXT + 1),
    "yes",
    "no",
    "maybe",
    "r",
    "Red",
    "2026-11-23",
    "2026-02-30",
    "https://shop.example.com/",
    "http://user@shop.example.com",
    "https://[",
    "javascript:alert(1)",
)


def sent(*fields: Field, secrets_set: frozenset[str] = frozenset(), **typed: str) -> DeclaredForm:
    return form_class(fields, secrets_set=secrets_set)({}, MultiDict(typed))


@pytest.mark.parametrize("is_set", [False, True])
@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("declared", KINDS, ids=lambda field: field.key)
def test_a_form_refuses_what_the_core_refuses(declared: Field, required: bool, is_set: bool) -> None:
    field = replace(declared, required=required)
    stored = {field.key: "stored"} if is_set and field.kind is FieldKind.SECRET else {}
    for text in TEXTS:
        form = sent(field, secrets_set=frozenset(stored), **{field.key: text})
        try:
            check_fields([field], {field.key: text}, stored=stored)
        except BadInput as error:
            with pytest.raises(BadInput) as refused:
                form.checked()
            assert (str(refused.value), refused.value.field) == (str(error), field.key)
            assert form[field.key].errors == [str(error)]
        else:
            assert form.checked() == {field.key: text}


def test_every_problem_stands_at_its_field_and_the_first_is_the_one_to_correct() -> None:
    form = sent(NAME, LATENCY, COLOR, name="Harbor", lead_days="31", color="blue")
    with pytest.raises(BadInput) as refused:
        form.checked()
    form.refuse(refused.value)
    assert form.errors == {
        "lead_days": ["Latency must be between 0 and 30."],
        "color": ["Color: choose one of the list."],
    }
    assert "autofocus" in form["lead_days"]() and "autofocus" not in form["color"]()
    assert [form[key].data for key in ("name", "lead_days", "color")] == ["Harbor", "31", "blue"]


@pytest.mark.parametrize(("field", "place"), [("name", ["name"]), ("elsewhere", []), (None, [])])
def test_a_refusal_of_the_action_stands_at_its_field_or_above_the_form(field: str | None, place: list[str]) -> None:
    form = sent(NAME, name="Harbor").refuse(Conflict("It is taken.", field=field))
    assert [key for key in ("name",) if form[key].errors] == place
    assert form.form_errors == ([] if place else ["It is taken."])


def test_what_was_not_sent_is_empty_and_never_what_was_stored() -> None:
    stored = {"name": "Harbor", "tick": "yes", "color": "g"}
    fields = (NAME, Field("tick", "Tick", FieldKind.BOX, default="yes"), COLOR)
    assert form_class(fields)(stored).data == stored
    assert form_class(fields)(stored, MultiDict()).data == {"name": "", "tick": "no", "color": ""}
    assert form_class(fields)({}).data == {"name": "", "tick": "yes", "color": ""}


def test_a_secret_is_drawn_empty_and_asked_for_only_once() -> None:
    key = Field("key", "Key", FieldKind.SECRET)
    form = sent(key, key="s3cret")
    assert form.checked() == {"key": "s3cret"}
    assert "s3cret" not in form["key"]() and " required" in form["key"]()
    form = sent(key, secrets_set=frozenset({"key"}), key="")
    assert form.checked() == {"key": ""}
    assert "leave empty to keep it" in form["key"]() and " required" not in form["key"]()


@pytest.mark.parametrize(
    ("text", "advice"), [("1", "Short."), (" 0 ", "Short."), ("2", ""), ("", ""), ("soon", ""), ("1" * 5000, "")]
)
def test_advice_stands_below_a_value_that_is_accepted_all_the_same(text: str, advice: str) -> None:
    assert form_class([LATENCY])({"lead_days": text})["lead_days"].flags.advice == advice
    form = sent(replace(LATENCY, required=False), lead_days=text)
    assert form["lead_days"].flags.advice == advice
    if advice:
        assert form.checked() == {"lead_days": text}


def test_a_number_may_be_below_zero_where_its_minimum_is() -> None:
    below = replace(LATENCY, minimum=-5, advised_minimum=None)
    assert check_fields([below], {"lead_days": "-5"}).values == {"lead_days": "-5"}
    with pytest.raises(BadInput, match="between -5 and 30"):
        sent(below, lead_days="-6").checked()


@pytest.mark.parametrize("key", ["data", "errors", "validate", "process", "meta", "declared", "form_errors", "_token"])
def test_a_key_may_be_any_name(key: str) -> None:
    form = sent(Field(key, "Key"), NAME, **{key: "typed", "name": ""})
    with pytest.raises(BadInput, match="Name is missing"):
        form.checked()
    assert [(field.name, field.data) for field in form] == [(key, "typed"), ("name", "")]


def test_what_no_database_takes_is_left_out() -> None:
    assert sent(NAME, COLOR, name="Har\0bor", color="r\0").checked() == {"name": "Harbor", "color": "r"}


def test_markup_of_a_cart_or_a_person_is_text() -> None:
    choice = Field("color", "<b>", FieldKind.CHOICE, choices=(("<i>", "<u>"),))
    form = form_class([choice, NAME])({"name": '"><script>'})
    assert "<script>" not in form["name"]()
    assert "<i>" not in form["color"]() and "<u>" not in form["color"]() and "<b>" not in form["color"].label()
