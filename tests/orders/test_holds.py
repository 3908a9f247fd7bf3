"""Holds are a pure function: each reason, alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from is2_core.orders.holds.addresses import address_problem, address_problem_text
from is2_core.orders.holds.input import HoldConfig, HoldInput, LineInput, MethodConfig
from is2_core.orders.holds.reasons import REASONS, HoldCode, holds_for
from plugins.interface import Address

pytestmark = pytest.mark.unit

GOOD = HoldInput(
    lines=[LineInput("CART-1", 2)],
    shipping_method="STANDARD",
    has_address=True,
    address_problem="",
    cancellation_requested=False,
    unknown=[],
)
CONFIG = HoldConfig(
    methods={"standard": MethodConfig("GROUND", False)},
    mappings={"CART-1": {"WH-1": 1}},
    warehouse_skus=frozenset({"WH-1", "SAME"}),
    method_keys={"STANDARD": "standard", "FAST": "fast"},
)
HOME = Address(name="Ann", lines=("1 Main St",), city="Reno", region="NV", postal_code="89501", country="US")


def codes(order: HoldInput, config: HoldConfig = CONFIG) -> list[str]:
    return [hold.code.value for hold in holds_for(order, config)]


def test_every_reason_has_its_entry() -> None:
    assert REASONS.keys() == set(HoldCode)


def test_a_complete_order_is_not_held() -> None:
    assert codes(GOOD) == []


def test_a_sku_needs_no_mapping_where_the_warehouse_has_the_same() -> None:
    assert codes(replace(GOOD, lines=[LineInput("SAME", 1)])) == []


@pytest.mark.parametrize("sku", ["same", "SAME ", "", "WH-2"])
def test_an_unknown_sku_holds_and_case_and_spaces_matter(sku: str) -> None:
    assert codes(replace(GOOD, lines=[LineInput(sku, 1)])) == ["SKU_UNKNOWN"]


def test_a_line_with_nothing_open_does_not_matter() -> None:
    assert codes(replace(GOOD, lines=[LineInput("CART-1", 1), LineInput("GONE", 0)])) == []


def test_an_unknown_sku_on_two_lines_is_one_hold() -> None:
    assert codes(replace(GOOD, lines=[LineInput("X", 1), LineInput("X", 1)])) == ["SKU_UNKNOWN"]


def test_a_method_without_mapping_holds() -> None:
    assert codes(replace(GOOD, shipping_method="FAST")) == ["METHOD_UNMAPPED"]
    assert codes(replace(GOOD, shipping_method="")) == ["METHOD_UNMAPPED"]


def test_a_holding_method_can_be_waived() -> None:
    config = replace(CONFIG, methods={"standard": MethodConfig("GROUND", True)})
    assert codes(GOOD, config) == ["METHOD_HOLD"]
    assert codes(replace(GOOD, waived=frozenset({"METHOD_HOLD"})), config) == []


def test_a_missing_or_impossible_address_holds_and_cannot_be_waived() -> None:
    everything = frozenset({"ADDRESS_MISSING", "ADDRESS_IMPOSSIBLE"})
    assert codes(replace(GOOD, has_address=False, waived=everything)) == ["ADDRESS_MISSING"]
    assert codes(replace(GOOD, address_problem="STREET,CITY", waived=everything)) == ["ADDRESS_IMPOSSIBLE"]


def test_an_address_that_looks_incomplete_holds_until_a_person_has_looked() -> None:
    assert codes(replace(GOOD, address_problem="CITY")) == ["ADDRESS_INCOMPLETE"]
    assert codes(replace(GOOD, address_problem="CITY", waived=frozenset({"ADDRESS_INCOMPLETE"}))) == []


def test_a_cancellation_request_an_unknown_value_and_the_first_review_hold() -> None:
    assert codes(replace(GOOD, cancellation_requested=True)) == ["CANCELLATION_REQUESTED"]
    assert codes(replace(GOOD, unknown=["state 'X'"])) == ["UNKNOWN_VALUE"]
    assert codes(GOOD, replace(CONFIG, review_first=True)) == ["FIRST_REVIEW"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"name": " "}, "name"), ({"lines": ("",)}, "street"), ({"city": ""}, "city"), ({"country": "USA"}, "country")],
)
def test_an_address_that_nobody_can_deliver_to_is_named_without_quoting_it(changes: dict[str, str], word: str) -> None:
    problem = address_problem_text(address_problem(replace(HOME, **changes)))
    assert word in problem
    assert "Ann" not in problem
    assert "Reno" not in problem


def test_a_good_address_has_no_problem() -> None:
    assert address_problem(HOME) == ""
    assert address_problem(replace(HOME, name="", company="Acme")) == ""


SKUS = ["CART-1", "SAME", "GNOME", "CHAIR", ""]


@given(
    lines=st.lists(st.builds(LineInput, sku=st.sampled_from(SKUS), open=st.integers(0, 2)), max_size=6),
    answers=st.dictionaries(st.sampled_from(SKUS[1:4]), st.sampled_from(["hold", "not_from_here"])),
    setting=st.sampled_from(["hold", "not_from_here"]),
)
def test_each_open_line_is_shipped_held_or_not_shipped_from_here(
    lines: list[LineInput], answers: dict[str, str], setting: str
) -> None:
    config = replace(CONFIG, answers=answers, unknown_skus=setting)
    order = replace(GOOD, lines=lines)
    held = {hold.params["sku"] for hold in holds_for(order, config)}
    for sku in {line.sku for line in lines if line.open}:
        left_out, known = config.not_from_here(sku), bool(sku) and config.components(sku) is not None
        # Two lines of one SKU, and a kit's, fare alike: it is the SKU that is answered for.
        assert [left_out, sku in held, known and not left_out].count(True) == 1
        assert not left_out or sku not in CONFIG.mappings
        assert left_out or answers.get(sku) != "not_from_here"
        assert not left_out or answers.get(sku) != "hold"
    still_open = [line for line in lines if line.open]
    assert order.nothing_from_here(config) == (
        bool(still_open) and all(config.not_from_here(line.sku) for line in still_open)
    )
