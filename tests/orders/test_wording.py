"""What holds and timelines tell: each code has all there is to it, and nothing is stored as a finished text."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from is2_core.orders.holds.input import HoldConfig, HoldInput, LineInput, MethodConfig
from is2_core.orders.holds.reasons import REASONS, Actor, HoldCode, HoldReason, holds_for
from is2_core.orders.wording.events import EVENTS, Advice, Ended, EventCode, Told, held
from is2_core.orders.wording.parameters import ABOUT, Wording
from is2_core.orders.wording.stops import StopReason

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parent.parent.parent
STANDS = {"order": "AM1-7", "cart": "Tiny Shop", "address_missing": ""}
# What a wording names, as it is stored.
VALUES = {
    "holds": [[HoldCode.SKU_UNKNOWN, {"sku": "X"}], [HoldCode.CANCELLATION_REQUESTED, {}]],
    "quoted": {"1": {"reason": "Too late"}},
    "units": 2,
    "parcels": ["UPS 1Z"],
    "advice": Advice.STOP,
    "reason": StopReason.CANCELLED,
    "ended": Ended.ALL,
    "problem": "CITY",
    "state": "PARTLY_SHIPPED",
}


def given(wording: Wording) -> dict[str, object]:
    return {name: VALUES.get(name, f"<{name}>") for name in wording.names}


@pytest.mark.parametrize("code", HoldCode)
def test_every_reason_of_a_hold_says_all_there_is_to_it(code: HoldCode) -> None:
    reason = REASONS[code]
    assert reason.label
    assert reason.actor in Actor
    params = given(reason.wording)
    assert reason.wording.told(params, STANDS).strip()
    fix = reason.ends(params)
    assert fix.label
    assert fix.page in ("items", "shipping", "address", "approve", "read", "retry")
    assert reason.waivable == (fix.page == "approve"), "what a person may decide about is what the page offers"
    assert not reason.about or reason.about in reason.wording.names
    assert reason.about not in reason.wording.sealed, "what tells two holds apart lies open"


@pytest.mark.parametrize("code", HoldCode)
def test_a_hold_of_which_only_the_subject_is_stored_still_says_something(code: HoldCode) -> None:
    # As one of the release before, until it is worked out anew.
    reason = REASONS[code]
    params = {reason.about: "X"} if reason.about else {}
    assert reason.wording.told(params, STANDS).strip()
    assert reason.ends(params).label


@pytest.mark.parametrize("code", EventCode)
def test_every_code_of_a_timeline_is_worded(code: EventCode) -> None:
    text = Told(code, given(EVENTS[code])).text(STANDS)
    assert text.strip()
    assert "{" not in text
    assert EVENTS[code].told({}, {}) is not None, "what was erased leaves a gap, and no error"


@pytest.mark.parametrize("wording", [*EVENTS.values(), *(reason.wording for reason in REASONS.values())])
def test_parameters_are_values_of_json_and_only_named_ones_are_stored(wording: Wording) -> None:
    params = given(wording)
    plain, sealed = wording.stored(params)
    assert json.loads(json.dumps([plain, sealed or {}])) == [plain, sealed or {}]
    assert {**plain, **(sealed or {})} == params
    assert (sealed or {}).keys() == set(wording.sealed)
    # An entry of an earlier release is told by its text.
    assert not {"text", *ABOUT} & wording.names
    for wrong in ({**params, "more": 1}, {} if params else {"one": 1}):
        with pytest.raises(ValueError, match="are worded"):
            wording.stored(wrong)


def test_what_was_not_given_is_not_sealed() -> None:
    assert EVENTS[EventCode.CANCELLATION_REQUESTED].stored({"reason": ""}) == ({}, None)


def test_the_holds_of_one_entry_keep_apart_what_each_of_them_seals() -> None:
    cancel = HoldReason(HoldCode.CANCELLATION_REQUESTED, {"reason": "Too late"})
    unknown, caution = (
        HoldReason(HoldCode.SKU_UNKNOWN, {"sku": "X"}),
        HoldReason(HoldCode.CAUTION, {"message": "Look."}),
    )
    told = held([cancel, unknown, caution])
    plain, sealed = EVENTS[told.code].stored(told.params)
    assert "Too late" not in json.dumps(plain)
    assert "Look." not in json.dumps(plain)
    assert Told(told.code, json.loads(json.dumps({**plain, **(sealed or {})}))).text(STANDS) == (
        "The buyer has asked to cancel this order. Reason given: Too late. "
        "The SKU X is neither a warehouse SKU nor mapped to one. Look."
    )


def test_what_a_value_holds_is_never_read_as_a_template() -> None:
    for value in ("{sku}", "{0}", "{cart.__class__}", "%s", "{"):
        told = Told(EventCode.TRACKING, {"tracking_number": value})
        assert told.text(STANDS) == f"The cart has tracking number {value}."


def test_every_code_is_recorded_somewhere() -> None:
    used = {
        node.attr
        for folder in ("is2_core", "web")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "events.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "EventCode"
    }
    assert used | {EventCode.HELD.name} == {code.name for code in EventCode}


ORDER = HoldInput(
    lines=[LineInput("CART-1", 2, "DUE"), LineInput("", 1)],
    shipping_method="FAST",
    has_address=False,
    address_problem="",
    cancellation_requested=True,
    unknown=["state", "state", "speed: DRONE"],
    cancel_reason="Too late",
    has_caution=True,
    caution="Look.",
)


def test_a_check_finds_just_what_its_wording_names() -> None:
    config = HoldConfig(
        methods={"standard": MethodConfig("GROUND", True)}, method_keys={"STD": "standard"}, review_first=True
    )
    bad = HoldInput(**{**vars(ORDER), "has_address": True, "address_problem": "CITY", "shipping_method": "STD"})
    found = [*holds_for(ORDER, HoldConfig()), *holds_for(bad, config)]
    for hold in found:
        REASONS[hold.code].wording.stored(hold.params)
    assert len({hold.code for hold in found}) >= 10
    subjects = [(hold.code, hold.params.get(REASONS[hold.code].about, "")) for hold in holds_for(ORDER, HoldConfig())]
    assert len(subjects) == len(set(subjects)), "each subject is one row"
