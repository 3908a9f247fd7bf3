"""Whole numbers as people type them."""

from __future__ import annotations

import pytest

from is2_core.whole_numbers import TOO_LARGE, whole_number

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("7", 7),
        (" 007 ", 7),
        ("-3", -3),
        ("0" * 5000 + "5", 5),
        ("9" * 18, TOO_LARGE - 1),
        ("9" * 19, TOO_LARGE),
        (str(2**63), TOO_LARGE),
        ("-" + "9" * 4301, -TOO_LARGE),
        ("2.0", 2),
        ("2,00", 2),
        ("-10.0", -10),
        ("0.0", 0),
    ],
)
def test_digits_are_read_and_never_more_than_a_column_holds(typed: str, number: int) -> None:
    assert whole_number(typed) == number
    assert abs(number) < 2**63


@pytest.mark.parametrize(
    "typed",
    ["", " ", "-", "--1", "+1", "1_000", "1,000", "2.5", "2.", ".0", "2.0.0", "1e3", "٣", "٢.0", "²", "1 000", "0x10",
     "1\0"],
)  # fmt: skip
def test_anything_else_is_no_number(typed: str) -> None:
    assert whole_number(typed) is None
